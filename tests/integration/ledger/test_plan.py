"""Planning, planning again, and sending images back."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError
from baas_ledger import records
from baas_ledger.claims import LeaseLost
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import EventKind, PlannedImage, PlanResult
from baas_ledger.plan import plan_images
from baas_ledger.reopen import reopen, retry_quarantined
from baas_ledger.runs import find_run, finish_run
from baas_ledger.tables import RunState
from tests.integration.ledger import builders
from tests.integration.ledger.builders import (
    DAMAGED,
    NOON,
    assert_counters_are_true,
    claim,
    counts,
    entry,
    excluded,
    image,
    new_run,
    publish,
    quarantine,
    run_with,
    states,
    unreadable,
)
from tests.waiting import PATIENCE_SECONDS


def plan(ledger: Engine, run_id: str, *entries: PlannedImage) -> PlanResult:
    return builders.plan(ledger, run_id, entries)


def test_planning_makes_images_pending_and_the_run_planned(ledger: Engine) -> None:
    run_id = new_run(ledger)
    assert plan(ledger, run_id, entry("a"), entry("b")) == PlanResult(added=2)
    assert states(ledger, run_id) == {"a": "pending", "b": "pending"}
    with reading(ledger) as connection:
        run = find_run(connection, run_id)
    assert run is not None
    assert (run.state, run.planned_at) == (RunState.PLANNED, NOON)


def test_planning_an_unchanged_source_again_changes_nothing(ledger: Engine) -> None:
    run_id = run_with(ledger, ["published", "quarantined", "leased", "pending"])
    first, second, _ = claim(ledger, run_id, 3)
    publish(ledger, first)
    quarantine(ledger, second)
    before = states(ledger, run_id)
    again = plan(ledger, run_id, *map(entry, before), excluded("x"), unreadable("y"))
    assert again == PlanResult(unchanged=4, excluded=1, quarantined=1)
    assert plan(ledger, run_id, *map(entry, before), excluded("x"), unreadable("y")) == PlanResult(unchanged=6)
    assert states(ledger, run_id) == {**before, "x": "excluded", "y": "quarantined"}
    assert set(before.values()) == set(before)
    assert_counters_are_true(ledger)


@pytest.mark.parametrize("fate", [publish, quarantine, None])
def test_an_image_that_changed_in_the_source_is_done_again_whatever_became_of_it(
    ledger: Engine, fate: Callable[..., None] | None
) -> None:
    run_id = run_with(ledger, ["a"])
    [held] = claim(ledger, run_id)
    if fate:
        fate(ledger, held)
    assert plan(ledger, run_id, entry("a", version="2")) == PlanResult(changed=1)
    changed = image(ledger, run_id, "a")
    assert (changed.state, changed.source_version, changed.attempts) == ("pending", "2", 0)
    assert (changed.output_digest, changed.reason, changed.message, changed.finished_at) == (None, None, None, None)
    with reading(ledger) as connection:
        assert records.detections(connection, [changed.id]) == {changed.id: []}
    with pytest.raises(LeaseLost):
        publish(ledger, held)
    assert [again.source_version for again in claim(ledger, run_id)] == ["2"]
    assert_counters_are_true(ledger)


def test_images_that_left_the_source_are_counted_and_keep_their_state(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b", "c"])
    publish(ledger, claim(ledger, run_id)[0])
    assert plan(ledger, run_id, entry("c")) == PlanResult(unchanged=1, gone=2)
    assert states(ledger, run_id) == {"a": "published", "b": "pending", "c": "pending"}


def test_excluded_images_are_recorded_with_the_reason_and_come_back_when_no_longer_excluded(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b"])
    quarantine(ledger, claim(ledger, run_id)[0])
    assert plan(ledger, run_id, excluded("a"), excluded("b"), excluded("c")) == PlanResult(excluded=3)
    assert image(ledger, run_id, "a").message == "It is on the exclude list."
    assert claim(ledger, run_id) == []
    assert_counters_are_true(ledger)
    assert plan(ledger, run_id, *map(entry, "abc")) == PlanResult(changed=3)
    assert len(claim(ledger, run_id, 3)) == 3
    assert_counters_are_true(ledger)


def test_what_is_published_can_be_excluded_afterwards_and_what_is_under_work_cannot(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b"])
    publish(ledger, claim(ledger, run_id)[0])
    claim(ledger, run_id)
    assert plan(ledger, run_id, excluded("a"), excluded("b")) == PlanResult(excluded=1, unchanged=1)
    assert states(ledger, run_id) == {"a": "excluded", "b": "leased"}
    assert counts(ledger, run_id).persons == 0
    assert_counters_are_true(ledger)


def test_what_cannot_be_read_at_all_is_quarantined_at_once_and_tried_when_it_can(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a"])
    assert plan(ledger, run_id, unreadable("a"), unreadable("b")) == PlanResult(quarantined=2)
    assert counts(ledger, run_id).quarantined_by_reason == {"Unreadable": 2}
    assert image(ledger, run_id, "b").message == "It cannot be opened."
    assert plan(ledger, run_id, entry("a"), entry("b")) == PlanResult(changed=2)
    assert_counters_are_true(ledger)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("two\nlines\r\n.jpg", id="newlines"),
        pytest.param(" spaces around ", id="spaces"),
        pytest.param("Straße/日本/🚲.jpg", id="any script"),
        pytest.param("%s {} '\"; DROP TABLE images; --", id="no code"),
        pytest.param("e\u0301 is not \u00e9", id="not normalised"),
        pytest.param("x" * 2_048, id="2,048 bytes"),
    ],
)
def test_any_utf_8_name_comes_back_as_it_was(ledger: Engine, name: str) -> None:
    run_id = run_with(ledger, [name])
    [held] = claim(ledger, run_id)
    assert held.name == name
    publish(ledger, held)
    assert states(ledger, run_id) == {name: "published"}
    with transaction(ledger) as connection:
        assert reopen(connection, run_id, [name], now=NOON) == 1


def test_names_that_no_database_can_hold_are_quarantined_each_under_its_own_and_are_not_retried(
    ledger: Engine,
) -> None:
    run_id = new_run(ledger)
    names = ["bad\udcff.jpg", "bad\\udcff.jpg", "nul\0.jpg", "x" * 2_049, "x" * 2_050, "🚲" * 1_000]
    result = plan(ledger, run_id, *map(entry, names))
    assert result == PlanResult(added=1, quarantined=5)
    assert counts(ledger, run_id).quarantined_by_reason == {QuarantineReason.UNUSABLE_NAME: 5}
    assert [held.name for held in claim(ledger, run_id, 10)] == ["bad\\udcff.jpg"]
    with transaction(ledger) as connection:
        assert retry_quarantined(connection, run_id, now=NOON) == 0
    assert plan(ledger, run_id, *map(entry, names)) == PlanResult(unchanged=6)


def test_two_entries_of_one_name_are_an_error_since_one_would_overwrite_the_other(ledger: Engine) -> None:
    run_id = new_run(ledger)
    with pytest.raises(ConfigurationError, match=r"The source names 'a\\nb' twice"):
        plan(ledger, run_id, entry("a\nb"), entry("a\nb"))


def test_an_interrupted_listing_leaves_the_run_unplanned_and_is_just_repeated(ledger: Engine) -> None:
    run_id = new_run(ledger)
    names = [str(number) for number in range(2_500)]

    def broken() -> Iterator[PlannedImage]:
        yield from map(entry, names[:1_500])
        raise ConnectionError

    with pytest.raises(ConnectionError):
        plan_images(ledger, run_id, broken())
    with transaction(ledger) as connection:
        assert not finish_run(connection, run_id)
    assert counts(ledger, run_id).total == 1_000
    assert plan(ledger, run_id, *map(entry, names)) == PlanResult(added=1_500, unchanged=1_000)
    assert_counters_are_true(ledger)


def test_two_planners_at_once_add_each_image_once(ledger: Engine) -> None:
    run_id = new_run(ledger)
    entries = [entry(str(number)) for number in range(3_000)]
    with ThreadPoolExecutor(2) as planners:
        for done in [planners.submit(plan_images, ledger, run_id, entries, now=NOON) for _ in range(2)]:
            done.result()
    assert counts(ledger, run_id).pending == 3_000
    assert_counters_are_true(ledger)


def test_published_images_whose_output_is_missing_are_done_again(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b", "c"])
    first, second = claim(ledger, run_id, 2)
    publish(ledger, first)
    publish(ledger, second)
    with transaction(ledger) as connection:
        assert reopen(connection, run_id, ["b", "c", "unknown"], now=NOON) == 1
        assert reopen(connection, run_id, [], now=NOON) == 0
    assert states(ledger, run_id) == {"a": "published", "b": "pending", "c": "pending"}
    assert_counters_are_true(ledger)


def test_retrying_sends_back_the_quarantined_images_and_no_others(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b", "c", "d"])
    first, second, third = claim(ledger, run_id, 3)
    quarantine(ledger, first)
    quarantine(ledger, second, replace(DAMAGED, reason=QuarantineReason.INTERNAL_ERROR))
    publish(ledger, third)
    with transaction(ledger) as connection:
        assert retry_quarantined(connection, run_id, now=NOON) == 2
        assert retry_quarantined(connection, run_id, now=NOON) == 0
    assert states(ledger, run_id) == {"a": "pending", "b": "pending", "c": "published", "d": "pending"}
    assert image(ledger, run_id, "a").attempts == 0
    with reading(ledger) as connection:
        told = [one for one in records.events(connection, run_id) if one.kind == EventKind.QUARANTINE_RETRIED]
    assert [(one.message, one.data) for one in told] == [("2 quarantined images are to be tried again.", {"images": 2})]
    assert_counters_are_true(ledger)


def _waits_for_a_lock(ledger: Engine) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with reading(ledger) as connection:
        return bool(connection.exec_driver_sql(waiting).scalar_one())


@pytest.mark.parametrize("ledger_url", ["postgres"], indirect=True)
def test_two_planners_of_a_run_do_not_wait_for_each_other_in_a_circle(ledger: Engine) -> None:
    """One adds an image, the other one has changed ones and finds that image being added."""
    run_id = run_with(ledger, ["changed"])
    publish(ledger, claim(ledger, run_id)[0])
    is_adding, may_go_on = threading.Event(), threading.Event()

    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if threading.current_thread().name.startswith("first") and "FROM audit_chains" in statement:
            is_adding.set()
            may_go_on.wait(PATIENCE_SECONDS)

    event.listen(ledger, "before_cursor_execute", before)
    with ThreadPoolExecutor(1, "first") as first, ThreadPoolExecutor(1, "second") as second:
        one = first.submit(plan, ledger, run_id, entry("new"), excluded("x"))
        assert is_adding.wait(PATIENCE_SECONDS)
        other = second.submit(plan, ledger, run_id, entry("changed", "2"), entry("new"))
        while not _waits_for_a_lock(ledger):
            assert not other.done()
        may_go_on.set()
        assert (one.result(PATIENCE_SECONDS).added, other.result(PATIENCE_SECONDS).changed) == (1, 1)
    assert states(ledger, run_id) == {"changed": "pending", "new": "pending", "x": "excluded"}
    assert_counters_are_true(ledger)
