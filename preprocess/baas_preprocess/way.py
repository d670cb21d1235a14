"""One panorama's way from its bytes to the bytes of a safe file. Read it top to bottom.

Nothing here knows where the bytes come from or go to: `treat.py` fetches before and publishes after.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from baas_crds.codes import ObjectClass
from baas_ledger.facts import SecondLook
from baas_preprocess import measures
from baas_preprocess.decode import decode
from baas_preprocess.detect import Detector
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Detection, Digest, Inspection, Mask, Pixels, Region
from baas_preprocess.inspection import inspect
from baas_preprocess.mask import mask
from baas_preprocess.merge import merge
from baas_preprocess.recipe import Recipe
from baas_preprocess.redact import redact
from baas_preprocess.remembering import Remembering
from baas_preprocess.scrub import scrub
from baas_preprocess.second_look import MOST_LOOKS, judge, still_visible
from baas_preprocess.upright import is_joined, stored_box, upright
from baas_preprocess.verify import verify
from baas_preprocess.views import seen, shown, views
from baas_preprocess.wanted import Wanted, regions_of

# The highest plates are 21 cm. One that filled more of the sphere would be within 26 cm of the camera.
HIGHEST_PLATE_DEGREES = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """A finished file that passed every check, and what is to be recorded about it."""

    data: bytes
    inspection: Inspection
    """Of the original."""
    found: Inspection
    """Of the finished bytes."""
    regions: tuple[Region, ...]
    """In the order in which they were found: those of the second look come last."""
    corrections: tuple[Region, ...]
    """What people want to be redacted, besides what was found."""
    mask: Mask
    """Of both."""
    second_look: SecondLook
    input_digest: Digest
    output_digest: Digest
    outside_digest: Digest
    """Of all that was left as it was; see `Redacted`."""
    seconds: dict[str, float]
    """Wall-clock seconds per step."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent per step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step; when it is done again, both times count."""
        start = time.perf_counter()
        try:
            with measures.step(name):
                yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A file that could be published, if nobody looks at it again."""

    data: bytes
    found: Inspection
    """Of the finished bytes."""
    regions: tuple[Region, ...]
    """Those that were found."""
    mask: Mask
    outside_digest: Digest


def make_safe(data: bytes, recipe: Recipe, detector: Detector, corrections: Sequence[Wanted] = ()) -> Safe:
    """Redact one picture. The same bytes, recipe, model and corrections give the same bytes.

    Corrections are redacted whatever the detector says.
    Raises `NotPublishable` when it cannot be made safe, `DependencyUnavailable` when the detector went away.
    """
    watch = Stopwatch()
    input_digest = digest_of(data)
    with watch.step("inspect"):
        inspection = inspect(data, max_pixels=recipe.max_pixels)
    with watch.step("decode"):
        pixels = decode(data, inspection)
    found = look(pixels, inspection, recipe, detector, watch)
    del pixels
    with watch.step("merge"):
        regions = joined(found, inspection)
    wanted = regions_of(corrections, inspection)
    finished = finish(data, inspection, regions, recipe, watch, corrections=wanted)
    second_look = SecondLook()
    if recipe.looks_again_at(input_digest):
        finished, second_look = look_again(finished, data, inspection, recipe, detector, watch, corrections=wanted)
    return Safe(
        data=finished.data,
        inspection=inspection,
        found=finished.found,
        regions=finished.regions,
        corrections=wanted,
        mask=finished.mask,
        second_look=second_look,
        input_digest=input_digest,
        output_digest=digest_of(finished.data),
        outside_digest=finished.outside_digest,
        seconds=watch.seconds,
    )


def look(
    pixels: Pixels,
    inspection: Inspection,
    recipe: Recipe,
    detector: Detector,
    watch: Stopwatch,
    *,
    is_shifted: bool = False,
) -> list[Detection]:
    """Return what the detector sees on a decoded picture and the recipe redacts, in the stored picture's pixels."""
    picture = upright(pixels, inspection.orientation)
    height_px, width_px = picture.shape[:2]
    wraps = is_joined(inspection)
    is_sphere = wraps and inspection.is_sphere
    with watch.step("tile"):
        plan = views(width_px, height_px, recipe.profile, wraps=wraps, is_sphere=is_sphere, is_shifted=is_shifted)
        pictures = [shown(picture, view) for view in plan]
    with watch.step("detect"):
        answers = detector.detect(pictures)
    return [
        replace(detection, box=stored_box(detection.box, inspection.orientation, width_px, height_px))
        for view, rows in zip(plan, answers, strict=True)
        for detection in seen(rows, view, width_px, height_px, wraps=wraps)
        if is_wanted(detection, recipe) and not is_absurd(detection, inspection)
    ]


def joined(found: Sequence[Detection], inspection: Inspection) -> tuple[Region, ...]:
    """Return the objects that the detections speak of."""
    return tuple(merge(found, inspection.width_px, wraps=is_joined(inspection)))


def is_wanted(detection: Detection, recipe: Recipe) -> bool:
    """Whether the recipe redacts a detection of this class and score."""
    confidence = recipe.confidence.get(detection.object_class)
    return confidence is not None and detection.score >= confidence


def is_absurd(detection: Detection, inspection: Inspection) -> bool:
    """Whether nothing of that size can be what it is called: a house front in a sphere that was taken for a plate."""
    shows_degrees = is_joined(inspection) and inspection.is_sphere
    height_degrees = 180 * (detection.box.bottom - detection.box.top) / inspection.height_px
    is_plate = detection.object_class is ObjectClass.LICENCE_PLATE
    return shows_degrees and is_plate and height_degrees > HIGHEST_PLATE_DEGREES


def finish(
    data: bytes,
    inspection: Inspection,
    regions: tuple[Region, ...],
    recipe: Recipe,
    watch: Stopwatch,
    *,
    corrections: tuple[Region, ...] = (),
) -> Finished:
    """Redact the regions of an original, and corrections, and check what came of it."""
    with watch.step("mask"):
        redaction = mask((*regions, *corrections), inspection, padding=recipe.padding, cells=recipe.cells)
    with watch.step("redact"):
        redacted = redact(data, inspection, redaction, recipe.method)
    with watch.step("scrub"):
        finished = scrub(redacted.data, data, inspection, redacted.levels)
    with watch.step("verify"):
        found = inspect(finished, max_pixels=recipe.max_pixels)
        found = verify(finished, found=found, source=inspection, mask=redaction, redacted=redacted)
    return Finished(data=finished, found=found, regions=regions, mask=redaction, outside_digest=redacted.outside_digest)


def look_again(
    finished: Finished,
    data: bytes,
    inspection: Inspection,
    recipe: Recipe,
    detector: Detector,
    watch: Stopwatch,
    *,
    corrections: tuple[Region, ...],
) -> tuple[Finished, SecondLook]:
    """Look at the finished bytes as a stranger would, and redact what is still visible, from the original anew.

    Ends after a look that saw nothing surely visible: whatever any look saw is redacted by then. Tiles that still show
    what they showed at the look before are not asked about again.
    """
    detector = Remembering(detector)
    regions = finished.regions
    found_before = len(regions)
    for looks in range(1, MOST_LOOKS + 1):
        with watch.step("second look"):
            pixels = decode(finished.data, finished.found)
            hits = look(pixels, finished.found, recipe, detector, Stopwatch(), is_shifted=True)
            del pixels
            judged = judge(hits, finished.mask)
        if judged.surest is not None and looks == MOST_LOOKS:
            raise still_visible(judged.surest, looks)
        if judged.visible:
            regions += joined(judged.visible, inspection)
            finished = finish(data, inspection, regions, recipe, watch, corrections=corrections)
        if judged.surest is None:
            break
    residuals = joined(judged.residual, inspection)
    return finished, SecondLook(looks=looks, found_later=len(regions) - found_before, residuals=len(residuals))
