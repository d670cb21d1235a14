"""Colour profiles, Photoshop's resources, and pictures inside other data."""

import struct

import PIL.ImageCms
import pytest

from baas_preprocess.container import icc, photoshop, pictures
from baas_preprocess.container.refusals import Malformed
from tests.unit.preprocess import files

PROFILE = files.icc(b"RGB ", (b"cprt", b"text" + bytes(4) + b"Nobody"), (b"desc", b"desc" + bytes(100)))
PARTS = [b"ICC_PROFILE\0" + bytes([number, 2]) + part for number, part in ((1, PROFILE[:150]), (2, PROFILE[150:]))]


def test_a_profile_stays_byte_by_byte_whatever_the_order_of_its_parts() -> None:
    assert icc.checked(icc.joined(PARTS[::-1])) == PROFILE
    assert icc.joined([icc.segment(PROFILE)]) == PROFILE


def test_profiles_of_programs_stay_byte_by_byte() -> None:
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    assert icc.checked(profile) == profile


CURVE = b"curv" + struct.pack(">4xI", 4096)
NO_PICTURE = b"\xd8\x01" * 4096


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param(b"priv", bytes(8) + NO_PICTURE, id="a tag that nobody knows"),
        pytest.param(b"A2B0", b"mft1" + bytes(4) + NO_PICTURE, id="a table of colours"),
        pytest.param(b"cprt", b"text" + bytes(4) + b"/9j/4AAQSkZJRgABAQAA" * 4, id="a picture that is written as text"),
        pytest.param(b"cprt", b"text" + bytes(4) + b"of nobody " * 300, id="a long text"),
        pytest.param(b"rTRC", CURVE + b"\xd8\x01\xd7\x01" * 2048, id="samples called a curve"),
    ],
)
def test_what_could_hold_a_picture_goes_and_the_colours_stay(name: bytes, data: bytes) -> None:
    kept = icc.checked(files.icc(b"RGB ", (name, data)))
    assert kept == files.icc()
    assert icc.checked(kept) == kept


def test_what_stands_between_the_tags_goes() -> None:
    between = bytearray(files.icc() + b"behind all tags!")
    between[:4] = struct.pack(">I", len(between))
    assert icc.checked(bytes(between)) == files.icc()
    in_the_head = PROFILE[:100] + b"not a zero".ljust(28, b"\0") + PROFILE[128:]
    assert icc.checked(in_the_head) == PROFILE


def test_a_curve_stays() -> None:
    curve = CURVE + struct.pack(">4096H", *range(4096))
    profile = files.icc(tags=[(name, curve if name == b"gTRC" else data) for name, data in files.RGB_TAGS])
    assert icc.checked(profile) == profile


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(icc.joined(PARTS[:1]), id="a missing part"),
        pytest.param(icc.joined([*PARTS, *PARTS]), id="parts that come twice"),
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(300), id="another head"),
        pytest.param(files.icc(tags=files.RGB_TAGS[1:]), id="no white"),
        pytest.param(files.icc(b"CMYK"), id="colours that no picture here has"),
        pytest.param(files.icc(b"RGB ", *[(b"none", bytes(8))] * 40), id="too many tags"),
        pytest.param(PROFILE[:128] + b"\xff\xff\xff\xff" + PROFILE[132:], id="more tags than there is room for"),
        pytest.param(PROFILE[:136] + b"\0\0\xff\xff" + PROFILE[140:], id="a tag behind its end"),
        pytest.param(PROFILE[:136] + b"\0\0\0\0" + PROFILE[140:], id="a tag in its head"),
        pytest.param(files.icc(b"RGB ", (b"mine", b"\0\0\xff\xd8\xff\xe0abcd")), id="a picture in a small tag"),
        pytest.param(files.icc(b"RGB ", (b"mine", b"\xff\xd8\xff\xff\xdb\0\0\0")), id="behind fill bytes"),
        pytest.param(files.icc(b"RGB ", (b"mine", b"II*\0\x08\0\0\0")), id="a TIFF in a small tag"),
        pytest.param(files.icc(b"RGB ", (b"mine", bytes(6) + b"\xff\xd8")), id="a picture's head at its end"),
    ],
)
def test_what_is_no_whole_profile_is_malformed(profile: bytes) -> None:
    with pytest.raises(Malformed):
        icc.checked(profile)


def resource(number: int, content: bytes, name: bytes = b"") -> bytes:
    name = bytes([len(name)]) + name
    padded = content + bytes(len(content) % 2)
    return b"8BIM" + struct.pack(">H", number) + name + bytes(len(name) % 2) + struct.pack(">I", len(content)) + padded


def test_photoshop_thumbnails_are_found_behind_other_resources() -> None:
    thumbnail = struct.pack(">III", 1, 160, 120) + bytes(16) + files.jpeg(8, 8)
    resources = resource(0x03ED, b"odd", b"name") + resource(0x0404, b"iptc") + resource(0x040C, thumbnail)
    assert photoshop.described(resources) == (["Photoshop resources", "IPTC"], ["Photoshop thumbnail 160x120"])


@pytest.mark.parametrize("cut", [5, 11, 13])
def test_cut_resources_end_the_list(cut: int) -> None:
    assert photoshop.described(resource(0x0404, b"iptc")[:cut])[1] == []


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", []),
        (b"\xff\xd8\xff\x00 no marker follows", []),
        (b"before" + files.jpeg(24, 16) + b"behind", ["JPEG 24x16"]),
        (b"\xff\xd8\xff\xe0", ["JPEG of unknown size"]),
        (b"\xff\xd8\xff\xff" + files.jpeg(24, 16)[2:], ["JPEG 24x16"]),
        (files.png(), ["PNG"]),
        (b"before" + files.tiff(), ["TIFF"]),
        (b"before" + files.tiff(order=">", bigtiff=True), ["TIFF"]),
        (files.jpeg(8, 8) * 50, ["JPEG 8x8"] * pictures.MAX_NAMED),
    ],
    ids=["nothing", "chance", "one", "a beginning", "fill bytes", "a PNG", "a TIFF", "a BigTIFF", "many"],
)
def test_pictures_are_found_by_how_they_begin(data: bytes, found: list[str]) -> None:
    assert pictures.inside(data) == found
