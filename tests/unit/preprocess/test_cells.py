"""What a cell keeps is coarse: few levels, whatever the picture's quality and depth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from baas_preprocess.cells import LEVELS, Ints, coarse

# (span, bounds): samples of 8 and 16 bits from mid-grey, and levels of a JPEG in steps of 1 to 255.
SCALES = [(256, (-128, 127)), (65536, (-32768, 32767))] + [
    (2048 / step, (-1024 / step, 1016 / step)) for step in (1, 2, 3, 7, 16, 99, 255)
]


@pytest.mark.parametrize(("span", "bounds"), SCALES)
def test_all_that_a_cell_can_show_is_a_few_levels_within_the_bounds(span: float, bounds: tuple[float, float]) -> None:
    values = np.arange(int(bounds[0]), int(bounds[1]) + 1)
    levels = coarse(values, span=span, bounds=bounds)
    assert len(set(levels)) <= LEVELS
    assert bounds[0] <= levels.min() <= levels.max() <= bounds[1]
    assert 0 in levels
    assert (np.diff(levels) >= 0).all()


@given(hnp.arrays(np.int64, 9, elements=st.integers(-1500, 1500)), st.sampled_from(SCALES))
def test_rounding_again_changes_nothing(values: Ints, scale: tuple[float, tuple[float, float]]) -> None:
    span, bounds = scale
    once = coarse(values, span=span, bounds=bounds)
    assert (coarse(once, span=span, bounds=bounds) == once).all()
