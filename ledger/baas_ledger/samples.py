"""Samples of a run: what they are drawn from, and that they were drawn, once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, select

from baas_ledger.events import record
from baas_ledger.facts import Event, EventKind, Run
from baas_ledger.records import PAGE
from baas_ledger.tables import ImageState, corrections, detections, events, images, runs
from baas_ledger.transactions import moment, reading

Looked = TypeVar("Looked")

SAMPLES = (EventKind.QUALITY_CHECK_DRAWN, EventKind.RETRAINING_SAMPLE_DRAWN)
"""What is noted of samples."""


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
    return _seen(engine, _published(run_id), lambda _, page: [row.name for row in page])


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

    return _seen(engine, _published(run.id).where(images.c.source_deleted_at.is_(None)), look)


def is_drawn(connection: Connection, run_id: str, kind: EventKind) -> bool:
    """Whether a sample of this kind was drawn of a run and is whole."""
    return any(event.kind == kind for event in samples_of(connection, run_id))


def samples_of(connection: Connection, run_id: str) -> list[Event]:
    """Return what is noted of a run's samples, oldest first."""
    wanted = select(events).where(events.c.run_id == run_id, events.c.kind.in_(SAMPLES)).order_by(events.c.id)
    return [Event(**row._mapping) for row in connection.execute(wanted)]


def note_drawn(connection: Connection, run_id: str, kind: EventKind, message: str, data: Mapping[str, object]) -> bool:
    """Note that a sample was drawn and is whole; return whether nobody had noted it before."""
    # Others who are at the same wait here, and find it noted then.
    connection.execute(select(runs.c.id).where(runs.c.id == run_id).with_for_update(key_share=True)).one()
    if is_drawn(connection, run_id, kind):
        return False
    record(connection, run_id, kind, message, at=moment(connection, None), data=data)
    return True


def _published(run_id: str) -> Select[Any]:
    return select(images.c.id, images.c.name).where(images.c.run_id == run_id, images.c.state == ImageState.PUBLISHED)


def _seen(
    engine: Engine, wanted: Select[Any], look: Callable[[Connection, Sequence[Row[Any]]], list[Looked]]
) -> Iterator[Looked]:
    """Give what is made of images sorted by name, a page at a time; what is read of a page is of one moment."""
    page = wanted
    while True:
        with reading(engine) as connection:
            rows = connection.execute(page.order_by(images.c.name).limit(PAGE)).all()
            seen = look(connection, rows)
        if not rows:
            return
        yield from seen
        page = wanted.where(images.c.name > rows[-1].name)
