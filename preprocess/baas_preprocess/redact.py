"""Make what the mask covers unrecognisable, and leave everything else as it is, bit by bit.

Of each cell only its mean stays (pixelate, blur) or nothing at all (solid). A JPEG is edited in its coefficients.
"""

import numpy as np

from baas_preprocess import libjpeg, raster
from baas_preprocess.cells import Footprint, Ints
from baas_preprocess.draw import BlockDrawing, block_values, draw_blocks, draw_samples, lift, sample_values
from baas_preprocess.facts import ImageFormat, Inspection, Mask, Method, Redacted


def redact(data: bytes, inspection: Inspection, mask: Mask, method: Method) -> Redacted:
    """Redact the picture and drop all metadata; the same picture, mask and method give the same bytes.

    Redacting the result again with the same mask and method changes nothing. With an empty mask the picture is only
    written anew. Raises `NotPublishable` for what cannot be written without loss.
    """
    if inspection.format is ImageFormat.JPEG:
        return _redact_jpeg(data, mask, method, wraps=inspection.wraps)
    return _redact_raster(data, inspection, mask, method)


def _redact_jpeg(data: bytes, mask: Mask, method: Method, *, wraps: bool) -> Redacted:
    frame = libjpeg.read_frame(data)
    footprints = [Footprint.of(grid) for grid in libjpeg.cell_grids(frame, mask)]
    levels = [np.empty((footprint.cells.size, 1), np.int16) for footprint in footprints]
    drawings: list[BlockDrawing] = []

    def draw(component: int, row: int, blocks: libjpeg.Blocks) -> None:
        if not drawings:  # the first row: all levels have been lifted by now
            for footprint, plane, lifted in zip(footprints, frame.planes, levels, strict=True):
                # Zero is mid-grey in every component.
                values = block_values(footprint, lifted if method is not Method.SOLID else np.zeros_like(lifted))
                drawings.append(
                    draw_blocks(footprint, values, plane.steps, is_smooth=method is Method.BLUR, wraps=wraps)
                )
        places = footprints[component].row(row)
        if places.start < places.stop:
            blocks[footprints[component].columns[places]] = drawings[component].coefficients(places)

    cleared, redacted = libjpeg.edit(
        data, libjpeg.Output(lift(footprints, levels)), libjpeg.Output(draw, progressive=frame.is_progressive)
    )
    return Redacted(data=redacted, outside_digest=libjpeg.digest_of_cleared(cleared, frame))


def _redact_raster(data: bytes, inspection: Inspection, mask: Mask, method: Method) -> Redacted:
    picture = raster.read(data, inspection.format)
    footprint = Footprint.of(mask.cells)
    samples = picture.samples.copy()
    if method is Method.SOLID:
        values = np.broadcast_to(_grey(picture), (mask.cell_count, samples.shape[2]))
    else:
        values = sample_values(footprint, samples, mask)
    for band, columns, drawn in draw_samples(
        footprint, values, samples, mask, is_smooth=method is Method.BLUR, wraps=inspection.wraps
    ):
        band[:, columns] = drawn
    return Redacted(
        data=raster.write(picture.with_samples(samples)), outside_digest=raster.outside_digest(picture, mask)
    )


def _grey(picture: raster.Raster) -> Ints:
    """One opaque mid-grey pixel."""
    pixel = np.full(picture.samples.shape[2], (picture.greatest + 1) // 2, np.int64)
    if picture.has_alpha:
        pixel[-1] = picture.greatest
    return pixel
