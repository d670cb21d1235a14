"""The queue under concurrency, crashes and late workers."""

import contextlib
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import IntegrityError

from baas_crds.codes import QuarantineReason
from baas_ledger import audit, claims, records, tables
from baas_ledger.chain import START, broken_link
from baas_ledger.claims import LeaseLost
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import Claim, EventKind
from baas_ledger.finish import finish
from baas_ledger.plan import plan_images
from baas_ledger.reopen import reopen, retry_quarantined
from tests.integration.ledger.builders import (
    DAMAGED,
    LEASE,
    NOON,
    PERSON,
    PLATE_ON_THE_SEAM,
    PUBLISHED,
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
)
from tests.waiting import PATIENCE_SECONDS

LATER = NOON + LEASE + timedelta(seconds=1)


def test_images_are_claimed_in_the_order_of_the_plan_and_never_twice(ledger: Engine) -> None:
    run_id = run_with(ledger, ["c", "a", "b"])
    first, second = claim(ledger, run_id, 2), claim(ledger, run_id, 2, worker="w2")
    assert [held.name for held in first] == ["c", "a"]
    assert [held.name for held in second] == ["b"]
    assert claim(ledger, run_id, 2) == []


def test_a_claim_says_all_that_a_worker_needs(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a"])
    [held] = claim(ledger, run_id)
    assert held == Claim(
        image_id=held.image_id,
        run_id=run_id,
        name="a",
        source_version="1",
        size_bytes=10,
        token=1,
        attempt=1,
        lease_until=NOON + LEASE,
    )


def test_a_run_gives_no_images_of_another_run(ledger: Engine) -> None:
    run_with(ledger, ["a"])
    assert claim(ledger, new_run(ledger, source="elsewhere")) == []


def test_eight_workers_at_once_publish_a_thousand_images_none_twice_none_lost(ledger: Engine) -> None:
    """The earlier service locked by renaming a file, which a second worker could do as well."""
    names = [f"{number:04}.jpg" for number in range(1_000)]
    run_id = run_with(ledger, names)

    def work(worker: str) -> list[str]:
        done = []
        while mine := claim(ledger, run_id, 10, worker=worker):
            for held in mine:
                publish(ledger, held)
                done.append(held.name)
        return done

    with ThreadPoolExecutor(8) as workers:
        done = [name for one in workers.map(work, "abcdefgh") for name in one]
    assert sorted(done) == names
    assert set(states(ledger, run_id).values()) == {"published"}
    assert_counters_are_true(ledger)


def test_workers_planners_and_people_at_once_neither_block_each_other_nor_confuse_the_counters(
    ledger: Engine,
) -> None:
    names = [f"{number:02}" for number in range(60)]
    run_id = run_with(ledger, names)

    def work(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - chooses what happens next
        for _ in range(40):
            # A lease that is over as soon as it is given: another worker takes the image meanwhile.
            held = claim(ledger, run_id, 3, now=NOON - 2 * LEASE if dice.random() < 0.3 else NOON, max_attempts=4)
            for one in held:
                end = dice.choice([publish, publish, quarantine, abandon])
                with contextlib.suppress(LeaseLost):
                    end(ledger, one)
            with transaction(ledger) as connection:
                claims.renew(connection, held, lease=LEASE, now=NOON)

    def intervene(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - chooses what happens next
        for number in range(10):
            some = dice.sample(names, 20)
            plan_images(ledger, run_id, [entry(name, version=str(number)) for name in some], now=NOON)
            with transaction(ledger) as connection:
                retry_quarantined(connection, run_id, now=NOON)
            with transaction(ledger) as connection:
                reopen(connection, run_id, some, now=NOON)
            plan_images(ledger, run_id, map(excluded, some[:5]), now=NOON)

    with ThreadPoolExecutor(8) as pool:
        for done in [*(pool.submit(work, seed) for seed in range(6)), *(pool.submit(intervene, n) for n in (6, 7))]:
            done.result()
    assert counts(ledger, run_id).total == 60
    assert_counters_are_true(ledger)


def abandon(engine: Engine, held: Claim) -> None:
    """Vanish without a word."""


def test_a_killed_worker_loses_its_lease_in_time_and_the_attempt_stays_counted(ledger: Engine, ledger_url: str) -> None:
    """The earlier service counted what was `inprogress` at a crash as done."""
    run_id = run_with(ledger, ["a"])
    claimed = multiprocessing.get_context("fork").Event()

    def claim_and_hang() -> None:
        claim(open_ledger(ledger_url), run_id, worker="killed")
        claimed.set()
        signal.pause()

    process = multiprocessing.get_context("fork").Process(target=claim_and_hang)
    process.start()
    assert claimed.wait(PATIENCE_SECONDS)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()

    assert claim(ledger, run_id) == []
    [held] = claim(ledger, run_id, now=LATER)
    assert (held.attempt, held.token) == (2, 2)
    with reading(ledger) as connection:
        expired = [one for one in records.events(connection, run_id) if one.kind == EventKind.LEASE_EXPIRED]
    assert [one.message for one in expired] == ["The lease of killed ran out; another worker may take the image."]


@pytest.mark.parametrize("end", [publish, quarantine])
def test_a_worker_that_lost_its_lease_writes_nothing(ledger: Engine, end: Callable[..., None]) -> None:
    """In the earlier service both workers wrote when the lock of one had been claimed by another."""
    run_id = run_with(ledger, ["a"])
    [late] = claim(ledger, run_id, worker="late")
    [held] = claim(ledger, run_id, worker="new", now=LATER)
    with pytest.raises(LeaseLost, match=r"a: claim 1 is over \(it is leased under claim 2 by now\)"):
        end(ledger, late)
    publish(ledger, held)
    with pytest.raises(LeaseLost):
        end(ledger, late)
    assert image(ledger, run_id, "a").worker == "new"
    assert_counters_are_true(ledger)


def test_a_late_worker_may_finish_while_nobody_else_has_taken_the_image(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a"])
    [late] = claim(ledger, run_id)
    publish(ledger, late, now=LATER)
    assert states(ledger, run_id) == {"a": "published"}


def test_renewing_prolongs_what_is_held_and_tells_what_is_lost(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b"])
    [a], [b] = claim(ledger, run_id), claim(ledger, run_id)
    publish(ledger, b)
    with transaction(ledger) as connection:
        assert claims.renew(connection, [a, b], lease=LEASE, now=LATER) == [b]
    assert image(ledger, run_id, "a").lease_until == LATER + LEASE
    assert claim(ledger, run_id, now=LATER) == []
    with transaction(ledger) as connection:
        assert claims.renew(connection, [], lease=LEASE, now=LATER) == []


def test_released_images_are_free_at_once_and_the_attempt_does_not_count(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b"])
    held = claim(ledger, run_id, 2)
    publish(ledger, held[1])
    with transaction(ledger) as connection:
        assert claims.release(connection, held) == 1
    assert states(ledger, run_id) == {"a": "pending", "b": "published"}
    assert image(ledger, run_id, "a").attempts == 0
    with pytest.raises(LeaseLost):
        publish(ledger, held[0])
    [again] = claim(ledger, run_id)
    assert (again.attempt, again.token) == (1, 2)
    assert_counters_are_true(ledger)


def test_leases_of_dead_workers_return_at_once_and_their_attempts_count(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b", "c"])
    claim(ledger, run_id, worker="w1")
    claim(ledger, run_id, worker="w2")
    with transaction(ledger) as connection:
        assert claims.release_all(connection, run_id, worker="w2", now=NOON) == 1
    assert states(ledger, run_id) == {"a": "leased", "b": "pending", "c": "pending"}
    with transaction(ledger) as connection:
        assert claims.release_all(connection, run_id, now=NOON) == 1
        assert claims.release_all(connection, run_id, now=NOON) == 0
    assert [held.attempt for held in claim(ledger, run_id, 3)] == [2, 2, 1]
    assert_counters_are_true(ledger)


def test_an_image_that_kills_its_workers_is_quarantined_after_the_last_attempt(ledger: Engine) -> None:
    run_id = run_with(ledger, ["poison", "good"])
    at = NOON
    for attempt in (1, 2):
        [held] = claim(ledger, run_id, max_attempts=2, now=at)
        assert (held.name, held.attempt) == ("poison", attempt)
        at += LEASE + timedelta(seconds=1)
    # Asked for one image, it gets one: the exhausted image is set aside on the way.
    assert [held.name for held in claim(ledger, run_id, max_attempts=2, now=at)] == ["good"]
    poison = image(ledger, run_id, "poison")
    assert (poison.state, poison.reason, poison.attempts) == ("quarantined", QuarantineReason.TOO_MANY_ATTEMPTS, 2)
    assert poison.message == "2 attempts ended without a result: the image may crash its worker."
    assert counts(ledger, run_id).quarantined_by_reason == {"TooManyAttempts": 1}
    with pytest.raises(LeaseLost):
        publish(ledger, held)
    assert_counters_are_true(ledger)


def test_a_published_image_has_its_digests_objects_and_times(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a"])
    [held] = claim(ledger, run_id)
    publish(ledger, held)
    found = image(ledger, run_id, "a")
    assert (found.state, found.worker, found.lease_until, found.finished_at) == ("published", "w1", None, NOON)
    assert (found.persons, found.licence_plates) == (1, 1)
    for name in ("input_digest", "output_digest", "output_size_bytes", "output_version", "model_digest"):
        assert getattr(found, name) == getattr(PUBLISHED, name)
    for name in ("config_digest", "width_px", "height_px", "masked_share", "timings"):
        assert getattr(found, name) == getattr(PUBLISHED, name)
    with reading(ledger) as connection:
        assert records.detections(connection, [held.image_id]) == {held.image_id: [PERSON, PLATE_ON_THE_SEAM]}
    assert (found.second_looks, found.found_later, found.residuals) == (2, 1, 3)


def test_a_quarantined_image_says_why(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a"])
    [held] = claim(ledger, run_id)
    quarantine(ledger, held, replace(DAMAGED, message="Odd byte \udcff and NUL \0 in b\xe9."))
    found = image(ledger, run_id, "a")
    assert (found.state, found.reason, found.input_digest) == ("quarantined", "Damaged", "sha256:in")
    assert found.message == "Odd byte \\udcff and NUL \\x00 in b\xe9."
    with reading(ledger) as connection:
        told = [one for one in records.events(connection, run_id) if one.kind == EventKind.IMAGE_QUARANTINED]
    assert [(one.image_id, one.message) for one in told] == [(held.image_id, found.message)]


@pytest.mark.parametrize("end", [publish, quarantine])
def test_finishing_again_after_the_answer_got_lost_is_harmless(ledger: Engine, end: Callable[..., None]) -> None:
    run_id = run_with(ledger, ["a"])
    [held] = claim(ledger, run_id)
    end(ledger, held)
    before = image(ledger, run_id, "a")
    end(ledger, held, now=LATER)
    assert image(ledger, run_id, "a") == before
    assert_counters_are_true(ledger)


def test_the_same_claim_cannot_end_in_two_ways(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a"])
    [held] = claim(ledger, run_id)
    quarantine(ledger, held)
    with pytest.raises(LeaseLost):
        publish(ledger, held)


def test_images_get_different_fates_in_one_transaction(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a", "b", "c"])
    a, b, c = claim(ledger, run_id, 3)
    results = [(c, replace(PUBLISHED, detections=(PERSON,))), (a, PUBLISHED), (b, DAMAGED)]
    with transaction(ledger) as connection:
        assert finish(connection, run_id, results, now=NOON) == {}
    assert states(ledger, run_id) == {"a": "published", "b": "quarantined", "c": "published"}
    with reading(ledger) as connection:
        assert records.detections(connection, [a.image_id, b.image_id, c.image_id]) == {
            a.image_id: [PERSON, PLATE_ON_THE_SEAM],
            b.image_id: [],
            c.image_id: [PERSON],
        }
        chain = audit.records(connection, run_id)
    assert [(one.image_id, one.kind) for one in chain] == [
        (c.image_id, "published"),
        (a.image_id, "published"),
        (b.image_id, "quarantined"),
    ]
    previous = START
    for number, one in enumerate(chain, start=1):
        assert broken_link(one, run_id=run_id, number=number, previous=previous) is None
        previous = one.digest
    assert_counters_are_true(ledger)


def test_an_image_that_was_lost_keeps_no_other_from_its_fate(ledger: Engine) -> None:
    run_id = run_with(ledger, ["lost", "done", "mine"])
    lost, done, mine = claim(ledger, run_id, 3, worker="late")
    publish(ledger, done)
    with transaction(ledger) as connection:
        claims.release(connection, [lost])
    claim(ledger, run_id, worker="new")
    before = image(ledger, run_id, "lost"), image(ledger, run_id, "done")
    with transaction(ledger) as connection:
        told = finish(connection, run_id, [(one, PUBLISHED) for one in (lost, done, mine)], now=LATER)
    assert list(told) == [lost]
    assert (image(ledger, run_id, "lost"), image(ledger, run_id, "done")) == before
    assert states(ledger, run_id) == {"lost": "leased", "done": "published", "mine": "published"}
    with reading(ledger) as connection:
        assert [one.image_id for one in audit.records(connection, run_id)] == [done.image_id, mine.image_id]
    assert_counters_are_true(ledger)


def test_whoever_holds_an_image_waits_for_no_heartbeat_that_waits_for_it(postgres_url: str) -> None:
    # PostgreSQL may read images in whatever order; here it reads them in the order in which they lie.
    ledger = open_ledger(f"{postgres_url}?options=-c%20enable_indexscan%3Doff%20-c%20enable_bitmapscan%3Doff")
    run_id = run_with(ledger, ["first", "second"])
    [first] = claim(ledger, run_id)
    [second] = claim(ledger, run_id)
    with transaction(ledger) as connection:  # it lies behind the second one now
        claims.renew(connection, [first], lease=LEASE, now=NOON)

    def beat() -> list[Claim]:
        with transaction(ledger) as connection:
            return claims.renew(connection, [second, first], lease=LEASE, now=NOON)

    with ThreadPoolExecutor(1) as pool:
        with transaction(ledger) as connection:
            connection.execute(select(tables.images).where(tables.images.c.id == first.image_id).with_for_update())
            beating = pool.submit(beat)
            waits = select(func.count()).select_from(text("pg_locks")).where(text("NOT granted"))
            while not connection.scalar(waits):
                assert not beating.done()
            finish(connection, run_id, [(first, PUBLISHED), (second, PUBLISHED)], now=NOON)
        assert beating.result() == [second, first]
    ledger.dispose()


def test_detections_of_an_image_are_replaced_and_never_written_again_for_later_images(ledger: Engine) -> None:
    """The earlier service wrote the detections of earlier images again with each later one."""
    run_id = run_with(ledger, ["a", "b", "c"])
    a, b, c = claim(ledger, run_id, 3)
    for held in (a, b, c):
        publish(ledger, held)
    with transaction(ledger) as connection:
        assert reopen(connection, run_id, ["a"], now=NOON) == 1
    with reading(ledger) as connection:
        assert records.detections(connection, [a.image_id]) == {a.image_id: []}
    [again] = claim(ledger, run_id)
    publish(ledger, again, replace(PUBLISHED, detections=(PERSON,)))
    with reading(ledger) as connection:
        found = records.detections(connection, [a.image_id, b.image_id])
        assert connection.scalar(select(func.count()).select_from(tables.detections)) == 5
    assert found == {a.image_id: [PERSON], b.image_id: [PERSON, PLATE_ON_THE_SEAM]}
    assert_counters_are_true(ledger)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"state": "done"}, id="a state that does not exist"),
        pytest.param({"state": "published"}, id="published without an output"),
        pytest.param({"state": "quarantined"}, id="quarantined without a reason"),
        pytest.param({"state": "excluded"}, id="excluded without a message"),
        pytest.param({"state": "leased"}, id="leased for ever"),
        pytest.param({"reason": "Damaged"}, id="a reason without quarantine"),
        pytest.param({"run_id": "unknown"}, id="an image of no run"),
    ],
)
def test_the_database_itself_refuses(ledger: Engine, values: dict[str, str]) -> None:
    run_with(ledger, ["a"])
    with pytest.raises(IntegrityError), transaction(ledger) as connection:
        connection.execute(update(tables.images).values(**values))
