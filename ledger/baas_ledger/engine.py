"""Opens a ledger. The edge to drivers and their settings."""

import os
import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from baas_crds.errors import ConfigurationError
from baas_ledger import schema
from baas_ledger.database_file import SUFFIX, read_database_file
from baas_ledger.entra import sign_in
from baas_ledger.entra_url import asks_for_entra, with_entra
from baas_ledger.failures import described, ledger_errors
from baas_ledger.transactions import READS_ONLY, reading, transaction

__all__ = ["open_ledger", "open_to_read", "parsed", "reading", "transaction"]

LOCK_SECONDS = 30
"""How long a process waits for another one's transaction on the same SQLite file."""

POSTGRES_DRIVER = "postgresql+psycopg2"
POSTGRES_OPTIONS = {
    "connect_timeout": "10",
    # A server that vanished without a word is noticed after a minute; the system's default is over two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "application_name": "baas",
}


def open_ledger(url: str, *, migrate: bool = True) -> Engine:
    """Open the ledger at a file's path, `sqlite:///path` or `postgresql://user:password@host/database`.

    `postgresql://identity@host/database?auth=entra` signs in with tokens of Microsoft Entra, and a path that ends with
    `.json` names a database.json of the earlier service, which does the same (docs/howto/azure-identities.md).

    With `migrate` it is created or brought to this software's schema, however many start at once; without, it must be
    there and fit already, and nothing is written. The engine serves all threads of one process; another process opens
    its own. Raises `ConfigurationError` when it cannot ever work (wrong URL or password, not a ledger, damaged,
    read-only, of a newer or older schema), `DependencyUnavailable` when it does not answer.
    """
    place = parsed(url)
    if place.get_backend_name() == "sqlite":
        engine = _sqlite_engine(place, must_exist=not migrate)
    else:
        engine = _postgres_engine(place)
    try:
        if migrate:
            schema.upgrade(engine)
        else:
            schema.check(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_to_read(url: str) -> Engine:
    """Open a ledger that is there for `reading` only: whoever may not write it, or is on a read-only disk, can.

    Raises as `open_ledger` without `migrate`.
    """
    place = parsed(url)
    if place.get_backend_name() == "sqlite":
        engine = _sqlite_reader(place)
    else:
        engine = _postgres_engine(place).execution_options(postgresql_readonly=True)
    try:
        schema.check(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def parsed(url: str) -> URL:
    """Return what a ledger's URL means. Raises `ConfigurationError`, which never repeats it: it may hold a password."""
    if "://" not in url:
        place = read_database_file(Path(url)) if url.endswith(SUFFIX) else URL.create("sqlite", database=url)
    else:
        try:
            place = make_url(url)
            if "@" in (place.host or ""):
                raise ValueError("a part of the password would be told as the host")
        except (ArgumentError, ValueError):
            raise ConfigurationError(
                "The ledger's URL cannot be read; write postgresql://user:password@host:5432/database, with special "
                "characters of the password percent-encoded, or the path of a SQLite file."
            ) from None
    scheme = place.drivername
    if scheme in {"postgres", "postgresql", POSTGRES_DRIVER}:
        return with_entra(place.set(drivername=POSTGRES_DRIVER))
    if scheme != "sqlite":
        raise ConfigurationError(
            f"The ledger's URL begins with {scheme}://; use postgresql:// or the path of a SQLite file."
        )
    if place.database in {None, "", ":memory:"}:
        raise ConfigurationError("The ledger needs a file: what is only in memory cannot be resumed after a crash.")
    return place


def _sqlite_engine(url: URL, *, must_exist: bool) -> Engine:
    path = Path(url.database or "")
    if must_exist:
        _check_there(path)
    if path.is_dir():
        raise ConfigurationError(f"{described(url)} is a folder; give the path of a file in it.")
    # Transactions begin below and not in Python's driver, which would wait for the first write.
    engine = create_engine(url, connect_args={"isolation_level": None, "timeout": LOCK_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _sqlite_reader(url: URL) -> Engine:
    path = Path(url.database or "")
    _check_there(path)
    address = f"{path.absolute().as_uri()}?mode=ro"
    with ledger_errors(url):
        try:
            _connected(address).close()
        except sqlite3.OperationalError as error:
            # Even readers keep a file beside a ledger (sqlite.org/wal.html#readonly). Without one they cannot know of
            # others who write; where nobody can, none is needed, unless writers have left something there.
            if os.access(path.parent, os.W_OK, effective_ids=True):
                raise DBAPIError("", None, error) from error
            log = Path(f"{path}-wal")
            if log.exists() and log.stat().st_size:
                raise ConfigurationError(
                    f"{described(url)}: its last changes are in {log.name}, and to read them takes a folder that can "
                    "be written. Copy all files of this folder to one."
                ) from error
            address = f"{path.absolute().as_uri()}?immutable=1"
    engine = create_engine(url, creator=lambda: _connected(address), hide_parameters=True)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _connected(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=LOCK_SECONDS, check_same_thread=False)
    # Somebody may have written what is no text: it is to be seen, not to end the reading.
    connection.text_factory = lambda text: text.decode(errors="replace")
    try:
        connection.execute("SELECT 1 FROM sqlite_master")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise ConfigurationError(f"There is no ledger at {path}: nothing was recorded there yet, or the path is wrong.")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # With a write-ahead log, readers and the one writer do not wait for each other. It stays with the file once set.
    deadline = time.monotonic() + LOCK_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # SQLite's own patience does not cover this one change: another process is at it, or just did it.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get(READS_ONLY, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {reads_only:d}")
    # A writer waits at its beginning: later, what it has read could be outdated, and it would have to start over.
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _postgres_engine(url: URL) -> Engine:
    engine = create_engine(
        url.update_query_dict({**POSTGRES_OPTIONS, **url.query}),
        pool_pre_ping=True,
        hide_parameters=True,
        executemany_mode="values_plus_batch",  # one round trip for many rows, also where rows are changed
    )
    if asks_for_entra(url):
        sign_in(engine)
    return engine
