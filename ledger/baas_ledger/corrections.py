"""More redaction that people want in published images, now and whenever something is published under their names.

A correction is begun before its file is replaced and finished after it. Whatever happens in between: the boxes are
known to whoever treats the image next, and either digest of the file is in the ledger.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_ledger.audit import Entry, append, check_signer
from baas_ledger.chain import RecordKind
from baas_ledger.facts import Corrected, Correction, ImageRecord, Run
from baas_ledger.fates import corrected_facts, corrected_of
from baas_ledger.records import image_of
from baas_ledger.tables import ImageState, corrections, images, runs, unfinished_corrections
from baas_ledger.text import printable
from baas_ledger.transactions import insert_into, moment

# Built once: each image is asked for twice, which takes longer than to send it.
_WANTED = (
    select(corrections)
    .where(corrections.c.name == bindparam("wanted_name"), corrections.c.destination == bindparam("wanted_there"))
    .order_by(corrections.c.id)
)


def corrections_of(connection: Connection, destination: str, name: str) -> list[Correction]:
    """Return all that people want to be redacted in what is published there under this name, oldest first."""
    rows = connection.execute(_WANTED, {"wanted_name": name, "wanted_there": destination})
    return [_correction(row, reference=row.reference) for row in rows]


def corrections_by_name(connection: Connection, destination: str, names: Collection[str]) -> dict[str, set[Correction]]:
    """Return the same for several names, without the references; a name without any is left out."""
    found: dict[str, set[Correction]] = {}
    wanted = select(corrections).where(corrections.c.name.in_(names), corrections.c.destination == destination)
    for row in connection.execute(wanted):
        found.setdefault(row.name, set()).add(_correction(row, reference=""))
    return found


def begin_correction(
    connection: Connection, run: Run, name: str, corrected: Corrected, *, now: datetime | None = None
) -> bool:
    """Note what is wanted in a published image, and what its file is going to be.

    From now on everybody who treats this name for this destination redacts it. Return False when nothing is to be done:
    the file stays as it is, and all of it was noted before. Raises as `hold`.
    """
    at = moment(connection, now)
    image = hold(connection, run, name, output_digest=corrected.earlier_digest, now=at)
    is_news = _keep(connection, run.destination, name, corrected.added, at=at)
    if not is_news and corrected.output_digest == corrected.earlier_digest:
        return False
    add = insert_into(unfinished_corrections, connection.dialect.name)
    facts = {"facts": corrected_facts(corrected)}
    connection.execute(
        add.values(image_id=image.id, **facts).on_conflict_do_update(index_elements=["image_id"], set_=facts)
    )
    return True


def finish_correction(
    connection: Connection,
    run: Run,
    name: str,
    corrected: Corrected,
    *,
    output_version: str | None,
    now: datetime | None = None,
) -> None:
    """Write that the file of a published image was replaced. Raises as `hold`.

    Hold the image before the file is replaced, in the same transaction.
    """
    at = moment(connection, now)
    image = hold(connection, run, name, output_digest=corrected.earlier_digest, now=at)
    connection.execute(
        update(images)
        .where(images.c.id == image.id)
        .values(
            output_digest=corrected.output_digest,
            output_size_bytes=corrected.output_size_bytes,
            output_version=output_version,
            masked_share=corrected.masked_share,
        )
    )
    connection.execute(delete(unfinished_corrections).where(unfinished_corrections.c.image_id == image.id))
    facts = {**corrected_facts(corrected), "output_version": output_version}
    append(connection, run.id, [Entry(image_id=image.id, name=name, kind=RecordKind.CORRECTED, facts=facts)], at=at)


def hold(
    connection: Connection, run: Run, name: str, *, output_digest: str, now: datetime | None = None
) -> ImageRecord:
    """Keep all others from a published image until the transaction ends, and return what is known of it.

    Raises `ConfigurationError` when it is not published with this output any more and, as `check_signer`, when nothing
    could be recorded of it; `DependencyUnavailable` while a worker has an image of this name for the same destination:
    nobody knows which of the two files would stay.
    """
    check_signer(connection, run.id)
    at = moment(connection, now)
    rows = connection.execute(
        select(images)
        .join(runs, runs.c.id == images.c.run_id)
        .where(runs.c.destination == run.destination, images.c.name == name)
        .order_by(images.c.id)
        .with_for_update(of=images)
    ).all()
    for row in rows:
        # One whose lease ran out must renew it before it writes, and looks for corrections then.
        if row.state == ImageState.LEASED and row.lease_until >= at:
            raise DependencyUnavailable(
                f"{name}: worker {row.worker} of run {row.run_id} is making this picture anew. Wait a minute, then run "
                "the same command again."
            )
    for row in rows:
        if (row.run_id, row.state, row.output_digest) == (run.id, ImageState.PUBLISHED, output_digest):
            return image_of(row)
    raise ConfigurationError(f"{name} was published anew or taken back meanwhile: look at it, then correct it again.")


def interrupted(connection: Connection, image_id: int) -> Corrected | None:
    """Return the correction of an image that was begun and not finished."""
    facts = connection.scalar(
        select(unfinished_corrections.c.facts).where(unfinished_corrections.c.image_id == image_id)
    )
    return None if facts is None else corrected_of(facts)


def interrupted_names(connection: Connection, run_id: str) -> list[str]:
    """Return the images of a run with a correction that was begun and not finished, if they can be made anew."""
    wanted = select(images.c.name).join(unfinished_corrections).where(images.c.run_id == run_id)
    return list(connection.scalars(wanted.where(images.c.source_deleted_at.is_(None)).order_by(images.c.name)))


def runs_with_output(connection: Connection, destination: str, name: str, output_digest: str) -> list[str]:
    """Return the runs that published just this output, the latest first."""
    wanted = select(runs.c.id).join(images, images.c.run_id == runs.c.id)
    theirs = (runs.c.destination == destination) & (images.c.name == name) & (images.c.output_digest == output_digest)
    return list(connection.scalars(wanted.where(theirs).order_by(runs.c.opened_at.desc())))


def runs_with_name(connection: Connection, name: str, destination: str | None) -> list[tuple[str, ImageState]]:
    """Return the runs into a destination, or into any, that know an image of this name, the latest first."""
    wanted = select(runs.c.id, images.c.state).join(images, images.c.run_id == runs.c.id).where(images.c.name == name)
    if destination is not None:
        wanted = wanted.where(runs.c.destination == destination)
    rows = connection.execute(wanted.order_by(runs.c.opened_at.desc()))
    return [(row.id, ImageState(row.state)) for row in rows]


def _keep(connection: Connection, destination: str, name: str, wanted: Sequence[Correction], *, at: datetime) -> bool:
    """Add what is not there yet; return whether there was any. The same box under another reference is the same."""
    known = {replace(one, reference="") for one in corrections_of(connection, destination, name)}
    news = {replace(one, reference=""): one for one in wanted}
    rows = [
        {**asdict(one), "reference": printable(one.reference), "destination": destination, "name": name, "at": at}
        for box, one in news.items()
        if box not in known
    ]
    if rows:
        connection.execute(insert(corrections), rows)
    return bool(rows)


def _correction(row: Row[Any], *, reference: str) -> Correction:
    told = {field.name: row._mapping[field.name] for field in fields(Correction)}
    return Correction(**{**told, "object_class": ObjectClass(row.object_class), "reference": reference})
