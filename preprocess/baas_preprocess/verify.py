"""Read the finished bytes as a stranger would, and trust nothing that was computed on the way but the proof.

The checks and their order are the list in `verify`; each raises with its own sentence.
"""

from dataclasses import replace

import numpy as np

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess import libjpeg, raster
from baas_preprocess.cells import Footprint
from baas_preprocess.container import jpeg, jpeg_metadata
from baas_preprocess.draw import BlockDrawing, Lifted, draw_blocks, draw_samples, lift
from baas_preprocess.facts import Digest, ImageFormat, Inspection, Levels, Mask, Method, Redacted
from baas_preprocess.outside import Digesting, cell_grids
from baas_preprocess.thumbnail import thumbnail_of

REBUILT_THUMBNAIL = "rebuilt thumbnail"


def verify(finished: bytes, *, found: Inspection, source: Inspection, mask: Mask, redacted: Redacted) -> Inspection:
    """Prove that the finished file may be published.

    `found` is the inspection of the finished bytes, `source` that of the original. Returns `found` as it was proven: a
    thumbnail that is made of the finished picture itself is no hidden picture, but `REBUILT_THUMBNAIL` in its metadata.
    Raises `NotPublishable` with the check that failed.
    """
    _has_the_same_shape(found, source)
    try:
        if found.format is ImageFormat.JPEG:
            outside, is_redacted, levels = _look_at_jpeg(finished, mask, redacted.method, wraps=found.wraps)
            found = _with_own_thumbnail(finished, found, levels)
        else:
            outside, is_redacted = _look_at_raster(finished, mask, redacted.method, found)
    except (NotPublishable, ValueError) as error:
        raise _failure(f"the finished file cannot be read: {error}") from error
    _has_no_hidden_images(found)
    if outside != redacted.outside_digest:
        raise _failure("the finished picture differs from the original outside of the mask")
    if not is_redacted:
        raise _failure(f"the finished picture shows more inside of the mask than {redacted.method} leaves")
    return found


def _with_own_thumbnail(finished: bytes, found: Inspection, levels: Levels) -> Inspection:
    """Tell a thumbnail of the finished picture from any other picture in the file: by making it once more.

    The file must be, byte by byte, what comes of putting that thumbnail into it; whatever then hides elsewhere is still
    hidden. Nothing that the file says about its thumbnail counts.
    """
    if not found.hidden_images:
        return found
    file = jpeg.walk(finished)
    metadata, density = jpeg_metadata.metadata_of(finished, file), jpeg_metadata.density_of(file)
    own = thumbnail_of(finished, levels)
    with_it, without_it = (
        jpeg_metadata.with_metadata(finished, file, metadata.kept(thumbnail), density) for thumbnail in (own, None)
    )
    if with_it != finished or without_it == finished:
        return found
    hidden = jpeg_metadata.metadata_of(without_it, jpeg.walk(without_it)).hidden
    return replace(found, hidden_images=hidden, metadata=(*found.metadata, REBUILT_THUMBNAIL))


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


def _look_at_jpeg(finished: bytes, mask: Mask, method: Method, *, wraps: bool) -> tuple[Digest, bool, Levels]:
    """Digest what is outside the mask, and tell whether each block inside is what the method would draw of it again.

    Also returns the levels of all blocks. Every coefficient is read, and libjpeg may not so much as warn: decoding to
    pixels would read no more of the file.
    """
    frame = libjpeg.read_frame(finished)
    outside = Digesting(frame)
    lifted = [Lifted.empty(Footprint.of(grid), 64) for grid in cell_grids(frame, mask)]
    libjpeg.edit(finished, libjpeg.Output(lift(lifted, outside), is_written=False), frame=frame)
    is_redacted = all(
        _is_drawn(found, draw_blocks(found, plane.steps, method, wraps=wraps))
        for found, plane in zip(lifted, frame.planes, strict=True)
    )
    return outside.digest, is_redacted, tuple(found.levels(found.inside[:, 0]) for found in lifted)


def _is_drawn(found: Lifted, drawing: BlockDrawing) -> bool:
    """Compare row by row, which stays in the processor's caches."""
    rows = map(found.footprint.row, range(found.footprint.grid.shape[0]))
    return all(np.array_equal(found.inside[places], drawing.coefficients(places)) for places in rows)


def _look_at_raster(finished: bytes, mask: Mask, method: Method, found: Inspection) -> tuple[Digest, bool]:
    picture = raster.read(finished, found.format)
    is_redacted = all(
        np.array_equal(band[:, columns], drawn)
        for band, columns, drawn in draw_samples(picture, mask, method, wraps=found.wraps)
    )
    return raster.outside_digest(picture, mask), is_redacted
