"""Reads what the ledger knows of single images, page by page."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Engine, Row, Select, func, select, tuple_

from baas_crds.codes import ObjectClass
from baas_ledger import tables
from baas_ledger.facts import DetectedObject, Event, ImageRecord, SecondLookSums
from baas_ledger.tables import ImageState
from baas_ledger.transactions import reading

PAGE = 1_000
Looked = TypeVar("Looked")


def images(
    connection: Connection,
    run_id: str,
    *,
    state: ImageState | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> list[ImageRecord]:
    """Return the next page of a run's images, sorted by name (bytewise): those `after` the last name of the last page.

    With `state` only those in it. A page that is not full is the last.
    """
    wanted = select(tables.images).where(tables.images.c.run_id == run_id)
    if state is not None:
        wanted = wanted.where(tables.images.c.state == state)
    if after is not None:
        wanted = wanted.where(tables.images.c.name > after)
    return [image_of(row) for row in connection.execute(wanted.order_by(tables.images.c.name).limit(limit))]


def image_pages(engine: Engine, run_id: str, state: ImageState) -> Iterator[list[ImageRecord]]:
    """Give a run's images that are in a state, in pages sorted by name, none empty."""
    table = tables.images
    wanted = select(table).where(table.c.run_id == run_id, table.c.state == state)
    return pages(engine, wanted, table.c.name, look=lambda _, page: page)


def looked_at(engine: Engine, run_id: str, look: Callable[[Connection, list[ImageRecord]], Looked]) -> Iterator[Looked]:
    """Give what is made of each page of a run's images, sorted by name; as `pages`."""
    table = tables.images
    return pages(engine, select(table).where(table.c.run_id == run_id), table.c.name, look=look)


def pages(
    engine: Engine,
    wanted: Select[Any],
    key: Column[Any],
    *,
    look: Callable[[Connection, list[ImageRecord]], Looked],
) -> Iterator[Looked]:
    """Give what is made of rows of `images`, in pages sorted by a column that tells them apart, none empty.

    What `look` reads of a page is of the same moment. Nothing is held while the caller works on it.
    """
    return row_pages(engine, wanted, key, look=lambda connection, rows: look(connection, [*map(image_of, rows)]))


def row_pages(
    engine: Engine,
    wanted: Select[Any],
    key: Column[Any],
    *,
    look: Callable[[Connection, Sequence[Row[Any]]], Looked],
) -> Iterator[Looked]:
    """Give what is made of any rows that hold such a column, as `pages`."""
    page = wanted
    while True:
        with reading(engine) as connection:
            rows = connection.execute(page.order_by(key).limit(PAGE)).all()
            if not rows:
                return
            seen = look(connection, rows)
        page = wanted.where(key > rows[-1]._mapping[key])
        yield seen


def named_image(connection: Connection, run_id: str, name: str) -> ImageRecord | None:
    """Return one image of a run, None when there is none of that name."""
    wanted = select(tables.images).where(tables.images.c.run_id == run_id, tables.images.c.name == name)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else image_of(row)


def places_of(connection: Connection, image_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return the run and the name of each of these images that is there."""
    table = tables.images
    rows = connection.execute(select(table.c.id, table.c.run_id, table.c.name).where(table.c.id.in_(image_ids)))
    return {row.id: (row.run_id, row.name) for row in rows}


def images_at(connection: Connection, places: Collection[tuple[str, str]]) -> list[ImageRecord]:
    """Return what any run has under one of these pairs of destination and name."""
    table = tables.images
    wanted = select(table).join(tables.runs, tables.runs.c.id == table.c.run_id)
    rows = connection.execute(wanted.where(tuple_(tables.runs.c.destination, table.c.name).in_(places)))
    return [image_of(row) for row in rows]


def published_of(connection: Connection, run_id: str, names: Collection[str]) -> set[str]:
    """Return which of these names a run has published."""
    table = tables.images
    theirs = (table.c.run_id == run_id) & (table.c.state == ImageState.PUBLISHED)
    return set(connection.scalars(select(table.c.name).where(theirs, table.c.name.in_(names))))


def known_names(connection: Connection, run_id: str, names: Collection[str]) -> set[str]:
    """Return which of these names a run has images of."""
    table = tables.images
    return set(connection.scalars(select(table.c.name).where(table.c.run_id == run_id, table.c.name.in_(names))))


def image_of(row: Row[Any]) -> ImageRecord:
    """Return what a row of `images` says."""
    return ImageRecord(**{**row._mapping, "state": ImageState(row.state), "timings": row.timings or {}})


def detections(connection: Connection, image_ids: Collection[int]) -> dict[int, list[DetectedObject]]:
    """Return the objects found in each of these images, none for an image that is not published."""
    table = tables.detections
    found: dict[int, list[DetectedObject]] = {image_id: [] for image_id in image_ids}
    rows = connection.execute(
        select(table).where(table.c.image_id.in_(image_ids)).order_by(table.c.image_id, table.c.number)
    )
    for row in rows:
        found[row.image_id].append(
            DetectedObject(
                object_class=ObjectClass(row.object_class),
                score=row.score,
                x=row.x,
                y=row.y,
                width=row.width,
                height=row.height,
                joined=row.joined,
            )
        )
    return found


def second_look_sums(connection: Connection, run_id: str) -> SecondLookSums:
    """Add up what second looks came to. Reads all of a run's images: for a person who asks, not for a loop."""
    table = tables.images
    row = connection.execute(
        select(
            func.count().label("images"),
            func.coalesce(func.sum(table.c.found_later), 0).label("found_later"),
            func.coalesce(func.sum(table.c.residuals), 0).label("residuals"),
        ).where(table.c.run_id == run_id, table.c.second_looks > 0)
    ).one()
    return SecondLookSums(images=row.images, found_later=int(row.found_later), residuals=int(row.residuals))


def events(connection: Connection, run_id: str, *, after: int = 0, limit: int = 1_000) -> list[Event]:
    """Return the next page of a run's history, oldest first: the lines `after` the last id of the page before."""
    table = tables.events
    rows = connection.execute(
        select(table).where(table.c.run_id == run_id, table.c.id > after).order_by(table.c.id).limit(limit)
    )
    return [Event(**row._mapping) for row in rows]
