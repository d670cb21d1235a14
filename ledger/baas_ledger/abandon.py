"""Runs whose BlurJob was deleted: nobody works on them any more, and the ledger says so."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, false, or_, select, update

from baas_ledger.events import record
from baas_ledger.facts import EventKind
from baas_ledger.runs import BLURJOB
from baas_ledger.tables import RunState, runs
from baas_ledger.transactions import moment

_UNFINISHED = (RunState.CREATED, RunState.PLANNED)


def unfinished_blurjobs(connection: Connection, namespaces: Collection[str] | None) -> list[str]:
    """Return the ids of the runs of BlurJobs in some namespaces, in all if None, that are not over."""
    blurjob = runs.c.configuration[BLURJOB].as_string()
    wanted = (
        blurjob.is_not(None)
        if namespaces is None
        else or_(false(), *(blurjob.startswith(f"{namespace}/", autoescape=True) for namespace in namespaces))
    )
    return list(connection.scalars(select(runs.c.id).where(runs.c.state.in_(_UNFINISHED), wanted).order_by(runs.c.id)))


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
