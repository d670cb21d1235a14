"""Runs: resumed by what they are, finished when nothing is left."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger import records
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import EventKind, Run
from baas_ledger.plan import plan_images
from baas_ledger.reopen import reopen, retry_quarantined
from baas_ledger.runs import find_run, finish_planning, finish_run, latest_run, open_run
from baas_ledger.tables import RunState
from tests.integration.ledger.builders import NOON, claim, entry, excluded, new_run, plan, publish, quarantine, run_with

HOUR = timedelta(hours=1)
WORK: dict[str, Any] = {"source": "s", "destination": "d", "model_digest": "m", "config_digest": "c"}


def opened(ledger: Engine, **changes: str) -> str:
    with transaction(ledger) as connection:
        return open_run(connection, **{**WORK, **changes}, configuration={})


def run_of(ledger: Engine, run_id: str) -> Run:
    with reading(ledger) as connection:
        run = find_run(connection, run_id)
    assert run is not None
    return run


def finish(ledger: Engine, run_id: str) -> bool:
    with transaction(ledger) as connection:
        return finish_run(connection, run_id, now=NOON)


def test_the_same_work_is_the_same_run(ledger: Engine) -> None:
    assert opened(ledger) == opened(ledger)


@pytest.mark.parametrize("name", WORK)
def test_other_work_is_another_run(ledger: Engine, name: str) -> None:
    assert opened(ledger) != opened(ledger, **{name: "other"})


def test_a_run_can_have_an_id_that_others_know_already(ledger: Engine) -> None:
    assert opened(ledger, run_id="their-id") == opened(ledger, run_id="their-id") == "their-id"
    assert opened(ledger) != "their-id"


@pytest.mark.parametrize("name", WORK)
def test_a_run_of_that_id_with_other_work_is_refused_and_left_as_it_was(ledger: Engine, name: str) -> None:
    opened(ledger, run_id="their-id")
    before = run_of(ledger, "their-id")
    with pytest.raises(ConfigurationError, match=rf"Run their-id began with the \w+ {WORK[name]}, and now it is other"):
        opened(ledger, run_id="their-id", **{name: "other"})
    assert run_of(ledger, "their-id") == before


def test_a_run_keeps_its_facts_and_when_it_was_opened_last(ledger: Engine) -> None:
    run_id = new_run(ledger)
    assert new_run(ledger, now=NOON + HOUR) == run_id
    assert run_of(ledger, run_id) == Run(
        id=run_id,
        source="panoramas",
        destination="safe",
        model_digest="sha256:model",
        config_digest="sha256:config",
        configuration={"cells": 6},
        state=RunState.CREATED,
        created_at=NOON,
        opened_at=NOON + HOUR,
        planned_at=None,
        finished_at=None,
    )


def test_the_latest_run_of_a_destination_is_the_one_opened_last(ledger: Engine) -> None:
    first = new_run(ledger, source="first", now=NOON)
    second = new_run(ledger, source="second", now=NOON + HOUR)
    new_run(ledger, destination="elsewhere", now=NOON + 2 * HOUR)
    with reading(ledger) as connection:
        latest = latest_run(connection, "safe")
        assert latest_run(connection, "nowhere") is None
        assert find_run(connection, "nowhere") is None
    assert latest is not None
    assert latest.id == second
    new_run(ledger, source="first", now=NOON + 3 * HOUR)
    with reading(ledger) as connection:
        latest = latest_run(connection, "safe")
    assert latest is not None
    assert latest.id == first


def test_a_run_is_finished_when_it_is_planned_and_every_image_has_its_fate(ledger: Engine) -> None:
    run_id = new_run(ledger)
    assert not finish(ledger, run_id)
    plan(ledger, run_id, map(entry, "ab"))
    assert not finish(ledger, run_id)
    first, second = claim(ledger, run_id, 2)
    publish(ledger, first)
    assert not finish(ledger, run_id)
    quarantine(ledger, second)
    assert finish(ledger, run_id)
    assert finish(ledger, run_id)
    assert (run_of(ledger, run_id).state, run_of(ledger, run_id).finished_at) == (RunState.FINISHED, NOON)
    with reading(ledger) as connection:
        kinds = [one.kind for one in records.events(connection, run_id)]
    assert kinds.count(EventKind.RUN_FINISHED) == 1


def test_a_run_is_not_planned_and_cannot_finish_before_what_it_leaves_out_was_taken_away(ledger: Engine) -> None:
    """Every image may have its fate once the source is listed, and what is left out is still published then."""
    run_id = new_run(ledger)
    for _ in range(2):  # when a run is planned again, what is left out may be more
        result = plan_images(ledger, run_id, [excluded("a")], now=NOON)
        assert (run_of(ledger, run_id).planned_at, finish(ledger, run_id)) == (None, False)
        with transaction(ledger) as connection:
            finish_planning(connection, run_id, result, now=NOON)
        assert finish(ledger, run_id)
        assert new_run(ledger, now=NOON + HOUR) == run_id


def test_a_run_of_no_images_is_finished_once_that_is_known(ledger: Engine) -> None:
    assert finish(ledger, run_with(ledger, []))


def test_a_finished_run_goes_on_when_images_are_to_be_done_again(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b"])
    first, second = claim(ledger, run_id, 2)
    publish(ledger, first)
    quarantine(ledger, second)
    for send_back in (partial(reopen, names=["a"]), retry_quarantined):
        assert finish(ledger, run_id)
        with transaction(ledger) as connection:
            assert send_back(connection, run_id) == 1
        assert (run_of(ledger, run_id).state, run_of(ledger, run_id).finished_at) == (RunState.PLANNED, None)
        assert not finish(ledger, run_id)
        publish(ledger, claim(ledger, run_id)[0])
