"""What is told of a BlurJob, and when an event is worth it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from baas_crds.conditions import ConditionStatus, ConditionType
from baas_crds.status import BlurJobStatus, Images, Phase
from baas_operator.events import event_of
from baas_operator.names import Role
from baas_operator.observed import Observed
from baas_operator.reconcile import reconcile
from baas_operator.status import status_of
from tests.unit.operator.seeing import (
    ACCOUNTED,
    COMPLETE,
    DIGEST,
    NEW,
    NO_LEDGER,
    NO_TRITON,
    NOON,
    PLANNING,
    UID,
    WORKING,
    changed,
    job,
    ledger,
)

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


def told(seen: Observed) -> BlurJobStatus:
    return status_of(seen, reconcile(seen))


def conditions(seen: Observed) -> dict[str, tuple[str, str]]:
    return {condition.type.value: (condition.status.value, condition.reason) for condition in told(seen).conditions}


@pytest.mark.parametrize(
    ("seen", "phase"),
    [
        pytest.param(replace(NEW, spec=None, mistake="spec.source: Required value"), Phase.FAILED, id="a bad spec"),
        pytest.param(replace(NEW, ledger=NO_LEDGER), Phase.WAITING, id="no ledger"),
        pytest.param(replace(NEW, detector=NO_TRITON), Phase.WAITING, id="no detector"),
        pytest.param(NEW, Phase.PLANNING, id="new"),
        pytest.param(PLANNING, Phase.PLANNING, id="planning"),
        pytest.param(WORKING, Phase.RUNNING, id="working"),
        pytest.param(changed(WORKING, suspend=True), Phase.SUSPENDED, id="suspended"),
        pytest.param(replace(WORKING, jobs=(job(Role.WORK, is_suspended=True),)), Phase.SUSPENDED, id="queued"),
        pytest.param(ACCOUNTED, Phase.COMPLETE, id="complete"),
        pytest.param(changed(ACCOUNTED, maxQuarantinedPercent=0), Phase.FAILED, id="too many quarantined"),
    ],
)
def test_the_phase_says_it_in_one_word(seen: Observed, phase: Phase) -> None:
    assert told(seen).phase is phase


def test_all_conditions_of_a_working_run() -> None:
    assert conditions(WORKING) == {
        "Accepted": (TRUE, "Valid"),
        "DetectorReady": (TRUE, "Ready"),
        "LedgerReady": (TRUE, "Ready"),
        "Planned": (TRUE, "Planned"),
        "Progressing": (TRUE, "Working"),
        "Complete": (FALSE, "Working"),
        "Failed": (FALSE, "Working"),
        "Suspended": (FALSE, "Working"),
    }


def test_what_was_not_looked_at_is_unknown_at_first() -> None:
    bad = replace(NEW, spec=None, mistake="spec.source: Required value", ledger=None, detector=None)
    assert conditions(bad) == {
        "Accepted": (FALSE, "InvalidSpec"),
        "DetectorReady": (UNKNOWN, "NotLookedAt"),
        "LedgerReady": (UNKNOWN, "NotLookedAt"),
        "Planned": (UNKNOWN, "NotLookedAt"),
        "Progressing": (FALSE, "InvalidSpec"),
        "Complete": (FALSE, "InvalidSpec"),
        "Failed": (TRUE, "InvalidSpec"),
        "Suspended": (FALSE, "InvalidSpec"),
    }


def test_what_cannot_be_looked_at_stays_as_it_was_told() -> None:
    before = replace(WORKING, told=told(WORKING))
    after = told(replace(before, ledger=NO_LEDGER))
    assert after.images == before.told.images
    states = {c.type: (c.status, c.reason) for c in after.conditions}
    assert states[ConditionType.PLANNED] == (TRUE, "Planned")
    assert states[ConditionType.LEDGER_READY] == (FALSE, "Unavailable")


def test_another_model_than_the_pinned_one_is_not_ready() -> None:
    assert conditions(changed(WORKING, detector={"modelDigest": "sha256:" + "b" * 64}))["DetectorReady"] == (
        FALSE,
        "WrongModel",
    )


def test_counts_come_from_the_ledger() -> None:
    counted = ledger(
        pending=40,
        leased=10,
        published=47,
        quarantined=3,
        excluded=5,
        persons=11,
        licence_plates=7,
        images_per_second=0.5,
        quarantined_by_reason={"Damaged": 1, "Empty": 2, "SomethingNewer": 1},
    )
    status = told(replace(WORKING, ledger=counted, jobs=(job(Role.WORK, active=4),)))
    assert status.images == Images(total=105, published=47, quarantined=3, excluded=5, pending=50)
    assert status.detections is not None
    assert (status.detections.person, status.detections.licence_plate) == (11, 7)
    assert [(entry.reason.value, entry.count) for entry in status.quarantined_reasons] == [("Empty", 2), ("Damaged", 1)]
    assert (status.images_per_minute, status.eta) == (30, NOON + timedelta(minutes=2))
    assert (status.workers, status.attempt) == (4, 1)
    assert (status.run_id, status.model_digest, status.trace_id) == (UID, DIGEST, UID.replace("-", ""))
    assert status.selector == f"blurring.amsterdam.nl/blurjob-uid={UID},blurring.amsterdam.nl/role=work"


def test_a_worker_that_finishes_what_it_is_at_still_counts() -> None:
    pausing = changed(replace(WORKING, jobs=(job(Role.WORK, active=0, terminating=1),)), suspend=True)
    assert told(pausing).workers == 1
    assert "1 pods are finishing" in reconcile(pausing).message
    done = changed(replace(WORKING, jobs=(job(Role.WORK, active=0),)), suspend=True)
    assert told(done).workers == 0


def test_without_speed_there_is_no_time_of_arrival() -> None:
    assert (told(WORKING).eta, told(WORKING).images_per_minute) == (None, 0)


def test_a_run_starts_with_its_plan_and_ends_once() -> None:
    assert told(NEW).start_time is None
    working = told(WORKING)
    assert (working.start_time, working.completion_time) == (NOON - timedelta(hours=1), None)
    over = told(ACCOUNTED)
    assert (over.completion_time, over.eta, over.images_per_minute) == (NOON, None, None)
    again = replace(ACCOUNTED, told=over, now=NOON + timedelta(hours=1), generation=2)
    assert told(again).completion_time == NOON


def test_a_run_that_goes_on_has_no_end() -> None:
    asked = replace(COMPLETE, wanted_retry="again", ledger=ledger(published=99, quarantined=1))
    status = told(asked)
    assert status.completion_time is None
    assert not {c.type for c in status.conditions if c.status is TRUE} & {ConditionType.COMPLETE, ConditionType.FAILED}


@pytest.mark.parametrize("seen", [NEW, PLANNING, WORKING, ACCOUNTED, COMPLETE, replace(NEW, ledger=NO_LEDGER)])
def test_the_same_facts_are_told_the_same_later_too(seen: Observed) -> None:
    first = told(seen)
    later = replace(seen, told=first, now=NOON + timedelta(minutes=5))
    assert told(later) == first


def test_an_event_tells_of_each_change_of_reason_once() -> None:
    status = told(WORKING)
    event = event_of(replace(WORKING, told=told(PLANNING)), status, instance="baas-operator-0")
    assert event is not None
    assert (event["type"], event["reason"], event["note"]) == ("Normal", "Working", "Job amsterdam-work-1 is at it.")
    assert event["regarding"]["uid"] == UID
    assert event_of(replace(WORKING, told=status), status, instance="baas-operator-0") is None


@pytest.mark.parametrize(
    "seen", [replace(NEW, detector=NO_TRITON), replace(NEW, spec=None), changed(ACCOUNTED, maxQuarantinedPercent=0)]
)
def test_what_somebody_should_look_after_is_a_warning(seen: Observed) -> None:
    event = event_of(seen, told(seen), instance="baas-operator-0")
    assert event is not None
    assert event["type"] == "Warning"
