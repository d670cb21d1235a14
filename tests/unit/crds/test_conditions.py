"""Laws of conditions, and the word that sums them up."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.conditions import Condition, ConditionStatus, ConditionType, with_condition
from baas_crds.status import Phase, phase_of

MOMENTS = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
CONDITIONS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(ConditionType),
        "status": st.sampled_from(ConditionStatus),
        "reason": st.sampled_from(["Working", "Ready", "DetectorMissing"]),
        "message": st.text(max_size=20),
        "last_transition_time": MOMENTS,
        "observed_generation": st.integers(0, 5),
    }
).map(Condition.model_validate)
HISTORIES = st.lists(CONDITIONS, max_size=12)


def told(history: list[Condition]) -> tuple[Condition, ...]:
    """The conditions after all of these were said, one after another."""
    conditions: tuple[Condition, ...] = ()
    for condition in history:
        conditions = with_condition(conditions, condition)
    return conditions


def of_type(conditions: tuple[Condition, ...], type_: ConditionType) -> Condition | None:
    return next((condition for condition in conditions if condition.type is type_), None)


@given(HISTORIES, CONDITIONS)
def test_the_time_moves_exactly_when_the_status_flips(history: list[Condition], new: Condition) -> None:
    before = of_type(told(history), new.type)
    after = of_type(with_condition(told(history), new), new.type)
    assert after is not None
    stays = before is not None and before.status is new.status
    assert after.last_transition_time == (before if stays and before else new).last_transition_time


@given(HISTORIES, CONDITIONS)
def test_all_else_is_the_new_ones(history: list[Condition], new: Condition) -> None:
    after = of_type(with_condition(told(history), new), new.type)
    assert after is not None
    assert after.model_copy(update={"last_transition_time": new.last_transition_time}) == new


@given(HISTORIES, CONDITIONS)
def test_other_types_are_left_alone(history: list[Condition], new: Condition) -> None:
    before, after = told(history), with_condition(told(history), new)
    assert [c for c in before if c.type is not new.type] == [c for c in after if c.type is not new.type]


@given(HISTORIES, CONDITIONS)
def test_saying_it_twice_changes_nothing(history: list[Condition], new: Condition) -> None:
    once = with_condition(told(history), new)
    assert with_condition(once, new) == once


@given(HISTORIES, CONDITIONS, CONDITIONS)
def test_the_order_of_saying_does_not_matter_for_different_types(
    history: list[Condition], one: Condition, other: Condition
) -> None:
    if one.type is not other.type:
        before = told(history)
        assert with_condition(with_condition(before, one), other) == with_condition(with_condition(before, other), one)


@given(HISTORIES)
def test_each_type_stands_once(history: list[Condition]) -> None:
    types = [condition.type for condition in told(history)]
    assert len(types) == len(set(types)) == len({condition.type for condition in history})


@given(CONDITIONS)
def test_a_condition_survives_its_json(condition: Condition) -> None:
    assert Condition.model_validate_json(condition.model_dump_json()) == condition


def test_times_are_whole_seconds_of_utc() -> None:
    amsterdam = timezone(timedelta(hours=1))
    condition = a(ConditionType.PLANNED, at=datetime(2026, 1, 31, 12, 30, 15, 999_999, tzinfo=amsterdam))
    assert condition.as_document()["lastTransitionTime"] == "2026-01-31T11:30:15Z"


def a(type_: ConditionType, status: ConditionStatus = ConditionStatus.TRUE, at: datetime | None = None) -> Condition:
    return Condition(
        type=type_,
        status=status,
        reason="Because",
        message="Because of it.",
        last_transition_time=at or datetime(2026, 1, 31, tzinfo=UTC),
    )


READY = (a(ConditionType.ACCEPTED), a(ConditionType.DETECTOR_READY), a(ConditionType.LEDGER_READY))
PLANNED = (*READY, a(ConditionType.PLANNED))


@pytest.mark.parametrize(
    ("conditions", "phase"),
    [
        pytest.param((), Phase.PENDING, id="nothing was said yet"),
        pytest.param((a(ConditionType.ACCEPTED),), Phase.WAITING, id="accepted, but the detector is not ready"),
        pytest.param(READY, Phase.PLANNING, id="all is ready"),
        pytest.param(PLANNED, Phase.RUNNING, id="the source is listed"),
        pytest.param(
            with_condition(PLANNED, a(ConditionType.LEDGER_READY, ConditionStatus.FALSE)),
            Phase.WAITING,
            id="the ledger went away while workers ran",
        ),
        pytest.param((*PLANNED, a(ConditionType.SUSPENDED)), Phase.SUSPENDED, id="paused"),
        pytest.param(
            (*PLANNED, a(ConditionType.SUSPENDED), a(ConditionType.COMPLETE)), Phase.COMPLETE, id="done, pause or not"
        ),
        pytest.param((*PLANNED, a(ConditionType.FAILED)), Phase.FAILED, id="failed"),
        pytest.param(
            (a(ConditionType.ACCEPTED, ConditionStatus.FALSE), a(ConditionType.FAILED)), Phase.FAILED, id="invalid"
        ),
    ],
)
def test_the_phase_is_the_conditions_in_one_word(conditions: tuple[Condition, ...], phase: Phase) -> None:
    assert phase_of(conditions) is phase


def test_every_phase_and_condition_has_its_meaning() -> None:
    assert all(word.meaning.endswith(".") for word in (*Phase, *ConditionType))
