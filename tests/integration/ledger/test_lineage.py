"""Which pictures stand as a model made them: what counts is what the latest run did under their names."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError
from baas_ledger import claims, lineage
from baas_ledger.engine import reading, transaction
from baas_ledger.lineage import Made, check_made_something, made_by, names_made_by
from baas_ledger.plan import plan_images
from baas_ledger.records import named_image
from baas_ledger.reopen import reopen, retry_quarantined
from baas_ledger.retention import source_deleted
from baas_ledger.runs import finish_planning, finish_run, open_run
from tests.integration.ledger.builders import (
    DAMAGED,
    LEASE,
    NOON,
    PUBLISHED,
    claim,
    entry,
    excluded,
    plan,
    publish,
    quarantine,
    unreadable,
)

MINUTE = timedelta(minutes=1)
OLD, NEW = "sha256:old", "sha256:new"


def run(
    ledger: Engine,
    model: str,
    *names: str,
    minute: int,
    to: str = "safe",
    source: str = "panoramas",
    is_listed_only: bool = False,
) -> str:
    """A run that was planned, or whose planning was killed after the source was listed."""
    with transaction(ledger) as connection:
        run_id = open_run(
            connection,
            source=source,
            destination=to,
            model_digest=model,
            config_digest="sha256:config",
            configuration={},
            now=NOON + minute * MINUTE,
        )
    (plan_images if is_listed_only else plan)(ledger, run_id, map(entry, names), now=NOON + minute * MINUTE)
    return run_id


def publish_all(ledger: Engine, run_id: str, model: str, *, minute: int) -> None:
    at = NOON + minute * MINUTE
    for held in claim(ledger, run_id, 10_000, now=at):
        publish(ledger, held, replace(PUBLISHED, model_digest=model), now=at)


def finished(ledger: Engine, model: str, *names: str, minute: int, to: str = "safe", source: str = "panoramas") -> str:
    """A run that has published all."""
    run_id = run(ledger, model, *names, minute=minute, to=to, source=source)
    publish_all(ledger, run_id, model, minute=minute)
    return run_id


def made(ledger: Engine, model: str, destination: str | None = None) -> list[Made]:
    found = [one for page in made_by(ledger, model, destination) for one in page]
    # The question for single names has the same answer.
    for place in {one.destination for one in found}:
        with reading(ledger) as connection:
            names = {one.name for one in found if one.destination == place}
            assert names_made_by(connection, model, place, {*names, "nobody's"}) == names
    return found


def names(ledger: Engine, model: str, destination: str | None = None) -> list[str]:
    return [one.name for one in made(ledger, model, destination)]


def test_an_output_is_told_with_its_run_and_time(ledger: Engine) -> None:
    run_id = finished(ledger, OLD, "a", minute=1)
    assert made(ledger, OLD) == [
        Made(
            destination="safe",
            name="a",
            run_id=run_id,
            at=NOON + MINUTE,
            is_recorded=True,
            original_deleted_at=None,
        )
    ]


def test_the_latest_publication_under_a_name_counts_whichever_run_was_opened_last(ledger: Engine) -> None:
    old = finished(ledger, OLD, "a", "b", "c", minute=1)
    finished(ledger, NEW, "a", "b", minute=2)
    assert (names(ledger, OLD), names(ledger, NEW)) == (["c"], ["a", "b"])
    with transaction(ledger) as connection:
        reopen(connection, old, ["b"])
    publish_all(ledger, old, OLD, minute=3)
    assert (names(ledger, OLD), names(ledger, NEW)) == (["b", "c"], ["a"])


def test_another_destination_is_another_output(ledger: Engine) -> None:
    finished(ledger, OLD, "a", minute=1, to="safe")
    finished(ledger, OLD, "a", minute=1, to="archive")
    finished(ledger, NEW, "a", minute=2, to="safe")
    assert [one.destination for one in made(ledger, OLD)] == ["archive"]
    assert names(ledger, OLD, "safe") == []


@pytest.mark.parametrize("minute", [2, 0])
def test_what_another_run_has_quarantined_since_stands_no_longer(ledger: Engine, minute: int) -> None:
    finished(ledger, OLD, "a", minute=1)
    other = run(ledger, NEW, "a", minute=minute)
    [held] = claim(ledger, other, now=NOON + minute * MINUTE)
    quarantine(ledger, held, DAMAGED, now=NOON + minute * MINUTE)
    assert names(ledger, OLD) == ([] if minute == 2 else ["a"])


@pytest.mark.parametrize("minute", [2, 0])
def test_what_another_run_has_left_out_since_stands_no_longer(ledger: Engine, minute: int) -> None:
    finished(ledger, OLD, "a", minute=1)
    other = run(ledger, NEW, minute=minute)
    plan(ledger, other, [excluded("a")], now=NOON + minute * MINUTE)
    assert names(ledger, OLD) == ([] if minute == 2 else ["a"])


def test_what_planning_refuses_stands_until_planning_comes_to_its_end(ledger: Engine) -> None:
    """It is taken away in between, and planning may be killed before."""
    finished(ledger, OLD, "a", "b", "c", minute=1)
    other = run(ledger, NEW, "d", minute=2)
    for _ in range(2):  # and when it is planned again: what is left out may be more then
        assert run(ledger, NEW, "d", minute=3, is_listed_only=True) == other
        result = plan_images(ledger, other, [excluded("a"), unreadable("b")], now=NOON + 3 * MINUTE)
        assert names(ledger, OLD) == ["a", "b", "c"]
        with transaction(ledger) as connection:
            finish_planning(connection, other, result, now=NOON + 3 * MINUTE)
        assert names(ledger, OLD) == ["c"]


def test_what_its_own_run_leaves_out_stands_until_planning_comes_to_its_end(ledger: Engine) -> None:
    old = finished(ledger, OLD, "a", "b", minute=1)
    run(ledger, OLD, "b", minute=2, is_listed_only=True)
    result = plan_images(ledger, old, [excluded("a")], now=NOON + 2 * MINUTE)
    assert [(one.name, one.at, one.is_recorded) for one in made(ledger, OLD)] == [
        ("a", NOON + MINUTE, True),
        ("b", NOON + MINUTE, True),
    ]
    with transaction(ledger) as connection:
        finish_planning(connection, old, result, now=NOON + 2 * MINUTE)
    assert names(ledger, OLD) == ["b"]


def test_what_was_left_out_before_planning_was_killed_stands_also_when_it_is_wanted_again(ledger: Engine) -> None:
    finished(ledger, OLD, "a", minute=1)
    other = run(ledger, NEW, minute=2, is_listed_only=True)
    plan_images(ledger, other, [excluded("a")], now=NOON + 2 * MINUTE)
    assert run(ledger, NEW, "a", minute=3) == other
    assert names(ledger, OLD) == ["a"]
    publish_all(ledger, other, NEW, minute=4)
    assert names(ledger, OLD) == []


@pytest.mark.parametrize("is_retried", [False, True])
def test_what_had_too_many_attempts_stands_until_the_run_is_finished(ledger: Engine, is_retried: bool) -> None:
    """The ledger refuses that by itself; it is taken away when the run ends."""
    finished(ledger, OLD, "a", minute=1)
    other = run(ledger, NEW, "a", minute=2)
    for minute in (2, 10):
        claim(ledger, other, max_attempts=1, now=NOON + minute * MINUTE)
    with reading(ledger) as connection:
        image = named_image(connection, other, "a")
    assert image is not None
    assert image.reason == QuarantineReason.TOO_MANY_ATTEMPTS
    if is_retried:
        with transaction(ledger) as connection:
            retry_quarantined(connection, other, now=NOON + 11 * MINUTE)
    assert names(ledger, OLD) == ["a"]
    # The worker that was killed may have written one, too.
    assert [(one.name, one.is_recorded) for one in made(ledger, NEW)] == [("a", False)]
    if is_retried:
        [held] = claim(ledger, other, max_attempts=1, now=NOON + 12 * MINUTE)
        quarantine(ledger, held, DAMAGED, now=NOON + 12 * MINUTE)
    else:
        with transaction(ledger) as connection:
            assert finish_run(connection, other, now=NOON + 11 * MINUTE)
    assert (names(ledger, OLD), names(ledger, NEW)) == ([], [])


def test_an_output_that_is_to_be_made_anew_stands_until_it_is(ledger: Engine) -> None:
    old = finished(ledger, OLD, "a", minute=1)
    finished(ledger, NEW, "b", minute=1)
    with transaction(ledger) as connection:
        reopen(connection, old, ["a"], now=NOON + MINUTE)
    [one] = made(ledger, OLD)
    assert (one.name, one.at, one.is_recorded) == ("a", NOON + MINUTE, True)
    [held] = claim(ledger, old, now=NOON + 2 * MINUTE)
    assert names(ledger, OLD) == ["a"]
    quarantine(ledger, held, DAMAGED, now=NOON + 2 * MINUTE)
    assert names(ledger, OLD) == []


def expire(ledger: Engine, run_id: str) -> None:
    later = NOON + MINUTE + LEASE + MINUTE
    with transaction(ledger) as connection:
        claims.claim(connection, run_id, worker="w2", lease=LEASE, limit=0, max_attempts=3, now=later)


def release(ledger: Engine, run_id: str) -> None:
    with transaction(ledger) as connection:
        claims.release_all(connection, run_id, now=NOON + MINUTE)


@pytest.mark.parametrize("end", [None, expire, release])
def test_what_a_killed_worker_may_have_written_counts_until_it_is_surely_replaced(
    ledger: Engine, end: Callable[[Engine, str], None] | None
) -> None:
    finished(ledger, NEW, "a", "b", minute=0)
    old = run(ledger, OLD, "a", "b", "c", minute=1)
    claim(ledger, old, 2, now=NOON + MINUTE)
    if end is not None:
        end(ledger, old)
    assert [(one.name, one.is_recorded) for one in made(ledger, OLD)] == [("a", False), ("b", False)]
    # That is told for this model alone: the other one's output may be there as well.
    assert names(ledger, NEW) == ["a", "b"]
    finished(ledger, "sha256:third", "a", minute=30)
    assert names(ledger, OLD) == ["b"]


def test_what_was_published_while_the_lease_of_a_killed_worker_lasted_may_have_been_replaced_by_it(
    ledger: Engine,
) -> None:
    claim(ledger, run(ledger, OLD, "a", minute=1), now=NOON + MINUTE)
    finished(ledger, NEW, "a", minute=2)
    assert names(ledger, OLD) == ["a"]


def test_an_original_that_a_run_deleted_cannot_be_redone(ledger: Engine) -> None:
    old = finished(ledger, OLD, "a", "b", "c", minute=1)
    elsewhere = finished(ledger, NEW, "b", "c", minute=2, to="archive")
    mine = finished(ledger, OLD, "d", minute=2, to="other", source="another source")
    for run_id, name, minute in ((elsewhere, "b", 3), (mine, "d", 4)):
        with transaction(ledger) as connection:
            image = named_image(connection, run_id, name)
            assert image is not None
            source_deleted(connection, image, {}, now=NOON + minute * MINUTE)
    told = {one.name: one.original_deleted_at for one in made(ledger, OLD)}
    assert told == {"a": None, "b": NOON + 3 * MINUTE, "c": None, "d": NOON + 4 * MINUTE}
    # Published once more since: so it was there again.
    with transaction(ledger) as connection:
        reopen(connection, old, ["b"])
    publish_all(ledger, old, OLD, minute=5)
    assert {one.name: one.original_deleted_at for one in made(ledger, OLD)}["b"] is None


def test_many_outputs_come_in_pages(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "PAGE", 7)
    wanted = [f"{number:03}" for number in range(50)]
    finished(ledger, OLD, *wanted, minute=1)
    finished(ledger, NEW, *wanted[::2], minute=2)
    pages = list(made_by(ledger, OLD))
    assert [one.name for page in pages for one in page] == wanted[1::2]
    assert max(map(len, pages)) <= 7


def test_a_model_that_no_run_had_is_answered_with_those_that_there_are(ledger: Engine) -> None:
    finished(ledger, OLD, "a", "b", minute=1)
    run(ledger, NEW, "c", minute=1, to="archive")
    with reading(ledger) as connection:
        check_made_something(connection, OLD)
        check_made_something(connection, NEW, "archive")
        with pytest.raises(ConfigurationError) as error:
            check_made_something(connection, "sha256:x")
        assert str(error.value) == (
            "No run had the model sha256:x. The ledger knows these:"
            "\n  sha256:new  0 pictures published\n  sha256:old  2 pictures published"
        )
        with pytest.raises(ConfigurationError, match=r"^No run into safe had the model sha256:new\. .*\n  sha256:old"):
            check_made_something(connection, NEW, "safe")
        with pytest.raises(ConfigurationError, match=r"^The ledger knows no run into nowhere, with whatever model\.$"):
            check_made_something(connection, OLD, "nowhere")
