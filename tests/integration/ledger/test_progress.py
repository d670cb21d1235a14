"""What people and the operator read while a run goes on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

import baas_ledger.progress
from baas_crds.codes import QuarantineReason
from baas_ledger import records
from baas_ledger.engine import reading
from baas_ledger.facts import Progress, SecondLook, SecondLookSums
from baas_ledger.plan import plan_images
from baas_ledger.progress import read_progress
from baas_ledger.tables import ImageState
from tests.integration.ledger.builders import (
    DAMAGED,
    NOON,
    PUBLISHED,
    claim,
    entry,
    excluded,
    new_run,
    publish,
    quarantine,
    run_with,
    unreadable,
)

SECOND = timedelta(seconds=1)


def progress(ledger: Engine, run_id: str, seconds: int = 0) -> Progress:
    with reading(ledger) as connection:
        return read_progress(connection, run_id, now=NOON + seconds * SECOND)


def test_progress_tells_states_reasons_and_objects(ledger: Engine) -> None:
    run_id = new_run(ledger)
    plan_images(ledger, run_id, [*map(entry, "abcdefg"), excluded("x"), unreadable("y")], now=NOON - SECOND)
    held = claim(ledger, run_id, 5)
    for one in held[:2]:
        publish(ledger, one)
    quarantine(ledger, held[2])
    quarantine(ledger, held[3], replace(DAMAGED, reason=QuarantineReason.EMPTY))
    seen = progress(ledger, run_id)
    assert replace(seen, images_per_second=0.0) == Progress(
        pending=2,
        leased=1,
        published=2,
        quarantined=3,
        excluded=1,
        quarantined_by_reason={"Damaged": 1, "Empty": 1, "Unreadable": 1},
        persons=2,
        licence_plates=2,
    )
    assert (seen.total, seen.remaining) == (9, 3)


def test_second_looks_add_up_over_published_images_that_had_one(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b", "c", "d"])
    held = claim(ledger, run_id, 4)
    for one in held[:2]:
        publish(ledger, one)
    publish(ledger, held[2], replace(PUBLISHED, second_look=SecondLook()))
    quarantine(ledger, held[3])
    with reading(ledger) as connection:
        assert records.second_look_sums(connection, run_id) == SecondLookSums(images=2, found_later=2, residuals=6)
        assert records.second_look_sums(connection, "unknown") == SecondLookSums()


def test_an_unknown_run_has_no_images_and_nothing_left(ledger: Engine) -> None:
    assert progress(ledger, "unknown") == Progress()
    assert Progress().seconds_left == 0.0


def test_the_speed_is_that_of_the_last_minutes_and_falls_when_work_stalls(ledger: Engine) -> None:
    run_id = run_with(ledger, map(str, range(200)))
    assert progress(ledger, run_id).seconds_left is None
    for number, held in enumerate(claim(ledger, run_id, 101)):
        publish(ledger, held, now=NOON + number * SECOND / 2)
    assert progress(ledger, run_id, 50).images_per_second == pytest.approx(2)
    assert progress(ledger, run_id, 50).seconds_left == pytest.approx(49.5)
    assert progress(ledger, run_id, 100).images_per_second == pytest.approx(1)
    assert progress(ledger, run_id, 400).images_per_second == 0
    assert progress(ledger, run_id, 400).seconds_left is None


def test_the_speed_of_many_images_is_that_of_the_last_ones(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baas_ledger.progress, "RATE_SAMPLE", 11)
    run_id = run_with(ledger, map(str, range(30)))
    held = claim(ledger, run_id, 30)
    for one in held[:19]:
        publish(ledger, one)
    for number, one in enumerate(held[19:]):
        publish(ledger, one, now=NOON + (50 + number) * SECOND)
    assert progress(ledger, run_id, 60).images_per_second == pytest.approx(1)


def test_pages_of_images_follow_each_other_by_the_bytes_of_their_names(ledger: Engine) -> None:
    names = ["Z", "a", "a\nb", "a b", "é", "b", "🚲", "10", "9"]
    run_id = run_with(ledger, names)
    seen: list[str] = []
    with reading(ledger) as connection:
        while page := records.images(connection, run_id, after=seen[-1] if seen else None, limit=2):
            seen += [one.name for one in page]
    assert seen == sorted(names, key=str.encode)


def test_pages_can_be_of_one_state(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b", "c"])
    first, second = claim(ledger, run_id, 2)
    quarantine(ledger, first)
    publish(ledger, second)
    with reading(ledger) as connection:
        found = {
            state: [one.name for one in records.images(connection, run_id, state=state)]
            for state in (ImageState.QUARANTINED, ImageState.PUBLISHED, ImageState.PENDING, ImageState.LEASED)
        }
    assert found == {"quarantined": ["a"], "published": ["b"], "pending": ["c"], "leased": []}


def test_events_come_in_pages_in_their_order(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b"])
    for held in claim(ledger, run_id, 2):
        quarantine(ledger, held)
    with reading(ledger) as connection:
        first = records.events(connection, run_id, limit=3)
        rest = records.events(connection, run_id, after=first[-1].id)
    assert [one.kind for one in first + rest] == ["RunOpened", "RunPlanned", "ImageQuarantined", "ImageQuarantined"]
    assert {one.at for one in first + rest} == {NOON}
