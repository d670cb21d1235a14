import struct
import time
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.facts import ImageFormat, Inspection
from baas_preprocess.inspection import inspect, is_sphere, wraps
from tests.unit.preprocess import files

MAX_PIXELS = 1_000_000
FULL = {"ProjectionType": "equirectangular", "FullPanoWidthPixels": "800", "CroppedAreaImageWidthPixels": "800"}
EXIF = files.exif(
    {files.MAKE: "Ladybug", files.ORIENTATION: [6]},
    taken={files.TAKEN: "2024:10:12 15:01:26", files.MAKER_NOTE: b"note" + files.jpeg(24, 16)},
    gps={1: "N"},
    thumbnail=files.jpeg(16, 8),
)
XMP = files.xmp('GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="8000"')


def seen(data: bytes) -> Inspection:
    return inspect(data, max_pixels=MAX_PIXELS)


def refusal_of(data: bytes) -> NotPublishable:
    with pytest.raises(NotPublishable) as refused:
        seen(data)
    return refused.value


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            files.jpeg(),
            Inspection(
                format=ImageFormat.JPEG,
                width_px=48,
                height_px=32,
                wraps=False,
                orientation=1,
                unit_px=(16, 16),
                coding="baseline 4:2:0",
                metadata=("JFIF",),
                hidden_images=(),
            ),
            id="a plain JPEG",
        ),
        pytest.param(
            files.with_segments(files.jpeg(), (files.APP1, files.EXIF + EXIF), (files.APP1, files.XMP + XMP))
            + files.jpeg(8, 8),
            Inspection(
                format=ImageFormat.JPEG,
                width_px=48,
                height_px=32,
                wraps=True,
                orientation=6,
                unit_px=(16, 16),
                coding="baseline 4:2:0",
                metadata=("JFIF", "Exif", "MakerNote", "GPS", "XMP", "GPano"),
                hidden_images=(
                    "Exif thumbnail 16x8",
                    "JPEG 24x16 inside the Exif block",
                    "JPEG 8x8 after the end",
                    f"{len(files.jpeg(8, 8))} bytes after the end",
                ),
            ),
            id="a JPEG with everything",
        ),
        pytest.param(
            files.with_chunks(
                files.png(mode="L"),
                (b"eXIf", EXIF),
                (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
                (b"iCCP", b"name\0\0" + zlib.compress(files.icc(b"GRAY"))),
                (b"tEXt", b"Author\0Ann"),
                (b"prVw", files.jpeg(24, 16)),
            )
            + b"more",
            Inspection(
                format=ImageFormat.PNG,
                width_px=48,
                height_px=32,
                wraps=True,
                orientation=6,
                unit_px=(8, 8),
                coding="8-bit grey",
                metadata=("text", "chunk prVw", "Exif", "MakerNote", "GPS", "XMP", "GPano", "ICC"),
                hidden_images=(
                    "JPEG 24x16 in chunk prVw",
                    "Exif thumbnail 16x8",
                    "JPEG 24x16 inside the Exif block",
                    "4 bytes after the end",
                ),
            ),
            id="a PNG with everything",
        ),
        pytest.param(
            files.tiff(
                order=">",
                extratags=[
                    (700, 1, len(XMP), XMP, True),
                    (37724, 7, None, files.jpeg(24, 16), True),
                    (274, 3, 1, 6, True),
                    (34377, 1, None, b"8BIM\4\x0c\0\0" + struct.pack(">IIII", 28, 1, 160, 120) + bytes(16), True),
                ],
            ),
            Inspection(
                format=ImageFormat.TIFF,
                width_px=48,
                height_px=32,
                wraps=True,
                orientation=6,
                unit_px=(8, 8),
                coding="8-bit RGB",
                metadata=("Photoshop resources", "Exif", "other Exif tags", "XMP", "GPano"),
                hidden_images=("Photoshop thumbnail 160x120", "JPEG 24x16 in tag 0x935c"),
            ),
            id="a TIFF with everything",
        ),
    ],
)
def test_an_inspection_tells_what_a_file_holds(data: bytes, expected: Inspection) -> None:
    assert seen(data) == expected


@pytest.mark.parametrize(
    ("factors", "coding", "unit_px"),
    [
        (b"\x11\x11\x11", "baseline 4:4:4", (8, 8)),
        (b"\x22\x22\x22", "baseline 4:4:4", (16, 16)),
        (b"\x21\x11\x11", "baseline 4:2:2", (16, 8)),
        (b"\x22\x12\x12", "baseline 4:2:2", (16, 16)),
        (b"\x22\x11\x11", "baseline 4:2:0", (16, 16)),
        (b"\x12\x11\x11", "baseline 4:4:0", (8, 16)),
        (b"\x41\x11\x11", "baseline 4:1:1", (32, 8)),
        (b"\x22", "baseline grey", (8, 8)),
    ],
)
def test_the_smallest_unit_is_what_the_coder_interleaves(factors: bytes, coding: str, unit_px: tuple[int, int]) -> None:
    found = seen(files.with_frame(factors=factors))
    assert (found.coding, found.unit_px) == (coding, unit_px)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (files.with_frame(marker=0xC1, precision=12), "12 bits per sample"),
        (files.with_frame(marker=0xC3), "lossless JPEG"),
        (files.with_frame(marker=0xC5), "hierarchical JPEG"),
        (files.with_frame(marker=0xC9), "arithmetic coding"),
        (files.with_frame(marker=0xF7), "JPEG-LS"),
        (files.with_segments(files.jpeg(), (0xDE, bytes(6))), "hierarchical JPEG"),
        (files.with_frame(size=(0, 48)), "DNL"),
        (files.with_frame(factors=b"\x31\x21\x21"), "sampling factors 3x1 2x1 2x1"),
        (files.with_frame(factors=b"\x11\x22\x22"), "sampling factors 1x1 2x2 2x2"),
        (files.with_frame(factors=b"\x22\x21\x11"), "chroma planes of different sampling"),
        (files.with_frame(factors=b"\x14\x11\x11"), "sampling factors 1x4 1x1 1x1"),
        (files.jpeg(mode="CMYK"), "CMYK colours"),
        (files.jpeg(mode="CMYK").replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2"), "YCCK colours"),
        (files.with_chunks(files.png(), (b"acTL", bytes(8))), "an animated PNG"),
        (files.tiff(pages=2), "a TIFF of 2 pages"),
        (files.tiff(subfiletype=1), "a preview"),
        (files.tiff(bigtiff=True), "BigTIFF"),
        (files.tiff(np.zeros((32, 48), np.float32)), "32 bits"),
        (files.tiff(np.zeros((32, 48), np.int8)), "other than whole numbers"),
        (files.tiff(photometric="miniswhite", samples=np.zeros((32, 48), np.uint8)), "the colour model 0"),
        (files.tiff(np.zeros((32, 48, 4), np.uint8), photometric="separated"), "the colour model 5"),
        (files.tiff(np.zeros((3, 32, 48), np.uint8), photometric="rgb", planarconfig="separate"), "a separate plane"),
        (files.tiff(np.zeros((32, 48, 5), np.uint8), photometric="rgb"), "5 samples"),
    ],
)
def test_a_kind_that_cannot_be_redacted_is_refused_by_its_name(data: bytes, named: str) -> None:
    refused = refusal_of(data)
    assert refused.reason is QuarantineReason.UNSUPPORTED
    assert named in str(refused)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", QuarantineReason.EMPTY),
        (b"\xff\xd8", QuarantineReason.TRUNCATED),
        (files.png()[:5], QuarantineReason.TRUNCATED),
        (b"II*\0\x08\0", QuarantineReason.TRUNCATED),
        (b"Dear reader", QuarantineReason.NOT_AN_IMAGE),
        (b"GIF89a" + bytes(20), QuarantineReason.NOT_AN_IMAGE),
        (files.jpeg()[1:], QuarantineReason.NOT_AN_IMAGE),
        (files.jpeg()[:-2], QuarantineReason.TRUNCATED),
        (files.tiff()[:-1000], QuarantineReason.TRUNCATED),
        (b"II*\0\xff\0\0\0" + bytes(20), QuarantineReason.TRUNCATED),
        (b"II*\0\x08\0\0\0\xff\xff" + bytes(20), QuarantineReason.DAMAGED),
        (b"II*\0\x08\0\0\0" + files.directory({1: [1]}, 8, "<"), QuarantineReason.DAMAGED),
        (files.with_frame(size=(32, 0)), QuarantineReason.DAMAGED),
        (files.with_frame(factors=b"\x51\x11\x11"), QuarantineReason.DAMAGED),
        (files.jpeg().replace(b"\xff\xc0", b"\xff\xe5"), QuarantineReason.DAMAGED),
        (files.jpeg(progressive=True).replace(b"\xff\xda", b"\xff\xe5"), QuarantineReason.DAMAGED),
    ],
)
def test_what_is_no_whole_picture_is_refused_with_its_reason(data: bytes, reason: QuarantineReason) -> None:
    assert refusal_of(data).reason is reason


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_jpeg_without_the_means_of_one_colour_is_damaged(options: dict[str, Any]) -> None:
    data = files.jpeg(**options)
    at = data.index(b"\xff\xda")
    renamed = data[: at + 5] + bytes([data[at + 7]]) + data[at + 6 :]  # the first scan names the second component twice
    refused = refusal_of(renamed)
    assert refused.reason is QuarantineReason.DAMAGED
    assert "1 of 3 colour components" in str(refused)


@pytest.mark.parametrize(
    "data",
    [
        files.with_frame(size=(14_000, 20_000)),
        files.with_chunks(files.png(4000, 251)),
        files.tiff(np.zeros((1001, 1000), "u1")),
    ],
)
def test_more_pixels_than_the_limit_are_too_large(data: bytes) -> None:
    refused = refusal_of(data)
    assert refused.reason is QuarantineReason.TOO_LARGE
    assert "1,000,000" in str(refused)


def test_a_picture_of_just_the_limit_is_accepted() -> None:
    assert seen(files.png(1000, 1000)).width_px == 1000


@pytest.mark.parametrize(
    ("size", "panorama", "answer"),
    [
        pytest.param((800, 400), FULL, True, id="a full turn"),
        pytest.param((800, 200), FULL, True, id="a full turn without sky and ground"),
        pytest.param((400, 200), FULL, True, id="a smaller copy with the numbers of the original"),
        pytest.param((800, 400), {"ProjectionType": "Equirectangular"}, True, id="without numbers"),
        pytest.param((8000, 4000), FULL | {"CroppedAreaImageWidthPixels": "700"}, False, id="a cropped panorama"),
        pytest.param((8000, 4000), FULL | {"FullPanoWidthPixels": "?"}, True, id="numbers that are none"),
        pytest.param((8000, 4000), {"ProjectionType": "cylindrical"}, False, id="another projection"),
        pytest.param((8000, 4000), {}, True, id="twice as wide as high"),
        pytest.param((8000, 4000), {"UsePanoramaViewer": "True"}, True, id="GPano without a projection"),
        pytest.param((1998, 999), {}, False, id="twice as wide as high, but small"),
        pytest.param((8000, 3999), {}, False, id="nearly twice as wide as high"),
    ],
)
def test_a_picture_wraps(size: tuple[int, int], panorama: dict[str, str], answer: bool) -> None:
    assert wraps(*size, panorama) is answer


def test_a_list_of_hidden_pictures_stays_short() -> None:
    many = files.with_segments(files.jpeg(), *[(0xE5, files.jpeg(n, 8)) for n in range(8, 200)])
    assert len(seen(many).hidden_images) == 31
    assert seen(many).hidden_images[-1] == "162 more"


WHOLE = (
    files.with_segments(
        files.jpeg(progressive=True),
        (files.APP1, files.EXIF + EXIF),
        (files.APP1, files.XMP + XMP),
        (files.APP2, b"MPF\0" + files.exif({0xB001: [2], 0xB002: bytes(32)})),
        (files.APP2, b"ICC_PROFILE\0\1\1" + files.icc()),
        (files.APP13, b"Photoshop 3.0\0" + b"8BIM\4\x0c\0\0" + bytes(4)),
        (files.COM, b"comment"),
    ),
    files.with_chunks(files.png(), (b"eXIf", EXIF), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
    files.tiff(order=">", extratags=[(700, 1, len(XMP), XMP, True), (34675, 7, None, files.icc(), True)]),
)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """Change, cut out or repeat a few bytes of a whole file."""
    data = bytearray(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["change", "change", "cut", "repeat"])):
            case "change":
                data[at] = draw(st.sampled_from([0, 1, 8, 0x7F, 0x80, 0xD8, 0xD9, 0xDA, 0xFF]))
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
    return bytes(data) or b"x"


@settings(max_examples=500, deadline=20_000)
@given(
    st.one_of(
        spoilt(),
        st.binary(max_size=200),
        st.sampled_from([b"\xff\xd8\xff", b"II*\0"]).flatmap(
            lambda beginning: st.binary(max_size=200).map(lambda rest: beginning + rest)
        ),
    )
)
def test_no_bytes_lead_to_anything_but_an_inspection_or_a_refusal(data: bytes) -> None:
    try:
        found = seen(data)
    except NotPublishable:
        return
    assert 0 < found.width_px * found.height_px <= MAX_PIXELS
    assert 1 <= found.orientation <= 8


def full_directory(following: int) -> bytes:
    return files.directory({tag: [tag] for tag in range(1_000)}, 8, "<", following)


LONG_EXIF = files.EXIF + b"II*\0\x08\0\0\0" + b"".join(full_directory(8 + 12_006 * n) for n in range(1, 6))
LONG_XMP = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<a>" + b"<b/>" * 240_000 + b"</a>")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(files.with_segments(files.jpeg(), *[(files.APP1, LONG_EXIF)] * 150), id="directories without end"),
        pytest.param(files.with_segments(files.jpeg(), *[(0xE5, files.jpeg(8, 8))] * 9_000), id="pictures everywhere"),
        pytest.param(files.with_chunks(files.png(), (b"iTXt", LONG_XMP)), id="a packet of a million bytes in 2 KB"),
        pytest.param(
            files.with_chunks(files.png(), (b"iCCP", b"name\0\0" + zlib.compress(bytes(300_000_000)))),
            id="a profile of 300 MB in 300 KB",
        ),
        pytest.param(files.with_chunks(files.png(), (b"eXIf", EXIF + bytes(9_000_000))), id="an Exif block of 9 MB"),
        pytest.param(files.with_chunks(files.png(), *[(b"abCd", b"")] * 50_000), id="chunks without end"),
    ],
)
def test_a_hostile_file_is_judged_in_bounded_time(data: bytes) -> None:
    start = time.process_time()
    seen(data)
    # 0.01 to 0.5 s where measured.
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, True, id="GPano says the whole sphere"),
        pytest.param({"CroppedAreaImageHeightPixels": "1800"}, False, id="cropped in height"),
        pytest.param({"CroppedAreaImageWidthPixels": "6000"}, False, id="cropped in width"),
        pytest.param({"ProjectionType": "cylindrical"}, False, id="another projection"),
    ],
)
def test_only_a_whole_sphere_has_rows_that_are_degrees(change: dict[str, str], expected: bool) -> None:
    whole = {
        "ProjectionType": "equirectangular",
        "FullPanoWidthPixels": "8000",
        "CroppedAreaImageWidthPixels": "8000",
        "FullPanoHeightPixels": "4000",
        "CroppedAreaImageHeightPixels": "4000",
    }
    assert is_sphere(8000, 4000, {**whole, **change}) is expected


def test_a_picture_that_is_only_twice_as_wide_as_high_proves_no_sphere() -> None:
    assert wraps(6000, 3000, {})
    assert not is_sphere(6000, 3000, {})
