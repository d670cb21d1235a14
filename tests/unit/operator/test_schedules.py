"""What is decided about a BlurSchedule, and what is told of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.blurschedule import ActiveBlurJob, BlurScheduleStatus
from baas_crds.conditions import ConditionStatus
from baas_crds.reading import read_spec
from baas_operator.kube import Forbidden, Invalid
from baas_operator.limits import Limits
from baas_operator.schedule_documents import blurjob_of, read_schedule
from baas_operator.schedule_loop import hindered
from baas_operator.schedule_status import schedule_events, schedule_status
from baas_operator.schedule_watch import ScheduleWatch
from baas_operator.schedules import (
    Child,
    CreateBlurJob,
    Outcome,
    RemoveBlurJob,
    ScheduleDecision,
    ScheduleReason,
    SeenSchedule,
    schedule,
)
from tests.blurjobs import ROOT, documents, with_change

UID = "0b8d3c0e-0000-4000-8000-000000000001"
SPEC = documents(ROOT / "examples" / "blurschedule.yaml")[0]["spec"]
CREATED = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
FIRST = datetime(2026, 6, 2, 0, 0, tzinfo=UTC)
"""Two o'clock in Amsterdam, the first time after the schedule was made."""
DAY = timedelta(days=1)
PANORAMAS = {"azureBlob": None, "panoramaApi": {}}


def document(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "nightly",
            "namespace": "panoramas",
            "uid": UID,
            "resourceVersion": "7",
            "generation": 1,
            "creationTimestamp": "2026-06-01T12:00:00Z",
            **metadata,
        },
        "spec": with_change(SPEC, spec or {}),
    }


def seen(
    now: datetime, *children: Child, spec: dict[str, Any] | None = None, told: BlurScheduleStatus | None = None
) -> SeenSchedule:
    found = read_schedule(document(spec), [], Limits(triton_url="grpc://triton:8001"), now=now)
    return replace(found, children=children, told=told or BlurScheduleStatus())


def child(due: datetime, outcome: Outcome | None = None, *, message: str = "It is over.") -> Child:
    ended = due + timedelta(hours=3) if outcome else None
    return Child(
        name=f"nightly-{due:%Y%m%d%H%M}",
        uid=f"uid-{due:%d}",
        due=due,
        outcome=outcome,
        ended_at=ended,
        message=message,
    )


def made(decision: ScheduleDecision) -> list[datetime]:
    return [action.due for action in decision.actions if isinstance(action, CreateBlurJob)]


def removed(decision: ScheduleDecision) -> list[str]:
    return [action.name for action in decision.actions if isinstance(action, RemoveBlurJob)]


def after(facts: SeenSchedule, decision: ScheduleDecision) -> SeenSchedule:
    """The same moment when all was done and told."""
    gone = removed(decision)
    kept = [one for one in facts.children if one.name not in gone]
    new = [child(due) for due in made(decision)]
    return replace(facts, children=(*kept, *new), told=schedule_status(facts, decision))


def test_it_waits_for_the_first_start_after_it_was_made() -> None:
    decision = schedule(seen(CREATED))
    assert (decision.reason, decision.actions, decision.next_due) == (ScheduleReason.SCHEDULED, (), FIRST)
    assert decision.look_again_seconds == 3600
    assert schedule(seen(FIRST - timedelta(seconds=20))).look_again_seconds == 20


def test_a_blurjob_is_made_when_it_is_due_and_once() -> None:
    at_two = seen(FIRST)
    decision = schedule(at_two)
    assert decision.actions == (CreateBlurJob(due=FIRST),)
    assert decision.next_due == FIRST + DAY
    assert schedule(after(at_two, decision)).actions == ()


def test_after_a_restart_the_blurjob_alone_tells_that_it_was_made() -> None:
    assert schedule(seen(FIRST, child(FIRST))).actions == ()


def test_after_a_restart_the_status_alone_tells_that_it_was_made() -> None:
    told = BlurScheduleStatus(last_schedule_time=FIRST)
    assert schedule(seen(FIRST + timedelta(hours=1), told=told)).actions == ()


def test_a_schedule_that_was_restored_with_its_status_goes_on_from_there() -> None:
    told = BlurScheduleStatus(last_schedule_time=FIRST - 4 * DAY)
    assert made(schedule(seen(CREATED, told=told))) == [FIRST - DAY]


@given(st.integers(0, 60 * 24 * 60), st.sampled_from(["Forbid", "Allow", "Replace"]))
def test_after_any_time_away_at_most_one_start_comes_and_it_is_the_latest(minutes: int, policy: str) -> None:
    now = CREATED + timedelta(minutes=minutes)
    facts = seen(now, spec={"concurrencyPolicy": policy})
    decision = schedule(facts)
    assert made(decision) == ([] if now < FIRST else [FIRST + DAY * ((now - FIRST) // DAY)])
    assert schedule(after(facts, decision)).actions == ()


@given(st.lists(st.integers(1, 60 * 30), max_size=40), st.sampled_from(["Forbid", "Allow", "Replace"]))
def test_whenever_it_is_looked_at_no_start_comes_twice_and_none_before_its_time(gaps: list[int], policy: str) -> None:
    facts, starts = seen(CREATED, spec={"concurrencyPolicy": policy}), list[datetime]()
    for gap in gaps:
        facts = replace(facts, now=facts.now + timedelta(minutes=gap))
        decision = schedule(facts)
        starts += made(decision)
        assert all(start <= facts.now for start in starts)
        facts = after(facts, decision)
        assert policy == "Allow" or len(facts.active) <= 1
    assert starts == sorted(set(starts))


def test_a_start_waits_while_another_blurjob_is_at_it_and_comes_when_that_is_over() -> None:
    second = FIRST + DAY
    decision = schedule(seen(second, child(FIRST)))
    assert (decision.reason, decision.actions) == (ScheduleReason.STILL_ACTIVE, ())
    assert decision.message.startswith(
        "The start of 2026-06-03 00:00 UTC waits until BlurJob nightly-202606020000 is over."
    )
    later = seen(second + timedelta(hours=5), child(FIRST, Outcome.FAILED))
    assert schedule(later).actions == (CreateBlurJob(due=second),)


def test_allowed_blurjobs_run_side_by_side() -> None:
    decision = schedule(seen(FIRST + DAY, child(FIRST), spec={"concurrencyPolicy": "Allow"}))
    assert decision.actions == (CreateBlurJob(due=FIRST + DAY),)


def test_a_blurjob_is_replaced_before_the_next_is_made() -> None:
    decision = schedule(seen(FIRST + DAY, child(FIRST), spec={"concurrencyPolicy": "Replace"}))
    assert removed(decision) == ["nightly-202606020000"]
    assert decision.actions[-1] == CreateBlurJob(due=FIRST + DAY)


def test_a_start_that_is_too_late_is_left_out_and_told() -> None:
    spec = {"startingDeadlineSeconds": 600}
    assert made(schedule(seen(FIRST + timedelta(seconds=600), spec=spec))) == [FIRST]
    decision = schedule(seen(FIRST + timedelta(seconds=601), spec=spec))
    assert (decision.reason, decision.actions, decision.next_due) == (ScheduleReason.MISSED, (), FIRST + DAY)
    assert made(schedule(seen(FIRST + DAY, spec=spec))) == [FIRST + DAY]


def test_a_suspended_schedule_makes_nothing_and_catches_up_once() -> None:
    later = FIRST + 3 * DAY + timedelta(hours=1)
    decision = schedule(seen(later, spec={"suspend": True}))
    assert (decision.reason, decision.actions, decision.next_due) == (ScheduleReason.SUSPENDED, (), None)
    assert decision.look_again_seconds is None
    assert made(schedule(seen(later))) == [FIRST + 3 * DAY]


def test_only_so_many_that_are_over_are_kept_whatever_is_due() -> None:
    complete = [child(FIRST + DAY * n, Outcome.COMPLETE) for n in range(5)]
    failed = [child(FIRST + DAY * (n + 5), Outcome.FAILED) for n in range(3)]
    facts = seen(FIRST + 7 * DAY + timedelta(hours=4), *complete, *failed, spec={"suspend": True})
    assert removed(schedule(facts)) == [
        *(one.name for one in reversed(complete[:2])),
        *(one.name for one in reversed(failed[:2])),
    ]


def test_a_schedule_that_is_being_deleted_is_left_alone() -> None:
    facts = replace(seen(FIRST, *(child(FIRST - DAY * n, Outcome.FAILED) for n in range(1, 9))), is_being_deleted=True)
    assert schedule(facts).actions == ()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"timeZone": "Europe/Nowhere"}, "the IANA time zone database has no Europe/Nowhere"),
        ({"schedule": "0 0 31 11 *"}, "0 0 31 11 * has no meaning to cron"),
        ({"blurJobTemplate": {"spec": {"detector": {"tritonUrl": "grpc://elsewhere:1"}}}}, "sends pictures to"),
        ({"blurJobTemplate": {"spec": {"parallelism": 0}}}, "spec.blurJobTemplate.spec.parallelism"),
    ],
)
def test_what_cannot_work_or_may_not_makes_nothing_and_is_told(spec: dict[str, Any], words: str) -> None:
    facts = seen(FIRST, spec=spec)
    decision = schedule(facts)
    assert (decision.reason, decision.actions) == (ScheduleReason.INVALID_SPEC, ())
    status = schedule_status(facts, decision)
    accepted = status.conditions[0]
    assert (accepted.type, accepted.status) == ("Accepted", ConditionStatus.FALSE)
    assert words in accepted.message


@pytest.mark.parametrize(
    ("source", "retention", "only_new"),
    [
        ({}, {}, True),
        ({"onlyNew": False}, {}, False),
        ({"onlyNew": True}, {}, True),
        ({}, {"deleteSource": "AfterVerified"}, None),
    ],
)
def test_blurjobs_take_what_is_new_unless_originals_go_or_somebody_wants_all(
    source: dict[str, Any], retention: dict[str, Any], only_new: bool | None
) -> None:
    facts = seen(FIRST, spec={"blurJobTemplate": {"spec": {"source": source, "retention": retention}}})
    assert facts.spec is not None
    blurjob = blurjob_of(CreateBlurJob(due=FIRST), facts, facts.spec)
    assert blurjob["spec"]["source"].get("onlyNew") is only_new
    read_spec(blurjob["spec"])


def test_a_blurjob_is_called_after_its_minute_and_belongs_to_the_schedule() -> None:
    facts = seen(FIRST, spec={"blurJobTemplate": {"metadata": {"labels": {"team": "streets"}}}})
    assert facts.spec is not None
    metadata = blurjob_of(CreateBlurJob(due=FIRST), facts, facts.spec)["metadata"]
    assert metadata["name"] == "nightly-202606020000"
    assert metadata["annotations"] == {"blurring.amsterdam.nl/scheduled-at": "2026-06-02T00:00:00Z"}
    assert metadata["labels"]["team"] == "streets"
    assert [(owner["kind"], owner["uid"], owner["controller"]) for owner in metadata["ownerReferences"]] == [
        ("BlurSchedule", UID, True)
    ]


def test_looking_back_begins_at_the_last_success_however_long_ago_that_was() -> None:
    spec = {"lookBackDays": 30, "blurJobTemplate": {"spec": {"source": PANORAMAS}}}
    never = schedule(seen(FIRST, spec=spec))
    assert never.actions == (CreateBlurJob(due=FIRST),)
    failures = [child(FIRST + DAY * n, Outcome.FAILED) for n in range(1, 4)]
    facts = seen(FIRST + 4 * DAY, child(FIRST, Outcome.COMPLETE), *failures, spec=spec)
    decision = schedule(facts)
    since = CreateBlurJob(due=FIRST + 4 * DAY, taken_since=date(2026, 5, 3))
    assert decision.actions[0] == since
    assert facts.spec is not None
    filters = blurjob_of(since, facts, facts.spec)["spec"]["source"]["panoramaApi"]["filters"]
    assert filters["timestampAfter"] == "2026-05-03"
    # Also when that BlurJob is gone.
    told = BlurScheduleStatus(last_successful_schedule_time=FIRST)
    assert schedule(seen(FIRST + 4 * DAY, *failures, spec=spec, told=told)).actions[0] == since


def test_the_status_tells_who_is_at_it_and_how_it_went() -> None:
    facts = seen(FIRST + DAY, child(FIRST, Outcome.FAILED, message="Too many."), child(FIRST + DAY))
    status = schedule_status(facts, schedule(facts))
    assert status.active == (ActiveBlurJob(name="nightly-202606030000", uid="uid-03"),)
    assert (status.last_schedule_time, status.next_schedule_time) == (FIRST + DAY, FIRST + 2 * DAY)
    assert (status.last_successful_time, status.last_successful_schedule_time) == (None, None)
    last = {one.type: one for one in status.conditions}["LastRunComplete"]
    assert (last.status, last.reason) == (ConditionStatus.FALSE, "Failed")
    assert last.message == "BlurJob nightly-202606020000: Too many."


def test_what_was_a_success_stays_one_when_its_blurjob_is_gone() -> None:
    facts = seen(FIRST + timedelta(hours=4), child(FIRST, Outcome.COMPLETE))
    status = schedule_status(facts, schedule(facts))
    gone = replace(facts, children=(), told=status)
    assert schedule_status(gone, schedule(gone)) == status


@given(st.integers(0, 60 * 24 * 4))
def test_a_status_that_was_told_is_not_told_again(minutes: int) -> None:
    facts = seen(CREATED + timedelta(minutes=minutes))
    told = after(facts, schedule(facts))
    again = schedule_status(told, schedule(told))
    assert schedule_status(replace(told, told=again), schedule(replace(told, told=again))) == again


def events(facts: SeenSchedule) -> list[tuple[str, str]]:
    decision = schedule(facts)
    status = schedule_status(facts, decision)
    return [(one["type"], one["reason"]) for one in schedule_events(facts, decision, status, instance="operator-0")]


def test_events_tell_what_was_done_and_what_ended() -> None:
    assert events(seen(CREATED)) == []
    assert events(seen(FIRST)) == [("Normal", "BlurJobCreated")]
    told = BlurScheduleStatus(active=(ActiveBlurJob(name="nightly-202606020000", uid="uid-02"),))
    assert events(seen(FIRST, child(FIRST, Outcome.COMPLETE), told=told)) == [("Normal", "BlurJobComplete")]
    assert events(seen(FIRST, child(FIRST, Outcome.FAILED), told=told)) == [("Warning", "BlurJobFailed")]
    assert events(seen(FIRST + DAY, child(FIRST))) == [("Warning", "BlurJobStillActive")]


def test_an_event_of_one_thing_has_one_name() -> None:
    facts = seen(FIRST)
    decision = schedule(facts)
    late = replace(facts, now=FIRST + timedelta(seconds=30))
    names = {
        one["metadata"]["name"]
        for at in (facts, late)
        for one in schedule_events(at, decision, schedule_status(at, decision), instance="operator-0")
    }
    assert len(names) == 1


def test_what_the_api_server_refused_is_told_and_tried_again_or_left_to_people() -> None:
    decision = schedule(seen(FIRST))
    refused = hindered(decision, Forbidden("quota"))
    assert (refused.reason, refused.actions, refused.look_again_seconds) == (ScheduleReason.REFUSED, (), 10)
    invalid = hindered(decision, Invalid("no"))
    assert (invalid.reason, invalid.look_again_seconds) == (ScheduleReason.INVALID_SPEC, 3600)
    assert schedule_status(seen(FIRST), refused).last_schedule_time is None


def blurjob(phase: str | None = None) -> dict[str, Any]:
    conditions = [{"type": phase, "status": "True"}] if phase else []
    return {
        "metadata": {
            "name": "nightly-1",
            "namespace": "panoramas",
            "uid": "u",
            "labels": {"blurring.amsterdam.nl/blurschedule": "nightly"},
        },
        "status": {"conditions": conditions},
    }


def test_only_news_of_a_schedule_wake_it() -> None:
    watch = ScheduleWatch()
    assert watch.heard(document(), is_gone=False)
    assert not watch.heard(document(resourceVersion="8"), is_gone=False)  # our own status
    assert watch.heard(document(generation=2), is_gone=False)
    assert watch.heard(document(generation=2, deletionTimestamp="2026-06-01T12:00:00Z"), is_gone=False)
    assert watch.heard(document(generation=2), is_gone=True)


def test_of_blurjobs_their_beginning_and_end_wake_the_schedule_and_counts_do_not() -> None:
    watch = ScheduleWatch()
    assert watch.heard_of_child(blurjob(), is_gone=False)
    assert not watch.heard_of_child(blurjob("Planned"), is_gone=False)
    assert watch.heard_of_child(blurjob("Failed"), is_gone=False)
    assert not watch.heard_of_child(blurjob("Failed"), is_gone=False)
    assert watch.heard_of_child(blurjob(), is_gone=False)  # it is tried again
    assert watch.heard_of_child(blurjob(), is_gone=True)
    assert not watch.heard_of_child(blurjob() | {"metadata": {"name": "a", "labels": {}}}, is_gone=False)
