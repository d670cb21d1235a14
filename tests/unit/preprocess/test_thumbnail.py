"""A thumbnail shows what its picture shows, and depends on nothing else."""

import io

import numpy as np
import pytest
from PIL import Image

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess import libjpeg
from baas_preprocess.libjpeg import Output
from baas_preprocess.thumbnail import thumbnail_of
from tests.safety.carving import pictures_behind_the_first
from tests.safety.thumbnails import colours, unlike
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import SAMPLINGS, by_pillow, coded, grey, inspected, jpeg, street

JPEGS = {name: data for name, data in coded(500, 300).items() if "JPEG" in name}


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2000, 1000), (160, 80)),
        ((1000, 2000), (80, 160)),
        ((641, 480), (160, 120)),
        ((161, 161), (160, 160)),
        ((160, 40), (160, 40)),
        ((48, 32), (48, 32)),
        ((1, 1), (1, 1)),
        ((2000, 3), (160, 1)),
    ],
    ids=str,
)
def test_it_is_160_pixels_long_in_the_pictures_proportions_and_never_enlarged(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    made = thumbnail_of(jpeg(street(*size)))
    with Image.open(io.BytesIO(made)) as shown:
        assert shown.size == expected


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in JPEGS.items()])
def test_it_shows_the_picture_whatever_its_coding(data: bytes) -> None:
    shown = colours(thumbnail_of(data))
    assert unlike(shown, colours(data, (160, 96))) < 5
    assert unlike(shown[::-1], colours(data, (160, 96))) > 15


@pytest.mark.parametrize("pixels", [street(500, 300), grey(street(500, 300))], ids=["colours", "grey"])
def test_it_is_a_baseline_jpeg_without_any_metadata(pixels: np.ndarray) -> None:
    made = thumbnail_of(jpeg(pixels))
    found = inspected(made)
    assert (found.coding, found.metadata, found.hidden_images) == ("baseline 4:2:0", (), ())
    assert pictures_behind_the_first(made) == []
    assert len(made) < 10_000


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_only_coefficients_and_colours_count(sampling: str) -> None:
    data = jpeg(street(500, 300), sampling=sampling, restart=3)
    (slow,) = libjpeg.edit(data, Output(progressive=True))
    full = files.with_segments(slow, (files.APP1, files.EXIF + files.exif({files.MAKE: "Ladybug"})))
    assert thumbnail_of(data) == thumbnail_of(slow) == thumbnail_of(full)


LARGE = street(1304, 650)  # one block more than 160 times the eight pixels of a block


@pytest.mark.parametrize(
    "data",
    [
        *(pytest.param(jpeg(LARGE, sampling=sampling), id=sampling) for sampling in SAMPLINGS),
        pytest.param(jpeg(grey(LARGE)), id="grey"),
        pytest.param(by_pillow(LARGE, "JPEG", keep_rgb=True, subsampling=0), id="RGB"),
        pytest.param(by_pillow(LARGE, "JPEG", progressive=True), id="progressive"),
    ],
)
def test_that_of_a_large_picture_is_made_of_its_blocks_means(data: bytes) -> None:
    made = thumbnail_of(data)
    assert unlike(colours(made), colours(data, (160, 80))) < 5
    assert made == thumbnail_of(data, libjpeg.read_levels(data, libjpeg.read_frame(data)))


@pytest.mark.parametrize("size", [(1287, 641), (655, 1290)], ids=str)
def test_blocks_that_go_beyond_the_picture_count_as_far_as_they_lie_in_it(size: tuple[int, int]) -> None:
    data = jpeg(street(*size))
    made = thumbnail_of(data)
    with Image.open(io.BytesIO(made)) as shown:
        assert unlike(colours(made), colours(data, shown.size)) < 5


def test_components_that_are_colours_as_they_are_keep_their_meaning() -> None:
    pixels = street(500, 300)
    rgb = by_pillow(pixels, "JPEG", keep_rgb=True, subsampling=0)
    assert unlike(colours(thumbnail_of(rgb)), colours(by_pillow(pixels, "PNG"), (160, 96))) < 5


def test_the_worst_picture_leaves_room_for_all_tags_that_may_stay() -> None:
    noise = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (160, 160, 3))
    most_tags = 13 + 75 + 32 + 4  # in the four directories, of 256 bytes and 12 for their rows
    assert len(thumbnail_of(jpeg(noise, sampling="4:4:4", quality=100))) + most_tags * 268 < 65_000


def test_a_damaged_picture_has_none() -> None:
    with pytest.raises(NotPublishable) as refused:
        thumbnail_of(jpeg(street(500, 300))[:-40] + b"\xff\xd9")
    assert refused.value.reason is QuarantineReason.DAMAGED
