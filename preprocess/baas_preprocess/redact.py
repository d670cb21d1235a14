"""Make what the mask covers unrecognisable, and leave everything else as it is, bit by bit.

Inside, nothing stays (fill, solid), or of each cell a coarse mean (pixelate, blur). A JPEG is edited in its
coefficients.
"""

from baas_preprocess import libjpeg, raster
from baas_preprocess.cells import Footprint, Ints
from baas_preprocess.draw import BlockDrawing, Lifted, draw_blocks, draw_samples, lift
from baas_preprocess.facts import ImageFormat, Inspection, Mask, Method, Redacted
from baas_preprocess.outside import Digesting, cell_grids


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
    lifted = [Lifted.empty(Footprint.of(grid), 1) for grid in cell_grids(frame, mask)]
    outside = Digesting(frame)
    drawings: list[BlockDrawing] = []

    def draw(component: int, row: int, blocks: libjpeg.Blocks) -> Ints:
        if not drawings:  # the first row: all levels have been lifted by now
            for found, plane in zip(lifted, frame.planes, strict=True):
                drawings.append(draw_blocks(found, plane.steps, method, wraps=wraps))
        footprint = lifted[component].footprint
        places = footprint.row(row)
        columns = footprint.columns[places]
        if columns.size:
            blocks[columns] = drawings[component].coefficients(places)
        return columns

    (redacted,) = libjpeg.edit(
        data,
        libjpeg.Output(lift(lifted, outside), is_written=False),
        libjpeg.Output(draw, progressive=frame.is_progressive),
        frame=frame,
    )
    levels = tuple(found.levels(drawing.levels) for found, drawing in zip(lifted, drawings, strict=True))
    return Redacted(data=redacted, method=method, levels=levels, outside_digest=outside.digest)


def _redact_raster(data: bytes, inspection: Inspection, mask: Mask, method: Method) -> Redacted:
    picture = raster.read(data, inspection.format)
    outside_digest = raster.outside_digest(picture, mask)
    copy = picture.with_samples(picture.samples.copy())
    for band, columns, drawn in draw_samples(copy, mask, method, wraps=inspection.wraps):
        band[:, columns] = drawn
    return Redacted(data=raster.write(copy), method=method, outside_digest=outside_digest)
