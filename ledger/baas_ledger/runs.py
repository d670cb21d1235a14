"""Runs: one source on its way to one destination, with one model and one configuration."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from baas_crds.errors import ConfigurationError
from baas_ledger.audit import check_signer, open_chain
from baas_ledger.events import record
from baas_ledger.facts import EventKind, PlanResult, Run
from baas_ledger.tables import ImageState, RunState, images, runs
from baas_ledger.transactions import insert_into, moment

BLURJOB = "blurjob"
"""In a run's configuration: whose it is, as `namespace/name`. The run's id is that BlurJob's uid."""
MODEL_VERSION = "model_version"
"""In a run's configuration: the version in Triton with which it was planned, as text."""


def open_run(
    connection: Connection,
    *,
    source: str,
    destination: str,
    model_digest: str,
    config_digest: str,
    configuration: Mapping[str, object],
    run_id: str | None = None,
    now: datetime | None = None,
) -> str:
    """Start a run or resume it, and return its id: the same source, destination, model and configuration are one run.

    It counts as not planned until `finish_planning`, also when it was planned or finished before: what is left out may
    be more by now, and is still published until planning has come to its end.

    `configuration` is what `config_digest` was made from, for people to read. `run_id` gives a run an id of its own.
    Raises `ConfigurationError` when the run of that id is another one, and as `audit.check_signer`.
    """
    at = moment(connection, now)
    run_id = run_id or id_of(
        source=source, destination=destination, model_digest=model_digest, config_digest=config_digest
    )
    add = insert_into(runs, connection.dialect.name).values(
        id=run_id,
        source=source,
        destination=destination,
        model_digest=model_digest,
        config_digest=config_digest,
        configuration=dict(configuration),
        state=RunState.CREATED,
        created_at=at,
        opened_at=at,
    )
    again = {"opened_at": at, "state": RunState.CREATED, "planned_at": None, "finished_at": None}
    connection.execute(add.on_conflict_do_update(index_elements=["id"], set_=again))
    if run := find_run(connection, run_id):
        check_run(run, source=source, destination=destination, model_digest=model_digest, config_digest=config_digest)
    open_chain(connection, run_id)
    check_signer(connection, run_id)
    record(connection, run_id, EventKind.RUN_OPENED, "The run was started or resumed.", at=at)
    return run_id


def id_of(*, source: str, destination: str, model_digest: str, config_digest: str) -> str:
    """Return the id of a run that was given none."""
    what = (source, destination, model_digest, config_digest)
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def find_run(connection: Connection, run_id: str) -> Run | None:
    """Return a run, None when there is none of that id."""
    return _first(connection, runs.c.id == run_id)


def check_run(run: Run, *, source: str, destination: str, model_digest: str, config_digest: str) -> None:
    """Raise `ConfigurationError` unless a run is of this source, destination, model and configuration."""
    for name, before, now in (
        ("source", run.source, source),
        ("destination", run.destination, destination),
        ("model", run.model_digest, model_digest),
        ("configuration", run.config_digest, config_digest),
    ):
        if before != now:
            raise ConfigurationError(
                f"Run {run.id} began with the {name} {before}, and now it is {now}: go back to it, or start a new run."
            )


def latest_run(connection: Connection, destination: str) -> Run | None:
    """Return the run to a destination that was opened last, None when there was none."""
    return _first(connection, runs.c.destination == destination)


def run_into(connection: Connection, destination: str, run_id: str | None) -> Run | None:
    """Return the run of an id, or without one the latest into a destination; None when there is none."""
    return latest_run(connection, destination) if run_id is None else find_run(connection, run_id)


def is_alone(connection: Connection, run: Run) -> bool:
    """Whether no other run ever had the destination: then all that is there is this run's."""
    others = select(runs.c.id).where(runs.c.destination == run.destination, runs.c.id != run.id)
    return connection.execute(others.limit(1)).first() is None


def finish_planning(connection: Connection, run_id: str, result: PlanResult, *, now: datetime | None = None) -> None:
    """Note that every image of the source is in the ledger, and that nothing stands of what is left out or refused.

    Workers may begin then, and the run can finish.
    """
    at = moment(connection, now)
    connection.execute(
        update(runs).where(runs.c.id == run_id).values(state=RunState.PLANNED, planned_at=at, finished_at=None)
    )
    record(connection, run_id, EventKind.RUN_PLANNED, "The source was listed.", at=at, data=asdict(result))


def unfinished(connection: Connection, run_id: str) -> None:
    """Note that a finished run has images to do again."""
    connection.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.state == RunState.FINISHED)
        .values(state=RunState.PLANNED, finished_at=None)
    )


def finish_run(connection: Connection, run_id: str, *, now: datetime | None = None) -> bool:
    """Return whether the run is finished: it is planned, and no image is pending or leased. Else nothing changes.

    A run that was thought abandoned finishes like any other.
    """
    at = moment(connection, now)
    # The first in the order of the state's index: to ask whether there is any might read all that has a fate.
    remaining = [
        select(images.c.id)
        .where(images.c.run_id == run_id, images.c.state == state)
        .order_by(images.c.lease_until)
        .limit(1)
        .scalar_subquery()
        for state in (ImageState.PENDING, ImageState.LEASED)
    ]
    is_planned = runs.c.planned_at.is_not(None) & (runs.c.state != RunState.FINISHED)
    done = (
        update(runs)
        .where(runs.c.id == run_id, is_planned, *(first.is_(None) for first in remaining))
        .values(state=RunState.FINISHED, finished_at=at)
    )
    if connection.execute(done).rowcount:
        record(connection, run_id, EventKind.RUN_FINISHED, "No image is left to do.", at=at)
        return True
    return connection.scalar(select(runs.c.state).where(runs.c.id == run_id)) == RunState.FINISHED


def _first(connection: Connection, condition: ColumnElement[bool]) -> Run | None:
    row = connection.execute(
        select(runs).where(condition).order_by(runs.c.opened_at.desc(), runs.c.created_at.desc()).limit(1)
    ).one_or_none()
    return None if row is None else Run(**{**row._mapping, "state": RunState(row.state)})
