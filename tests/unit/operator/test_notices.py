"""Who is told of a BlurJob hears of its end and of too many quarantined images, once, and nothing else."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from baas_crds.conditions import ConditionType
from baas_ledger.tables import RunState
from baas_operator.notices import Notice, notices
from baas_operator.observed import Observed
from baas_operator.reconcile import reconcile
from baas_operator.status import status_of
from tests.unit.operator.seeing import (
    ACCOUNTED,
    COMPLETE,
    FAILED,
    NOTES,
    PLANNING,
    UID,
    WORKING,
    changed,
    ledger,
    told,
)  # fmt: skip


def told_of(seen: Observed) -> list[Notice]:
    return list(notices(seen, status_of(seen, reconcile(seen))))


def with_quarantined(count: int, *, told_before: int = 0, of: Observed = WORKING, **spec: Any) -> Observed:
    """A run of a hundred images of which so many are quarantined, and of which the status counts fewer."""
    before = replace(changed(of, **spec), ledger=ledger(pending=100 - told_before, quarantined=told_before))
    status = status_of(before, reconcile(before))
    return replace(before, told=status, ledger=ledger(pending=100 - count, quarantined=count))


@pytest.mark.parametrize("seen", [PLANNING, WORKING, COMPLETE, FAILED])
def test_nobody_hears_of_a_run_that_goes_on_or_has_ended_before(seen: Observed) -> None:
    assert told_of(seen) == []


def test_the_end_of_a_run_is_an_event_as_the_specification_wants_it() -> None:
    (event,) = told_of(ACCOUNTED)
    assert UUID(event.pop("id"))
    assert event == {
        "specversion": "1.0",
        "source": "/apis/blurring.amsterdam.nl/v1alpha1/namespaces/panoramas/blurjobs/amsterdam",
        "type": "nl.amsterdam.blurring.blurjob.completed",
        "time": "2026-06-01T12:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "namespace": "panoramas",
            "blurjob": "amsterdam",
            "runId": UID,
            "traceId": UID.replace("-", ""),
            "reason": "Completed",
            "meaning": "Every image has its fate, and few enough are quarantined.",
            "images": {"total": 100, "published": 99, "quarantined": 1, "excluded": 0, "pending": 0},
        },
    }


def test_a_run_that_fails_is_told_with_its_reason_and_not_with_what_a_pod_said() -> None:
    seen = replace(ACCOUNTED, spec=None, mistake="spec.source: /people/jan.jpg")
    (event,) = told_of(seen)
    assert (event["type"], event["data"]["reason"]) == ("nl.amsterdam.blurring.blurjob.failed", "InvalidSpec")
    assert "jan" not in json.dumps(event)


@pytest.mark.parametrize(
    ("seen", "is_told"),
    [
        pytest.param(with_quarantined(1), False, id="at the threshold"),
        pytest.param(with_quarantined(2), True, id="just passed"),
        pytest.param(with_quarantined(3, told_before=2), False, id="passed before"),
        pytest.param(with_quarantined(2, maxQuarantinedPercent=2), False, id="more are allowed"),
        pytest.param(with_quarantined(1, maxQuarantinedPercent=0), True, id="none is allowed"),
    ],
)
def test_too_many_quarantined_images_are_told_while_the_run_goes_on(seen: Observed, is_told: bool) -> None:
    types = [event["type"] for event in told_of(seen)]
    assert types == ["nl.amsterdam.blurring.blurjob.quarantine-threshold"] * is_told


def test_before_the_source_is_listed_nobody_knows_how_many_are_too_many() -> None:
    listing = replace(PLANNING, ledger=ledger(state=RunState.CREATED, pending=1, quarantined=1))
    assert told_of(listing) == []


def test_the_same_event_has_the_same_id_until_somebody_asks_for_something_else() -> None:
    (first,), (again,) = told_of(ACCOUNTED), told_of(ACCOUNTED)
    assert first == again
    retried = replace(ACCOUNTED, notebook=replace(NOTES, handled_retry="once more"))
    others = [
        replace(ACCOUNTED, generation=2),
        replace(ACCOUNTED, uid="0af76519-16cd-43dd-8448-eb211c80319d"),
        replace(retried, wanted_retry="once more"),
        replace(ACCOUNTED, spec=None, mistake="x"),
    ]
    ids = [event["id"] for seen in others for event in told_of(seen)]
    assert len({first["id"], *ids}) == 1 + len(others)


def test_an_end_that_becomes_another_one_is_told() -> None:
    seen = replace(ACCOUNTED, told=told(ConditionType.FAILED, "DeadlineExceeded", generation=0))
    assert [event["type"] for event in told_of(seen)] == ["nl.amsterdam.blurring.blurjob.completed"]
