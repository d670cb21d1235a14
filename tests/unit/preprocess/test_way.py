"""The way of one panorama with a detector that reads from a script: what the second look changes, and how it ends."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_ledger.facts import SecondLook
from baas_preprocess.detect import Model
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest, Pixels
from baas_preprocess.recipe import Recipe
from baas_preprocess.second_look import MOST_LOOKS
from baas_preprocess.wanted import PixelBox, Wanted
from baas_preprocess.way import Safe, make_safe
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import coded, jpeg, street

WIDTH, HEIGHT = 187, 93
PICTURE = jpeg(street(WIDTH, HEIGHT))
OFF, REDETECT = Recipe(second_look_percent=0), Recipe()

Row = tuple[float, float, float, float, float, int]


class Scripted:
    """A detector that answers each look with the next boxes of its script, in the picture's pixels.

    The pictures here fit into one tile: shown as they are at the first look, and mirrored from then on.
    """

    model = Model(digest=Digest("sha256:scripted"), version="1", score_floor=0.01, max_det=300)

    def __init__(self, *looks: list[Row]) -> None:
        self.looks = list(looks)
        self.shown: list[Pixels] = []

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        [tile] = shown
        self.shown.append(tile)
        rows = self.looks.pop(0)
        if len(self.shown) > 1:
            rows = [(WIDTH - right, top, WIDTH - left, bottom, *of) for left, top, right, bottom, *of in rows]
        return [np.array(rows, np.float32).reshape(-1, 6)]


PERSON: Row = (40, 20, 60, 60, 0.9, 0)
SECOND: Row = (120, 20, 140, 60, 0.9, 0)
WEAK: Row = (120, 20, 140, 60, 0.06, 0)
# A little more than its redaction, which is on a grid of 16 pixels and padded.
RESIDUAL: Row = (31, 15, 64, 64, 0.7, 0)


def safe(
    *looks: list[Row], recipe: Recipe = REDETECT, data: bytes = PICTURE, corrections: Sequence[Wanted] = ()
) -> tuple[Safe, Scripted]:
    detector = Scripted(*looks)
    return make_safe(data, recipe, detector, corrections), detector


def test_without_a_second_look_the_finished_picture_is_never_shown() -> None:
    done, detector = safe([PERSON], recipe=OFF)
    assert len(detector.shown) == 1
    assert done.second_look == SecondLook()
    assert "second look" not in done.seconds


def test_a_second_look_that_finds_nothing_new_changes_no_byte() -> None:
    looked, detector = safe([PERSON], [RESIDUAL])
    assert looked.data == safe([PERSON], recipe=OFF)[0].data
    assert looked.second_look == SecondLook(looks=1, found_later=0, residuals=1)
    assert "second look" in looked.seconds
    first, again = detector.shown
    assert not np.array_equal(first[:, ::-1], again)  # mirrored, and redacted
    assert np.array_equal(first[:, ::-1][80:], again[80:])


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in coded(WIDTH, HEIGHT).items()])
def test_what_it_finds_is_redacted_as_if_the_first_look_had_found_it(data: bytes) -> None:
    looked, _ = safe([PERSON], [SECOND], [], data=data)
    assert looked.data == safe([PERSON, SECOND], recipe=OFF, data=data)[0].data
    assert [region.box.left for region in looked.regions] == [40, 120]
    assert looked.second_look == SecondLook(looks=2, found_later=1, residuals=0)


def test_what_it_doubts_is_redacted_too_but_calls_for_no_further_look() -> None:
    looked, _ = safe([PERSON], [WEAK])
    assert looked.data == safe([PERSON, WEAK], recipe=OFF)[0].data
    assert looked.second_look == SecondLook(looks=1, found_later=1, residuals=0)


def test_what_the_recipe_does_not_redact_is_not_redacted_later() -> None:
    below: Row = (120, 20, 140, 60, 0.04, 0)
    assert safe([PERSON], [below])[0].data == safe([PERSON], recipe=OFF)[0].data


def test_a_picture_in_which_each_look_finds_somebody_is_not_published() -> None:
    somebody_else: list[list[Row]] = [[(left, 70, left + 12, 90, 0.8, 0)] for left in range(5, 180, 40)]
    with pytest.raises(
        NotPublishable, match=f"Look {MOST_LOOKS} at the finished picture still found a person"
    ) as error:
        safe([], *somebody_else)
    assert error.value.reason is QuarantineReason.STILL_VISIBLE


def test_the_last_look_that_finds_nothing_sure_publishes() -> None:
    somebody_else: list[list[Row]] = [[(left, 70, left + 12, 90, 0.8, 0)] for left in (5, 60)]
    looked, _ = safe([], *somebody_else, [WEAK])
    assert looked.second_look == SecondLook(looks=MOST_LOOKS, found_later=3, residuals=0)


def test_the_same_script_gives_the_same_bytes() -> None:
    assert safe([PERSON], [SECOND], [WEAK])[0].data == safe([PERSON], [SECOND], [WEAK])[0].data


def test_a_sample_is_the_same_pictures_in_every_run() -> None:
    digests = [digest_of(f"{number}".encode()) for number in range(2000)]

    def chosen(percent: int) -> set[Digest]:
        return {digest for digest in digests if Recipe(second_look_percent=percent).looks_again_at(digest)}

    assert chosen(0) == set()
    assert chosen(100) == set(digests)
    assert chosen(5) == chosen(5) < chosen(10) < chosen(50)
    assert 60 < len(chosen(5)) < 140


def test_a_sampled_picture_has_the_bytes_of_one_that_is_always_looked_at() -> None:
    percent = next(p for p in range(1, 101) if Recipe(second_look_percent=p).looks_again_at(digest_of(PICTURE)))
    looked, _ = safe([PERSON], [SECOND], [], recipe=Recipe(second_look_percent=percent))
    assert looked.data == safe([PERSON], [SECOND], [])[0].data
    left_out, detector = safe([PERSON], recipe=Recipe(second_look_percent=percent - 1))
    assert (left_out.second_look.looks, len(detector.shown)) == (0, 1)


class Startled:
    """A detector that sees nobody but at one look, and then one person in the middle of the first tile."""

    model = Scripted.model

    def __init__(self, look: int) -> None:
        self.look = look
        self.asked: list[list[bytes]] = []

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        self.asked.append([tile.tobytes() for tile in shown])
        rows = [np.zeros((0, 6), np.float32) for _ in shown]
        if len(self.asked) == self.look:
            height, width = shown[0].shape[:2]
            rows[0] = np.array([(width / 2, height / 2, width / 2 + 20, height / 2 + 40, 0.9, 0)], np.float32)
        return rows


def test_a_third_look_asks_only_about_the_tiles_that_were_redacted_since() -> None:
    detector = Startled(look=2)
    looked = make_safe(jpeg(street(3_456, 1_728)), REDETECT, detector)
    assert looked.second_look == SecondLook(looks=2, found_later=1, residuals=0)
    _, second, third = detector.asked
    assert len(second) == 4
    assert len(third) == 2  # the tile with the person, and the overview
    assert not set(second) & set(third)


SOMEBODY = Wanted(box=PixelBox(left=120, top=20, width=20, height=40))


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in coded(WIDTH, HEIGHT).items()])
def test_a_correction_is_redacted_as_if_the_detector_had_found_it_but_is_told_apart(data: bytes) -> None:
    corrected, _ = safe([PERSON], recipe=OFF, data=data, corrections=[SOMEBODY])
    assert corrected.data == safe([PERSON, SECOND], recipe=OFF, data=data)[0].data
    assert [region.box.left for region in corrected.regions] == [40]
    assert [region.box.left for region in corrected.corrections] == [120]
    assert corrected.mask.share > safe([PERSON], recipe=OFF, data=data)[0].mask.share


def test_a_correction_stays_redacted_when_a_second_look_finds_others() -> None:
    found_later: Row = (5, 70, 17, 90, 0.8, 0)
    looked, _ = safe([PERSON], [found_later], [], corrections=[SOMEBODY])
    assert looked.data == safe([PERSON, SECOND, found_later], recipe=OFF)[0].data
    assert looked.second_look == SecondLook(looks=2, found_later=1, residuals=0)


def test_what_a_second_look_finds_under_a_correction_is_its_redaction() -> None:
    looked, _ = safe([], [SECOND], corrections=[SOMEBODY])
    assert (looked.regions, looked.second_look) == ((), SecondLook(looks=1, found_later=0, residuals=1))


FLAT = jpeg(street(512, 256))
SPHERE = files.with_segments(FLAT, (files.APP1, files.XMP + files.xmp('GPano:ProjectionType="equirectangular"')))
HOUSE_FRONT: Row = (100, 60, 300, 125, 0.9, 1)
"""45.7 degrees high, where rows mean degrees."""


@pytest.mark.parametrize(
    ("data", "row", "redacted"),
    [
        pytest.param(SPHERE, HOUSE_FRONT, 0, id="no plate is so near to a panorama's camera"),
        pytest.param(SPHERE, (100, 60, 300, 124, 0.05, 1), 1, id="one that may be is redacted, however unsure it is"),
        pytest.param(SPHERE, (100, 10, 300, 250, 0.9, 0), 1, id="a person may be as near as they like"),
        pytest.param(FLAT, HOUSE_FRONT, 1, id="of other pictures nobody knows how many degrees they show"),
    ],
)
def test_a_plate_cannot_be_of_any_size(data: bytes, row: Row, redacted: int) -> None:
    assert len(safe([row], recipe=OFF, data=data)[0].regions) == redacted
