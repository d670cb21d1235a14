"""Keeps what was imported from the earlier service, and answers what of it still stands at a destination.

An import is begun, gets its pictures chunk by chunk in the order of their names, and is finished. What was interrupted
goes on behind the last name; what was finished begins anew, and afterwards has what is there now.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, or_, select, update

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError
from baas_ledger.earlier_rows import EarlierImage
from baas_ledger.earlier_tables import EarlierState, earlier_detections, earlier_images, earlier_imports
from baas_ledger.plan import storable_name
from baas_ledger.records import row_pages
from baas_ledger.tables import ImageState, images, runs
from baas_ledger.transactions import insert_into, moment, reading


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierImport:
    """One customer's pictures in one database of the earlier service, whose outputs stand at one destination."""

    id: str
    begun_at: datetime
    """By which it is told from others of the same database into the same destination."""
    last_name: str
    """As the earlier service has it; where an interrupted import goes on. Empty: at the beginning."""
    counts: Counter[str]
    """Up to there, by `earlier_rows.Found`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture that stands as the earlier service published it, as far as the ledger knows."""

    name: str
    filename: str
    """As the earlier service called it."""
    customer: str
    uploaded_at: datetime
    boxes: int
    import_id: str


def begin_import(
    connection: Connection,
    *,
    destination: str,
    origin: str,
    customer: str,
    below: str,
    redo_without_boxes: bool,
    now: datetime | None = None,
) -> EarlierImport:
    """Begin an import, or go on with one that was interrupted, unless it wanted something else."""
    at = moment(connection, now)
    import_id = hashlib.sha256(json.dumps((destination, origin, customer)).encode()).hexdigest()[:16]
    wanted = {"below": below, "redo_without_boxes": redo_without_boxes}
    new: dict[str, object] = {"begun_at": at, "finished_at": None, "last_name": None, "counts": {}, **wanted}
    add = insert_into(earlier_imports, connection.dialect.name).values(
        id=import_id, destination=destination, origin=origin, customer=customer, **new
    )
    is_another = or_(
        earlier_imports.c.finished_at.is_not(None), *(earlier_imports.c[name] != it for name, it in wanted.items())
    )
    connection.execute(add.on_conflict_do_update(index_elements=["id"], set_=new, where=is_another))
    row = connection.execute(select(earlier_imports).where(earlier_imports.c.id == import_id)).one()
    return EarlierImport(id=import_id, begun_at=row.begun_at, last_name=row.last_name or "", counts=Counter(row.counts))


def add_images(
    connection: Connection, begun: EarlierImport, some: Sequence[EarlierImage], *, last_name: str, counts: Counter[str]
) -> None:
    """Keep some pictures, in place of what was known of them, and note that the import came up to `last_name`.

    Raises `ConfigurationError`, and changes nothing, when another import took the place of this one or has ended it.
    """
    _note(connection, begun, last_name=last_name, counts=dict(counts))
    if not some:
        return
    add = insert_into(earlier_images, connection.dialect.name)
    changed = {name: add.excluded[name] for name in _IMAGE if name not in {"import_id", "name"}}
    keep = add.on_conflict_do_update(index_elements=["import_id", "name"], set_=changed)
    kept = connection.execute(
        keep.returning(earlier_images.c.id, earlier_images.c.name), [_row(begun, image) for image in some]
    )
    ids = {row.name: row.id for row in kept}
    connection.execute(delete(earlier_detections).where(earlier_detections.c.image_id.in_(ids.values())))
    boxes = [
        {"image_id": ids[storable_name(image.name)], "number": number, **asdict(box)}
        for image in some
        for number, box in enumerate(image.boxes)
    ]
    if boxes:
        connection.execute(insert(earlier_detections), boxes)


def finish_import(connection: Connection, begun: EarlierImport, *, now: datetime | None = None) -> int:
    """Note that all was read, drop what was not there any more, and return how many pictures that were.

    Raises as `add_images`.
    """
    _note(connection, begun, last_name=None, finished_at=moment(connection, now))
    # Not only what was seen before: the clock may have been set back since.
    gone = select(earlier_images.c.id).where(
        earlier_images.c.import_id == begun.id, earlier_images.c.seen_at != begun.begun_at
    )
    connection.execute(delete(earlier_detections).where(earlier_detections.c.image_id.in_(gone)))
    return connection.execute(delete(earlier_images).where(earlier_images.c.id.in_(gone))).rowcount


def check_imported(connection: Connection, destination: str) -> None:
    """Raise `ConfigurationError` unless something was imported for a destination, and each import of it to its end."""
    found = connection.execute(
        select(earlier_imports.c.finished_at, earlier_imports.c.origin).where(
            earlier_imports.c.destination == destination
        )
    ).all()
    if not found:
        raise ConfigurationError(
            f"Nothing was imported from the earlier service for {destination}, so nothing of it can be kept: "
            "`baas earlier import` comes first, with the same destination."
        )
    if unfinished := [row.origin for row in found if row.finished_at is None]:
        raise ConfigurationError(
            f"The import of {unfinished[0]} for {destination} was interrupted: repeat the same `baas earlier import`, "
            "which goes on."
        )


def kept_names(connection: Connection, destination: str, names: Collection[str]) -> set[str]:
    """Return under which of these names the earlier service's output stands, as far as the ledger knows.

    Not where any import says that the picture is to be done. Whether it stands, and is what the earlier service wrote,
    only the destination tells.
    """
    said: dict[str, set[str]] = {}
    states = select(earlier_images.c.name, earlier_images.c.state).where(
        earlier_images.c.import_id.in_(_imports_of(connection, destination)), earlier_images.c.name.in_(names)
    )
    for name, state in connection.execute(states):
        said.setdefault(name, set()).add(state)
    finished = {name for name, all_say in said.items() if all_say == {EarlierState.FINISHED}}
    return finished - _replaced(connection, destination, finished)


def kept_at(connection: Connection, places: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the same of pairs of destination and name."""
    names: dict[str, list[str]] = {}
    for destination, name in places:
        names.setdefault(destination, []).append(name)
    imported = select(earlier_imports.c.destination).distinct().where(earlier_imports.c.destination.in_(names))
    return {
        (destination, name)
        for destination in connection.scalars(imported).all()
        for name in kept_names(connection, destination, names[destination])
    }


def kept(engine: Engine, destination: str) -> Iterator[list[Kept]]:
    """Give what stands at a destination as the earlier service published it: import by import, in pages by name, which
    may be empty.

    As `kept_names`: no run has published, left out or refused it there since.
    """
    columns = (*(earlier_images.c[one] for one in _KEPT), earlier_imports.c.customer)
    theirs = select(*columns).join(earlier_imports, earlier_imports.c.id == earlier_images.c.import_id)

    def look(connection: Connection, rows: Sequence[Row[Any]]) -> list[Kept]:
        names = kept_names(connection, destination, [row.name for row in rows])
        return [Kept(**row._mapping) for row in rows if row.name in names]

    with reading(engine) as connection:
        import_ids = _imports_of(connection, destination)
    for import_id in import_ids:
        finished = (earlier_images.c.import_id == import_id) & (earlier_images.c.state == EarlierState.FINISHED)
        yield from row_pages(engine, theirs.where(finished), earlier_images.c.name, look=look)


_IMAGE = tuple(name for name in earlier_images.c.keys() if name != "id")  # noqa: SIM118 - columns, no dictionary
_KEPT = ("name", "filename", "uploaded_at", "boxes", "import_id")


# Simple questions with what is known put in: joined, PostgreSQL would read all images for each page of names.
def _imports_of(connection: Connection, destination: str) -> Sequence[str]:
    theirs = select(earlier_imports.c.id).where(earlier_imports.c.destination == destination)
    return connection.scalars(theirs.order_by(earlier_imports.c.customer, earlier_imports.c.id)).all()


def _replaced(connection: Connection, destination: str, names: Collection[str]) -> set[str]:
    """Return under which names nothing of the earlier service stands any more, by what runs did there since.

    What is refused is taken away before planning ends, or by its worker; with too many attempts, when the run ends.
    """
    into = connection.scalars(select(runs.c.id).where(runs.c.destination == destination)).all()
    refused = images.c.state.in_([ImageState.QUARANTINED, ImageState.EXCLUDED])
    told = images.c.reason.is_distinct_from(QuarantineReason.TOO_MANY_ATTEMPTS)
    is_gone = or_(images.c.state == ImageState.PUBLISHED, refused & told & runs.c.planned_at.is_not(None))
    found = (
        select(images.c.name)
        .join(runs, runs.c.id == images.c.run_id)
        .where(images.c.run_id.in_(into), images.c.name.in_(names), is_gone)
    )
    return set(connection.scalars(found))


def _note(connection: Connection, begun: EarlierImport, **facts: object) -> None:
    """Note facts of an import that goes on. Comes first in its transaction: whoever else writes to it waits here."""
    ours = update(earlier_imports).where(
        earlier_imports.c.id == begun.id,
        earlier_imports.c.begun_at == begun.begun_at,
        earlier_imports.c.finished_at.is_(None),
    )
    if not connection.execute(ours.values(**facts)).rowcount:
        raise ConfigurationError(
            "Another `baas earlier import` of the same pictures into the same destination began or ended in the "
            "meantime, so this one was given up. Let one at a time run, with the --below that the runs' source has."
        )


def _row(begun: EarlierImport, image: EarlierImage) -> dict[str, object]:
    return {
        "import_id": begun.id,
        "name": storable_name(image.name),
        "filename": storable_name(image.filename),
        "uploaded_at": image.uploaded_at,
        "state": image.state,
        "boxes": len(image.boxes),
        "width_px": image.width_px,
        "height_px": image.height_px,
        "seen_at": begun.begun_at,
    }
