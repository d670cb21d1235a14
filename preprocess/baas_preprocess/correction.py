"""More redaction for a picture that is finished already, without its original.

The picture is treated as an original would be, by the same steps and with the same checks, so that everything outside
of the new boxes stays as it is, bit by bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest, Inspection, Mask, Region
from baas_preprocess.inspection import inspect
from baas_preprocess.mask import mask
from baas_preprocess.recipe import Recipe
from baas_preprocess.wanted import Wanted, regions_of
from baas_preprocess.way import Stopwatch, finish


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A file that may replace the one that was given, and what is to be recorded about it."""

    data: bytes
    inspection: Inspection
    """Of the file that was given."""
    found: Inspection
    """Of the corrected file."""
    regions: tuple[Region, ...]
    """One for each box, in their order, with the score 1."""
    mask: Mask
    """Of these boxes alone."""
    input_digest: Digest
    output_digest: Digest
    seconds: dict[str, float]
    """Wall-clock seconds per step."""

    @property
    def is_changed(self) -> bool:
        """False when all of it was redacted like this before, and nothing else was left to remove."""
        return self.input_digest != self.output_digest


def correct(data: bytes, wanted: Sequence[Wanted], recipe: Recipe) -> Corrected:
    """Redact more of a picture. Doing it again with the same boxes and recipe changes nothing.

    Of the recipe, method, cells, padding and the limit of pixels count. Raises `NotPublishable` when the file is none
    that can be redacted or the result does not pass the checks, `OutOfPicture` for a box that lies elsewhere, and
    `ValueError` without boxes.
    """
    if not wanted:
        raise ValueError("a correction needs at least one box")
    watch = Stopwatch()
    with watch.step("inspect"):
        inspection = inspect(data, max_pixels=recipe.max_pixels)
    finished = finish(data, inspection, regions_of(wanted, inspection), recipe, watch)
    return Corrected(
        data=finished.data,
        inspection=inspection,
        found=finished.found,
        regions=finished.regions,
        mask=finished.mask,
        input_digest=digest_of(data),
        output_digest=digest_of(finished.data),
        seconds=watch.seconds,
    )


def newly_masked(done: Corrected, earlier: Sequence[Region], recipe: Recipe) -> float:
    """Return the share of the picture's area that a correction masks beside what was masked earlier, 0..1.

    Earlier regions count with the padding of this recipe, whatever theirs was.
    """
    before, after = (
        mask(regions, done.inspection, padding=recipe.padding, cells=recipe.cells).share
        for regions in (earlier, (*earlier, *done.regions))
    )
    return after - before
