"""Counts of images per state, kept in the transaction that changes the state, so that nobody ever counts rows.

The law, which a test checks after every kind of change: for each run, state and reason, the sums over all shards equal
the number of images and the sums of their persons and licence plates.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection

from baas_ledger.tables import ImageState, run_counts
from baas_ledger.transactions import Insert, insert_into, is_postgres

AMOUNTS = ("images", "persons", "licence_plates")
SHARDS = 16
"""Rows per count on PostgreSQL, where workers finish at the same time; SQLite has one writer anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How many images entered (or left: below zero) a state."""

    state: ImageState
    reason: str | None = None
    images: int
    persons: int = 0
    licence_plates: int = 0


def count(connection: Connection, run_id: str, changes: Iterable[Change]) -> None:
    """Add changes to the run's counts."""
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for change in changes:
        amounts = {name: getattr(change, name) for name in AMOUNTS}
        sums[change.state, change.reason or ""].update(amounts)
    # One shard for all that a connection does: a transaction never holds one shard while it waits for another.
    shards = SHARDS if is_postgres(connection) else 1
    shard = connection.info.setdefault("shard", random.randrange(shards))  # noqa: S311 - spreads load, keeps no secret
    rows = [
        {"run_id": run_id, "state": state, "reason": reason, "shard": shard, **amounts}
        for (state, reason), amounts in sorted(sums.items())  # one order of locks, so that none waits in a circle
        if any(amounts.values())
    ]
    if rows:
        connection.execute(_addition(connection.dialect.name), rows)


@cache  # the statement that runs most often: to build it takes longer than to send it
def _addition(dialect: str) -> Insert:
    add = insert_into(run_counts, dialect)
    grown = {name: run_counts.c[name] + add.excluded[name] for name in AMOUNTS}
    return add.on_conflict_do_update(index_elements=list(run_counts.primary_key), set_=grown)
