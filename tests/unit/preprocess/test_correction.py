"""More redaction for finished pictures: all of the boxes, nothing outside of them, and nothing at the second time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess import raster
from baas_preprocess.container.formats import metadata_of
from baas_preprocess.correction import Corrected, correct
from baas_preprocess.decode import decode
from baas_preprocess.facts import ImageFormat, Mask, Method, Pixels
from baas_preprocess.recipe import Recipe
from baas_preprocess.upright import upright
from baas_preprocess.wanted import AnyBox, OutOfPicture, PixelBox, SphereBox, Wanted
from baas_preprocess.way import Stopwatch, finish
from tests.safety.thumbnails import colours, place_of
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import coded, inspected, jpeg, outside_digest, png, region, street, tiff

WIDTH, HEIGHT = 187, 93
PLATE = PixelBox(left=40, top=20, width=70, height=30)
SPHERE = 'GPano:ProjectionType="equirectangular"'

every_coding = pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in coded().items()])


def corrected(data: bytes, *boxes: AnyBox, method: Method = Method.PIXELATE, cells: int = 6) -> Corrected:
    return correct(data, [Wanted(box=box) for box in boxes], Recipe(method=method, cells=cells))


def published(data: bytes) -> bytes:
    """What the service makes of a picture with somebody in the lower left corner."""
    return finish(data, inspected(data), (region(5, 60, 30, 80),), Recipe(), Stopwatch()).data


def shown(data: bytes) -> Pixels:
    """The picture as viewers show it."""
    seen = inspected(data)
    return upright(decode(data, seen), seen.orientation)


def covered(mask: Mask) -> npt.NDArray[np.bool_]:
    """True for each pixel of the mask."""
    width, height = mask.unit_px
    return mask.covered.repeat(height, axis=0).repeat(width, axis=1)[: mask.height_px, : mask.width_px]


def outside(data: bytes, mask: Mask) -> str:
    """A digest of all that is not in the mask."""
    seen = inspected(data)
    if seen.format is ImageFormat.JPEG:
        return outside_digest(data, mask)
    return raster.outside_digest(raster.read(data, seen.format), mask)


@every_coding
def test_all_of_the_box_is_redacted_and_nothing_else_is_touched(data: bytes) -> None:
    before = published(data)
    done = corrected(before, PLATE)
    assert done.is_changed
    assert outside(done.data, done.mask) == outside(before, done.mask)
    box = np.s_[20:50, 40:110]
    assert covered(done.mask)[box].all()
    assert done.mask.cell_count <= 6 * 6
    assert not np.array_equal(shown(done.data)[box], shown(before)[box])


@every_coding
@pytest.mark.parametrize("method", Method)
def test_a_second_time_changes_no_byte(data: bytes, method: Method) -> None:
    once = corrected(data, PLATE, method=method)
    again = corrected(once.data, PLATE, method=method)
    assert once.is_changed
    assert not again.is_changed
    assert again.data == once.data


EXIF = files.exif({files.MAKE: "Ladybug"}, taken={files.TAKEN: "2024:10:12 15:01:26"}, gps={1: "N"}, order=">")
XMP = files.xmp(f'{SPHERE} GPano:PoseHeadingDegrees="303.14"')
TELLING = {
    "JPEG": files.with_segments(
        jpeg(street()),
        (files.APP1, files.EXIF + EXIF),
        (files.APP1, files.XMP + XMP),
        (files.APP2, files.ICC + b"\1\1" + files.icc()),
    ),
    "PNG": files.with_chunks(png(street()), (b"eXIf", EXIF), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
    "TIFF": tiff(street(), extratags=[(700, 1, len(XMP), XMP, True), (271, 2, 8, "Ladybug", True)]),
}


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in TELLING.items()])
def test_what_a_published_picture_says_of_itself_stays_byte_by_byte(data: bytes) -> None:
    before = published(data)
    after = corrected(before, PLATE).data
    said = metadata_of(before).kept()
    assert metadata_of(after).kept() == said
    for block in (said.exif, said.xmp, said.icc) if inspected(data).format is ImageFormat.JPEG else (said.xmp,):
        assert block
        assert block in before
        assert block in after
    assert inspected(after) == inspected(before)


pixel_boxes = st.builds(
    lambda left, top, width, height: PixelBox(
        left=left, top=top, width=min(width, WIDTH - left), height=min(height, HEIGHT - top)
    ),
    st.floats(0, WIDTH, exclude_max=True),
    st.floats(0, HEIGHT, exclude_max=True),
    st.floats(0.1, WIDTH),
    st.floats(0.1, HEIGHT),
)
FINISHED = [published(jpeg(street(), sampling="4:4:4")), published(png(street()))]


@settings(deadline=None)
@given(
    st.sampled_from(FINISHED), st.lists(pixel_boxes, min_size=1, max_size=4), st.sampled_from(Method), st.integers(1, 9)
)
def test_whatever_the_boxes_they_are_covered_all_else_stays_and_once_is_enough(
    data: bytes, boxes: list[PixelBox], method: Method, cells: int
) -> None:
    done = corrected(data, *boxes, method=method, cells=cells)
    for box in boxes:
        rows = slice(int(box.top), int(np.ceil(box.top + box.height)))
        assert covered(done.mask)[rows, int(box.left) : int(np.ceil(box.left + box.width))].all()
    assert outside(done.data, done.mask) == outside(data, done.mask)
    assert corrected(done.data, *reversed(boxes), method=method, cells=cells).data == done.data


def test_solid_leaves_nothing_of_what_was_there() -> None:
    other = street(seed=1)
    other[20:50, 40:110] = 255
    boxes = [PLATE]
    done = [corrected(png(pixels), *boxes, method=Method.SOLID) for pixels in (street(), other)]
    inside = [shown(one.data)[covered(one.mask)] for one in done]
    assert np.array_equal(*inside)
    assert len(np.unique(inside[0])) == 1


THUMBNAIL = files.jpeg(16, 8)
UNSAFE_EXIF = files.exif({files.MAKE: "Ladybug"}, gps={1: "N"}, thumbnail=THUMBNAIL)


def test_a_picture_that_hides_others_is_made_safe_as_well() -> None:
    hiding = files.with_segments(jpeg(street()), (files.APP1, files.EXIF + UNSAFE_EXIF), (files.COM, b"my street"))
    done = corrected(hiding + files.jpeg(24, 16), PLATE)
    assert THUMBNAIL not in done.data
    assert b"my street" not in done.data
    assert done.found.hidden_images == ()
    assert done.found.metadata == ("JFIF", "Exif", "GPS", "rebuilt thumbnail")


def test_a_thumbnail_shows_what_is_redacted_now() -> None:
    data = files.with_segments(jpeg(street()), (files.APP1, files.EXIF + UNSAFE_EXIF))
    whole = PixelBox(left=0, top=0, width=187, height=93)
    before, after = corrected(data, PLATE, method=Method.SOLID), corrected(data, whole, method=Method.SOLID)
    assert corrected(before.data, whole, method=Method.SOLID).data == after.data
    place = place_of(after.data)
    assert place is not None
    assert np.ptp(colours(after.data[place.start : place.stop])) <= 1
    assert before.data[place.start : place.stop] != after.data[place.start : place.stop]
    assert corrected(after.data, whole, method=Method.SOLID).data == after.data


def panorama(width: int = 512, height: int = 256, gpano: str = SPHERE, orientation: int = 1) -> bytes:
    """A picture that GPano calls a panorama."""
    exif = files.exif({files.ORIENTATION: [orientation]})
    segments = [(files.APP1, files.EXIF + exif), (files.APP1, files.XMP + files.xmp(gpano))]
    return files.with_segments(jpeg(street(width, height), sampling="4:4:4"), *(segments if gpano else []))


def test_a_box_beyond_the_right_edge_of_a_panorama_goes_on_at_the_left_one() -> None:
    data = panorama()
    done = corrected(data, PixelBox(left=490, top=100, width=60, height=40))
    columns = covered(done.mask)[100:140].all(axis=0)
    assert columns[490:].all()
    assert columns[:38].all()
    assert not columns[60:470].any()
    assert outside(done.data, done.mask) == outside(data, done.mask)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        pytest.param((0, 0, 20, 20), (114, 142), (242, 270), id="in the middle"),
        pytest.param((90, 45, 10, 10), (57, 71), (374, 394), id="right and up"),
        pytest.param((-90, -45, 10, 10), (185, 199), (118, 138), id="left and down"),
        pytest.param((0, 90, 10, 10), (0, 7), (0, 512), id="around the pole"),
    ],
)
def test_a_box_on_the_sphere_covers_what_a_viewer_shows_there(
    box: Sequence[float], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    yaw, pitch, width, height = box
    done = corrected(panorama(), SphereBox(yaw=yaw, pitch=pitch, width_deg=width, height_deg=height))
    inside = covered(done.mask)
    assert inside[slice(*rows), slice(*columns)].all()
    assert not inside[: max(rows[0] - 16, 0)].any()
    assert not inside[rows[1] + 16 :].any()


def test_a_picture_shaped_like_a_sphere_that_says_nothing_of_it_takes_boxes_on_the_sphere() -> None:
    done = corrected(panorama(2000, 1000, gpano=""), SphereBox(yaw=0, pitch=0, width_deg=9, height_deg=9))
    assert covered(done.mask)[480:520, 980:1020].all()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg(street()), id="a flat photo"),
        pytest.param(panorama(gpano=""), id="too small to be taken for a panorama"),
        pytest.param(panorama(orientation=6), id="a turned panorama"),
        pytest.param(
            panorama(
                2000,
                1000,
                SPHERE + ' GPano:FullPanoHeightPixels="1500" GPano:CroppedAreaImageHeightPixels="1000"',
            ),
            id="a part of a sphere",
        ),
    ],
)
def test_where_rows_are_no_degrees_a_box_on_the_sphere_is_refused(data: bytes) -> None:
    with pytest.raises(OutOfPicture, match="is no upright panorama of the whole sphere"):
        corrected(data, SphereBox(yaw=0, pitch=0, width_deg=9, height_deg=9))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_those_of_the_picture_as_viewers_show_it(orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    data = files.with_segments(jpeg(street(240, 120)), (files.APP1, b"Exif\0\0" + exif.tobytes()[6:]))
    before = shown(data)
    done = corrected(data, PixelBox(left=80, top=16, width=30, height=60), method=Method.SOLID)
    after = shown(done.data)
    assert done.inspection.orientation == orientation
    assert (np.abs(after[16:76, 80:110].astype(int) - 128) <= 2).all()
    changed_rows, changed_columns = np.nonzero((before != after).any(axis=2))
    assert changed_rows.min() >= 16 - 24
    assert changed_rows.max() < 76 + 24
    assert changed_columns.min() >= 80 - 24
    assert changed_columns.max() < 110 + 24


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((187, 0, 5, 5), "left: 187 lies outside of the picture, which is 187x93 px"),
        ((0, 93, 5, 5), "top: 93 lies outside of the picture, which is 187x93 px"),
        ((180, 0, 9, 5), r"width: left \+ width is 189, beyond the picture"),
        ((0, 90, 5, 9), r"height: top \+ height is 99, beyond the picture"),
        ((0, 0, 400, 5), "width: 400 is more than the picture has"),
        ((0, 0, 5, 400), "height: 400 is more than the picture has"),
    ],
)
def test_a_box_that_was_measured_on_another_picture_is_refused(box: Sequence[float], message: str) -> None:
    left, top, width, height = box
    with pytest.raises(OutOfPicture, match=message):
        corrected(jpeg(street()), PixelBox(left=left, top=top, width=width, height=height))


@pytest.mark.parametrize(("left", "top", "width", "height"), [(180, 80, 8, 14), (186.5, 92.5, 0.5, 0.5)])
def test_a_box_may_miss_the_edge_by_a_rounding_error(left: float, top: float, width: float, height: float) -> None:
    done = corrected(jpeg(street()), PixelBox(left=left, top=top, width=width, height=height))
    assert covered(done.mask)[-1, -1]


def test_a_panorama_is_not_turned_more_than_once() -> None:
    with pytest.raises(OutOfPicture, match="width: 600 is more than the picture has"):
        corrected(panorama(), PixelBox(left=0, top=100, width=600, height=40))


def test_a_damaged_picture_is_not_corrected() -> None:
    with pytest.raises(NotPublishable) as error:
        corrected(jpeg(street())[:-200], PLATE)
    assert error.value.reason is QuarantineReason.TRUNCATED


def test_without_boxes_there_is_no_correction() -> None:
    with pytest.raises(ValueError, match="at least one box"):
        correct(jpeg(street()), [], Recipe())


def test_a_box_becomes_a_sure_region_of_its_class() -> None:
    done = correct(jpeg(street()), [Wanted(box=PLATE, object_class=ObjectClass.LICENCE_PLATE)], Recipe())
    [found] = done.regions
    assert (found.object_class, found.score, found.detections) == (ObjectClass.LICENCE_PLATE, 1.0, 1)
    assert (found.box.left, found.box.top, found.box.right, found.box.bottom) == (40, 20, 110, 50)
