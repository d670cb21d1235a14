"""Turns the database's errors into ours: whoever must act reads one sentence. The only place that knows their codes.

An error that is not listed here is a fault of this software and passes unchanged. Sentences name the file, or host and
database; never the URL, which may hold a password.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable

SQLITE_CONFIGURATION = {
    sqlite3.SQLITE_NOTADB: "it is not a SQLite database. Choose another file, or move it away to start afresh",
    sqlite3.SQLITE_CORRUPT: "the file is damaged. Restore it from a backup, or move it away to start afresh",
    sqlite3.SQLITE_READONLY: "the file is read-only. Change its permissions, or choose another file",
    sqlite3.SQLITE_PERM: "permission is denied. Change its permissions, or choose another file",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened. Its folder must exist and be writable",
}
SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "another process keeps it locked. Try again when that has ended",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked. Try again when that has ended",
    sqlite3.SQLITE_FULL: "the disk is full. Make room, then run the same command again: it continues",
    sqlite3.SQLITE_IOERR: "the disk did not read or write it",
}
# Classes of SQLSTATE (PostgreSQL, appendix A): connection, transaction rollback, resources, operator, system.
POSTGRES_UNAVAILABLE = ("08", "40", "53", "55P03", "57", "58", "25006")
# Authorization, no such database, no privilege, no such table, damaged data.
POSTGRES_CONFIGURATION = ("28", "3D000", "42501", "42P01", "XX001", "XX002")
# While connecting, the driver gives no SQLSTATE, only text.
REFUSED_AT_THE_DOOR = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "permission denied",
    "pg_hba.conf",
    "does not support SSL",
    "certificate",
    "invalid connection option",
    "invalid sslmode",
)


@contextmanager
def ledger_errors(url: URL, called: str = "Ledger") -> Iterator[None]:
    """Translate what the database, called so, raises inside; everything else passes."""
    try:
        yield
    except DBAPIError as error:
        ours = (
            _sqlite(error, described(url, called))
            if url.get_backend_name() == "sqlite"
            else _postgres(error, described(url, called))
        )
        if ours is None:
            raise
        raise ours from error
    except PoolTimeout as error:
        raise DependencyUnavailable(f"{described(url, called)}: all connections of this process are in use") from error


def described(url: URL, called: str = "Ledger") -> str:
    """Name a ledger, or another database that is called so, for a person, without its password."""
    if url.get_backend_name() == "sqlite":
        return f"{called} {url.database}"
    host = url.host or url.query.get("host") or "the local socket"
    return f"{called} {url.database or url.username} on PostgreSQL at {host}{f':{url.port}' if url.port else ''}"


def _sqlite(error: DBAPIError, place: str) -> BaasError | None:
    # The lower byte is the kind of error, the rest its variety (sqlite.org/rescode.html).
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code in SQLITE_CONFIGURATION:
        return ConfigurationError(f"{place}: {SQLITE_CONFIGURATION[code]}.")
    if code in SQLITE_UNAVAILABLE:
        return DependencyUnavailable(f"{place}: {SQLITE_UNAVAILABLE[code]}.")
    if str(error.orig).startswith("no such table"):
        return ConfigurationError(f"{place} was changed by others: {error.orig}. Restore it from a backup.")
    return None


def _postgres(error: DBAPIError, place: str) -> BaasError | None:
    said = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
    sqlstate = getattr(error.orig, "pgcode", None)
    if sqlstate is None and any(text in str(error.orig) for text in REFUSED_AT_THE_DOOR):
        return ConfigurationError(f"{place} refused the connection: {said}")
    if sqlstate is not None and sqlstate.startswith(POSTGRES_CONFIGURATION):
        return ConfigurationError(f"{place} refused: {said}")
    lost = error.connection_invalidated or (sqlstate is None and isinstance(error, OperationalError | InterfaceError))
    if lost or (sqlstate is not None and sqlstate.startswith(POSTGRES_UNAVAILABLE)):
        return DependencyUnavailable(f"{place} does not answer: {said}")
    return None
