"""The mask covers every padded box, and says no more about it than a few cells."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_preprocess.facts import Box, ImageFormat, Inspection, Mask, Region
from baas_preprocess.mask import LEAST_PADDING_PX, mask
from tests.unit.preprocess.pictures import region

UNITS = [(8, 8), (16, 8), (8, 16), (16, 16), (32, 8)]


def flat(width: int, height: int, unit_px: tuple[int, int] = (8, 8), *, wraps: bool = False) -> Inspection:
    return Inspection(
        format=ImageFormat.JPEG,
        width_px=width,
        height_px=height,
        wraps=wraps,
        orientation=1,
        unit_px=unit_px,
        coding="",
        metadata=(),
        hidden_images=(),
    )


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Region], Inspection]:
    width, height = draw(st.integers(1, 200)), draw(st.integers(1, 100))
    seen = flat(width, height, draw(st.sampled_from(UNITS)), wraps=draw(st.booleans()))

    def box() -> Region:
        left = draw(st.floats(0, width, exclude_max=True))
        right = draw(st.floats(left, left + width if seen.wraps else width))
        top = draw(st.floats(0, height, exclude_max=True))
        return region(left, top, right, draw(st.floats(top, height)))

    return [box() for _ in range(draw(st.integers(1, 5)))], seen


def covered_pixels(made: Mask) -> npt.NDArray[np.bool_]:
    width, height = made.unit_px
    return made.covered.repeat(height, axis=0).repeat(width, axis=1)[: made.height_px, : made.width_px]


def padded_pixels(box: Box, seen: Inspection, padding: float) -> npt.NDArray[np.bool_]:
    """Every pixel that the padded box touches, found by walking along its sides."""
    pad_x = max(LEAST_PADDING_PX, padding * (box.right - box.left))
    pad_y = max(LEAST_PADDING_PX, padding * (box.bottom - box.top))
    touched = np.zeros((seen.height_px, seen.width_px), bool)
    rows = [
        row for row in range(math.floor(box.top - pad_y), math.ceil(box.bottom + pad_y)) if 0 <= row < seen.height_px
    ]
    columns = [
        column % seen.width_px if seen.wraps else column
        for column in range(math.floor(box.left - pad_x), math.ceil(box.right + pad_x))
        if seen.wraps or 0 <= column < seen.width_px
    ]
    touched[np.ix_(rows, columns)] = True
    return touched


@given(scenes(), st.sampled_from([0.0, 0.1, 0.5]))
def test_every_pixel_of_every_padded_box_is_covered(scene: tuple[list[Region], Inspection], padding: float) -> None:
    regions, seen = scene
    made = mask(regions, seen, padding=padding, cells=6)
    for one in regions:
        assert covered_pixels(made)[padded_pixels(one.box, seen, padding)].all()


@given(scenes())
def test_only_units_that_a_padded_box_touches_are_covered(scene: tuple[list[Region], Inspection]) -> None:
    regions, seen = scene
    made = mask(regions, seen, padding=0.1, cells=6)
    touched = np.any([padded_pixels(one.box, seen, 0.1) for one in regions], axis=0)
    width, height = seen.unit_px
    for row, column in np.argwhere(made.covered):
        assert touched[row * height : (row + 1) * height, column * width : (column + 1) * width].any()


@given(scenes(), st.randoms())
def test_the_mask_does_not_depend_on_the_order_or_repetition_of_the_regions(
    scene: tuple[list[Region], Inspection], random: Random
) -> None:
    regions, seen = scene
    shuffled = [*regions, random.choice(regions)]
    random.shuffle(shuffled)
    one, other = (mask(some, seen, padding=0.1, cells=6) for some in (regions, shuffled))
    assert (one.cells == other.cells).all()
    assert one.cell_count == other.cell_count


@given(scenes(), st.integers(1, 9))
def test_a_box_has_at_most_so_many_cells_a_side_whatever_its_size(
    scene: tuple[list[Region], Inspection], cells: int
) -> None:
    (first, *_), seen = scene
    made = mask([first], seen, padding=0.1, cells=cells)
    for line in (*made.cells, *made.cells.T):
        assert len(set(line) - {-1}) <= cells
    assert made.cell_count <= cells * cells


@given(scenes())
def test_cells_are_numbered_without_gaps(scene: tuple[list[Region], Inspection]) -> None:
    regions, seen = scene
    made = mask(regions, seen, padding=0.1, cells=6)
    assert set(np.unique(made.cells)) - {-1} == set(range(made.cell_count))


@given(st.floats(0, 255), st.floats(1, 200), st.integers(0, 31))
def test_turning_a_panorama_by_whole_units_turns_its_mask(left: float, width: float, units: int) -> None:
    seen = flat(256, 64, wraps=True)
    turned = (left + 8 * units) % 256
    one = mask([region(left, 10, left + width, 40)], seen, padding=0.1, cells=6)
    other = mask([region(turned, 10, turned + width, 40)], seen, padding=0.1, cells=6)
    assert (np.roll(one.covered, units, axis=1) == other.covered).all()


def test_a_box_across_the_seam_covers_both_edges_and_counts_the_narrow_last_unit() -> None:
    made = mask([region(90, 0, 108, 8)], flat(100, 8, wraps=True), padding=0, cells=6)
    # From 88 px to the edge at 100 px, which is half a unit wide, and on to 10 px.
    assert made.covered.tolist() == [[True, True] + [False] * 9 + [True, True]]
    assert made.share == pytest.approx((16 + 12) / 100)


def test_a_cell_goes_on_across_the_seam() -> None:
    made = mask([region(220, 0, 310, 64)], flat(256, 64, wraps=True), padding=0, cells=2)
    assert (made.cells[:, 0] == made.cells[:, 31]).all()
    assert made.cell_count == 4


def test_a_flat_photo_does_not_wrap() -> None:
    made = mask([region(90, 0, 100, 8)], flat(100, 8), padding=0.5, cells=6)
    assert not made.covered[0, :10].any()


def test_a_box_as_wide_as_the_panorama_covers_all_of_it() -> None:
    assert mask([region(50, 0, 149, 8)], flat(100, 8, wraps=True), padding=0.1, cells=6).covered.all()


def test_a_tiny_box_still_grows_by_two_pixels() -> None:
    made = mask([region(31, 31, 31, 31)], flat(64, 64), padding=0, cells=6)
    assert made.covered[3:5, 3:5].all()
    assert made.covered.sum() == 4


def test_where_boxes_overlap_the_larger_one_decides() -> None:
    large, small = region(0, 0, 160, 160), region(40, 40, 60, 60)
    alone, both = (mask(some, flat(200, 200), padding=0, cells=3) for some in ([large], [small, large]))
    assert (alone.cells == both.cells).all()


def test_cells_are_about_square_in_pixels_also_where_units_are_not() -> None:
    made = mask([region(2, 2, 126, 126)], flat(128, 128, (32, 8)), padding=0, cells=4)
    assert made.cell_count == 16


def test_without_regions_the_mask_is_empty() -> None:
    made = mask([], flat(100, 50), padding=0.1, cells=6)
    assert made.cells.shape == (7, 13)
    assert made.cell_count == made.covered.sum() == 0


def test_a_mask_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        mask([], flat(100, 50), padding=0.1, cells=6).cells[0, 0] = 1


@pytest.mark.parametrize(
    "box", [Box(120, 0, 130, 10), Box(0, 60, 10, 70), Box(math.nan, 0, 1, 1), Box(0, 0, math.inf, 1), Box(5, 0, 4, 1)]
)
def test_a_box_that_does_not_touch_the_picture_is_an_error_and_not_left_out(box: Box) -> None:
    with pytest.raises(ValueError, match="Box"):
        mask([replace(region(0, 0, 1, 1), box=box)], flat(100, 50), padding=0.1, cells=6)


@pytest.mark.parametrize(("padding", "cells"), [(0.1, 0), (-0.1, 6), (math.nan, 6)])
def test_nonsense_settings_are_refused(padding: float, cells: int) -> None:
    regions: Sequence[Region] = []
    with pytest.raises(ValueError, match="a mask needs"):
        mask(regions, flat(10, 10), padding=padding, cells=cells)
