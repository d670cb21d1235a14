"""Runs whose BlurJob is gone."""

from collections.abc import Callable, Collection

import pytest
from sqlalchemy import Engine

from baas_ledger import records
from baas_ledger.abandon import Mark, abandon, marks_of_unfinished, unfinished_blurjobs
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import EventKind
from baas_ledger.runs import find_run, finish_run, open_run
from baas_ledger.tables import RunState
from tests.integration.ledger.builders import NOON, claim, entry, new_run, plan, publish, quarantine


def run_of(ledger: Engine, namespace: str, uid: str) -> str:
    with transaction(ledger) as connection:
        return open_run(
            connection,
            run_id=uid,
            source="s",
            destination="d",
            model_digest="m",
            config_digest="c",
            configuration={"cells": 6, "blurjob": f"{namespace}/panoramas"},
            now=NOON,
        )


def unfinished(ledger: Engine, namespaces: Collection[str] | None) -> list[str]:
    with reading(ledger) as connection:
        return unfinished_blurjobs(connection, namespaces)


def marks(ledger: Engine, namespaces: Collection[str] | None) -> dict[str, Mark]:
    with reading(ledger) as connection:
        return marks_of_unfinished(connection, namespaces)


def give_up(ledger: Engine, *run_ids: str) -> int:
    with transaction(ledger) as connection:
        return abandon(connection, run_ids, now=NOON)


def state_of(ledger: Engine, run_id: str) -> RunState:
    with reading(ledger) as connection:
        run = find_run(connection, run_id)
    assert run is not None
    return run.state


@pytest.mark.parametrize(
    ("namespaces", "found"), [(None, ["uid-1", "uid-2"]), (["north"], ["uid-1"]), (["nort", "west"], []), ([], [])]
)
def test_unfinished_runs_are_found_by_their_namespace(
    ledger: Engine, namespaces: list[str] | None, found: list[str]
) -> None:
    run_of(ledger, "north", "uid-1")
    run_of(ledger, "south", "uid-2")
    assert unfinished(ledger, namespaces) == found


def test_a_run_that_is_no_blurjobs_is_never_found(ledger: Engine) -> None:
    new_run(ledger)
    assert unfinished(ledger, None) == []


def test_an_abandoned_run_says_so_once(ledger: Engine) -> None:
    run_id = run_of(ledger, "north", "uid-1")
    assert (give_up(ledger, run_id), give_up(ledger, run_id)) == (1, 0)
    assert (state_of(ledger, run_id), unfinished(ledger, None)) == (RunState.ABANDONED, [])
    with reading(ledger) as connection:
        kinds = [event.kind for event in records.events(connection, run_id)]
    assert kinds.count(EventKind.RUN_ABANDONED) == 1


def test_a_finished_run_stays_finished(ledger: Engine) -> None:
    run_id = run_of(ledger, "north", "uid-1")
    plan(ledger, run_id, [])
    with transaction(ledger) as connection:
        assert finish_run(connection, run_id, now=NOON)
    assert give_up(ledger, run_id) == 0
    assert state_of(ledger, run_id) is RunState.FINISHED


def test_a_run_that_was_thought_abandoned_can_finish(ledger: Engine) -> None:
    run_id = run_of(ledger, "north", "uid-1")
    plan(ledger, run_id, [])
    give_up(ledger, run_id)
    with transaction(ledger) as connection:
        assert finish_run(connection, run_id, now=NOON)
    assert state_of(ledger, run_id) is RunState.FINISHED


def test_an_abandoned_run_that_was_never_planned_cannot_finish(ledger: Engine) -> None:
    run_id = run_of(ledger, "north", "uid-1")
    give_up(ledger, run_id)
    with transaction(ledger) as connection:
        assert not finish_run(connection, run_id, now=NOON)


def test_a_run_goes_on_that_is_planned_again_after_all(ledger: Engine) -> None:
    run_id = run_of(ledger, "north", "uid-1")
    give_up(ledger, run_id)
    plan(ledger, run_id, [entry("a.jpg")])
    assert state_of(ledger, run_id) is RunState.PLANNED


def test_the_mark_of_a_run_changes_with_it_and_only_then(ledger: Engine) -> None:
    run_id, other = run_of(ledger, "north", "uid-1"), run_of(ledger, "north", "uid-2")
    run_of(ledger, "south", "uid-3")
    seen = [marks(ledger, ["north"])]
    assert seen[0].keys() == {run_id, other}
    changes: tuple[Callable[[], object], ...] = (
        lambda: plan(ledger, run_id, [entry("a.jpg"), entry("b.jpg")]),
        lambda: publish(ledger, claim(ledger, run_id)[0]),
        lambda: quarantine(ledger, claim(ledger, run_id)[0]),
        lambda: give_up(ledger, run_id),
    )
    for change in changes:
        assert marks(ledger, ["north"]) == seen[-1]
        change()
        seen.append(marks(ledger, ["north"]))
        assert seen[-1].get(run_id) != seen[-2][run_id]
        assert seen[-1][other] == seen[-2][other]
    assert run_id not in seen[-1], "it is over"
