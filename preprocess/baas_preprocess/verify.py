"""Read the finished bytes as a stranger would, and trust nothing that was computed on the way but the proof.

The checks and their order are the list in `verify`; each raises with its own sentence.
"""

import numpy as np

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess import libjpeg, raster
from baas_preprocess.cells import Footprint
from baas_preprocess.draw import block_values, draw_blocks, draw_samples, lift, sample_values
from baas_preprocess.facts import Digest, ImageFormat, Inspection, Mask, Redacted


def verify(finished: bytes, *, found: Inspection, source: Inspection, mask: Mask, redacted: Redacted) -> None:
    """Prove that the finished file may be published.

    `found` is the inspection of the finished bytes, `source` that of the original. Raises `NotPublishable` with the
    check that failed.
    """
    _has_no_hidden_images(found)
    _has_the_same_shape(found, source)
    try:
        if found.format is ImageFormat.JPEG:
            libjpeg.decode(finished)
            outside, shows_only_cells = _look_at_jpeg(finished, mask, wraps=found.wraps)
        else:
            outside, shows_only_cells = _look_at_raster(finished, mask, found)
    except (NotPublishable, ValueError) as error:
        raise _failure(f"the finished file cannot be read: {error}") from error
    if outside != redacted.outside_digest:
        raise _failure("the finished picture differs from the original outside of the mask")
    if not shows_only_cells:
        raise _failure("the finished picture shows more than the mask's cells inside of the mask")


def _failure(sentence: str) -> NotPublishable:
    return NotPublishable(QuarantineReason.VERIFICATION_FAILED, sentence)


def _has_no_hidden_images(found: Inspection) -> None:
    if found.hidden_images:
        raise _failure(f"the finished file still holds {', '.join(found.hidden_images)}")


def _has_the_same_shape(found: Inspection, source: Inspection) -> None:
    for what in ("format", "width_px", "height_px", "orientation", "wraps", "unit_px"):
        ours, theirs = getattr(found, what), getattr(source, what)
        if ours != theirs:
            raise _failure(f"the finished file has {what} {ours}, the original has {theirs}")


def _look_at_jpeg(finished: bytes, mask: Mask, *, wraps: bool) -> tuple[Digest, bool]:
    """Digest what is outside the mask, and tell whether each block inside is what its cell's value alone gives."""
    frame = libjpeg.read_frame(finished)
    footprints = [Footprint.of(grid) for grid in libjpeg.cell_grids(frame, mask)]
    inside = [np.empty((footprint.cells.size, 64), np.int16) for footprint in footprints]
    (cleared,) = libjpeg.edit(finished, libjpeg.Output(lift(footprints, inside)))

    def is_drawn(*, is_smooth: bool) -> bool:
        return all(
            np.array_equal(
                blocks,
                draw_blocks(
                    footprint, block_values(footprint, blocks), plane.steps, is_smooth=is_smooth, wraps=wraps
                ).coefficients(slice(None)),
            )
            for footprint, blocks, plane in zip(footprints, inside, frame.planes, strict=True)
        )

    return libjpeg.digest_of_cleared(cleared, frame), is_drawn(is_smooth=False) or is_drawn(is_smooth=True)


def _look_at_raster(finished: bytes, mask: Mask, found: Inspection) -> tuple[Digest, bool]:
    picture = raster.read(finished, found.format)
    footprint = Footprint.of(mask.cells)
    values = sample_values(footprint, picture.samples, mask)

    def is_drawn(*, is_smooth: bool) -> bool:
        return all(
            np.array_equal(band[:, columns], drawn)
            for band, columns, drawn in draw_samples(
                footprint, values, picture.samples, mask, is_smooth=is_smooth, wraps=found.wraps
            )
        )

    return raster.outside_digest(picture, mask), is_drawn(is_smooth=False) or is_drawn(is_smooth=True)
