"""Adds audit records to a run's chain, in the transaction that they tell of, and reads them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, Engine, Row, bindparam, func, insert, select, update

from baas_crds.errors import ConfigurationError
from baas_ledger.chain import START, Record, RecordKind, body_of, digest_of_body
from baas_ledger.tables import audit_chains, audit_records
from baas_ledger.transactions import insert_into

Signer: TypeAlias = Callable[[str], str]
"""Signs a digest; both are text."""

SIGNER = "baas_audit_signer"
"""Execution option of an engine whose records are signed."""

# Built once: while they run, all other workers of the run wait.
_LOCK = select(audit_chains).where(audit_chains.c.run_id == bindparam("run")).with_for_update()
_ADVANCE = update(audit_chains).where(audit_chains.c.run_id == bindparam("run"))
_LATEST_SIGNATURE = (
    select(audit_records.c.signature)
    .where(audit_records.c.run_id == bindparam("run"), audit_records.c.kind != RecordKind.REOPENED)
    .order_by(audit_records.c.number.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be recorded of one image."""

    image_id: int
    name: str
    kind: RecordKind
    facts: Mapping[str, object]
    """JSON values; what they are called is up to who writes them."""


def signing(ledger: Engine, signer: Signer | None) -> Engine:
    """Return the same ledger, through which all audit records are signed; without a signer none is."""
    return ledger.execution_options(**{SIGNER: signer})


def open_chain(connection: Connection, run_id: str) -> None:
    """Begin the chain of a run that has none."""
    add = insert_into(audit_chains, connection.dialect.name).values(run_id=run_id, length=0, head=START)
    connection.execute(add.on_conflict_do_nothing(index_elements=["run_id"]))


def append(connection: Connection, run_id: str, entries: Sequence[Entry], *, at: datetime) -> None:
    """Add records to the end of a run's chain.

    The chain is locked until the transaction ends. Call it after the images are changed and before anything is
    counted: all transactions then take their locks in one order. Raises as `check_signer`, but for what is reopened:
    who asks for that need not have the key.
    """
    if not entries:
        return
    chain = _locked(connection, run_id)
    if any(entry.kind is not RecordKind.REOPENED for entry in entries):
        check_signer(connection, run_id)
    signer = _signer(connection)
    previous, rows = chain.head, []
    for number, entry in enumerate(entries, start=chain.length + 1):
        body = body_of(
            {
                **entry.facts,
                "run": run_id,
                "number": number,
                "previous": previous,
                "kind": entry.kind,
                "image": entry.name,
                "at": at.isoformat(),
            }
        )
        previous = digest_of_body(body)
        rows.append(
            {
                "run_id": run_id,
                "number": number,
                "image_id": entry.image_id,
                "kind": entry.kind,
                "body": body,
                "digest": previous,
                "signature": None if signer is None else signer(previous),
            }
        )
    connection.execute(insert(audit_records), rows)
    connection.execute(_ADVANCE, {"run": run_id, "length": chain.length + len(rows), "head": previous})


def check_signer(connection: Connection, run_id: str) -> None:
    """Raise `ConfigurationError` when a run's records are signed and those of this ledger would not be.

    A single record without a signature would make the run fail every check from then on.
    """
    if _signer(connection) is not None:
        return
    if connection.scalar(_LATEST_SIGNATURE, {"run": run_id}) is not None:
        raise ConfigurationError(
            f"The records of run {run_id} are signed, and there is no key to sign what is done now: give the key of "
            "that run with --audit-key (pods: BAAS_AUDIT_KEY)."
        )


class ChainEnd(NamedTuple):
    """The end of a chain."""

    length: int
    """So many records the run has."""
    head: str
    """The digest of the last of them."""
    last: int
    """The highest number of any record of the run: the length, unless somebody else wrote one of them."""


def chain_end(connection: Connection, run_id: str) -> ChainEnd | None:
    """Return the end of a run's chain; None without a chain."""
    last = select(func.max(audit_records.c.number)).where(audit_records.c.run_id == run_id).scalar_subquery()
    query = select(audit_chains.c.length, audit_chains.c.head, func.coalesce(last, 0))
    row = connection.execute(query.where(audit_chains.c.run_id == run_id)).one_or_none()
    return None if row is None else ChainEnd(*row)


def records(connection: Connection, run_id: str, *, after: int = 0, limit: int = 1_000) -> list[Record]:
    """Return the next page of a run's records, in their order: those behind the number `after`."""
    return _read(connection, (audit_records.c.run_id == run_id) & (audit_records.c.number > after), limit=limit)


def records_of(connection: Connection, image_ids: Collection[int]) -> dict[int, list[Record]]:
    """Return all records of some images, by image, oldest first; one without any is left out."""
    found: dict[int, list[Record]] = {}
    for record in _read(connection, audit_records.c.image_id.in_(image_ids)):
        found.setdefault(record.image_id, []).append(record)
    return found


def _read(connection: Connection, which: ColumnElement[bool], *, limit: int | None = None) -> list[Record]:
    wanted = select(audit_records).where(which).order_by(audit_records.c.number).limit(limit)
    return [
        Record(
            number=row.number,
            image_id=row.image_id,
            kind=row.kind,
            body=str(row.body),  # SQLite keeps bytes as well
            digest=row.digest,
            signature=row.signature,
        )
        for row in connection.execute(wanted)
    ]


def _locked(connection: Connection, run_id: str) -> Row[Any]:
    """Return the chain's end, for this transaction alone; a run from before there were chains gets one."""
    chain = connection.execute(_LOCK, {"run": run_id}).one_or_none()
    if chain is None:
        open_chain(connection, run_id)
        chain = connection.execute(_LOCK, {"run": run_id}).one()
    return chain


def _signer(connection: Connection) -> Signer | None:
    signer: Signer | None = connection.get_execution_options().get(SIGNER)
    return signer
