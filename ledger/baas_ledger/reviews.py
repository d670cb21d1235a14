"""What reviewers found in the finished pictures of a run, and at which they have looked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from baas_crds.codes import ObjectClass
from baas_ledger.facts import EventKind
from baas_ledger.tables import MarkKind, Projection, events, images, review_looks, review_marks
from baas_ledger.transactions import insert_into, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A place that is marked, in degrees on the sphere or in shares of a flat picture; see `Projection`."""

    kind: MarkKind
    object_class: ObjectClass
    """Of what was missed; or what the redacted thing was taken for."""
    projection: Projection
    x: float
    y: float
    width: float
    height: float
    picture_width_px: int
    """Of the picture that was marked, as viewers show it."""
    picture_height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A finding as it is recorded."""

    id: int
    image: str
    """The name of the picture."""
    finding: Finding
    reviewer: str
    """A pseudonym, or empty."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewable:
    """A run with pictures for people to look at."""

    run_id: str
    place: str
    """Where the pictures were copied to, as the ledger calls it."""
    drawn: int
    """How many."""
    looked_at: int
    marks: int


def reviewable(connection: Connection, run_id: str | None = None) -> list[Reviewable]:
    """Return the runs whose quality check was drawn, the latest first; or that run alone."""
    wanted = select(events.c.run_id, events.c.data).where(events.c.kind == EventKind.QUALITY_CHECK_DRAWN)
    if run_id is not None:
        wanted = wanted.where(events.c.run_id == run_id)
    looks, marks = (_counts(connection, table) for table in (review_looks, review_marks))
    return [
        Reviewable(
            run_id=row.run_id,
            place=str(row.data["place"]),
            drawn=int(row.data["drawn"]),
            looked_at=looks.get(row.run_id, 0),
            marks=marks.get(row.run_id, 0),
        )
        for row in connection.execute(wanted.order_by(events.c.id.desc()))
    ]


def marks_of(connection: Connection, run_id: str) -> list[Mark]:
    """Return all that is marked in pictures of a run, oldest first."""
    wanted = select(review_marks, images.c.name).join(images, images.c.id == review_marks.c.image_id)
    return [
        _mark(row) for row in connection.execute(wanted.where(images.c.run_id == run_id).order_by(review_marks.c.id))
    ]


def looked_at(connection: Connection, run_id: str) -> set[str]:
    """Return the names of a run's pictures that somebody has looked at."""
    wanted = select(images.c.name).join(review_looks, review_looks.c.image_id == images.c.id)
    return set(connection.scalars(wanted.where(images.c.run_id == run_id)))


def add_mark(
    connection: Connection, image_id: int, finding: Finding, *, reviewer: str, now: datetime | None = None
) -> int:
    """Record a finding and return the number of its mark."""
    values = {name: getattr(finding, name) for name in Finding.__dataclass_fields__}
    added = insert(review_marks).values(image_id=image_id, reviewer=reviewer, at=moment(connection, now), **values)
    return int(connection.execute(added.returning(review_marks.c.id)).scalar_one())


def remove_mark(connection: Connection, run_id: str, mark_id: int) -> bool:
    """Take a mark back; return False when the run has none of that number."""
    theirs = select(images.c.id).where(images.c.run_id == run_id)
    gone = delete(review_marks).where(review_marks.c.id == mark_id, review_marks.c.image_id.in_(theirs))
    return connection.execute(gone.returning(review_marks.c.id)).first() is not None


def note_look(connection: Connection, image_id: int, *, reviewer: str, now: datetime | None = None) -> None:
    """Note that somebody has looked at a picture; whoever was the first stays noted."""
    added = insert_into(review_looks, connection.dialect.name).values(
        image_id=image_id, reviewer=reviewer, at=moment(connection, now)
    )
    connection.execute(added.on_conflict_do_nothing(index_elements=["image_id"]))


def take_back_look(connection: Connection, image_id: int) -> None:
    """Note that a picture must be looked at still."""
    connection.execute(delete(review_looks).where(review_looks.c.image_id == image_id))


def _counts(connection: Connection, table: Any) -> dict[str, int]:
    wanted = select(images.c.run_id, func.count().label("number")).join(table, table.c.image_id == images.c.id)
    return {row.run_id: row.number for row in connection.execute(wanted.group_by(images.c.run_id))}


def _mark(row: Row[Any]) -> Mark:
    told = {name: row._mapping[name] for name in Finding.__dataclass_fields__}
    told |= {
        "kind": MarkKind(row.kind),
        "object_class": ObjectClass(row.object_class),
        "projection": Projection(row.projection),
    }
    return Mark(id=row.id, image=row.name, finding=Finding(**told), reviewer=row.reviewer, at=row.at)
