"""A run's history beside the images' states. Lines are only ever added."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, insert

from baas_ledger.facts import EventKind
from baas_ledger.tables import events


def record(
    connection: Connection,
    run_id: str,
    kind: EventKind,
    message: str,
    *,
    at: datetime,
    data: Mapping[str, object] | None = None,
) -> None:
    """Add one line about a run."""
    _add(connection, [(None, message)], run_id=run_id, kind=kind, at=at, data=dict(data or {}))


def record_images(
    connection: Connection, run_id: str, kind: EventKind, messages: Iterable[tuple[int, str]], *, at: datetime
) -> None:
    """Add a line for each image's id and message."""
    _add(connection, messages, run_id=run_id, kind=kind, at=at, data={})


def _add(connection: Connection, messages: Iterable[tuple[int | None, str]], **same: object) -> None:
    rows = [{"image_id": image_id, "message": message, **same} for image_id, message in messages]
    if rows:
        connection.execute(insert(events), rows)
