"""What a hit on a finished picture means: the share of a box that is covered, and when to look again."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.codes import ObjectClass
from baas_preprocess.facts import Box, Detection, Mask
from baas_preprocess.second_look import COVERED, SURE, covered_share, judge, still_visible


def mask_of(covered: npt.NDArray[np.bool_], unit_px: tuple[int, int], size: tuple[int, int]) -> Mask:
    return Mask(
        unit_px=unit_px,
        width_px=size[0],
        height_px=size[1],
        cells=np.where(covered, 0, -1).astype(np.int32),
        cell_count=int(covered.any()),
    )


def hit(left: float, top: float, right: float, bottom: float, *, score: float = 0.5) -> Detection:
    return Detection(box=Box(left, top, right, bottom), object_class=ObjectClass.PERSON, score=score)


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    """Any mask, on units that need not fit the picture."""
    unit = draw(st.sampled_from([(8, 8), (16, 8), (16, 16)]))
    width, height = draw(st.integers(1, 100)), draw(st.integers(1, 100))
    shape = -(-height // unit[1]), -(-width // unit[0])
    covered = np.random.default_rng(draw(st.integers(0, 1000))).random(shape) < draw(st.sampled_from([0, 0.3, 1]))
    return mask_of(covered, unit, (width, height))


@st.composite
def boxes(draw: st.DrawFn, of: Mask) -> Box:
    """Any box of whole pixels, also across the seam."""
    left, top = draw(st.integers(0, of.width_px - 1)), draw(st.integers(0, of.height_px - 1))
    right = left + draw(st.integers(1, of.width_px))
    return Box(left, top, right, draw(st.integers(top + 1, of.height_px)))


def pixels(made: Mask) -> npt.NDArray[np.bool_]:
    width, height = made.unit_px
    return made.covered.repeat(height, axis=0).repeat(width, axis=1)[: made.height_px, : made.width_px]


@given(st.data())
def test_the_covered_share_is_that_of_the_pixels_also_across_the_seam(data: st.DataObject) -> None:
    made = data.draw(masks())
    box = data.draw(boxes(made))
    columns = np.arange(int(box.left), int(box.right)) % made.width_px
    inside = pixels(made)[int(box.top) : int(box.bottom), columns]
    assert covered_share(box, made) == pytest.approx(inside.mean())


@given(st.data())
def test_turning_the_panorama_changes_no_share(data: st.DataObject) -> None:
    covered = np.random.default_rng(data.draw(st.integers(0, 100))).random((4, 10)) < 0.5
    left, width, turn = data.draw(st.integers(0, 79)), data.draw(st.floats(1, 80)), data.draw(st.integers(0, 9))
    turned = (left + 8 * turn) % 80
    before = covered_share(Box(left, 3, left + width, 30), mask_of(covered, (8, 8), (80, 32)))
    after = mask_of(np.roll(covered, turn, axis=1), (8, 8), (80, 32))
    assert covered_share(Box(turned, 3, turned + width, 30), after) == pytest.approx(before)


@given(st.data())
def test_more_mask_never_uncovers(data: st.DataObject) -> None:
    made = data.draw(masks())
    box = data.draw(boxes(made))
    more = np.random.default_rng(data.draw(st.integers(0, 100))).random(made.cells.shape) < 0.3
    grown = mask_of(made.covered | more, made.unit_px, (made.width_px, made.height_px))
    assert covered_share(box, grown) >= covered_share(box, made) - 1e-12


@pytest.mark.parametrize("box", [Box(5, 5, 5, 5), Box(80, 0, 80, 10), Box(0, 32, 80, 32)])
def test_a_box_without_area_is_a_pixel(box: Box) -> None:
    assert covered_share(box, mask_of(np.ones((4, 10), bool), (8, 8), (80, 32))) == 1
    assert covered_share(box, mask_of(np.zeros((4, 10), bool), (8, 8), (80, 32))) == 0


def test_a_head_above_the_mask_is_visible_and_a_sliver_is_residual() -> None:
    covered = np.zeros((20, 10), bool)
    covered[4:, :] = True  # from y = 32 on
    made = mask_of(covered, (8, 8), (80, 160))
    head, sliver = hit(10, 10, 40, 160), hit(10, 20, 40, 160)
    assert (160 - 32) / 150 < COVERED < (160 - 32) / 140
    assert judge([head, sliver], made) == ([head], [sliver])


@pytest.mark.parametrize(
    ("scores", "surest"),
    [
        ([], None),
        ([SURE - 0.01, 0.02], None),
        ([SURE, 0.02], SURE),
        ([0.4, 0.8, 0.6], 0.8),
    ],
)
def test_only_what_is_surely_visible_calls_for_another_look(scores: list[float], surest: float | None) -> None:
    nothing = mask_of(np.zeros((4, 10), bool), (8, 8), (80, 32))
    found = judge([hit(1, 1, 9, 9, score=score) for score in scores], nothing).surest
    assert (found and found.score) == surest


def test_what_is_surely_covered_calls_for_no_other_look() -> None:
    everything = mask_of(np.ones((4, 10), bool), (8, 8), (80, 32))
    assert judge([hit(1, 1, 9, 9, score=0.99)], everything).surest is None


def test_the_sentence_names_what_is_seen_and_where() -> None:
    seen = replace(hit(120.4, 80, 160.6, 100, score=0.512), object_class=ObjectClass.LICENCE_PLATE)
    assert str(still_visible(seen, 3)) == (
        "Look 3 at the finished picture still found a licence plate that is not covered, at x 120 and y 80, "
        "40 px wide, score 0.51."
    )
