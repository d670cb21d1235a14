"""Every test that takes `ledger` runs on SQLite and on a real PostgreSQL server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from baas_ledger.engine import open_ledger
from tests.postgres import PostgresServer, postgres, postgres_url

__all__ = ["postgres", "postgres_url"]


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """The name of a database with an empty ledger, to be copied."""
    url = postgres.create_database()
    open_ledger(url).dispose()
    return make_url(url).database or ""


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an empty ledger is, on either database."""
    if request.param == "sqlite":
        yield str(tmp_path / "ledger.sqlite")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database(request.getfixturevalue("postgres_template"))
    yield url
    server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two places where nothing is yet, on either database."""
    if request.param == "sqlite":
        yield str(tmp_path / "first.sqlite"), str(tmp_path / "second.sqlite")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    urls = server.create_database(), server.create_database()
    yield urls
    for url in urls:
        server.drop_database(url)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Engine]:
    """An empty ledger."""
    engine = open_ledger(ledger_url)
    yield engine
    engine.dispose()
