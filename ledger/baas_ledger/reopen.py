"""Sends images that had a fate back to `pending`: what they were counted as, and their detections, go with it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from baas_crds.codes import QuarantineReason
from baas_ledger.audit import Entry, append
from baas_ledger.chain import RecordKind
from baas_ledger.chunks import chunks
from baas_ledger.counts import Change, count
from baas_ledger.events import record
from baas_ledger.facts import EventKind
from baas_ledger.fates import STATES
from baas_ledger.runs import unfinished
from baas_ledger.tables import NO_OUTCOME, ImageState, detections, images, unfinished_corrections
from baas_ledger.transactions import moment

LOST = "Its output was missing, or not what was recorded."


def reopen(
    connection: Connection, run_id: str, names: Iterable[str], *, why: str = LOST, now: datetime | None = None
) -> int:
    """Send published images back, whose output cannot stay as it is. Return how many were published."""
    published = and_(images.c.run_id == run_id, images.c.state == ImageState.PUBLISHED)
    told = "published images are to be done again."
    pieces = (and_(published, images.c.name.in_(some)) for some in chunks(names))
    at = moment(connection, now)
    return _send_all_back(connection, run_id, pieces, EventKind.IMAGES_REOPENED, told, why, at=at)


def retry_quarantined(connection: Connection, run_id: str, *, now: datetime | None = None) -> int:
    """Send all quarantined images back, with no attempt counted. Return how many.

    Images of an unusable name stay: the source has nothing under the name that the ledger could write down.
    """
    quarantined = and_(
        images.c.run_id == run_id,
        images.c.state == ImageState.QUARANTINED,
        images.c.reason != QuarantineReason.UNUSABLE_NAME,
    )
    ids = connection.scalars(select(images.c.id).where(quarantined)).all()
    told = "quarantined images are to be tried again."
    why = "It is to be tried again."
    pieces = (and_(quarantined, images.c.id.in_(some)) for some in chunks(ids))
    at = moment(connection, now)
    return _send_all_back(connection, run_id, pieces, EventKind.QUARANTINE_RETRIED, told, why, at=at)


def send_back(connection: Connection, which: ColumnElement[bool], *, why: str, at: datetime) -> list[Change]:
    """Make images of one run pending again, whatever they were; whoever has a lease on one loses it.

    Return what changes in the counts, for the caller to count.
    """
    before = connection.execute(
        select(
            images.c.id,
            images.c.run_id,
            images.c.name,
            images.c.state,
            images.c.reason,
            images.c.persons,
            images.c.licence_plates,
        )
        .where(which)
        .order_by(images.c.id)
        .with_for_update()
    ).all()
    ids = [row.id for row in before]
    for of_fates in (detections, unfinished_corrections):
        connection.execute(delete(of_fates).where(of_fates.c.image_id.in_(ids)))
    connection.execute(
        update(images)
        .where(images.c.id.in_(ids))
        .values(state=ImageState.PENDING, attempts=0, token=images.c.token + 1, **NO_OUTCOME)
    )
    with_a_fate = [row for row in before if row.state in STATES.values()]
    if with_a_fate:
        entries = [
            Entry(image_id=row.id, name=row.name, kind=RecordKind.REOPENED, facts={"why": why}) for row in with_a_fate
        ]
        append(connection, before[0].run_id, entries, at=at)
    left = [
        Change(
            state=ImageState(row.state),
            reason=row.reason,
            images=-1,
            persons=-(row.persons or 0),
            licence_plates=-(row.licence_plates or 0),
        )
        for row in before
    ]
    return [*left, Change(state=ImageState.PENDING, images=len(ids))]


def _send_all_back(
    connection: Connection,
    run_id: str,
    pieces: Iterable[ColumnElement[bool]],
    kind: EventKind,
    told: str,
    why: str,
    *,
    at: datetime,
) -> int:
    changes = [change for which in pieces for change in send_back(connection, which, why=why, at=at)]
    number = sum(change.images for change in changes if change.state is ImageState.PENDING)
    if number:
        # Counted once and last: whoever holds the counters must wait neither for images nor for other counters.
        count(connection, run_id, changes)
        unfinished(connection, run_id)
        record(connection, run_id, kind, f"{number} {told}", at=at, data={"images": number})
    return number
