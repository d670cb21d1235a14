"""When two runs of one model count as the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_detector.accuracy import Drift, Precision, Rows, choose_precision, drift

NOTHING: Rows = np.zeros((0, 6), np.float32)


def rows(*boxes: tuple[float, ...]) -> Rows:
    return np.array(boxes, np.float32)


@st.composite
def many(draw: st.DrawFn) -> Rows:
    box = st.tuples(
        st.integers(0, 900),
        st.integers(0, 900),
        st.integers(1, 99),
        st.integers(1, 99),
        st.floats(0.06, 1),
        st.booleans(),
    )
    return rows(*((x, y, x + w, y + h, score, label) for x, y, w, h, score, label in draw(st.lists(box, min_size=1))))


@given(many())
def test_a_run_does_not_drift_from_itself(run: Rows) -> None:
    found = drift([run], [run])

    assert found.compared == 2 * len(run)
    assert found.least_cover == 1.0
    assert found.is_close


@given(many(), many())
def test_drift_is_the_same_both_ways(one: Rows, other: Rows) -> None:
    assert drift([one], [other]) == drift([other], [one])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(rows((0, 0, 100, 100, 0.5, 0)), NOTHING, id="a box is lost"),
        pytest.param(NOTHING, rows((0, 0, 100, 100, 0.5, 0)), id="a box is new"),
        pytest.param(rows((0, 0, 100, 100, 0.5, 0)), rows((0, 0, 100, 100, 0.5, 1)), id="a class changes"),
        pytest.param(rows((0, 0, 100, 100, 0.5, 0)), rows((30, 0, 130, 100, 0.5, 0)), id="a box moves away"),
        pytest.param(rows((0, 0, 100, 100, 0.5, 0)), rows((0, 0, 100, 100, 0.4, 0)), id="scores differ"),
    ],
)
def test_runs_are_not_close_when(one: Rows, other: Rows) -> None:
    assert not drift([one], [other]).is_close


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(rows((0, 0, 100, 100, 0.5, 0)), rows((1, 0, 101, 100, 0.49, 0)), id="a box moves by a pixel"),
        pytest.param(rows((0, 0, 100, 100, 0.04, 0)), NOTHING, id="a box near the floor comes or goes"),
        pytest.param(
            rows((0, 0, 100, 100, 0.5, 0)),
            rows((0, 0, 100, 100, 0.5, 0), (300, 0, 400, 100, 0.03, 0)),
            id="the other has one more near the floor",
        ),
        pytest.param(
            rows((0, 0, 100, 100, 0.50, 0)),
            rows((0, 0, 100, 115, 0.49, 0)),
            id="suppression keeps the other one of two that overlap",
        ),
    ],
)
def test_runs_are_close_when(one: Rows, other: Rows) -> None:
    assert drift([one], [other]).is_close


def test_tiles_are_compared_one_with_the_same() -> None:
    box = rows((0, 0, 100, 100, 0.5, 0))

    assert not drift([box, NOTHING], [NOTHING, box]).is_close


@pytest.mark.parametrize(
    ("bf16", "precision"),
    [
        pytest.param(None, Precision.F32, id="not tried"),
        pytest.param(Drift(compared=0, least_cover=1, mean_score=0), Precision.F32, id="nothing was compared"),
        pytest.param(Drift(compared=9, least_cover=0.79, mean_score=0), Precision.F32, id="a box was lost"),
        pytest.param(Drift(compared=9, least_cover=1, mean_score=0.031), Precision.F32, id="scores drift"),
        pytest.param(Drift(compared=9, least_cover=0.8, mean_score=0.03), Precision.BF16, id="within the tolerances"),
    ],
)
def test_bf16_is_allowed_only_after_it_proved_itself(bf16: Drift | None, precision: Precision) -> None:
    assert choose_precision(bf16) is precision
