"""A smooth surface shows the cells' values and nothing else."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from baas_preprocess.cells import Footprint, Ints, means, round_down
from baas_preprocess.surface import Surface, smooth

BOUNDS = (-10.0, 265.0)
whole = st.integers(-5, 260)


@st.composite
def grids(draw: st.DrawFn) -> npt.NDArray[np.int32]:
    """Rectangles of cells that overlap, in a grid with places outside."""
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    grid = np.full((rows, columns), -1, np.int64)
    for cell in range(draw(st.integers(1, 6))):
        top, left = draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))
        grid[top : draw(st.integers(top + 1, rows)), left : draw(st.integers(left + 1, columns))] = cell
    numbers: npt.NDArray[np.int64] = np.unique(grid, return_inverse=True)[1].reshape(grid.shape)
    return (numbers - int(grid.min() == -1)).astype(np.int32)


def corners(surface: Surface) -> npt.NDArray[np.float64]:
    """(places, down, across)"""
    x, y = np.array([-0.5, 0.5]), np.array([[-0.5], [0.5]])
    level, across, down, twist = (
        part[:, None, None] for part in (surface.level, surface.across, surface.down, surface.twist)
    )
    drawn: npt.NDArray[np.float64] = level + across * x + down * y + twist * x * y
    return drawn


@given(grids(), st.data(), st.booleans())
def test_the_rounded_levels_of_each_cell_average_to_its_value(
    grid: npt.NDArray[np.int32], draws: st.DataObject, wraps: bool
) -> None:
    footprint = Footprint.of(grid)
    values = draws.draw(hnp.arrays(np.int64, int(grid.max()) + 1, elements=whole))
    levels = round_down(smooth(footprint, values, bounds=BOUNDS, wraps=wraps).level)
    sums = np.bincount(footprint.cells, weights=levels).astype(np.int64)
    assert (means(sums, np.bincount(footprint.cells)) == values).all()


@given(grids(), st.data(), st.booleans())
def test_no_point_lies_beyond_the_bounds(grid: npt.NDArray[np.int32], draws: st.DataObject, wraps: bool) -> None:
    values = draws.draw(hnp.arrays(np.int64, int(grid.max()) + 1, elements=whole))
    drawn = corners(smooth(Footprint.of(grid), values, bounds=BOUNDS, wraps=wraps))
    assert drawn.min() >= BOUNDS[0] - 1e-6
    assert drawn.max() <= BOUNDS[1] + 1e-6


@given(grids(), whole)
def test_equal_cells_are_flat(grid: npt.NDArray[np.int32], value: int) -> None:
    values: Ints = np.full(int(grid.max()) + 1, value)
    np.testing.assert_allclose(corners(smooth(Footprint.of(grid), values, bounds=BOUNDS, wraps=False)), value)


def test_neighbouring_cells_meet_without_a_step() -> None:
    grid = np.repeat(np.arange(3, dtype=np.int32), 8)[None, :].repeat(8, axis=0)
    surface = smooth(Footprint.of(grid), np.array([0, 100, 20]), bounds=(-999, 999), wraps=False)
    steps = np.abs(np.diff(surface.level.reshape(8, 24), axis=1))
    assert steps.max() < 25  # a flat drawing has a step of 100


def test_across_the_seam_there_is_no_step_where_the_picture_wraps() -> None:
    grid = np.full((8, 32), -1, np.int32)
    grid[:, 24:], grid[:, :8] = 0, 1
    for wraps, is_small in ((True, True), (False, False)):
        surface = smooth(Footprint.of(grid), np.array([0, 100]), bounds=(-999, 999), wraps=wraps)
        level = surface.level.reshape(8, 16)
        assert (abs(level[4, 0] - level[4, -1]) < 25) == is_small


@given(hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(-100, 100)), st.integers(-5, 5))
def test_rounding_keeps_the_rounded_mean(numbers: npt.NDArray[np.float64], mean: int) -> None:
    rounded = round_down(numbers - numbers.mean() + mean)
    assert means(rounded.sum(), np.array(rounded.size)) == mean
