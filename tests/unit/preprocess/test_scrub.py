import struct
import zlib
from fractions import Fraction
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.container.formats import metadata_of
from baas_preprocess.facts import Inspection
from baas_preprocess.inspection import inspect
from baas_preprocess.scrub import removed, scrub
from baas_preprocess.thumbnail import thumbnail_of
from tests.safety.thumbnails import colours, others, place_of, unlike
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import jpeg, street

EXIF = files.exif(
    {files.MAKE: "Ladybug", files.ORIENTATION: [6], 0x010E: "my street"},
    taken={files.TAKEN: "2024:10:12 15:01:26", files.MAKER_NOTE: b"note" + files.jpeg(24, 16)},
    gps={1: "N", 2: [Fraction(52), Fraction(21), Fraction(212, 5)]},
    thumbnail=files.jpeg(16, 8),
    order=">",
)
XMP = files.xmp(
    'GPano:ProjectionType="equirectangular" GPano:PoseHeadingDegrees="303.14" dc:title="my street"',
    namespaces='xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:g="http://ns.adobe.com/xap/1.0/g/img/"',
)
ICC = files.icc()
JPEG = files.with_segments(
    files.jpeg(dpi=(300, 300)),
    (files.APP1, files.EXIF + EXIF),
    (files.APP1, files.XMP + XMP),
    (files.APP1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40)),
    (files.APP2, b"ICC_PROFILE\0\2\2" + ICC[65_000:]),
    (files.APP2, b"ICC_PROFILE\0\1\2" + ICC[:65_000]),
    (files.APP2, b"MPF\0" + files.exif({0xB001: [2], 0xB002: bytes(32)})),
    (files.APP0, b"JFXX\0\x10" + files.jpeg(8, 8)),
    (files.APP11, b"JP\0\1c2pa" + files.jpeg(8, 8)),
    (files.APP13, b"Photoshop 3.0\0" + b"8BIM\4\x0c\0\0" + struct.pack(">IIII", 28, 1, 160, 120) + bytes(16)),
    (0xE7, b"a maker's own"),
    (files.COM, b"my street"),
) + files.jpeg(8, 8)
PNG = (
    files.with_chunks(
        files.png(),
        (b"gAMA", struct.pack(">I", 45455)),
        (b"pHYs", bytes(9)),
        (b"bKGD", bytes(6)),
        (b"iCCP", b"my name\0\0" + zlib.compress(ICC)),
        (b"eXIf", EXIF),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        (b"tEXt", b"Author\0Ann"),
        (b"tIME", bytes(7)),
        (b"prVw", files.jpeg(24, 16)),
    )
    + b"more"
)
TIFF = files.tiff(
    order=">",
    description="my street",
    extratags=[
        (700, 1, len(XMP), XMP, True),
        (34675, 7, None, ICC, True),
        (271, 2, None, "Ladybug", True),
        (274, 3, 1, 6, True),
        (37724, 7, None, files.jpeg(24, 16), True),
    ],
)
WHOLE = pytest.mark.parametrize(
    ("original", "redacted"),
    [
        pytest.param(JPEG, files.jpeg(), id="JPEG"),
        pytest.param(PNG, files.png(), id="PNG"),
        pytest.param(TIFF, files.tiff(rowsperstrip=8), id="TIFF"),
    ],
)


def seen(data: bytes) -> Inspection:
    return inspect(data, max_pixels=1_000_000)


def scrubbed(redacted: bytes, original: bytes) -> bytes:
    return scrub(redacted, original, seen(original))


def shape(found: Inspection) -> tuple[object, ...]:
    return (found.format, found.width_px, found.height_px, found.orientation, found.wraps, found.unit_px, found.coding)


@WHOLE
def test_a_scrubbed_file_has_the_same_shape_and_no_hidden_picture(original: bytes, redacted: bytes) -> None:
    finished = scrubbed(redacted, original)
    assert seen(original).hidden_images
    assert others(finished, seen(finished).hidden_images) == []
    assert shape(seen(finished)) == shape(seen(original))


@WHOLE
def test_nothing_but_the_listed_metadata_is_left(original: bytes, redacted: bytes) -> None:
    finished = scrubbed(redacted, original)
    assert set(seen(finished).metadata) <= {
        *("JFIF", "Exif", "GPS", "XMP", "GPano", "ICC"),
        *("chunk gAMA", "chunk pHYs", "chunk bKGD"),
    }
    for gone in (b"my street", b"Ann", b"my name", b"note", b"a maker's own", b"c2pa", b"8BIM", b"g/img"):
        assert gone not in finished
    thumbnails = int(seen(finished).format == "jpeg")
    assert finished.count(b"\xff\xd8\xff") == redacted.count(b"\xff\xd8\xff") + thumbnails


@WHOLE
def test_direction_and_profile_stay(original: bytes, redacted: bytes) -> None:
    after = metadata_of(scrubbed(redacted, original))
    assert after.panorama == {"ProjectionType": "equirectangular", "PoseHeadingDegrees": "303.14"}
    assert after.icc == ICC


@WHOLE
def test_the_picture_is_that_of_the_redacted_file(original: bytes, redacted: bytes) -> None:
    dark = Image.new("RGB", (48, 32))
    written = BytesIO()
    dark.save(written, seen(redacted).format.value)
    finished = scrubbed(written.getvalue(), original)
    with Image.open(BytesIO(finished)) as shown:
        assert np.asarray(shown.convert("RGB")).max() == 0


@WHOLE
def test_scrubbing_again_changes_nothing(original: bytes, redacted: bytes) -> None:
    finished = scrubbed(redacted, original)
    assert scrubbed(finished, finished) == finished
    assert scrubbed(finished, original) == finished


@WHOLE
def test_what_is_gone_can_be_named(original: bytes, redacted: bytes) -> None:
    before, after = seen(original), seen(scrubbed(redacted, original))
    gone = removed(before, after)
    assert set(before.hidden_images) <= set(gone)
    assert not set(gone) & {"Exif", "GPS", "GPano", "ICC"}


@WHOLE
def test_metadata_of_the_redacted_file_itself_does_not_count(original: bytes, redacted: bytes) -> None:
    assert seen(scrubbed(original, redacted)).metadata == seen(scrubbed(redacted, redacted)).metadata


def test_position_and_time_stay_byte_by_byte() -> None:
    before, after = metadata_of(JPEG).exif, metadata_of(scrubbed(files.jpeg(), JPEG)).exif
    assert before is not None
    assert after is not None
    assert after.order == before.order == ">"
    assert after.gps == before.gps
    assert after.gps[2].value == struct.pack(">6I", 52, 1, 21, 1, 212, 5)
    assert after.exif[files.TAKEN] == before.exif[files.TAKEN]


def test_a_jpegs_density_stays_though_the_coder_wrote_another() -> None:
    with Image.open(BytesIO(scrubbed(files.jpeg(dpi=(72, 72)), JPEG))) as shown:
        assert shown.info["dpi"] == (300, 300)


def test_a_density_or_plain_chunk_in_which_a_picture_begins_goes() -> None:
    head = b"\xff\xd8\xff\xe0"
    plain = files.jpeg()
    jpeg = plain[:2] + files.segment(files.APP0, b"JFIF\0\1\1" + head + b"\1\0\0") + plain[20:]
    assert head not in scrubbed(files.jpeg(), jpeg)[2:]
    png = files.with_chunks(files.png(), (b"pHYs", head + bytes(5)), (b"gAMA", b"\0\0\xff\xd8"), (b"cHRM", bytes(32)))
    finished = scrubbed(files.png(), png)
    assert [kind in finished for kind in (b"pHYs", b"gAMA", b"cHRM")] == [False, False, True]


def test_no_jfif_is_put_before_colours_that_are_rgb() -> None:
    rgb = files.jpeg(keep_rgb=True)
    assert seen(rgb).coding == "baseline RGB 4:4:4"
    finished = scrubbed(rgb, files.with_segments(rgb, (files.APP1, files.EXIF + EXIF)))
    assert b"JFIF" not in finished
    assert seen(finished).coding == "baseline RGB 4:4:4"
    with Image.open(BytesIO(finished)) as shown, Image.open(BytesIO(rgb)) as drawn:
        assert np.array_equal(np.asarray(shown), np.asarray(drawn))


RED, STREET = files.jpeg(32, 24), jpeg(street(320, 200))


def with_thumbnail(data: bytes, thumbnail: bytes = RED, **options: Any) -> bytes:
    return files.with_segments(
        data, (files.APP1, files.EXIF + files.exif({files.MAKE: "Ladybug"}, thumbnail=thumbnail, **options))
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_exif_thumbnail_is_made_anew_of_the_redacted_picture(order: str) -> None:
    original = with_thumbnail(jpeg(street(320, 200, seed=1)), jpeg(street(80, 50, seed=1)), order=order)
    finished = scrubbed(STREET, original)
    place = place_of(finished)
    assert place is not None
    made = finished[place.start : place.stop]
    assert made == thumbnail_of(STREET) == thumbnail_of(finished)
    assert unlike(colours(made), colours(STREET, (160, 100))) < 5
    assert unlike(colours(made), colours(original, (160, 100))) > 20
    assert scrubbed(finished, original) == scrubbed(finished, finished) == finished


@pytest.mark.parametrize(
    "original",
    [
        pytest.param(STREET, id="no Exif"),
        pytest.param(files.with_segments(STREET, (files.APP1, files.EXIF + files.exif({files.MAKE: "x"}))), id="none"),
        pytest.param(with_thumbnail(STREET, b"no JPEG at all"), id="something else in its place"),
        pytest.param(files.with_segments(STREET, (files.APP1, files.EXIF + b"rubbish" + RED)), id="unreadable Exif"),
        pytest.param(
            files.with_segments(STREET, (files.APP13, b"Photoshop 3.0\0" + b"8BIM\4\x0c\0\0" + bytes(32) + RED)),
            id="Photoshop's",
        ),
        pytest.param(STREET + RED, id="a picture behind the end"),
    ],
)
def test_no_thumbnail_is_made_where_exif_had_none(original: bytes) -> None:
    finished = scrubbed(STREET, original)
    assert place_of(finished) is None
    assert seen(finished).hidden_images == ()


def test_png_and_tiff_get_no_thumbnail() -> None:
    for redacted, original in ((files.png(), PNG), (files.tiff(), TIFF)):
        assert seen(scrubbed(redacted, original)).hidden_images == ()


def test_a_jfif_thumbnail_goes() -> None:
    plain = files.jpeg()
    thumbnail = b"JFIF\0\1\1\1\0\x48\0\x48\1\1abc"
    with_thumbnail = plain[:2] + files.segment(files.APP0, thumbnail) + plain[20:]
    assert seen(with_thumbnail).hidden_images == ("JFIF thumbnail 1x1",)
    assert scrubbed(with_thumbnail, with_thumbnail) == scrubbed(plain, with_thumbnail)


def test_png_chunks_that_belong_to_another_colour_type_go() -> None:
    finished = scrubbed(files.png(mode="RGBA"), PNG)
    assert b"bKGD" not in finished
    assert b"gAMA" in finished


def test_a_grey_profile_does_not_stay_on_a_picture_of_three_colours() -> None:
    grey = files.with_chunks(files.png(mode="L"), (b"iCCP", b"name\0\0" + zlib.compress(files.icc(b"GRAY"))))
    assert "ICC" in seen(scrubbed(files.png(mode="L"), grey)).metadata
    assert "ICC" not in seen(scrubbed(files.png(mode="RGB"), grey)).metadata


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "options", [{}, {"tile": (16, 16)}, {"compression": "zlib", "predictor": 2, "rowsperstrip": 8}], ids=str
)
def test_a_tiff_is_laid_out_anew_in_its_coders_byte_order(order: str, options: dict[str, object]) -> None:
    finished = scrubbed(files.tiff(order=order, **options), TIFF)
    with tifffile.TiffFile(BytesIO(finished)) as file:
        page = file.pages.first
        assert file.byteorder == order
        assert np.array_equal(page.asarray(), np.asarray(files.picture()))
        assert page.tags["Make"].value == "Ladybug"
        assert page.tags["Orientation"].value == 6
        assert page.tags["InterColorProfile"].value == ICC


@pytest.mark.parametrize(("redacted", "original"), [(files.png(), JPEG), (files.jpeg(), PNG)])
def test_a_redacted_file_of_another_format_is_not_published(redacted: bytes, original: bytes) -> None:
    with pytest.raises(NotPublishable) as refused:
        scrubbed(redacted, original)
    assert refused.value.reason is QuarantineReason.VERIFICATION_FAILED


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A file with some bytes changed."""
    data = bytearray(draw(st.sampled_from([JPEG, PNG, TIFF])))
    for _ in range(draw(st.integers(1, 5))):
        # Most metadata lies near the beginning of a JPEG, near the end of a TIFF.
        at = draw(st.one_of(st.integers(0, min(2_500, len(data) - 1)), st.integers(0, len(data) - 1)))
        data[at] = draw(st.one_of(st.sampled_from([0, 1, 8, 0xD8, 0xFF]), st.integers(0, 255)))
    return bytes(data)


@settings(max_examples=400, deadline=20_000)
@given(original=spoilt())
def test_whatever_is_accepted_is_scrubbed_to_a_file_that_stays_the_same(original: bytes) -> None:
    try:
        found = seen(original)
        finished = scrub(original, original, found)
    except NotPublishable:
        return
    again = seen(finished)
    place = place_of(finished)
    assert place is None or finished[place.start : place.stop] == thumbnail_of(finished)
    assert len(again.hidden_images) == int(place is not None)
    assert shape(again) == shape(found)
    assert scrub(finished, finished, again) == finished
