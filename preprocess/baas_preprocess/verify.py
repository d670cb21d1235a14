"""Read the finished bytes as a stranger would, and trust nothing that was computed on the way but the proof.

The checks and their order are the list in `verify`; each raises with its own sentence.
"""

import numpy as np

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess import libjpeg, raster
from baas_preprocess.cells import Footprint
from baas_preprocess.draw import Lifted, draw_blocks, draw_samples, lift
from baas_preprocess.facts import Digest, ImageFormat, Inspection, Mask, Method, Redacted


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
            outside, is_redacted = _look_at_jpeg(finished, mask, redacted.method, wraps=found.wraps)
        else:
            outside, is_redacted = _look_at_raster(finished, mask, redacted.method, found)
    except (NotPublishable, ValueError) as error:
        raise _failure(f"the finished file cannot be read: {error}") from error
    if outside != redacted.outside_digest:
        raise _failure("the finished picture differs from the original outside of the mask")
    if not is_redacted:
        raise _failure(f"the finished picture shows more inside of the mask than {redacted.method} leaves")


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


def _look_at_jpeg(finished: bytes, mask: Mask, method: Method, *, wraps: bool) -> tuple[Digest, bool]:
    """Digest what is outside the mask, and tell whether each block inside is what the method would draw of it again."""
    frame = libjpeg.read_frame(finished)
    lifted = [Lifted.empty(Footprint.of(grid), 64) for grid in libjpeg.cell_grids(frame, mask)]
    (cleared,) = libjpeg.edit(finished, libjpeg.Output(lift(lifted)))
    is_redacted = all(
        np.array_equal(found.inside, draw_blocks(found, plane.steps, method, wraps=wraps).coefficients(slice(None)))
        for found, plane in zip(lifted, frame.planes, strict=True)
    )
    return libjpeg.digest_of_cleared(cleared, frame), is_redacted


def _look_at_raster(finished: bytes, mask: Mask, method: Method, found: Inspection) -> tuple[Digest, bool]:
    picture = raster.read(finished, found.format)
    is_redacted = all(
        np.array_equal(band[:, columns], drawn)
        for band, columns, drawn in draw_samples(picture, mask, method, wraps=found.wraps)
    )
    return raster.outside_digest(picture, mask), is_redacted
