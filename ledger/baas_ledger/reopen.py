"""Sends images that had a fate back to `pending`: what they were counted as, and their detections, go with it."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from baas_crds.codes import QuarantineReason
from baas_ledger.chunks import chunks
from baas_ledger.counts import Change, count
from baas_ledger.events import record
from baas_ledger.facts import EventKind
from baas_ledger.runs import unfinished
from baas_ledger.tables import NO_OUTCOME, ImageState, detections, images
from baas_ledger.transactions import moment


def reopen(connection: Connection, run_id: str, names: Iterable[str], *, now: datetime | None = None) -> int:
    """Send published images back, whose output is missing or not what was recorded. Return how many were published."""
    returned = 0
    for some in chunks(names):
        published = select(images.c.id).where(
            images.c.run_id == run_id, images.c.name.in_(some), images.c.state == ImageState.PUBLISHED
        )
        returned += send_back(connection, run_id, connection.scalars(published).all())
    _tell(connection, run_id, EventKind.IMAGES_REOPENED, returned, "published images are to be done again.", now)
    return returned


def retry_quarantined(connection: Connection, run_id: str, *, now: datetime | None = None) -> int:
    """Send all quarantined images back, with no attempt counted. Return how many.

    Images of an unusable name stay: the source has nothing under the name that the ledger could write down.
    """
    quarantined = select(images.c.id).where(
        images.c.run_id == run_id,
        images.c.state == ImageState.QUARANTINED,
        images.c.reason != QuarantineReason.UNUSABLE_NAME,
    )
    returned = sum(send_back(connection, run_id, some) for some in chunks(connection.scalars(quarantined).all()))
    _tell(connection, run_id, EventKind.QUARANTINE_RETRIED, returned, "quarantined images are to be tried again.", now)
    return returned


def send_back(connection: Connection, run_id: str, image_ids: Collection[int]) -> int:
    """Make images pending again, whatever they were, and return how many. Whoever has a lease on one loses it."""
    before = connection.execute(
        select(images.c.id, images.c.state, images.c.reason, images.c.persons, images.c.licence_plates)
        .where(images.c.id.in_(image_ids))
        .order_by(images.c.id)
        .with_for_update()
    ).all()
    ids = [row.id for row in before]
    connection.execute(delete(detections).where(detections.c.image_id.in_(ids)))
    connection.execute(
        update(images)
        .where(images.c.id.in_(ids))
        .values(state=ImageState.PENDING, attempts=0, token=images.c.token + 1, **NO_OUTCOME)
    )
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
    count(connection, run_id, [*left, Change(state=ImageState.PENDING, images=len(ids))])
    if ids:
        unfinished(connection, run_id)
    return len(ids)


def _tell(
    connection: Connection, run_id: str, kind: EventKind, returned: int, message: str, now: datetime | None
) -> None:
    if returned:
        record(connection, run_id, kind, f"{returned} {message}", at=moment(connection, now), data={"images": returned})
