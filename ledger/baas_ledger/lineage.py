"""Which model made what stands at a destination: of all that runs did under a name there, the last thing counts.

Where the ledger cannot tell, an output counts as made by the model that is asked for: what a withdrawn model may have
made is to be looked at, not to be forgotten.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Engine, Row, func, select

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError
from baas_ledger.audit import records_of
from baas_ledger.chain import Record, RecordKind
from baas_ledger.facts import EventKind
from baas_ledger.fates import STATES
from baas_ledger.tables import ImageState, RunState, events, images, run_counts, runs
from baas_ledger.transactions import reading

PAGE = 1_000
"""So many names are looked at in one transaction."""

_KNOWN: tuple[Column[Any], ...] = (
    runs.c.id,
    runs.c.source,
    runs.c.destination,
    runs.c.model_digest,
    runs.c.state,
    runs.c.planned_at,
)
_LOOKED_AT: tuple[Column[Any], ...] = (
    images.c.id,
    images.c.run_id,
    images.c.name,
    images.c.state,
    images.c.token,
    images.c.attempts,
    images.c.reason,
    images.c.lease_until,
    images.c.model_digest,
    images.c.finished_at,
    images.c.source_deleted_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a run did to the output under a name."""

    run_id: str
    at: datetime
    model: str | None
    """Which model made the output; None: it was taken away, not only refused."""
    is_recorded: bool = True
    """False: a worker had the image and recorded no end, so nobody knows whether it wrote the output; at the latest at
    `at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An output that a model made, and that nothing is known to have replaced or taken away since."""

    destination: str
    name: str
    run_id: str
    at: datetime
    is_recorded: bool
    """As in `Deed`."""
    original_deleted_at: datetime | None
    """When its original was deleted by a run; None: not, as far as the ledger knows."""


def made_by(engine: Engine, model_digest: str, destination: str | None = None) -> Iterator[list[Made]]:
    """Give what stands at a destination, or at all of them, and was made by a model: run by run, in pages by name.

    Nothing is held while the caller works on a page, which may be empty.
    """
    with reading(engine) as connection:
        wanted = select(runs.c.id, runs.c.destination, runs.c.source).where(_is_of(model_digest, destination))
        its_runs = connection.execute(wanted.order_by(runs.c.destination, runs.c.created_at, runs.c.id)).all()
    for run in its_runs:
        after = None
        while True:
            with reading(engine) as connection:
                names = _written(connection, run.id, after)
                if not names:
                    break
                found = _made(connection, model_digest, run.destination, names, source=run.source)
            after = names[-1]
            yield [made for made in found if made.run_id == run.id]


def names_made_by(connection: Connection, model_digest: str, destination: str, names: Collection[str]) -> set[str]:
    """Return under which of these names an output stands that was made by a model."""
    return {made.name for made in _made(connection, model_digest, destination, names)}


def check_made_something(connection: Connection, model_digest: str, destination: str | None = None) -> None:
    """Raise `ConfigurationError`, which names the models that there are, when no run had this one."""
    published = func.coalesce(func.sum(run_counts.c.images), 0)
    counts = (run_counts.c.run_id == runs.c.id) & (run_counts.c.state == ImageState.PUBLISHED)
    wanted = select(runs.c.model_digest, published).join(run_counts, counts, isouter=True).group_by(runs.c.model_digest)
    if destination is not None:
        wanted = wanted.where(runs.c.destination == destination)
    known = {digest: int(number) for digest, number in connection.execute(wanted.order_by(runs.c.model_digest))}
    if model_digest in known:
        return
    where = "" if destination is None else f" into {destination}"
    if not known:
        raise ConfigurationError(f"The ledger knows no run{where}, with whatever model.")
    models = "".join(f"\n  {digest}  {number:,} pictures published" for digest, number in known.items())
    raise ConfigurationError(f"No run{where} had the model {model_digest}. The ledger knows these:{models}")


def standing(deeds: Collection[Deed], model_digest: str) -> Deed | None:
    """Return the deed by which a model made the output that stands under a name; None when another one is the last.

    An end that is not recorded replaces nobody else's output, but one of the model's own may be there.
    """
    recorded = [deed for deed in deeds if deed.is_recorded]
    begun = [deed for deed in deeds if not deed.is_recorded and deed.model == model_digest]
    last = max(recorded, key=lambda deed: (deed.at, deed.model == model_digest), default=None)
    if last is not None and last.model == model_digest:
        return last
    unknown = max(begun, key=lambda deed: deed.at, default=None)
    return unknown if unknown is not None and (last is None or unknown.at >= last.at) else None


def _is_of(model_digest: str, destination: str | None) -> ColumnElement[bool]:
    is_its = runs.c.model_digest == model_digest
    return is_its if destination is None else is_its & (runs.c.destination == destination)


def _written(connection: Connection, run_id: str, after: str | None) -> list[str]:
    """Return the next names under which a run may have published: those it gave to a worker."""
    wanted = select(images.c.name).where(images.c.run_id == run_id, images.c.token > 0)
    if after is not None:
        wanted = wanted.where(images.c.name > after)
    return list(connection.scalars(wanted.order_by(images.c.name).limit(PAGE)))


def _made(
    connection: Connection, model_digest: str, destination: str, names: Collection[str], *, source: str | None = None
) -> list[Made]:
    """Return what stands under these names and was made by a model; with a `source`, whether originals are gone."""
    concerned = runs.c.destination == destination
    if source is not None:
        concerned |= runs.c.source == source
    known = {run.id: run for run in connection.execute(select(*_KNOWN).where(concerned))}
    rows = connection.execute(
        select(*_LOOKED_AT).where(images.c.run_id.in_(known), images.c.name.in_(names)).order_by(images.c.name)
    ).all()
    there = [row for row in rows if known[row.run_id].destination == destination]
    gone = _deletions(rows, {run.id: run.source for run in known.values()})
    made = []
    for name, deeds in _deeds(connection, there, known).items():
        deed = standing(deeds, model_digest)
        if deed is not None:
            deletions = gone.get((known[deed.run_id].source, name), ())
            made.append(
                Made(
                    destination=destination,
                    name=name,
                    run_id=deed.run_id,
                    at=deed.at,
                    is_recorded=deed.is_recorded,
                    original_deleted_at=max((at for at in deletions if at >= deed.at), default=None),
                )
            )
    return made


def _deletions(rows: Sequence[Row[Any]], sources: Mapping[str, str]) -> dict[tuple[str, str], list[datetime]]:
    """Return when originals were deleted, by source and name."""
    gone: dict[tuple[str, str], list[datetime]] = {}
    for row in rows:
        if row.source_deleted_at is not None:
            gone.setdefault((sources[row.run_id], row.name), []).append(row.source_deleted_at)
    return gone


def _deeds(connection: Connection, rows: Sequence[Row[Any]], known: Mapping[str, Row[Any]]) -> dict[str, list[Deed]]:
    """Return by name what runs did last: as their rows say, or of a row that does not tell its records."""
    gone = {row.id for row in rows if _is_taken_away(row, known[row.run_id])}
    unsure = [row for row in rows if row.id not in gone and row.state != ImageState.PUBLISHED and row.token > 0]
    left_out = [row for row in rows if row.id in gone and row.state == ImageState.EXCLUDED]  # no column says when
    told = records_of(connection, [row.id for row in (*unsure, *left_out)])
    work_until = {run_id: at_work_until(connection, run_id) for run_id in {row.run_id for row in unsure}}
    deeds: dict[str, list[Deed]] = {}
    for row in rows:
        done = deeds.setdefault(row.name, [])
        if row.state == ImageState.PUBLISHED:
            done.append(Deed(run_id=row.run_id, at=row.finished_at, model=row.model_digest))
        elif row.state == ImageState.QUARANTINED and row.id in gone:
            done.append(Deed(run_id=row.run_id, at=row.finished_at, model=None))
        elif (last := _last_fate(row.run_id, told.get(row.id, ()), is_gone=row.id in gone)) is not None:
            done.append(last)
    for row in unsure:
        until = [at for at in (row.lease_until, work_until[row.run_id]) if at is not None]
        begun = Deed(run_id=row.run_id, at=max(until), model=known[row.run_id].model_digest, is_recorded=False)
        deeds[row.name].append(begun)
    return deeds


def _is_taken_away(row: Row[Any], run: Row[Any]) -> bool:
    """Whether nothing stands under the name of an image since it was refused.

    A worker takes away first. What planning refuses is gone when planning ends, and what had too many attempts when the
    run does; a run that ended before did not come to it.
    """
    if row.reason == QuarantineReason.TOO_MANY_ATTEMPTS:
        return bool(run.state == RunState.FINISHED)
    is_by_worker = row.state == ImageState.QUARANTINED and row.attempts > 0  # planning counts none
    is_by_planning = row.state in {ImageState.QUARANTINED, ImageState.EXCLUDED} and not is_by_worker
    return is_by_worker or (is_by_planning and run.planned_at is not None)


def _last_fate(run_id: str, told: Sequence[Record], *, is_gone: bool) -> Deed | None:
    """Return what the last record of a fate tells: a reopened image's output stays until there is another one.

    Unless it is known that the output is gone, refusals do not count that were recorded before anybody took it away.
    """
    for record in reversed(told):
        if record.kind not in STATES:
            continue
        try:
            facts = record.facts
            if is_gone or _is_done(record.kind, facts):
                model = str(facts["model"]) if record.kind == RecordKind.PUBLISHED else None
                return Deed(run_id=run_id, at=datetime.fromisoformat(facts["at"]), model=model)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"Record {record.number} of run {run_id} cannot be read: `baas audit verify` tells what was changed."
            ) from error
    return None


def _is_done(kind: str, facts: Mapping[str, Any]) -> bool:
    """Whether a record of a fate was made after the output had been written or taken away, that is by a worker."""
    is_attempted = facts.get("attempt") is not None  # what planning refuses is not
    return kind == RecordKind.PUBLISHED or (is_attempted and facts.get("reason") != QuarantineReason.TOO_MANY_ATTEMPTS)


def at_work_until(connection: Connection, run_id: str) -> datetime:
    """Return when something is last known to have happened in a run."""
    finished = select(func.max(images.c.finished_at)).where(
        images.c.run_id == run_id, images.c.finished_at.is_not(None)
    )
    told = (
        select(events.c.at)
        .where(events.c.run_id == run_id, events.c.kind != EventKind.RUN_ABANDONED)
        .order_by(events.c.id.desc())
        .limit(1)
    )
    opened = select(runs.c.opened_at).where(runs.c.id == run_id)
    moments: list[datetime | None] = [connection.scalar(one) for one in (finished, told, opened)]
    return max(at for at in moments if at is not None)
