"""Colour profiles, Photoshop's resources, and pictures inside other data."""

import struct

import pytest

from baas_preprocess.container import icc, photoshop, pictures
from baas_preprocess.container.refusals import Malformed
from tests.unit.preprocess import files

LONG_PROFILE = files.icc(size=150_000)


def test_a_profile_is_parted_and_joined_byte_by_byte_whatever_the_order_of_its_parts() -> None:
    parts = icc.parted(LONG_PROFILE)
    assert len(parts) == 3
    assert max(len(part) for part in parts) <= 65_533
    assert icc.checked(icc.joined(parts[::-1])) == LONG_PROFILE


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(icc.joined(icc.parted(LONG_PROFILE)[:2]), id="a missing part"),
        pytest.param(icc.joined([*icc.parted(LONG_PROFILE), *icc.parted(LONG_PROFILE)]), id="parts that come twice"),
        pytest.param(b"", id="nothing"),
        pytest.param(files.icc()[:-8] + b"\xff\xd8\xff\xe0abcd", id="a picture inside"),
        pytest.param(files.icc()[:-8] + b"\xff\xd8\xff\xff\xdb\0\0\0", id="a picture inside, behind fill bytes"),
        pytest.param(files.icc()[:-8] + b"II*\0\x08\0\0\0", id="a TIFF inside"),
        pytest.param(files.icc()[:-2] + b"\xff\xd8", id="a picture's head at its end"),
        pytest.param(
            LONG_PROFILE[:65_517] + b"\xff\xd8" + LONG_PROFILE[65_519:], id="a picture's head where it is parted"
        ),
        pytest.param(bytes(300), id="another head"),
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
