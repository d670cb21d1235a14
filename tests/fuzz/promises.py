"""What holds for every finished file, checked with as little of our own code as can be."""

import io
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import tifffile

from baas_preprocess import libjpeg, raster
from baas_preprocess.container.formats import metadata_of
from baas_preprocess.decode import decode
from baas_preprocess.facts import ImageFormat, Inspection, Mask, Method, Pixels, Redacted
from baas_preprocess.inspection import inspect
from baas_preprocess.redact import redact
from baas_preprocess.scrub import scrub
from baas_preprocess.thumbnail import LONG_SIDE_PX
from tests.safety.carving import pictures_behind_the_first
from tests.safety.thumbnails import colours, is_one_jpeg, place_of


def check_metadata(finished: bytes, source: Inspection) -> None:
    """Whatever stays is no picture, is read again as it was written, and stays as it is when scrubbed again."""
    found = inspect(finished, max_pixels=10**9)
    thumbnails = [place for place in [place_of(finished)] if place is not None]
    for place in thumbnails:
        check_thumbnail(finished, place)
    assert len(found.hidden_images) == len(thumbnails), found.hidden_images
    assert found.orientation == source.orientation
    pictures = pictures_behind_the_first(finished, besides=[*picture_data(finished), *thumbnails])
    assert pictures == [], pictures
    assert scrub(finished, finished, found) == finished
    assert metadata_of(finished).kept() == metadata_of(scrub(finished, finished, found)).kept()


def check_thumbnail(finished: bytes, place: range) -> None:
    """It is one JPEG, of what Pillow shows of the finished picture."""
    inside = finished[place.start : place.stop]
    assert is_one_jpeg(inside)
    with PIL.Image.open(io.BytesIO(finished)) as picture:
        shown = picture.convert("RGB")
    share = min(1, LONG_SIDE_PX / max(shown.size))
    width, height = (max(1, round(side * share)) for side in shown.size)
    assert colours(inside).shape == (height, width, 3)
    if max(shown.size) < 2 * LONG_SIDE_PX:  # from there on libjpeg leaves out what is too fine, which Pillow does not
        written = io.BytesIO()
        shown.resize((width, height), PIL.Image.Resampling.BILINEAR).save(written, "JPEG", quality=85)
        assert (colours(inside) == colours(written.getvalue())).all()


def picture_data(finished: bytes) -> list[range]:
    """Where the picture's own data stands, which no list of metadata decides about."""
    if finished.startswith(b"\xff\xd8"):
        return []
    if finished.startswith(b"\x89PNG"):
        return list(_png_data(finished))
    with tifffile.TiffFile(io.BytesIO(finished)) as file:
        page = file.pages.first
        places = zip(page.dataoffsets, page.databytecounts, strict=True)
        return [range(start, start + size) for start, size in places]


def _png_data(finished: bytes) -> Iterator[range]:
    at = 8
    while at < len(finished):
        end = at + 12 + int.from_bytes(finished[at : at + 4])
        if finished[at + 4 : at + 8] == b"IDAT":
            yield range(at, end)
        at = end


def check_picture(original: bytes, finished: bytes, made: Mask, method: Method) -> None:
    """Compare all coefficients or samples, where pixels and not `cell_grids` say what is inside."""
    covered = pixels_of(made)
    if not finished.startswith(b"\xff\xd8"):
        image_format = ImageFormat.PNG if finished.startswith(b"\x89PNG") else ImageFormat.TIFF
        before, after = (raster.read(file, image_format).samples for file in (original, finished))
        assert (before[~covered] == after[~covered]).all()
        return
    frame = libjpeg.read_frame(finished)
    for plane, before, after in zip(frame.planes, coefficients(original), coefficients(finished), strict=True):
        width, height = plane.block_px
        inside = covered[::height, ::width]
        assert (before[~inside] == after[~inside]).all()
        if method in (Method.PIXELATE, Method.SOLID):
            assert not after[inside][:, 1:].any()
        if method is Method.SOLID:
            assert not after[inside].any()


def check_nothing_is_left(original: bytes, seen: Inspection, made: Mask, redacted: Redacted) -> None:
    """A picture that was empty inside of the mask becomes the same, where the method says that nothing stays."""
    if redacted.method in (Method.FILL, Method.SOLID):
        assert redact(emptied(original, seen, made), seen, made, redacted.method).data == redacted.data


def emptied(original: bytes, seen: Inspection, made: Mask) -> bytes:
    """The picture with zeros inside of the mask."""
    if seen.format is not ImageFormat.JPEG:
        picture = raster.read(original, seen.format)
        samples = picture.samples.copy()
        samples[pixels_of(made)] = 0
        return raster.write(picture.with_samples(samples))
    frame = libjpeg.read_frame(original)

    def clear(component: int, row: int, blocks: libjpeg.Blocks) -> None:
        width, height = frame.planes[component].block_px
        blocks[pixels_of(made)[row * height, ::width]] = 0

    return libjpeg.edit(original, libjpeg.Output(clear, progressive=frame.is_progressive))[0]


def pixels_of(made: Mask) -> npt.NDArray[np.bool_]:
    """(height, width): true where a pixel is redacted."""
    covered = made.covered.repeat(made.unit_px[1], axis=0).repeat(made.unit_px[0], axis=1)
    return covered[: made.height_px, : made.width_px]


def coefficients(data: bytes) -> list[npt.NDArray[np.int16]]:
    """(rows, columns, 64) of each component."""
    planes = libjpeg.read_frame(data).planes
    read = [np.empty((plane.rows, plane.columns, 64), np.int16) for plane in planes]

    def copy(component: int, row: int, blocks: libjpeg.Blocks) -> None:
        read[component][row] = blocks

    libjpeg.edit(data, libjpeg.Output(copy))
    return read


def check_views(shown: Pixels, finished: bytes, found: Inspection, made: Mask) -> None:
    """What the detector saw is what another program shows, but for the mask and what a decoder's smoothing mixes in."""
    near = cv2.dilate(made.covered.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    near = near.repeat(made.unit_px[1], axis=0).repeat(made.unit_px[0], axis=1)[: made.height_px, : made.width_px]
    seen = decode(finished, found)
    assert (seen[~near] == shown[~near]).all()
    is_read_alike = found.format is not ImageFormat.TIFF or (found.orientation == 1 and "16-bit" not in found.coding)
    if is_read_alike and "16-bit grey" not in found.coding:
        with PIL.Image.open(io.BytesIO(finished)) as picture:
            theirs = np.asarray(picture.convert("RGB")).astype(int)
        assert np.abs(theirs - seen).max() <= ("16-bit" in found.coding)
