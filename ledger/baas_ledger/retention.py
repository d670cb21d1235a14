"""Originals that were deleted once their outputs had been read back: receipts, and what is left to delete."""

import itertools
from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine, select, update

from baas_ledger.audit import Entry, append
from baas_ledger.chain import RecordKind
from baas_ledger.facts import ImageRecord
from baas_ledger.records import image_of, pages
from baas_ledger.tables import ImageState, images, runs
from baas_ledger.transactions import moment


def undeleted(engine: Engine, run_id: str) -> Iterator[list[ImageRecord]]:
    """Give a run's published images whose originals are still there, in pages sorted by name."""
    wanted = select(images).where(
        images.c.run_id == run_id, images.c.state == ImageState.PUBLISHED, images.c.source_deleted_at.is_(None)
    )
    return pages(engine, wanted, images.c.name, look=lambda _, page: page)


def hold_undeleted(connection: Connection, image_id: int) -> ImageRecord | None:
    """Keep all others from a published image until the transaction ends; None when its original was deleted meanwhile.

    Whoever deletes the original in that transaction also writes the receipt, so that it tells what was there.
    """
    wanted = select(images).where(
        images.c.id == image_id, images.c.state == ImageState.PUBLISHED, images.c.source_deleted_at.is_(None)
    )
    row = connection.execute(wanted.with_for_update()).one_or_none()
    return None if row is None else image_of(row)


def deleted(engine: Engine, destination: str) -> Iterator[ImageRecord]:
    """Give the images of all runs into a destination whose originals were deleted: no source lists them any more."""
    wanted = (
        select(images)
        .join(runs, runs.c.id == images.c.run_id)
        .where(
            runs.c.destination == destination,
            images.c.state == ImageState.PUBLISHED,
            images.c.source_deleted_at.is_not(None),
        )
    )
    return itertools.chain.from_iterable(pages(engine, wanted, images.c.id, look=lambda _, page: page))


def source_deleted(
    connection: Connection, image: ImageRecord, receipt: Mapping[str, object], *, now: datetime | None = None
) -> None:
    """Keep the receipt for an image's original in the chain; once, however often it is told."""
    at = moment(connection, now)
    noted = (
        update(images)
        .where(
            images.c.id == image.id,
            images.c.token == image.token,
            images.c.state == ImageState.PUBLISHED,
            images.c.source_deleted_at.is_(None),
        )
        .values(source_deleted_at=at)
    )
    if connection.execute(noted).rowcount:
        entry = Entry(image_id=image.id, name=image.name, kind=RecordKind.SOURCE_DELETED, facts=receipt)
        append(connection, image.run_id, [entry], at=at)
