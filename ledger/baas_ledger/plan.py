"""Fills the ledger with the images of a source. Planning again changes only what changed in the source."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError
from baas_ledger.audit import Entry, append
from baas_ledger.chain import RecordKind
from baas_ledger.chunks import chunks
from baas_ledger.counts import Change, count
from baas_ledger.events import record_images
from baas_ledger.facts import EventKind, ImageRecord, PlannedImage, PlanResult, Quarantined
from baas_ledger.progress import counted
from baas_ledger.reopen import send_back
from baas_ledger.tables import ImageState, images
from baas_ledger.text import printable
from baas_ledger.transactions import insert_into, moment, reading, transaction

MAX_NAME_BYTES = 2_048
"""PostgreSQL's indexes take no value above 2,704 bytes. A path on Linux may have 4,096."""


class Step(StrEnum):
    """What planning does with one entry. The names are those of `PlanResult`."""

    ADD = "added"
    SEND_BACK = "changed"
    KEEP = "unchanged"
    EXCLUDE = "excluded"
    QUARANTINE = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What planning must know of an image that is in the ledger already."""

    id: int
    state: ImageState
    source_version: str


def plan_images(
    engine: Engine, run_id: str, entries: Iterable[PlannedImage], *, now: datetime | None = None
) -> PlanResult:
    """Record every image of the source. What it refuses may still be published: `finish_planning` when it is gone.

    Known images keep their state unless their version changed. Each chunk is a transaction of its own, so that a
    listing may take hours, and an interrupted one is just repeated. Raises `ConfigurationError` when two entries have
    one name.
    """
    steps: Counter[Step] = Counter()
    for some in chunks(map(storable, entries)):
        with transaction(engine) as connection:
            steps += _plan(connection, run_id, some, at=moment(connection, now))
    with reading(engine) as connection:
        gone = counted(connection, run_id).total - steps.total()
    return PlanResult(**{taken.value: number for taken, number in steps.items()}, gone=max(0, gone))


def leave_out(engine: Engine, image: ImageRecord, refusal: str, *, now: datetime | None = None) -> None:
    """Exclude an image that no source lists any more. Doing it again changes nothing."""
    entry = PlannedImage(
        name=image.name, source_version=image.source_version, size_bytes=image.size_bytes, excluded=refusal
    )
    with transaction(engine) as connection:
        _plan(connection, image.run_id, [entry], at=moment(connection, now))


def step(known: Known | None, entry: PlannedImage) -> Step:
    """Decide what to do with an entry.

    What is published can still be left out. It is not quarantined when its source cannot be read any more: its output
    is there, and safe. What is under work is left to its worker.
    """
    state = known and known.state
    if entry.excluded is not None:
        return Step.EXCLUDE if state not in {ImageState.LEASED, ImageState.EXCLUDED} else Step.KEEP
    if entry.problem is not None:
        return Step.QUARANTINE if state in {None, ImageState.PENDING, ImageState.EXCLUDED} else Step.KEEP
    if known is None:
        return Step.ADD
    if known.state is ImageState.EXCLUDED or known.source_version != entry.source_version:
        return Step.SEND_BACK
    return Step.KEEP


def storable(entry: PlannedImage) -> PlannedImage:
    """Return the entry; when no database can hold its name, what can be written of it, quarantined."""
    name = storable_name(entry.name)
    if name == entry.name:
        return entry
    problem = Quarantined(
        reason=QuarantineReason.UNUSABLE_NAME,
        message=f"The name is not valid UTF-8 or has more than {MAX_NAME_BYTES} bytes: rename the file.",
    )
    return replace(entry, name=name, problem=problem)


def storable_name(name: str) -> str:
    """Return the name when it can be stored as it is, else the readable part of it with a digest of all of it."""
    shown = printable(name)
    if shown == name and len(name.encode()) <= MAX_NAME_BYTES:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{shown[:400]} (name {digest[:16]})"


def _plan(connection: Connection, run_id: str, entries: Sequence[PlannedImage], *, at: datetime) -> Counter[Step]:
    known = _look(connection, run_id, [entry.name for entry in entries])
    # A worker may finish one between the look and the change: look again at the few that change, now locked.
    moving = [name for name, taken in _decide(entries, known).items() if name in known and taken is not Step.KEEP]
    known |= _look(connection, run_id, moving, lock=True)
    steps = _decide(entries, known)

    rows = [_row(entry, steps[entry.name], at=at) for entry in entries if steps[entry.name] is not Step.KEEP]
    changed = {known[row["name"]].id: row for row in rows if row["name"] in known}
    # In this order: adding may wait for another planner of the run, and nobody may wait who holds the run's chain.
    added = _insert(connection, run_id, [row for row in rows if row["name"] not in known])
    sent_back = _change(connection, changed, at=at)
    settled = {**changed, **added}
    append(connection, run_id, [_refusal(id_, row) for id_, row in settled.items() if row["message"]], at=at)
    entered = [Change(state=row["state"], reason=row["reason"], images=1) for row in settled.values()]
    count(connection, run_id, [*sent_back, Change(state=ImageState.PENDING, images=-len(changed)), *entered])
    refused = [(id_, row["message"]) for id_, row in settled.items() if row["state"] is ImageState.QUARANTINED]
    record_images(connection, run_id, EventKind.IMAGE_QUARANTINED, refused, at=at)
    return Counter(steps.values())


def _decide(entries: Sequence[PlannedImage], known: Mapping[str, Known]) -> dict[str, Step]:
    steps: dict[str, Step] = {}
    for entry in entries:
        if entry.name in steps:
            raise ConfigurationError(f"The source names {entry.name!r} twice, so one would overwrite the other.")
        steps[entry.name] = step(known.get(entry.name), entry)
    return steps


def _look(connection: Connection, run_id: str, names: Sequence[str], *, lock: bool = False) -> dict[str, Known]:
    wanted = select(images.c.id, images.c.name, images.c.state, images.c.source_version).where(
        images.c.run_id == run_id, images.c.name.in_(names)
    )
    rows = connection.execute(wanted.order_by(images.c.id).with_for_update() if lock else wanted) if names else ()
    return {row.name: Known(id=row.id, state=ImageState(row.state), source_version=row.source_version) for row in rows}


def _row(entry: PlannedImage, taken: Step, *, at: datetime) -> dict[str, Any]:
    """What the ledger will hold of an entry: an image that waits, unless the entry is refused."""
    row: dict[str, Any] = {
        "name": entry.name,
        "source_version": entry.source_version,
        "size_bytes": entry.size_bytes,
        "state": ImageState.PENDING,
        "reason": None,
        "message": None,
        "finished_at": None,
    }
    if taken is Step.EXCLUDE and entry.excluded is not None:
        return {**row, "state": ImageState.EXCLUDED, "message": printable(entry.excluded)}
    if taken is Step.QUARANTINE and entry.problem is not None:
        problem = {"reason": entry.problem.reason, "message": printable(entry.problem.message)}
        return {**row, **problem, "state": ImageState.QUARANTINED, "finished_at": at}
    return row


def _refusal(image_id: int, row: Mapping[str, Any]) -> Entry:
    kind = RecordKind.EXCLUDED if row["state"] is ImageState.EXCLUDED else RecordKind.QUARANTINED
    facts = {name: row[name] for name in ("source_version", "reason", "message")}
    return Entry(image_id=image_id, name=row["name"], kind=kind, facts=facts)


def _insert(connection: Connection, run_id: str, rows: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Add images and return them by id, without those that another planner has added meanwhile."""
    if not rows:
        return {}
    add = insert_into(images, connection.dialect.name).on_conflict_do_nothing(index_elements=["run_id", "name"])
    new = [{**row, "run_id": run_id, "attempts": 0, "token": 0} for row in rows]
    ids = {row.name: row.id for row in connection.execute(add.returning(images.c.id, images.c.name), new)}
    return {ids[row["name"]]: row for row in rows if row["name"] in ids}


def _change(connection: Connection, rows: Mapping[int, dict[str, Any]], *, at: datetime) -> list[Change]:
    """Make images pending, whatever they were, and then what the source says. Return the first of these changes."""
    if not rows:
        return []
    changes = send_back(connection, images.c.id.in_(rows), why="The source or what is left out changed.", at=at)
    values = [{**row, "image_id": image_id} for image_id, row in rows.items()]
    connection.execute(update(images).where(images.c.id == bindparam("image_id")), values)
    return changes
