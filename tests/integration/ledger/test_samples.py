"""What samples are drawn from, that one worker at a time draws, and that each is noted once."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, TextClause, text

from baas_crds.errors import DependencyUnavailable
from baas_ledger import records
from baas_ledger.corrections import begin_correction
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import EventKind, Run
from baas_ledger.retention import hold_undeleted, source_deleted
from baas_ledger.runs import find_run
from baas_ledger.samples import (
    Found,
    NotTheDrawer,
    begin_drawing,
    copying,
    drawing,
    found_in,
    is_drawn,
    note_drawn,
    published_names,
    samples_of,
)
from tests.waiting import PATIENCE_SECONDS

from .builders import PUBLISHED, claim, image, publish, quarantine, run_with
from .test_corrections import CORRECTED


@pytest.fixture
def run(ledger: Engine) -> Run:
    """A run that published a, b and c, and not d and e."""
    run_id = run_with(ledger, [f"{name}.jpg" for name in "cabde"])
    for held in claim(ledger, run_id, 4):
        if held.name == "d.jpg":
            quarantine(ledger, held)
        else:
            publish(ledger, held, PUBLISHED if held.name != "b.jpg" else replace(PUBLISHED, detections=()))
    with reading(ledger) as connection:
        found = find_run(connection, run_id)
    assert found is not None
    return found


@pytest.mark.parametrize("page", [1, 2, 1000])
def test_a_sample_is_drawn_from_what_was_published(
    ledger: Engine, run: Run, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "PAGE", page)
    assert list(published_names(ledger, run.id)) == ["a.jpg", "b.jpg", "c.jpg"]
    both = (0.9, 0.4)
    assert list(found_in(ledger, run)) == [
        Found(name="a.jpg", scores=both, is_corrected=False),
        Found(name="b.jpg", scores=(), is_corrected=False),
        Found(name="c.jpg", scores=both, is_corrected=False),
    ]


def test_what_people_corrected_counts_and_what_has_no_original_does_not(ledger: Engine, run: Run) -> None:
    with transaction(ledger) as connection:
        begin_correction(connection, run, "a.jpg", CORRECTED)
        held = hold_undeleted(connection, image(ledger, run.id, "c.jpg").id)
        assert held is not None
        source_deleted(connection, held, {})
    assert [(one.name, one.is_corrected) for one in found_in(ledger, run)] == [("a.jpg", True), ("b.jpg", False)]
    assert list(published_names(ledger, run.id)) == ["a.jpg", "b.jpg", "c.jpg"]


KIND = EventKind.QUALITY_CHECK_DRAWN


def begin(ledger: Engine, run: Run) -> int:
    return begin_drawing(ledger, run.id, KIND, "Copying 3 of 3 has begun.", {"drawn": 3})


def note(ledger: Engine, run: Run, number: int) -> None:
    with transaction(ledger) as connection:
        note_drawn(connection, run.id, KIND, number, "3 of 3", {"drawn": 3})


def never() -> None:
    pytest.fail("somebody else draws")


def test_a_beginning_is_told_until_the_sample_is_whole_and_each_kind_for_itself(ledger: Engine, run: Run) -> None:
    with reading(ledger) as connection:
        assert samples_of(connection, run.id) == []
    begin(ledger, run)
    number = begin(ledger, run)
    with reading(ledger) as connection:
        assert [event.message for event in samples_of(connection, run.id)] == ["Copying 3 of 3 has begun."]
        assert not is_drawn(connection, run.id, KIND)
    note(ledger, run, number)
    with reading(ledger) as connection:
        (told,) = samples_of(connection, run.id)
        assert (told.message, told.data["drawn"]) == ("3 of 3", 3)
        assert is_drawn(connection, run.id, KIND)
        assert not is_drawn(connection, run.id, EventKind.RETRAINING_SAMPLE_DRAWN)


def test_nothing_is_copied_or_noted_any_more_by_whom_another_one_followed(ledger: Engine, run: Run) -> None:
    late, number = begin(ledger, run), begin(ledger, run)
    with pytest.raises(NotTheDrawer), copying(ledger, run.id, KIND, late):
        pytest.fail("copied")
    with pytest.raises(NotTheDrawer):
        note(ledger, run, late)
    with copying(ledger, run.id, KIND, number):
        pass
    note(ledger, run, number)
    with pytest.raises(NotTheDrawer), copying(ledger, run.id, KIND, number):
        pytest.fail("copied")
    with pytest.raises(NotTheDrawer):
        note(ledger, run, number)
    with pytest.raises(NotTheDrawer):
        begin(ledger, run)


@pytest.mark.parametrize("ledger_url", ["postgres"], indirect=True)
def test_one_at_a_time_draws_until_its_connection_is_gone(ledger: Engine, run: Run) -> None:
    class StillDrawn(Exception):
        pass

    def give_up() -> None:
        raise StillDrawn

    with pytest.raises(DependencyUnavailable), drawing(ledger, run.id, KIND, never):  # noqa: PT012
        with pytest.raises(StillDrawn), drawing(ledger, run.id, KIND, give_up):
            pytest.fail("two draw at once")
        with drawing(ledger, run.id, EventKind.RETRAINING_SAMPLE_DRAWN, never):
            pass  # another kind
        number = begin(ledger, run)
        with transaction(ledger) as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode LIKE 'Excl%'")
            )
        with drawing(ledger, run.id, KIND, lambda: None):
            begin(ledger, run)
        with pytest.raises(NotTheDrawer), copying(ledger, run.id, KIND, number):
            pytest.fail("copied")


@pytest.mark.parametrize("ledger_url", ["postgres"], indirect=True)
def test_whoever_begins_or_ends_waits_for_pictures_that_are_being_copied(ledger: Engine, run: Run) -> None:
    number = begin(ledger, run)
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with ThreadPoolExecutor(1) as pool:
        with copying(ledger, run.id, KIND, number), copying(ledger, run.id, KIND, number):
            noting = pool.submit(note, ledger, run, number)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not is_waiting(ledger, waiting):
                assert time.monotonic() < deadline
            assert not noting.done()
        noting.result(timeout=PATIENCE_SECONDS)


def is_waiting(ledger: Engine, question: TextClause) -> bool:
    with reading(ledger) as connection:
        return bool(connection.execute(question).scalar())
