"""What samples are drawn from, and that each is noted once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from baas_ledger import samples
from baas_ledger.corrections import begin_correction
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import EventKind, Run
from baas_ledger.retention import hold_undeleted, source_deleted
from baas_ledger.runs import find_run
from baas_ledger.samples import Found, found_in, is_drawn, note_drawn, published_names, samples_of

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
    monkeypatch.setattr(samples, "PAGE", page)
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


def test_however_many_draw_a_sample_it_is_noted_once_and_each_kind_for_itself(ledger: Engine, run: Run) -> None:
    def note(number: int) -> bool:
        with transaction(ledger) as connection:
            data = {"drawn": 3, "by": number}
            return note_drawn(connection, run.id, EventKind.QUALITY_CHECK_DRAWN, "3 of 3", data)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(note, range(8))).count(True) == 1
    with reading(ledger) as connection:
        (told,) = samples_of(connection, run.id)
        assert (told.message, told.data["drawn"]) == ("3 of 3", 3)
        assert is_drawn(connection, run.id, EventKind.QUALITY_CHECK_DRAWN)
        assert not is_drawn(connection, run.id, EventKind.RETRAINING_SAMPLE_DRAWN)
