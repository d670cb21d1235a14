"""Which images of a source need nothing done, whatever run finished them: what stands at their destination is right.

Where the ledger cannot tell, an image is not finished: to do it again is safe, to pass it over may not be.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, select

from baas_ledger.chunks import chunks
from baas_ledger.lineage import at_work_until
from baas_ledger.tables import ImageState, images, runs, unfinished_corrections

_LOOKED_AT: tuple[Column[Any], ...] = (
    images.c.id,
    images.c.run_id,
    images.c.name,
    images.c.state,
    images.c.token,
    images.c.source_version,
    images.c.model_digest,
    images.c.config_digest,
    images.c.output_digest,
    images.c.output_size_bytes,
    images.c.output_version,
    images.c.lease_until,
    images.c.finished_at,
    images.c.source_deleted_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run has done to an image, as far as it decides whether the image is finished."""

    state: ImageState
    at: datetime | None
    """When it was done; of what was begun and has no end, the latest moment at which it may have been. None: never."""
    source_version: str = ""
    model_digest: str | None = None
    config_digest: str | None = None
    output_digest: str | None = None
    is_deleted: bool = False
    """Whether its original was deleted."""
    awaits_correction: bool = False
    """Whether a correction of it was begun and not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What must stand at the destination."""

    size_bytes: int
    version: str | None
    """The store's own; None when it has none."""


def finished(
    connection: Connection,
    destination: str,
    versions: Mapping[str, str],
    *,
    model_digest: str,
    config_digest: str,
) -> dict[str, Output]:
    """Return which images of a source are finished, with the outputs that they must have.

    `versions` tells the names and the versions that the source has of them now. Whether the outputs stand there is for
    the caller to see.
    """
    wanted: Select[Any] = select(*_LOOKED_AT).join(runs, runs.c.id == images.c.run_id)
    theirs = (runs.c.destination == destination) & images.c.name.in_(versions)
    rows: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(wanted.where(theirs)):
        rows.setdefault(row.name, []).append(row)
    begun = {row.run_id for some in rows.values() for row in some if _is_begun(row)}
    until = {run_id: at_work_until(connection, run_id) for run_id in begun}
    corrected = _unfinished_corrections(connection, [row.id for some in rows.values() for row in some])
    outputs: dict[str, Output] = {}
    for name, some in rows.items():
        done = [_done(row, until, corrected) for row in some]
        if is_finished(done, versions[name], model_digest=model_digest, config_digest=config_digest):
            published = [row for row in some if row.state == ImageState.PUBLISHED]
            last = max(published, key=lambda row: row.finished_at)
            outputs[name] = Output(size_bytes=last.output_size_bytes, version=last.output_version)
    return outputs


def is_finished(done: Sequence[Done], source_version: str, *, model_digest: str, config_digest: str) -> bool:
    """Whether the last that is known to have happened to an image is that it was published as it would be now."""
    published = [(one.at, place) for place, one in enumerate(done) if one.state is ImageState.PUBLISHED and one.at]
    if not published:
        return False
    at, place = max(published)
    last = done[place]
    wanted = (source_version, model_digest, config_digest)
    # A correction is noted with the run that people name, which may be another one that published the same file.
    if any(one.awaits_correction and one.output_digest == last.output_digest for one in done):
        return False
    if last.is_deleted or (last.source_version, last.model_digest, last.config_digest) != wanted:
        return False
    # What was left out was taken away: the caller sees that nothing stands there.
    moving = [one for one in done if one.at is not None and one.state is not ImageState.EXCLUDED]
    same = (at, ImageState.PUBLISHED, last.output_digest)
    return all((one.at is not None and one.at < at) or (one.at, one.state, one.output_digest) == same for one in moving)


def _is_begun(row: Row[Any]) -> bool:
    """Whether a worker had an image that has no fate: it may have written an output."""
    return row.state in {ImageState.PENDING, ImageState.LEASED} and row.token > 0


def _done(row: Row[Any], until: Mapping[str, datetime], corrected: Collection[int]) -> Done:
    at = row.finished_at
    if _is_begun(row):
        at = max(moment for moment in (row.lease_until, until[row.run_id]) if moment is not None)
    return Done(
        state=ImageState(row.state),
        at=at,
        source_version=row.source_version,
        model_digest=row.model_digest,
        config_digest=row.config_digest,
        output_digest=row.output_digest,
        is_deleted=row.source_deleted_at is not None,
        awaits_correction=row.id in corrected,
    )


def _unfinished_corrections(connection: Connection, image_ids: Sequence[int]) -> set[int]:
    # One name has an image in each run: they may be more than a statement can carry.
    begun = unfinished_corrections.c.image_id
    return {
        image_id for some in chunks(image_ids) for image_id in connection.scalars(select(begun).where(begun.in_(some)))
    }
