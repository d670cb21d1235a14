"""Who checks promises notices a broken one: without that, nothing found would mean nothing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from baas_preprocess import libjpeg
from baas_preprocess.container import exif
from baas_preprocess.decode import decode
from baas_preprocess.facts import Mask, Method
from baas_preprocess.libjpeg import Blocks, Output
from baas_preprocess.mask import mask
from baas_preprocess.redact import redact
from baas_preprocess.thumbnail import thumbnail_of
from tests.fuzz.promises import check_metadata, check_nothing_is_left, check_picture, check_views
from tests.fuzz.seeds import seeds
from tests.safety.carving import pictures_behind_the_first
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import inspected, jpeg, png, region, street

PLAIN = jpeg(street(64, 48))
EXIF = files.exif({files.MAKE: "Ladybug"})


def made_mask(data: bytes) -> Mask:
    return mask([region(20, 20, 30, 30)], inspected(data), padding=0.1, cells=2)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (PLAIN, []),
        (files.with_segments(PLAIN, (files.APP1, files.EXIF + EXIF)), []),
        (files.with_chunks(files.png(), (b"eXIf", EXIF)), []),
        (PLAIN + PLAIN, [f"JPEG at byte {len(PLAIN)}"]),
        (PLAIN + b"\xff\xd8\xff\xff\xe1", [f"JPEG at byte {len(PLAIN)}"]),
        (PLAIN + b"\xff\xd8\xff\x00", []),
        (PLAIN + files.png(), [f"PNG at byte {len(PLAIN)}"]),
        (PLAIN + files.tiff(), [f"TIFF at byte {len(PLAIN)}"]),
        (PLAIN + files.tiff(order=">", bigtiff=True), [f"TIFF at byte {len(PLAIN)}"]),
        (PLAIN + 2 * (files.EXIF + EXIF), [f"TIFF at byte {len(PLAIN) + 2 * len(files.EXIF) + len(EXIF)}"]),
    ],
)
def test_a_carver_finds_whatever_begins_like_a_picture(data: bytes, found: list[str]) -> None:
    assert pictures_behind_the_first(data) == found


@pytest.mark.parametrize("name", ["full JPEG", "full PNG", "full TIFF"])
def test_an_original_full_of_metadata_breaks_the_promises(name: str) -> None:
    data = seeds()[name]
    with pytest.raises(AssertionError):
        check_metadata(data, inspected(data))


def test_a_thumbnail_of_another_picture_breaks_them() -> None:
    def with_thumbnail(thumbnail: bytes) -> bytes:
        block = exif.coded(exif.read(EXIF), thumbnail)
        assert block is not None
        return files.with_segments(PLAIN, (files.APP1, files.EXIF + block))

    own = with_thumbnail(thumbnail_of(PLAIN))
    check_metadata(own, inspected(own))
    other = with_thumbnail(thumbnail_of(jpeg(street(64, 48, seed=1))))
    with pytest.raises(AssertionError):
        check_metadata(other, inspected(other))


@pytest.mark.parametrize("place", [(0, 0, 0, 63), (2, 0, 0, 0), (0, 3, 3, 1)])
def test_one_changed_coefficient_breaks_them(place: tuple[int, int, int, int]) -> None:
    component, row, column, number = place

    def change(at_component: int, at_row: int, blocks: Blocks) -> None:
        if (at_component, at_row) == (component, row):
            blocks[column, number] += 1

    made = made_mask(PLAIN)
    finished = redact(PLAIN, inspected(PLAIN), made, Method.PIXELATE).data
    check_picture(PLAIN, finished, made, Method.PIXELATE)
    with pytest.raises(AssertionError):
        check_picture(PLAIN, libjpeg.edit(finished, Output(change))[0], made, Method.PIXELATE)


@pytest.mark.parametrize("data", [PLAIN, png(street(64, 48))], ids=["JPEG", "PNG"])
def test_whatever_is_left_of_the_inside_breaks_them(data: bytes) -> None:
    seen, made = inspected(data), made_mask(data)
    for method in (Method.FILL, Method.SOLID):
        check_nothing_is_left(data, seen, made, redact(data, seen, made, method))
    pixelated = redact(data, seen, made, Method.PIXELATE)
    with pytest.raises(AssertionError):
        check_nothing_is_left(data, seen, made, replace(pixelated, method=Method.FILL))


@pytest.mark.parametrize("code", [jpeg, png])
def test_another_picture_than_the_detector_saw_breaks_them(code: Callable[..., bytes]) -> None:
    pixels = street(64, 48)
    data, made = code(pixels), made_mask(code(pixels))
    finished = redact(data, inspected(data), made, Method.PIXELATE).data
    check_views(decode(data, inspected(data)), finished, inspected(finished), made)
    with pytest.raises(AssertionError):
        check_views(np.ascontiguousarray(pixels[::-1]), finished, inspected(finished), made)
