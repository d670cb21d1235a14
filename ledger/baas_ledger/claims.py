"""The queue: who works on which image. How that ends, `finish.py` knows.

Every write asks for the claim's token and for the state `leased`: a worker that was thought dead, and whose image was
given to another, cannot write any more. The indexes are `ix_images_pending` and `ix_images_leased`.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Row, Select, bindparam, case, select, tuple_, update
from sqlalchemy.sql.dml import ReturningUpdate

from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError
from baas_ledger.audit import append
from baas_ledger.columns import Moment
from baas_ledger.counts import Change, count
from baas_ledger.events import record, record_images
from baas_ledger.facts import Claim, EventKind, Quarantined
from baas_ledger.fates import quarantined_entry
from baas_ledger.tables import ImageState, images
from baas_ledger.transactions import moment

_CLAIMED = [
    images.c[name]
    for name in ("id", "run_id", "name", "source_version", "size_bytes", "token", "attempts", "lease_until")
]


class LeaseLost(BaasError):
    """The image belongs to another worker by now, or was changed in the source: drop the work, nothing was written."""


def claim(
    connection: Connection,
    run_id: str,
    *,
    worker: str,
    lease: timedelta,
    limit: int,
    max_attempts: int,
    now: datetime | None = None,
) -> list[Claim]:
    """Lease up to `limit` images of a run, the first in the plan first. None are left when it returns nothing.

    Images whose lease ran out are free again. Concurrent workers never get the same image and never wait for each
    other. An attempt counts from here on, so an image that kills its worker is counted too; one that was tried
    `max_attempts` times is quarantined instead. Others may still hold leases when nothing is left.
    """
    at = moment(connection, now)
    changes = _return_expired(connection, run_id, at=at)
    claims: list[Claim] = []
    while len(claims) < limit:
        rows = _take(connection, run_id, worker, at + lease, limit - len(claims), max_attempts, at=at)
        if not rows:
            break
        leased = [_claim(row) for row in rows if row.state == ImageState.LEASED]
        claims += leased
        exhausted = len(rows) - len(leased)
        changes += [
            Change(state=ImageState.PENDING, images=-len(rows)),
            Change(state=ImageState.LEASED, images=len(leased)),
            Change(state=ImageState.QUARANTINED, reason=QuarantineReason.TOO_MANY_ATTEMPTS, images=exhausted),
        ]
    # Last, as everybody does it: whoever holds the counts and waits for the chain may be waited for.
    count(connection, run_id, changes)
    return claims


def renew(
    connection: Connection, held: Collection[Claim], *, lease: timedelta, now: datetime | None = None
) -> list[Claim]:
    """Prolong leases from now on, and return the claims that are lost: their work is in vain."""
    until = moment(connection, now) + lease
    kept = set(connection.scalars(_renew(), {**_which(held), "until": until}))
    return [one for one in held if one.image_id not in kept]


def release(connection: Connection, held: Collection[Claim]) -> int:
    """Give images back untouched, so that the attempt does not count, and return how many were still held."""
    theirs = images.c.id.in_(select(_held().c.id))
    return _give_back(connection, theirs, _which(held), attempts=images.c.attempts - 1).total()


def release_all(connection: Connection, run_id: str, *, worker: str | None = None, now: datetime | None = None) -> int:
    """Give back what a run's workers, or one of them, hold; return how many images that are. Attempts stay counted.

    Only for who knows that they are dead, such as a single machine's only process: no lease needs to run out then.
    """
    theirs = (images.c.run_id == run_id) & (images.c.state == ImageState.LEASED)
    returned = _give_back(connection, theirs if worker is None else theirs & (images.c.worker == worker), {}).total()
    if returned:
        message = f"{returned} leases of workers that ended were returned."
        at = moment(connection, now)
        record(connection, run_id, EventKind.LEASES_RETURNED, message, at=at, data={"images": returned})
    return returned


def _take(
    connection: Connection, run_id: str, worker: str, until: datetime, limit: int, max_attempts: int, *, at: datetime
) -> Sequence[Row[Any]]:
    """Lease the next pending images; those without an attempt left are quarantined, and among the rows returned."""
    message = f"{max_attempts} attempts ended without a result: the image may crash its worker."
    values = {"run": run_id, "some": limit, "max_attempts": max_attempts, "at": at}
    given = {"given_worker": worker, "until": until, "why": message}
    rows = connection.execute(_take_next(), values | given).all()
    exhausted = [row.id for row in rows if row.state == ImageState.QUARANTINED]
    told = Quarantined(reason=QuarantineReason.TOO_MANY_ATTEMPTS, message=message)
    append(connection, run_id, [quarantined_entry(_claim(row), told) for row in rows if row.id in exhausted], at=at)
    record_images(connection, run_id, EventKind.IMAGE_QUARANTINED, [(id_, message) for id_ in exhausted], at=at)
    return sorted(rows, key=lambda row: row.id)


def _return_expired(connection: Connection, run_id: str, *, at: datetime) -> list[Change]:
    rows = connection.execute(_return_next(), {"run": run_id, "at": at}).all()
    messages = [(row.id, f"The lease of {row.worker} ran out; another worker may take the image.") for row in rows]
    record_images(connection, run_id, EventKind.LEASE_EXPIRED, messages, at=at)
    return _moved_to_pending(len(rows))


@cache  # to build a statement that runs all the time takes longer than to send it
def _take_next() -> ReturningUpdate[Any]:
    is_exhausted = images.c.attempts >= bindparam("max_attempts")
    chosen = _next(ImageState.PENDING, images.c.lease_until, images.c.id).limit(bindparam("some")).cte("chosen")
    return (
        update(images)
        .where(images.c.id.in_(select(chosen.c.id)))
        .values(
            state=case((is_exhausted, ImageState.QUARANTINED), else_=ImageState.LEASED),
            token=images.c.token + 1,
            attempts=case((is_exhausted, images.c.attempts), else_=images.c.attempts + 1),
            worker=case((is_exhausted, images.c.worker), else_=bindparam("given_worker")),
            lease_until=case((is_exhausted, None), else_=bindparam("until", type_=Moment)),
            reason=case((is_exhausted, QuarantineReason.TOO_MANY_ATTEMPTS), else_=None),
            message=case((is_exhausted, bindparam("why")), else_=None),
            finished_at=case((is_exhausted, bindparam("at", type_=Moment)), else_=None),
        )
        .returning(images.c.state, *_CLAIMED)
    )


@cache
def _return_next() -> ReturningUpdate[Any]:
    has_ended = images.c.lease_until < bindparam("at")
    chosen = _next(ImageState.LEASED, images.c.lease_until).where(has_ended).cte("chosen")
    return (
        update(images)
        .where(images.c.id.in_(select(chosen.c.id)))
        .values(state=ImageState.PENDING, lease_until=None)
        .returning(images.c.id, images.c.worker)
    )


def _next(state: ImageState, *order: ColumnElement[Any]) -> Select[Any]:
    """Choose images that no other transaction is changing, in the order of the state's partial index."""
    return (
        select(images.c.id)
        .where(images.c.run_id == bindparam("run"), images.c.state == state)
        .order_by(*order)
        .with_for_update(skip_locked=True)
    )


def _give_back(
    connection: Connection, which: ColumnElement[bool], given: Mapping[str, object], **values: object
) -> Counter[str]:
    """Make leased images pending and return how many of each run."""
    runs = Counter(
        connection.scalars(
            update(images)
            .where(which)
            .values(state=ImageState.PENDING, lease_until=None, **values)
            .returning(images.c.run_id),
            given,
        )
    )
    for run_id, number in sorted(runs.items()):
        count(connection, run_id, _moved_to_pending(number))
    return runs


@cache
def _renew() -> ReturningUpdate[Any]:
    return (
        update(images)
        .where(images.c.id.in_(select(_held().c.id)))
        .values(lease_until=bindparam("until", type_=Moment))
        .returning(images.c.id)
    )


def _held() -> CTE:
    """Choose, of the claims of `_which`, those that still hold."""
    # Locked in one order: a worker may finish some of them while its heartbeat renews all.
    return (
        select(images.c.id)
        .where(
            images.c.id.in_(bindparam("ids", expanding=True)),  # the pairs alone lead SQLite to no primary key
            tuple_(images.c.id, images.c.token).in_(bindparam("pairs", expanding=True)),
            # The same as the state, which would lead PostgreSQL to the index of all that anybody leased, if that was
            # little when it last counted.
            images.c.lease_until.is_not(None),
        )
        .order_by(images.c.id)
        .with_for_update()
        .cte("held")
    )


def _which(held: Collection[Claim]) -> dict[str, object]:
    return {"ids": [one.image_id for one in held], "pairs": [(one.image_id, one.token) for one in held]}


def _moved_to_pending(number: int) -> list[Change]:
    return [Change(state=ImageState.LEASED, images=-number), Change(state=ImageState.PENDING, images=number)]


def _claim(row: Row[Any]) -> Claim:
    return Claim(
        image_id=row.id,
        run_id=row.run_id,
        name=row.name,
        source_version=row.source_version,
        size_bytes=row.size_bytes,
        token=row.token,
        attempt=row.attempts,
        lease_until=row.lease_until,
    )
