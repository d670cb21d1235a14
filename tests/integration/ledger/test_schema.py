"""Creating and migrating a ledger."""

import multiprocessing
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, column, create_engine, func, select, table, text, update

from baas_crds.errors import ConfigurationError
from baas_ledger.engine import open_ledger, parsed, reading, transaction
from baas_ledger.schema import VERSION_TABLE
from baas_ledger.tables import metadata, runs

ROOT = Path(__file__).resolve().parents[3]

DEFINITIONS = {
    "sqlite": """
        SELECT type, name, sql FROM sqlite_master
         WHERE tbl_name <> :version AND sql IS NOT NULL AND type <> 'view'
    """,
    "postgresql": """
        SELECT 'constraint', conrelid::regclass::text || ' ' || conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> :version
        UNION ALL
        SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> :version
        UNION ALL
        SELECT 'column', table_name || ' ' || column_name,
               concat_ws(' ', data_type, is_nullable, column_default, collation_name)
          FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
         WHERE table_schema = 'public' AND table_name <> :version AND table_type <> 'VIEW'
    """,
}


@contextmanager
def plain(url: str) -> Iterator[Engine]:
    """An engine without any of our preparations."""
    engine = create_engine(parsed(url))
    try:
        yield engine
    finally:
        engine.dispose()


def definitions(engine: Engine) -> list[tuple[str, str, list[str]]]:
    with engine.connect() as connection:
        rows = connection.execute(text(DEFINITIONS[engine.dialect.name]), {"version": VERSION_TABLE}).all()
    # The order of columns and constraints within a table means nothing: a migration adds them behind the others.
    return sorted(
        (kind, name, sorted(re.split(" ?, (?=CONSTRAINT|[a-z_]+ [A-Z])", " ".join(definition.split())[:-1].rstrip())))
        if kind == "table"
        else (kind, name, [" ".join(definition.split())])
        for kind, name, definition in rows
    )


def test_migrations_from_nothing_give_exactly_the_tables_in_the_code(empty_urls: tuple[str, str]) -> None:
    open_ledger(empty_urls[0]).dispose()
    with plain(empty_urls[0]) as migrated, plain(empty_urls[1]) as created:
        metadata.create_all(created)
        assert definitions(migrated) == definitions(created)
        with migrated.connect() as connection:
            options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
            assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_any_number_of_processes_may_create_a_ledger_at_once(empty_urls: tuple[str, str]) -> None:
    fork = multiprocessing.get_context("fork")
    together = fork.Barrier(8)

    def open_it() -> None:
        together.wait()
        engine = open_ledger(empty_urls[0])
        with transaction(engine) as connection:
            connection.execute(select(runs))

    processes = [fork.Process(target=open_it) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8


def test_a_ledger_that_fits_is_opened_without_writing(ledger: Engine, ledger_url: str) -> None:
    with transaction(ledger):  # on SQLite a second writer would wait for this one
        open_ledger(ledger_url).dispose()
        open_ledger(ledger_url, migrate=False).dispose()


def test_a_newer_ledger_is_left_alone(ledger: Engine, ledger_url: str) -> None:
    with transaction(ledger) as connection:
        connection.execute(update(table(VERSION_TABLE, column("version_num"))).values(version_num="9999"))
    for migrate in (True, False):
        with pytest.raises(ConfigurationError, match=r"has schema 9999, which is newer .* update the software"):
            open_ledger(ledger_url, migrate=migrate)


def test_a_reader_does_not_migrate(empty_urls: tuple[str, str]) -> None:
    with plain(empty_urls[0]) as engine, engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA user_version = 1"))  # makes the file
    with pytest.raises(ConfigurationError, match=r"has schema none, this software needs 0007: migrate it first"):
        open_ledger(empty_urls[0], migrate=False)


def test_another_applications_tables_are_left_alone(empty_urls: tuple[str, str]) -> None:
    with plain(empty_urls[0]) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE images (path TEXT)"))
    for migrate in (True, False):
        with pytest.raises(ConfigurationError, match=r"is no ledger: it has other tables \(images\)"):
            open_ledger(empty_urls[0], migrate=migrate)
    with plain(empty_urls[0]) as engine, engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM images")) == 0


def test_a_migration_that_fails_leaves_nothing_behind(empty_urls: tuple[str, str]) -> None:
    # A view in the way of the last table: the check for another application's tables does not see it.
    with plain(empty_urls[0]) as engine, engine.begin() as connection:
        connection.execute(text("CREATE VIEW run_counts AS SELECT 1 AS one"))
    with pytest.raises(Exception, match="run_counts"):
        open_ledger(empty_urls[0])
    with plain(empty_urls[0]) as engine, engine.begin() as connection:
        names = engine.dialect.get_table_names(connection)
    assert names == []


def test_the_installed_wheel_carries_its_migrations(tmp_path: Path, empty_urls: tuple[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True, stdout=2
    )
    [wheel] = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    program = (
        "import sys, baas_ledger; from baas_ledger.engine import open_ledger\n"
        "assert baas_ledger.__file__.startswith(sys.argv[1]), baas_ledger.__file__\n"
        "open_ledger(sys.argv[2])"
    )
    installed = str(tmp_path / "installed")
    subprocess.run(
        [sys.executable, "-c", program, installed, empty_urls[0]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": installed},
        check=True,
    )
    engine = open_ledger(empty_urls[0], migrate=False)
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(runs)) == 0
    engine.dispose()
