"""A fill goes on from what lies around the mask, and knows nothing of what is inside."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from baas_preprocess.cells import Floats, Footprint
from baas_preprocess.fill import fill
from baas_preprocess.surface import Surface

levels = st.floats(-128, 127)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[npt.NDArray[np.int32], Floats]:
    """A grid with a mask of any shape, and levels."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    return draw(hnp.arrays(np.int32, shape, elements=st.integers(-1, 0))), draw(
        hnp.arrays(np.float64, shape, elements=levels)
    )


def parts(surface: Surface) -> npt.NDArray[np.float64]:
    return np.stack([surface.level, surface.across, surface.down, surface.twist])


def corners(surface: Surface) -> npt.NDArray[np.float64]:
    """(4, places)"""
    return np.stack(
        [
            surface.level + surface.across * x + surface.down * y + surface.twist * x * y
            for x in (-0.5, 0.5)
            for y in (-0.5, 0.5)
        ]
    )


@given(pictures(), levels, st.booleans())
def test_what_is_inside_decides_nothing(
    picture: tuple[npt.NDArray[np.int32], Floats], other: float, wraps: bool
) -> None:
    grid, around = picture
    footprint = Footprint.of(grid)
    one, two = fill(footprint, around, wraps=wraps), fill(footprint, np.where(grid < 0, around, other), wraps=wraps)
    assert (parts(one) == parts(two)).all()


@given(pictures(), st.booleans())
def test_no_point_lies_beyond_what_is_around_or_mid_grey(
    picture: tuple[npt.NDArray[np.int32], Floats], wraps: bool
) -> None:
    grid, around = picture
    drawn = corners(fill(Footprint.of(grid), around, wraps=wraps))
    outside = np.append(around[grid < 0], 0.0)
    assert ((drawn >= outside.min() - 1e-9) & (drawn <= outside.max() + 1e-9)).all()


@given(levels, st.booleans())
def test_in_plain_surroundings_it_is_as_plain(level: float, wraps: bool) -> None:
    grid = np.full((8, 9), -1, np.int32)
    grid[2:5, 3:9] = 0
    drawn = corners(fill(Footprint.of(grid), np.full(grid.shape, level), wraps=wraps))
    np.testing.assert_allclose(drawn, level, atol=1e-9)


def test_a_picture_that_is_masked_altogether_becomes_mid_grey() -> None:
    surface = fill(Footprint.of(np.zeros((4, 5), np.int32)), np.full((4, 5), 99.0), wraps=True)
    assert not parts(surface).any()


def test_a_place_in_line_with_nothing_outside_is_reached_all_the_same() -> None:
    grid = np.zeros((9, 9), np.int32)
    grid[0, 0] = -1
    drawn = fill(Footprint.of(grid), np.full(grid.shape, 100.0), wraps=False).level
    assert (drawn > 0).all()


def test_it_leads_from_one_side_to_the_other_without_a_step() -> None:
    grid = np.full((12, 22), -1, np.int32)
    grid[1:11, 1:21] = 0
    around = np.tile(np.linspace(-100, 100, 22), (12, 1))
    levels = fill(Footprint.of(grid), around, wraps=False).level.reshape(10, 20)
    assert np.abs(np.diff(np.pad(levels, ((0, 0), (1, 1)), constant_values=(-100, 100)), axis=1)).max() < 20


def test_across_the_seam_it_sees_the_other_edge_where_the_picture_wraps() -> None:
    grid = np.full((3, 10), -1, np.int32)
    grid[:, 7:] = 0
    around = np.zeros((3, 10))
    around[:, 0] = 100
    wrapped, cut = (fill(Footprint.of(grid), around, wraps=wraps).level.reshape(3, 3)[1] for wraps in (True, False))
    assert wrapped[-1] > 50
    assert cut[-1] == 0
