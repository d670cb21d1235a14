"""Transactions, and the few things that the two databases do differently inside one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeAlias

from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from baas_ledger.failures import ledger_errors

Insert: TypeAlias = postgresql.Insert | sqlite.Insert

READS_ONLY = "baas_reads_only"
"""Execution option of a connection that will not write."""

_NOW = select(func.now())  # built once, since every transaction begins with it


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose changes are kept together at the end, or not at all when anything is raised.

    Keep it short, milliseconds: on SQLite there is one writer at a time. Raises `DependencyUnavailable` when the
    database went away, `ConfigurationError` when no retry helps.
    """
    with ledger_errors(engine.url), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection for looking only; it and writers do not wait for each other. Raises as `transaction`.

    All that is read through it is of one moment.
    """
    with ledger_errors(engine.url), engine.connect() as plain:
        connection = plain.execution_options(**{READS_ONLY: True, "postgresql_readonly": True})
        if is_postgres(connection):
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def is_postgres(connection: Connection) -> bool:
    """Whether many machines may share this ledger."""
    return connection.dialect.name == "postgresql"


def moment(connection: Connection, now: datetime | None) -> datetime:
    """Return the time of this transaction by the database's clock, which all workers share; or the one given."""
    if now is not None:
        return now
    # SQLite has no clock of its own: its machine's is ours.
    return connection.scalars(_NOW).one() if is_postgres(connection) else datetime.now(UTC)


def insert_into(table: Table, dialect: str) -> Insert:
    """Return an INSERT that knows ON CONFLICT, which both databases have and SQLAlchemy offers per database."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
