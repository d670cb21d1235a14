"""The ledger of a city on real PostgreSQL: it is planned, given to workers, told what came of it, and asked.

Two ledgers, of which one has ten times the images, almost all of them published, so that what grows with them shows.
Server and workers share this machine's cores, and workers have nothing else to do: they are never as fast in truth.
"""

import multiprocessing
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from baas_crds.codes import QuarantineReason
from baas_ledger import claims, records
from baas_ledger.corrections import corrections_of
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import Claim, Quarantined
from baas_ledger.finish import finish
from baas_ledger.progress import read_progress
from baas_ledger.reopen import retry_quarantined
from baas_ledger.runs import finish_run
from baas_ledger.tables import ImageState
from tests.benchmarks.ledger_city import PERSONS, PLATES, RUN, Nowhere, Planned, outcome, planned, publish_first
from tests.benchmarks.options import Options
from tests.benchmarks.rounds import Finding, Outcome, alternate, ratios
from tests.postgres import PostgresServer, postgres_server
from tests.query_plans import plans

LEASE = timedelta(minutes=5)
PER_CLAIM = 10
"""As `spec.imagesPerClaim` is by default."""
MOST_WORKERS = 32
MANY = 1_000
"""So many leases lapse, or images are tried again, at once."""
BIG_TABLES = ("images", "detections", "audit_records")
DAMAGED = Quarantined(reason=QuarantineReason.DAMAGED, message="Row 17 is damaged.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What workers do with images that need no work."""

    workers: int
    at_once: int
    """So many get their fates in one transaction."""
    is_confirmed: bool = False
    """Each image's lease is confirmed twice, as `baas work` does before it begins and before it writes."""
    each: int
    """Images of each worker."""


class Pace(NamedTuple):
    """What came of an order."""

    per_second: float
    client_ms: float
    """Processor time of the workers, for each image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A ledger whose images are almost all published."""

    url: str
    ledger: Engine
    planned: Planned


def measure(options: Options) -> Outcome:
    """Plan two cities, and ask the same of both, in alternation."""
    each = PER_CLAIM if options.is_short else 8 * PER_CLAIM
    orders = {
        "1 worker": Order(workers=1, at_once=PER_CLAIM, each=8 * each),
        "8 workers": Order(workers=8, at_once=PER_CLAIM, each=4 * each),
        "32 workers": Order(workers=32, at_once=PER_CLAIM, each=each),
        "8 workers, each image in a transaction of its own": Order(workers=8, at_once=1, each=each),
        "8 workers, which also confirm each lease twice": Order(
            workers=8, at_once=PER_CLAIM, each=2 * each, is_confirmed=True
        ),
    }
    finished = sum(order.workers * order.each for order in orders.values())
    waiting = (options.rounds + 1) * finished + 2 * MANY
    sizes = (waiting + MANY, 2 * waiting) if options.is_short else (100_000, 1_000_000)
    with _workers() as pipes, postgres_server() as server:
        small, large = (_city(server, size, waiting) for size in sizes)
        before = _bytes(large)
        paces = alternate(
            {
                **{name: partial(_pace, pipes, large, order) for name, order in orders.items()},
                "small": partial(_pace, pipes, small, orders["8 workers"]),
            },
            options.rounds,
        )
        growth = (_bytes(large) - before) / ((options.rounds + 1) * finished) / 1e3
        asked = {
            name: alternate({"small": partial(ask, small), "large": partial(ask, large)}, options.rounds)
            for name, ask in _QUESTIONS.items()
        }
        scans = [len(re.findall(f"Seq Scan on (?:{'|'.join(BIG_TABLES)})", plan)) for plan in _plans(large)]
        for city in (small, large):
            city.ledger.dispose()
    return Outcome(
        title="The ledger of a city",
        findings=[
            *_planning(small.planned, large.planned),
            *_finishing(paces, list(orders)),
            *_asking(asked),
            Finding(what="the database grows, for each finished image, by", values=[growth], unit="kB"),
            Finding(what="sequential scans of a large table on hot paths", values=[sum(scans)], at_most=0),
        ],
        notes=[
            f"{sizes[1]:,} images of one run, {sizes[1] - waiting:,} of them published; beside it {sizes[0]:,}, for "
            f"what should not depend on it. {PERSONS + PLATES} objects an image. PostgreSQL waits for no disk.",
            f"Workers are processes that claim {PER_CLAIM} images and tell at once, in one transaction, what came of "
            "them. They and the server share the machine's cores.",
        ],
    )


def _planning(small: Planned, large: Planned) -> list[Finding]:
    growth = large.rates[-1] / large.rates[0]
    return [
        Finding(what=f"planned, each tenth of {large.images:,} images", values=large.rates, unit="/s", at_least=2_000),
        Finding(what="the last tenth to the first", values=[growth], at_least=0.8),
        Finding(what="peak memory of the planner", values=[large.peak_mb], unit="MB"),
        Finding(what=f"to that for {small.images:,} images", values=[large.peak_mb / small.peak_mb], at_most=1.1),
    ]


def _finishing(paces: Mapping[str, Sequence[Pace]], names: Sequence[str]) -> list[Finding]:
    rates = {name: [pace.per_second for pace in of] for name, of in paces.items()}
    usual = names[1]
    is_aimed_at = {name: 1_500 if name in names[1:3] else None for name in names}
    return [
        *(
            Finding(what=f"claimed and finished, {name}", values=rates[name], unit="/s", at_least=is_aimed_at[name])
            for name in names
        ),
        Finding(what=f"{usual}, to a tenth of the images", values=ratios(rates[usual], rates["small"]), at_least=0.8),
        Finding(
            what=f"processor time of the workers for an image, {usual}",
            values=[pace.client_ms for pace in paces[usual]],
            unit="ms",
        ),
    ]


def _asking(asked: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Finding]:
    return [
        finding
        for name, of in asked.items()
        for finding in (
            Finding(what=name, values=of["large"], unit="ms", at_most=20 if name == PROGRESS else None),
            Finding(what="to a tenth of the images", values=ratios(of["large"], of["small"]), at_most=1.25),
        )
    ]


def _city(server: PostgresServer, size: int, waiting: int) -> City:
    url = server.create_database()
    open_ledger(url).dispose()
    how = planned(url, size)
    publish_first(url, size - waiting)
    return City(url=url, ledger=open_ledger(url), planned=how)


@contextmanager
def _workers() -> Iterator[list[Pipe]]:
    """Start workers, which wait for orders at the other ends of the pipes."""
    context = multiprocessing.get_context("forkserver")
    ends = [context.Pipe() for _ in range(MOST_WORKERS)]
    workers = [context.Process(target=_worker, args=(theirs,), daemon=True) for _, theirs in ends]
    for worker in workers:
        worker.start()
    for _, theirs in ends:
        theirs.close()  # else nobody would notice the end of a worker
    yield [ours for ours, _ in ends]
    for (ours, _), worker in zip(ends, workers, strict=True):
        ours.send(None)
        worker.join()


def _worker(pipe: Pipe) -> None:
    ledgers: dict[str, Engine] = {}
    while (given := pipe.recv()) is not None:
        url, order = given
        if url not in ledgers:
            ledgers[url] = open_ledger(url, migrate=False)
        start, spent = time.perf_counter(), time.process_time()
        _carry_out(ledgers[url], order)
        pipe.send((start, time.perf_counter(), time.process_time() - spent))


def _carry_out(ledger: Engine, order: Order) -> None:
    told, worker = outcome(), f"worker/{os.getpid()}"
    for _ in range(order.each // PER_CLAIM):
        held = _claim(ledger, PER_CLAIM, worker=worker)
        if order.is_confirmed:
            for image in [*held, *held]:
                with transaction(ledger) as connection:
                    claims.renew(connection, [image], lease=LEASE)
                    corrections_of(connection, Nowhere().label, image.name)
        for first in range(0, len(held), order.at_once):
            with transaction(ledger) as connection:
                finish(connection, RUN, [(image, told) for image in held[first : first + order.at_once]])


def _pace(pipes: Sequence[Pipe], city: City, order: Order) -> Pace:
    taking_part = pipes[: order.workers]
    for pipe in taking_part:
        pipe.send((city.url, order))
    starts, ends, spent = zip(*(pipe.recv() for pipe in taking_part), strict=True)
    images = order.workers * order.each
    return Pace(per_second=images / (max(ends) - min(starts)), client_ms=sum(spent) / images * 1e3)


def _claim(ledger: Engine, limit: int, *, worker: str = "asker", lease: timedelta = LEASE) -> list[Claim]:
    with transaction(ledger) as connection:
        held = claims.claim(connection, RUN, worker=worker, lease=lease, limit=limit, max_attempts=MANY)
    if len(held) < limit:
        raise RuntimeError("fewer images wait than this benchmark takes")
    return held


def _bytes(city: City) -> int:
    with reading(city.ledger) as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def _ms(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3


def _progress(city: City) -> float:
    def look() -> None:
        with reading(city.ledger) as connection:
            read_progress(connection, RUN)

    return statistics.median(_ms(look) for _ in range(20))


def _claiming(city: City) -> float:
    return statistics.median(_claim_and_release(city) for _ in range(10))


def _lapsing(city: City) -> float:
    _claim(city.ledger, MANY, lease=-LEASE)
    return _claim_and_release(city)


def _claim_and_release(city: City) -> float:
    held: list[Claim] = []
    spent = _ms(lambda: held.extend(_claim(city.ledger, PER_CLAIM)))
    with transaction(city.ledger) as connection:
        claims.release(connection, held)
    return spent


def _retrying(city: City) -> float:
    held = _claim(city.ledger, MANY)
    with transaction(city.ledger) as connection:
        finish(connection, RUN, [(image, DAMAGED) for image in held])

    def retry() -> None:
        with transaction(city.ledger) as connection:
            retry_quarantined(connection, RUN)

    return _ms(retry)


PROGRESS = "progress read"
_QUESTIONS: Mapping[str, Callable[[City], float]] = {
    PROGRESS: _progress,
    f"claim of {PER_CLAIM}": _claiming,
    f"claim that returns {MANY:,} lapsed leases": _lapsing,
    f"retry of {MANY:,} quarantined images": _retrying,
}


def _plans(city: City) -> list[str]:
    """Return the database's plans for what is asked all the time; all of it is undone."""

    def work(connection: Connection) -> None:
        held = claims.claim(connection, RUN, worker="asker", lease=LEASE, limit=PER_CLAIM, max_attempts=MANY)
        claims.renew(connection, held, lease=LEASE)
        corrections_of(connection, Nowhere().label, held[0].name)
        finish(connection, RUN, [(image, outcome()) for image in held[1:]])
        claims.release(connection, held[:1])

    def look(connection: Connection) -> None:
        read_progress(connection, RUN)
        finish_run(connection, RUN)
        records.images(connection, RUN, state=ImageState.QUARANTINED, limit=MANY)
        retry_quarantined(connection, RUN)

    return [plans(city.ledger, action, BIG_TABLES) for action in (work, look)]
