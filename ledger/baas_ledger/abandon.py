"""Unfinished runs of BlurJobs: whether they change, and that nobody works on those any more whose BlurJob is gone."""

from collections.abc import Collection
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, Connection, case, false, func, or_, select, update

from baas_ledger.events import record
from baas_ledger.facts import EventKind
from baas_ledger.runs import BLURJOB
from baas_ledger.tables import ImageState, RunState, run_counts, runs
from baas_ledger.transactions import moment

Mark: TypeAlias = tuple[object, ...]

_UNFINISHED = (RunState.CREATED, RunState.PLANNED)


def unfinished_blurjobs(connection: Connection, namespaces: Collection[str] | None) -> list[str]:
    """Return the ids of the runs of BlurJobs in some namespaces, in all if None, that are not over."""
    return list(connection.scalars(select(runs.c.id).where(_unfinished(namespaces)).order_by(runs.c.id)))


def marks_of_unfinished(connection: Connection, namespaces: Collection[str] | None) -> dict[str, Mark]:
    """Return a mark of each of these runs, by its id: it stays the same as long as nothing about the run changes.

    One statement for all of them, so that whoever follows many need not read each again and again.
    """
    fates = (ImageState.PUBLISHED, ImageState.QUARANTINED, ImageState.EXCLUDED)
    counted = run_counts.c.images
    marks = (
        select(
            runs.c.id,
            runs.c.opened_at,
            runs.c.planned_at,
            func.sum(counted),
            *(func.sum(case((run_counts.c.state == fate, counted), else_=0)) for fate in fates),
        )
        .outerjoin_from(runs, run_counts, run_counts.c.run_id == runs.c.id)
        .where(_unfinished(namespaces))
        .group_by(runs.c.id, runs.c.opened_at, runs.c.planned_at)
    )
    return {run_id: tuple(mark) for run_id, *mark in connection.execute(marks)}


def abandon(connection: Connection, run_ids: Collection[str], *, now: datetime | None = None) -> int:
    """Note that nobody will finish these runs, and return of how many that is news. Finished ones stay finished."""
    at = moment(connection, now)
    given_up = connection.scalars(
        update(runs)
        .where(runs.c.id.in_(run_ids), runs.c.state.in_(_UNFINISHED))
        .values(state=RunState.ABANDONED)
        .returning(runs.c.id)
    ).all()
    for run_id in given_up:
        record(connection, run_id, EventKind.RUN_ABANDONED, "Its BlurJob was deleted before it was finished.", at=at)
    return len(given_up)


def _unfinished(namespaces: Collection[str] | None) -> ColumnElement[bool]:
    blurjob = runs.c.configuration[BLURJOB].as_string()
    wanted = (
        blurjob.is_not(None)
        if namespaces is None
        else or_(false(), *(blurjob.startswith(f"{namespace}/", autoescape=True) for namespace in namespaces))
    )
    return runs.c.state.in_(_UNFINISHED) & wanted
