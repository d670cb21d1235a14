"""docs/reference/pictures.md says of each kind of file what the code does with it."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from baas_crds.errors import NotPublishable
from baas_preprocess.container.xmp import SCHEMAS
from baas_preprocess.detect import Model
from baas_preprocess.facts import Digest, Pixels
from baas_preprocess.inspection import inspect
from baas_preprocess.recipe import Recipe
from baas_preprocess.scrub import removed
from baas_preprocess.way import make_safe
from tests.conftest import ROOT
from tests.fuzz.seeds import seeds
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import by_pillow, deep, jpeg, png, see_through, street, tiff

PAGE = (ROOT / "docs" / "reference" / "pictures.md").read_text(encoding="utf-8")
PIXELS = street(32, 24)


class Blind:
    """A detector that sees nothing."""

    model = Model(digest=Digest("sha256:blind"), version="1", score_floor=0.01, max_det=300)

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        return [np.empty((0, 6), np.float32) for _ in shown]


def with_scans(count: int) -> bytes:
    data = jpeg(PIXELS)
    start = data.index(b"\xff\xda")
    return data[:start] + data[start:-2] * count + data[-2:]


def without_a_colour() -> bytes:
    data = jpeg(PIXELS)
    at = data.index(b"\xff\xda")
    return data[: at + 5] + data[at + 7 : at + 8] + data[at + 6 :]  # the scan names the second component twice


def with_two_tables() -> bytes:
    data = jpeg(PIXELS, progressive=True)
    second_scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    return data[:second_scan] + files.segment(0xDB, b"\0" + b"\1" * 64) + data[second_scan:]


def spoilt(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


YCCK = files.jpeg(mode="CMYK").replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2")
REFUSED: Mapping[str, Callable[[], bytes]] = {
    "no bytes": lambda: b"",
    "neither JPEG, PNG nor TIFF": lambda: b"GIF89a",
    "more pixels than the limit, 180 megapixels unless said otherwise; before anything is decoded": lambda: (
        files.with_frame(size=(14_000, 20_000))
    ),
    "cut off": lambda: jpeg(PIXELS)[:-2],
    "JPEG that libjpeg so much as warns of": lambda: jpeg(PIXELS)[:-40] + b"\xff\xd9",
    "JPEG with more than 100 scans": lambda: with_scans(101),
    "JPEG without the means of one of its colours": without_a_colour,
    "JPEG with coefficients that no picture of 8 bits has": lambda: files.jpeg_with_coefficient(14),
    "JPEG of 12 bits": lambda: files.with_frame(marker=0xC1, precision=12),
    "JPEG, lossless": lambda: files.with_frame(marker=0xC3),
    "JPEG, hierarchical": lambda: files.with_frame(marker=0xC5),
    "JPEG, arithmetic coding": lambda: files.with_frame(marker=0xC9),
    "JPEG, progressive arithmetic coding": lambda: files.with_frame(marker=0xCA),
    "JPEG-LS": lambda: files.with_frame(marker=0xF7),
    "JPEG, CMYK": lambda: files.jpeg(mode="CMYK"),
    "JPEG, YCCK": lambda: YCCK,
    "JPEG that says YCCK of three components": lambda: (
        b"\xff\xd8" + files.segment(files.APP14, b"Adobe\0d\0\0\0\0\2") + files.jpeg()[20:]
    ),
    "JPEG of other sampling than above": lambda: files.with_frame(factors=b"\x31\x21\x21"),
    "JPEG with chroma planes of different sampling": lambda: files.with_frame(factors=b"\x22\x21\x11"),
    "JPEG that tells its height behind the picture (DNL)": lambda: files.with_frame(size=(0, 48)),
    "JPEG that changes a quantisation table between scans": with_two_tables,
    "PNG with a wrong checksum": lambda: spoilt(files.png(), 30),
    "PNG, animated": lambda: files.with_chunks(files.png(), (b"acTL", bytes(8))),
    "PNG with an unknown critical chunk": lambda: files.with_chunks(files.png(), (b"ABCD", b"")),
    "PNG or TIFF that is see-through anywhere: what is seen depends on the background": lambda: png(
        see_through(PIXELS)
    ),
    "PNG or TIFF of 16 bits that uses the lower ones only: the detector would see black": lambda: tiff(
        deep(PIXELS) >> 4
    ),
    "TIFF of several pages": lambda: files.tiff(pages=2),
    "TIFF whose first page is a preview, as in raw files": lambda: files.tiff(subfiletype=1),
    "BigTIFF": lambda: files.tiff(bigtiff=True),
    "TIFF of other samples than whole numbers of 8 or 16 bits": lambda: files.tiff(np.zeros((32, 48), np.float32)),
    "TIFF of another colour model: palette, CMYK, YCbCr, white is zero": lambda: by_pillow(PIXELS, "TIFF", "P"),
    "TIFF compressed as JPEG, or otherwise than above": lambda: by_pillow(PIXELS, "TIFF", "L", compression="jpeg"),
    "TIFF of separate planes": lambda: files.tiff(
        np.zeros((3, 32, 48), np.uint8), photometric="rgb", planarconfig="separate"
    ),
}


def section(title: str) -> str:
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


ROWS = {
    kind: (reason, said)
    for kind, reason, said in re.findall(r"^\| (.+) \| `(\w+)` \| `(.+)` \|$", section("Refused"), re.M)
}


def test_every_row_of_refused_kinds_is_tried() -> None:
    assert list(ROWS) == list(REFUSED)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_kind_is_refused_as_the_page_says(kind: str) -> None:
    with pytest.raises(NotPublishable) as refused:
        make_safe(REFUSED[kind](), Recipe(), Blind())
    reason, said = ROWS[kind]
    assert refused.value.reason == reason
    assert said in str(refused.value)


@pytest.mark.parametrize("name", seeds())
def test_what_a_full_file_loses_is_named(name: str) -> None:
    data = seeds()[name]
    before = inspect(data, max_pixels=10_000)
    after = inspect(make_safe(data, Recipe(), Blind()).data, max_pixels=10_000)
    for lost in removed(before, after):
        if "JPEG" not in lost and "bytes" not in lost:  # a picture or what else stands anywhere
            assert re.sub(r" \d.*", "", lost).lower() in section("Metadata").lower()


def test_every_namespace_that_stays_is_named() -> None:
    prefixes = {schema.prefix for schema in SCHEMAS.values()}
    assert {prefix for prefix in prefixes if f"`{prefix}:" not in section("Metadata")} == set()
