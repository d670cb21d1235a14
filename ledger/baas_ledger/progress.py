"""How far a run is. Costs the same for ten images as for ten million: counters and a short index range are read."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from baas_ledger.counts import AMOUNTS
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


def miscounted(connection: Connection, run_id: str) -> list[str]:
    """Say in a sentence each where a run's counts are not those of its images. Reads all of its images."""
    kept = _amounts(
        connection,
        select(run_counts.c.state, run_counts.c.reason, *(func.sum(run_counts.c[name]) for name in AMOUNTS))
        .where(run_counts.c.run_id == run_id)
        .group_by(run_counts.c.state, run_counts.c.reason),
    )
    found = (func.coalesce(func.sum(images.c[name]), 0) for name in AMOUNTS[1:])
    there = _amounts(
        connection,
        select(images.c.state, func.coalesce(images.c.reason, ""), func.count(), *found)
        .where(images.c.run_id == run_id)
        .group_by(images.c.state, images.c.reason),
    )
    of = "{} images, {} persons and {} licence plates".format
    return [
        f"the ledger counts {of(*kept[key])} as {' '.join(key).strip()}, and its rows come to {of(*there[key])}"
        for key in sorted(kept | there)
        if kept[key] != there[key]
    ]


def _amounts(connection: Connection, wanted: Select[Any]) -> dict[tuple[str, str], tuple[int, ...]]:
    """Return the amounts of each state and reason; none of those that are not there."""
    sums: dict[tuple[str, str], tuple[int, ...]] = defaultdict(lambda: (0,) * len(AMOUNTS))
    for state, reason, *amounts in connection.execute(wanted):
        sums[state, reason] = tuple(map(int, amounts))
    return sums


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
