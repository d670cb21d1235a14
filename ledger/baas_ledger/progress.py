"""How far a run is. Costs the same for ten images as for ten million: counters and a short index range are read."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from baas_ledger.facts import Progress
from baas_ledger.tables import ImageState, images, run_counts
from baas_ledger.transactions import moment

RATE_WINDOW = timedelta(minutes=5)
"""The speed is that of the last minutes: old enough to be steady, young enough to show a stall."""
RATE_SAMPLE = 1_000
"""At most so many of the last finished images are looked at."""


def read_progress(connection: Connection, run_id: str, *, now: datetime | None = None) -> Progress:
    """Return how many of a run's images are in each state, what was found in them, and how fast it goes."""
    rate = _images_per_second(connection, run_id, at=moment(connection, now))
    return replace(counted(connection, run_id), images_per_second=rate)


def counted(connection: Connection, run_id: str) -> Progress:
    """Return the counts alone; an unknown run has none."""
    rows = connection.execute(
        select(
            run_counts.c.state,
            run_counts.c.reason,
            func.sum(run_counts.c.images).label("images"),
            func.sum(run_counts.c.persons).label("persons"),
            func.sum(run_counts.c.licence_plates).label("licence_plates"),
        )
        .where(run_counts.c.run_id == run_id)
        .group_by(run_counts.c.state, run_counts.c.reason)
    ).all()
    states: Counter[str] = Counter()
    for row in rows:
        states[row.state] += int(row.images)
    return Progress(
        **states,
        quarantined_by_reason={
            row.reason: int(row.images) for row in rows if row.state == ImageState.QUARANTINED and row.images
        },
        persons=sum(int(row.persons) for row in rows),
        licence_plates=sum(int(row.licence_plates) for row in rows),
    )


def _images_per_second(connection: Connection, run_id: str, *, at: datetime) -> float:
    last = (
        select(images.c.finished_at)
        .where(images.c.run_id == run_id, images.c.finished_at > at - RATE_WINDOW, images.c.finished_at <= at)
        .order_by(images.c.finished_at.desc())
        .limit(RATE_SAMPLE)
        .subquery()
    )
    number, first = connection.execute(select(func.count(), func.min(last.c.finished_at)).select_from(last)).one()
    # The first of them only starts the clock. Up to now, not up to the last one: then a stall shows.
    seconds = (at - first).total_seconds() if first else 0.0
    return (number - 1) / seconds if seconds > 0 else 0.0
