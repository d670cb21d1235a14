"""A private PostgreSQL server for tests, started from the machine's own package and gone with the test run.

A room's conftest.py takes the fixtures by `from tests.postgres import postgres, postgres_url`.
`BAAS_TEST_POSTGRES=postgresql://user:password@host/postgres` uses a server that is there already; the user must be
allowed to create databases.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

BINARIES = Path("/usr/lib/postgresql")
PASSWORD = "only-for-tests"
START_SECONDS = 60
INITIALLY = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
# Nothing here must survive a power cut, so nothing waits for the disk.
SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200", "jit=off")
AS_IN_AZURE = """
host    all postgres 127.0.0.1/32 scram-sha-256
hostssl all all      127.0.0.1/32 password
"""
"""Who is let in, and how: pg_hba.conf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server on which each test makes databases of its own."""

    admin_url: str

    def create_database(self, template: str = "template1") -> str:
        """Make a database, a copy of `template`, and return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return make_url(self.admin_url).set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def disconnect_all(self, url: str) -> None:
        """Break every connection to a database, as a restart of the server would."""
        gone = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s"
        self.execute(gone, make_url(url).database)

    def execute(self, statement: str, *values: object) -> None:
        """Run one statement as administrator, outside of any transaction."""
        connection = psycopg2.connect(self.admin_url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
        finally:
            connection.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database of this test alone."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Give the server of BAAS_TEST_POSTGRES, or a private one that ends with the block."""
    if given := os.environ.get("BAAS_TEST_POSTGRES"):
        yield PostgresServer(admin_url=given)
        return
    with private_server() as server:
        yield server


@contextmanager
def private_server(certificate: tuple[Path, Path] | None = None) -> Iterator[PostgresServer]:
    """Give a server that ends with the block.

    With a certificate and its key it is as Azure's with Microsoft Entra: all but the administrator come by TLS, and are
    asked for a password in clear text.
    """
    folder = Path(tempfile.mkdtemp(prefix="baas-postgres-"))
    try:
        with _running(folder, certificate) as url:
            yield PostgresServer(admin_url=url)
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(folder: Path, certificate: tuple[Path, Path] | None) -> Iterator[str]:
    data, log, port = folder / "data", folder / "log", _free_port()
    password = folder / "password"
    password.write_text(PASSWORD)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        shutil.chown(password, "postgres")
    subprocess.run(
        [*_as_server(), _program("initdb"), *INITIALLY, f"--pgdata={data}", f"--pwfile={password}"],
        check=True,
        stdout=subprocess.PIPE,
        cwd=folder,
    )
    settings = (*SETTINGS, f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}")
    if certificate is not None:
        settings += _with_tls(data, certificate)
    with log.open("w") as output:
        server = subprocess.Popen(
            [*_as_server(), _program("postgres"), "-D", data, *(f"--{setting}" for setting in settings)],
            stdout=output,
            stderr=output,
            cwd=folder,
        )
    url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
    try:
        _await(url, server, log)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown: clients are thrown out
        server.wait(timeout=30)


def _with_tls(data: Path, certificate: tuple[Path, Path]) -> tuple[str, ...]:
    (data / "pg_hba.conf").write_text(AS_IN_AZURE)
    for name, file in zip(("server.crt", "server.key"), certificate, strict=True):
        shutil.copyfile(file, data / name)
        (data / name).chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(data / name, "postgres")
    return ("ssl=on",)


def _as_server() -> list[str]:
    """Run as `postgres`, since PostgreSQL refuses root; ends with this process, even when that is killed."""
    prefix = ["setpriv", "--pdeathsig=INT"]
    if os.geteuid() == 0:
        prefix += ["--reuid=postgres", "--regid=postgres", "--init-groups"]
    return [*prefix, "--"]


def _program(name: str) -> Path:
    versions = sorted(BINARIES.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if not versions:
        raise RuntimeError(
            "These tests need PostgreSQL: `apt-get install --no-install-recommends postgresql`, or set "
            "BAAS_TEST_POSTGRES to the URL of a server."
        )
    return versions[-1].with_name(name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {error}\n{log.read_text()}") from error
            time.sleep(0.05)
        else:
            return
