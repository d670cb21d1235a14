"""What the operator hears from the ledger, also when there is none."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from baas_ledger.engine import open_ledger, transaction
from baas_ledger.facts import EventKind
from baas_ledger.plan import plan_images
from baas_ledger.runs import finish_planning, open_run
from baas_ledger.samples import begin_drawing, note_drawn
from baas_ledger.tables import RunState
from baas_operator.ledger_edge import LedgerEdge
from baas_operator.observed import Ledger, NotReady
from tests.unit.operator.seeing import UID

Answer = TypeVar("Answer")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.sqlite")


def planned_run(url: str) -> None:
    engine = open_ledger(url)
    with transaction(engine) as connection:
        open_run(
            connection,
            run_id=UID,
            source="s",
            destination="d",
            model_digest="m",
            config_digest="c",
            configuration={"blurjob": "panoramas/amsterdam"},
        )
    result = plan_images(engine, UID, [])
    with transaction(engine) as connection:
        finish_planning(connection, UID, result)
    engine.dispose()


def ask(url: str, *questions: Callable[[LedgerEdge], Awaitable[Answer]]) -> list[Answer]:
    async def run() -> list[Answer]:
        edge = LedgerEdge(url)
        answers = [await question(edge) for question in questions]
        await edge.close()
        return answers

    return asyncio.run(run())


def test_a_ledger_that_is_not_there_is_looked_for_again(url: str) -> None:
    async def first_without_then_with() -> list[Ledger | NotReady]:
        edge = LedgerEdge(url)
        before = await edge.look(UID)
        await asyncio.to_thread(planned_run, url)
        after = await edge.look(UID)
        await edge.close()
        return [before, after]

    before, after = asyncio.run(first_without_then_with())
    assert isinstance(before, NotReady)
    assert (before.reason, before.message[:21]) == ("NotUsable", "There is no ledger at")
    assert isinstance(after, Ledger)
    assert after.is_planned


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    (answer,) = ask("postgresql://baas:secret@127.0.0.1:1/baas", lambda edge: edge.look(UID))
    assert isinstance(answer, NotReady)
    assert answer.reason == "Unavailable"
    assert "secret" not in answer.message


def test_a_run_that_has_not_begun_is_no_trouble(url: str) -> None:
    open_ledger(url).dispose()
    assert ask(url, lambda edge: edge.look(UID)) == [Ledger(run=None)]


def test_samples_are_told_of_from_their_beginning_whatever_becomes_of_the_run(url: str) -> None:
    planned_run(url)
    engine = open_ledger(url)
    kind = EventKind.QUALITY_CHECK_DRAWN
    number = begin_drawing(engine, UID, kind, "Copying has begun.", {})

    async def look() -> tuple[str, ...]:
        edge = LedgerEdge(url)
        seen = await edge.look(UID)
        await edge.close()
        assert isinstance(seen, Ledger)
        return seen.samples

    assert asyncio.run(look()) == ("Copying has begun.",)
    with transaction(engine) as connection:
        note_drawn(connection, UID, kind, number, "3 of 5 published pictures were copied.", {})
    engine.dispose()
    assert asyncio.run(look()) == ("3 of 5 published pictures were copied.",)


def test_an_ended_run_is_finished_and_no_orphan(url: str) -> None:
    planned_run(url)
    assert ask(url, lambda edge: edge.unfinished_runs(["panoramas"])) == [[UID]]
    ask(url, lambda edge: edge.finish(UID), lambda edge: edge.abandon([UID]))
    (seen,) = ask(url, lambda edge: edge.look(UID))
    assert isinstance(seen, Ledger)
    assert seen.run is not None
    assert seen.run.state is RunState.FINISHED
    assert ask(url, lambda edge: edge.unfinished_runs(None)) == [[]]
