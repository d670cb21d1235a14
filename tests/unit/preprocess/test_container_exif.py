import io
import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import IFD, Base

from baas_preprocess.container import exif, exif_tags, tiff
from tests.unit.preprocess import files

THUMBNAIL = files.jpeg(16, 8)
SOFTWARE, DESCRIPTION, ARTIST, SERIAL, COMMENT, COPYRIGHT = 0x0131, 0x010E, 0x013B, 0xA431, 0x9286, 0x8298
LATITUDE, DATUM, METHOD, AREA = 0x02, 0x12, 0x1B, 0x1C
NOON = "2024:10:12 12:00:00"
FREE_TEXTS = {0x010F, 0x0110, 0x8298, 0xA433, 0xA434}
"""Make, Model, Copyright, LensMake, LensModel."""


def rewritten(block: bytes) -> exif.Exif:
    coded = exif.coded(exif.read(block))
    assert coded is not None
    return exif.read(coded)


@pytest.mark.parametrize("order", ["<", ">"])
def test_position_time_and_camera_stay_byte_by_byte_in_their_byte_order(order: str) -> None:
    latitude = [Fraction(52), Fraction(21), Fraction(212, 5)]
    block = files.exif(
        {files.MAKE: "Ladybug", COPYRIGHT: "Gemeente Amsterdam"},
        taken={files.TAKEN: NOON},
        gps={1: "N", LATITUDE: latitude, DATUM: "WGS-84"},
        order=order,
    )
    before, after = exif.read(block), rewritten(block)
    assert after.order == order
    assert after.gps == before.gps
    assert after.exif == before.exif
    assert {tag: after.main[tag] for tag in (files.MAKE, COPYRIGHT)} == {
        tag: before.main[tag] for tag in (files.MAKE, COPYRIGHT)
    }


def test_what_is_not_on_the_list_goes_and_is_named() -> None:
    block = files.exif(
        {files.MAKE: "Ladybug", DESCRIPTION: "my street", ARTIST: "Ann", SOFTWARE: "Ann's", 0xC000: b"blob"},
        taken={files.MAKER_NOTE: b"\x01\x02" * 40, COMMENT: b"ASCII\0\0\0hello", SERIAL: "12345", files.TAKEN: NOON},
        gps={METHOD: b"ASCII\0\0\0Ann's phone", AREA: b"ASCII\0\0\0Ann's garden"},
    )
    after = rewritten(block)
    assert set(after.main) == {files.MAKE, files.EXIF_IFD}
    assert set(after.exif) == {files.TAKEN}
    assert set(exif.kinds(exif.read(block))) == {
        *("Exif", "description", "artist", "software", "other Exif tags", "GPS processing method", "GPS area"),
        *("MakerNote", "user comment", "camera serial number"),
    }
    assert set(exif.kinds(after)) == {"Exif"}


def placed(tag: int, forms: object, value: files.Value) -> bytes:
    """A block with this tag, in the directory where these forms are looked up."""
    main = {files.MAKE: "Ladybug"} | ({tag: value} if forms is exif_tags.MAIN_TAGS else {})
    taken = {tag: value} if forms is exif_tags.EXIF_TAGS else None
    return files.exif(main, taken=taken, gps={tag: value} if forms is exif_tags.GPS_TAGS else None)


LISTS = (exif_tags.MAIN_TAGS, exif_tags.EXIF_TAGS, exif_tags.GPS_TAGS)
STRICT = [pytest.param(tag, forms, id=f"{tag:#06x}") for forms in LISTS for tag in forms.keys() - FREE_TEXTS]


@pytest.mark.parametrize(("tag", "forms"), STRICT)
@pytest.mark.parametrize(
    "value",
    [
        *("Ann", "1 Ann", "N\0Ann lives here", "2024:10:12 Ann", f"{NOON}\0Ann", "WGS-84 Ann", "Ann 12:00:00 2024:10"),
        *(b"Ann", b"Ann ", b"Ann lives here", b"ASCII\0\0\0Ann"),
        *([0x416E6E20] * 9, [Fraction(0x416E6E20)] * 9),
    ],
    ids=repr,
)
def test_no_listed_tag_hides_a_text_where_the_standard_wants_something_else(
    tag: int, forms: object, value: files.Value
) -> None:
    block = placed(tag, forms, value)
    assert b"Ann" not in (exif.coded(exif.read(block)) or b"")
    assert set(exif.kinds(exif.read(block))) == {"Exif", "unusual Exif values"}
    assert set(exif.kinds(rewritten(block))) == {"Exif"}


@given(text=st.text(st.characters(codec="ascii"), max_size=40), at=st.sampled_from(STRICT))
def test_texts_that_stay_are_times_versions_and_words_of_the_standards(text: str, at: object) -> None:
    tag, forms = at.values  # type: ignore[attr-defined]
    after = rewritten(placed(tag, forms, text))
    found = [entry.value for each in (after.main, after.exif, after.gps) for entry in each.values() if entry.tag == tag]
    for value in found:
        letters = value.rstrip(b"\0").decode()
        assert not any(letter.islower() for letter in letters)
        assert letters.strip("0123456789 ,.:;+-") in {*"NSEWAVKMTR", "", "WGS", "ETRS", "TOKYO", "JGD", "NAD", "THM"}


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        *((LATITUDE, [Fraction(52)] * 3), (0x07, [Fraction(12)] * 3), (0x11, [Fraction(303, 2)])),
        *((1, "N"), (3, "W\0\0"), (0x10, "T"), (DATUM, "WGS84"), (0x1D, "2024:10:12"), (8, "04,11,17"), (5, [0])),
    ],
)
def test_positions_stay_in_the_forms_that_cameras_write(tag: int, value: files.Value) -> None:
    block = placed(tag, exif_tags.GPS_TAGS, value)
    assert rewritten(block).gps == exif.read(block).gps != {}


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        *((files.TAKEN, NOON), (files.TAKEN, "    :  :     :  :  "), (0x9010, "+01:00"), (0x9291, "352954")),
        *((0x9000, b"0232"), (0x9000, "0210"), (0x9101, b"\1\2\3\0"), (0xA300, b"\3"), (0x829A, [Fraction(1, 250)])),
        *(
            (0xA002, [8000]),
            (0xA432, [Fraction(24), Fraction(70), Fraction(14, 5)]),
            (0xA434, "EF 24-70"),
        ),
    ],
)
def test_times_exposure_and_lens_stay_in_the_forms_that_cameras_write(tag: int, value: files.Value) -> None:
    block = placed(tag, exif_tags.EXIF_TAGS, value)
    assert rewritten(block).exif == exif.read(block).exif != {}


def with_copyright(text: bytes, order: str = "<") -> bytes:
    """A block with an orientation, and any bytes whatever as a text of which no form is asked."""
    block = files.exif({files.ORIENTATION: [6], COPYRIGHT: text}, order=order)
    return block.replace(struct.pack(f"{order}HH", COPYRIGHT, 7), struct.pack(f"{order}HH", COPYRIGHT, 2))


def test_a_copyright_of_any_bytes_stays() -> None:
    assert rewritten(with_copyright(b"photographer\0\xe9ditor")).main[COPYRIGHT].value == b"photographer\0\xe9ditor"


@pytest.mark.parametrize("value", [b"x" * 257, files.jpeg(8, 8)[:200]], ids=["long", "a picture's beginning"])
def test_a_listed_tag_with_a_value_that_could_be_a_picture_goes(value: bytes) -> None:
    assert set(rewritten(with_copyright(value)).main) == {files.ORIENTATION}


@pytest.mark.parametrize(("order", "end", "start"), [("<", 0xFF000001, 0x00E0FFD8), (">", 0x010000FF, 0xD8FFE000)])
def test_values_that_are_a_picture_when_one_follows_the_other_go_but_the_orientation_stays(
    order: str, end: int, start: int
) -> None:
    parts = {0x011A: [Fraction(1, end)], 0x011B: [Fraction(start)]}
    block = files.exif({files.ORIENTATION: [6], **parts}, order=order)
    assert b"\xff\xd8\xff\xe0" in block
    after = rewritten(block)
    assert set(after.main) == {files.ORIENTATION}
    assert after.orientation == 6


@pytest.mark.parametrize("end", [b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xff", b"II*", b"MM\0*"])
def test_a_block_does_not_end_as_a_picture_begins(end: bytes) -> None:
    coded = exif.coded(exif.read(with_copyright(b"value".rjust(12 - len(end)) + end)))
    assert coded is not None
    assert end not in coded[8:]
    assert exif.read(coded).orientation == 6


def test_a_value_that_is_the_head_of_a_tiff_with_the_zeros_behind_it_goes() -> None:
    block = files.exif({files.ORIENTATION: [int.from_bytes(b"\0II*")]}, order=">")
    assert b"\0II*\0" in block
    assert b"II*" not in (exif.coded(exif.read(block)) or b"")


def test_a_block_without_anything_listed_is_not_written() -> None:
    assert exif.coded(exif.read(files.exif({DESCRIPTION: "my street"}))) is None


def with_thumbnail(block: bytes, thumbnail: bytes = THUMBNAIL) -> bytes:
    coded = exif.coded(exif.read(block), thumbnail)
    assert coded is not None
    return coded


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_another_reader_finds_a_new_thumbnail_behind_the_tags_that_stay(order: str, orientation: int) -> None:
    main = {files.MAKE: "Ladybug", files.ORIENTATION: [orientation], DESCRIPTION: "my street"}
    block = files.exif(main, gps={1: "N"}, thumbnail=files.jpeg(32, 24), order=order)
    coded = with_thumbnail(block)
    with Image.open(io.BytesIO(files.with_segments(files.jpeg(), (files.APP1, files.EXIF + coded)))) as shown:
        read = shown.getexif()
        second = read.get_ifd(IFD.IFD1)
    assert second == {
        Base.Compression: 6,
        Base.Orientation: orientation,
        Base.XResolution: 72,
        Base.YResolution: 72,
        Base.ResolutionUnit: 2,
        Base.JpegIFOffset: len(coded) - len(THUMBNAIL),
        Base.JpegIFByteCount: len(THUMBNAIL),
    }
    assert (read[files.MAKE], read.get_ifd(IFD.GPSInfo)) == ("Ladybug", {1: "N"})
    assert coded.endswith(THUMBNAIL)
    assert exif.hidden(coded) == ["Exif thumbnail 16x8"]


def test_the_tags_that_stay_are_the_same_with_and_without_a_thumbnail() -> None:
    block = files.exif({files.MAKE: "Ladybug"}, taken={files.TAKEN: NOON}, gps={1: "N"}, thumbnail=THUMBNAIL)
    with_it, without_it = exif.read(with_thumbnail(block)), rewritten(block)
    assert (with_it.has_thumbnail, without_it.has_thumbnail) == (True, False)
    assert (with_it.main[files.MAKE], with_it.exif, with_it.gps) == (
        without_it.main[files.MAKE],
        without_it.exif,
        without_it.gps,
    )


def test_a_block_of_nothing_but_a_thumbnail_keeps_an_orientation_too() -> None:
    after = exif.read(with_thumbnail(files.exif({DESCRIPTION: "my street"}, thumbnail=THUMBNAIL)))
    assert set(after.main) == {files.ORIENTATION}
    assert after.has_thumbnail


@pytest.mark.parametrize(("size", "fits"), [(60_000, True), (66_000, False)])
def test_a_thumbnail_that_no_segment_could_hold_is_left_out(size: int, fits: bool) -> None:
    block = files.exif({files.MAKE: "Ladybug"}, thumbnail=THUMBNAIL)
    coded = with_thumbnail(block, THUMBNAIL + bytes(size))
    assert (len(coded) <= exif.MAX_BLOCK_BYTES, exif.read(coded).has_thumbnail) == (True, fits)
    assert files.MAKE in exif.read(coded).main


def strips(samples: bytes) -> bytes:
    """A block whose second directory points to samples in strips, and has no JPEG."""
    first = files.directory({1: [1]}, 8, "<", following=8 + 18)
    where = len(first) + 8 + len(files.directory({0x0111: [0], 0x0117: [0]}, 0, "<"))
    second = files.directory({0x0111: [where], 0x0117: [len(samples)]}, 8 + 18, "<")
    return tiff.header("<", 8) + first + second + samples


@pytest.mark.parametrize(
    ("block", "has_thumbnail"),
    [
        pytest.param(files.exif({files.MAKE: "x"}, thumbnail=THUMBNAIL), True, id="a JPEG"),
        pytest.param(files.exif({files.MAKE: "x"}), False, id="none"),
        pytest.param(files.exif({files.MAKE: "x"}, thumbnail=b"no JPEG"), False, id="something else"),
        pytest.param(files.exif({files.MAKE: "x"}, thumbnail=THUMBNAIL)[: -len(THUMBNAIL)], False, id="cut off"),
        pytest.param(strips(bytes(300)), False, id="plain samples"),
        pytest.param(files.exif({}, taken={files.MAKER_NOTE: THUMBNAIL}), False, id="a preview elsewhere"),
    ],
)
def test_a_thumbnail_is_a_jpeg_of_the_second_directory(block: bytes, has_thumbnail: bool) -> None:
    assert exif.read(block).has_thumbnail is has_thumbnail


@pytest.mark.parametrize(("stored", "orientation"), [(1, 1), (6, 6), (8, 8), (0, 1), (9, 1), (70_000, 1)])
def test_an_orientation_that_exif_does_not_know_counts_as_upright(stored: int, orientation: int) -> None:
    assert exif.read(files.exif({files.ORIENTATION: [stored]})).orientation == orientation


@pytest.mark.parametrize(
    ("block", "hidden"),
    [
        pytest.param(files.exif({files.MAKE: "x"}), [], id="nothing"),
        pytest.param(files.exif({files.MAKE: "x"}, thumbnail=THUMBNAIL), ["Exif thumbnail 16x8"], id="a thumbnail"),
        pytest.param(
            files.exif({}, taken={files.MAKER_NOTE: b"maker" + THUMBNAIL}),
            ["JPEG 16x8 inside the Exif block"],
            id="a preview in a maker's note",
        ),
        pytest.param(b"rubbish" + THUMBNAIL, ["JPEG 16x8 inside the Exif block"], id="a block that cannot be read"),
        pytest.param(files.exif({0x014A: [8]}), ["pictures in Exif sub-directories"], id="sub-directories"),
    ],
)
def test_hidden_pictures_are_found(block: bytes, hidden: list[str]) -> None:
    assert exif.hidden(block) == hidden


def test_an_uncompressed_thumbnail_is_found_by_its_strips() -> None:
    first = files.directory({1: [1]}, 8, "<", following=8 + 18)
    second = files.directory({0x0100: [80], 0x0101: [60], 0x0111: [8], 0x0117: [100]}, 8 + 18, "<")
    assert exif.hidden(tiff.header("<", 8) + first + second) == ["Exif thumbnail 80x60"]


def test_no_picture_survives_the_rewriting() -> None:
    block = files.exif({files.MAKE: "x"}, taken={files.MAKER_NOTE: THUMBNAIL}, thumbnail=THUMBNAIL)
    coded = exif.coded(exif.read(block))
    assert coded is not None
    assert exif.hidden(coded) == []
    assert b"\xff\xd8" not in coded
