"""Samples of a run: what they are drawn from, who draws them, and that they were drawn, once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, select, text

from baas_ledger.events import record
from baas_ledger.facts import Event, EventKind, Run
from baas_ledger.records import row_pages
from baas_ledger.tables import ImageState, corrections, detections, events, images
from baas_ledger.transactions import is_postgres, moment, transaction

BEGINNINGS = {
    EventKind.QUALITY_CHECK_DRAWN: EventKind.QUALITY_CHECK_BEGUN,
    EventKind.RETRAINING_SAMPLE_DRAWN: EventKind.RETRAINING_SAMPLE_BEGUN,
}
"""What is noted of a sample when it is whole, and before its first picture is copied."""

# A drawer's connection is silent as long as pictures are copied. The server gives it up after a minute only when the
# machine at its other end does not answer any more.
_FOR_HOURS = (
    "SET LOCAL tcp_keepalives_idle = 30; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 3; "
    "SET LOCAL idle_in_transaction_session_timeout = 0"
)


class NotTheDrawer(Exception):
    """Somebody else has begun to draw a sample since, or has drawn it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A published image, and what was found in it."""

    name: str
    scores: tuple[float, ...]
    """Of its detections, 0..1."""
    is_corrected: bool
    """Whether people had something redacted that was not found."""


def published_names(engine: Engine, run_id: str) -> Iterator[str]:
    """Give the names of a run's published images, sorted. Nothing is held while the caller works on them."""
    found = row_pages(engine, _published(run_id), images.c.name, look=lambda _, page: [row.name for row in page])
    return chain.from_iterable(found)


def found_in(engine: Engine, run: Run) -> Iterator[Found]:
    """Give what was found in each published image of a run whose original is still there, as `published_names`."""

    def look(connection: Connection, page: Sequence[Row[Any]]) -> list[Found]:
        scores: dict[int, list[float]] = {row.id: [] for row in page}
        wanted = select(detections.c.image_id, detections.c.score).where(detections.c.image_id.in_(scores))
        for row in connection.execute(wanted.order_by(detections.c.image_id, detections.c.number)):
            scores[row.image_id].append(row.score)
        theirs = (corrections.c.destination == run.destination) & corrections.c.name.in_([row.name for row in page])
        corrected = set(connection.scalars(select(corrections.c.name).where(theirs)))
        return [Found(name=row.name, scores=tuple(scores[row.id]), is_corrected=row.name in corrected) for row in page]

    wanted = _published(run.id).where(images.c.source_deleted_at.is_(None))
    return chain.from_iterable(row_pages(engine, wanted, images.c.name, look=look))


def is_drawn(connection: Connection, run_id: str, kind: EventKind) -> bool:
    """Whether a sample of this kind was drawn of a run and is whole."""
    return any(event.kind == kind for event in samples_of(connection, run_id))


def samples_of(connection: Connection, run_id: str) -> list[Event]:
    """Return what is noted of a run's samples, oldest first: that they are whole, or else that somebody began."""
    wanted = select(events).where(events.c.run_id == run_id, events.c.kind.in_([*BEGINNINGS, *BEGINNINGS.values()]))
    noted = {row.kind: Event(**row._mapping) for row in connection.execute(wanted.order_by(events.c.id))}
    told = [noted.get(whole) or noted.get(begun) for whole, begun in BEGINNINGS.items()]
    return sorted((event for event in told if event is not None), key=lambda event: event.id)


@contextmanager
def drawing(engine: Engine, run_id: str, kind: EventKind, wait: Callable[[], None]) -> Iterator[None]:
    """Let one at a time draw a sample: while another one is at it, `wait` is called again and again; it may raise.

    Who loses the connection meanwhile is not the drawer any more, which `copying` and `note_drawn` find. A SQLite
    ledger has one user. Raises `DependencyUnavailable`.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with transaction(engine) as connection:
        connection.execute(text(_FOR_HOURS))
        lock = func.pg_try_advisory_xact_lock(_key("draw", run_id, kind))
        while not connection.execute(select(lock)).scalar_one():
            wait()
        yield


def begin_drawing(engine: Engine, run_id: str, kind: EventKind, message: str, data: Mapping[str, object]) -> int:
    """Note that a sample is going to be copied, and return the number of that note.

    From here on nobody copies or notes anything with an earlier number. Raises `NotTheDrawer` when it is whole.
    """
    with transaction(engine) as connection:
        _hold(connection, run_id, kind, alone=True)
        if is_drawn(connection, run_id, kind):
            raise NotTheDrawer
        record(connection, run_id, BEGINNINGS[kind], message, at=moment(connection, None), data=data)
        return _last_begun(connection, run_id, kind)


@contextmanager
def copying(engine: Engine, run_id: str, kind: EventKind, number: int) -> Iterator[None]:
    """Let one picture of a sample be copied that was begun with this number: nobody begins or ends it meanwhile.

    Raises `NotTheDrawer` when that has happened already.
    """
    with transaction(engine) as connection:
        _hold(connection, run_id, kind, alone=False)
        _check_drawer(connection, run_id, kind, number)
        yield


def note_drawn(
    connection: Connection, run_id: str, kind: EventKind, number: int, message: str, data: Mapping[str, object]
) -> None:
    """Note that a sample that was begun with this number is whole, once nobody copies anything any more.

    Raises `NotTheDrawer`.
    """
    _hold(connection, run_id, kind, alone=True)
    _check_drawer(connection, run_id, kind, number)
    record(connection, run_id, kind, message, at=moment(connection, None), data=data)


def _hold(connection: Connection, run_id: str, kind: EventKind, *, alone: bool) -> None:
    if is_postgres(connection):  # a transaction that writes a SQLite ledger is alone anyhow
        lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
        connection.execute(select(lock(_key("copy", run_id, kind))))


def _check_drawer(connection: Connection, run_id: str, kind: EventKind, number: int) -> None:
    if is_drawn(connection, run_id, kind) or _last_begun(connection, run_id, kind) != number:
        raise NotTheDrawer


def _last_begun(connection: Connection, run_id: str, kind: EventKind) -> int:
    theirs = select(func.max(events.c.id)).where(events.c.run_id == run_id, events.c.kind == BEGINNINGS[kind])
    return int(connection.execute(theirs).scalar() or 0)


def _key(what: str, run_id: str, kind: EventKind) -> int:
    """Return what a lock of the database is called: a number of 64 bits, which chance gives to no other one."""
    return int.from_bytes(sha256(f"{what} {kind} {run_id}".encode()).digest()[:8], signed=True)


def _published(run_id: str) -> Select[Any]:
    return select(images.c.id, images.c.name).where(images.c.run_id == run_id, images.c.state == ImageState.PUBLISHED)
