"""What a person reads when the ledger cannot be used, and what they may wait for."""

import contextlib
import multiprocessing
import os
import shutil
import socket
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, make_url, select, text
from sqlalchemy.exc import DBAPIError

from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable
from baas_ledger.engine import open_ledger, open_to_read, reading, transaction
from baas_ledger.tables import runs
from tests.integration.ledger.builders import new_run, run_with
from tests.postgres import PASSWORD, PostgresServer

NOBODY = 65_534


def test_a_path_and_a_url_of_it_open_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "100% odd?name#.sqlite"
    engine = open_ledger(str(path))
    run_id = new_run(engine)
    engine.dispose()
    assert path.is_file()
    again = open_ledger(f"sqlite:///{str(path).replace('?', '%3F').replace('#', '%23').replace('100%', '100%25')}")
    with reading(again) as connection:
        assert connection.scalars(select(runs.c.id)).all() == [run_id]
    again.dispose()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_the_usual_ways_to_write_a_postgresql_url_are_accepted(postgres_url: str, scheme: str) -> None:
    open_ledger(postgres_url.replace("postgresql", scheme)).dispose()


def test_a_reader_of_a_ledger_that_is_not_there_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with pytest.raises(ConfigurationError, match=f"There is no ledger at {path}"):
        open_ledger(str(path), migrate=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder; give the path of a file in it"):
        open_ledger(str(tmp_path))


def test_a_ledger_in_a_folder_that_does_not_exist_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be opened\. Its folder must exist and be writable"):
        open_ledger(str(tmp_path / "missing" / "ledger.sqlite"))


@pytest.mark.parametrize("migrate", [True, False])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, migrate: bool) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(b"\xff\xd8\xff" * 1_000)
    with pytest.raises(ConfigurationError, match=r"is not a SQLite database\. Choose another file"):
        open_ledger(str(path), migrate=migrate)
    assert path.read_bytes() == b"\xff\xd8\xff" * 1_000


def test_a_damaged_ledger_says_so_when_the_damage_is_met(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    engine = open_ledger(str(path))
    run_with(engine, map(str, range(2_000)))
    with transaction(engine) as connection:
        page_bytes: int = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    engine.dispose()
    data = bytearray(path.read_bytes())
    for start in range(page_bytes * 20, len(data), page_bytes):
        data[start : start + 100] = os.urandom(100)
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"the file is damaged\. Restore it from a backup"):
        _read_everything(path)


def _read_everything(path: Path) -> None:
    engine = open_ledger(str(path), migrate=False)
    try:
        with reading(engine) as connection:
            connection.exec_driver_sql("SELECT * FROM images").all()
    finally:
        engine.dispose()


def test_a_truncated_ledger_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    open_ledger(str(path)).dispose()
    path.write_bytes(path.read_bytes()[:-10_000])
    with pytest.raises(ConfigurationError, match="the file is damaged"):
        _read_everything(path)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user of the machine may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="baas-ledger-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody(action: Callable[[], object]) -> str:
    """Run in a process without root's power to ignore permissions; return the error of ours that it met."""
    fork = multiprocessing.get_context("fork")
    answers = fork.SimpleQueue()

    def act() -> None:
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        try:
            action()
        except BaasError as error:
            answers.put(f"{type(error).__name__}: {error}")
        else:
            answers.put("no error")

    process = fork.Process(target=act)
    process.start()
    process.join()
    return str(answers.get())


def test_a_ledger_that_cannot_be_written_says_so(shared_folder: Path) -> None:
    path = shared_folder / "ledger.sqlite"
    open_ledger(str(path)).dispose()
    path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)

    def write() -> None:
        with transaction(open_ledger(str(path))):
            pass

    said = as_nobody(write)
    assert said.startswith(f"ConfigurationError: Ledger {path}: ")
    assert "read-only" in said or "must exist and be writable" in said


@pytest.mark.parametrize("is_open", [False, True], ids=["nobody has it open", "somebody writes it"])
def test_who_may_only_read_a_ledger_can_read_it(shared_folder: Path, is_open: bool) -> None:
    path = shared_folder / "ledger.sqlite"
    engine = open_ledger(str(path))
    with transaction(engine) as connection:
        connection.exec_driver_sql("UPDATE ledger_schema SET version_num = version_num")
    if not is_open:
        engine.dispose()
    path.chmod(0o444)
    before = sorted(shared_folder.iterdir())

    def read() -> None:
        reader = open_to_read(str(path))
        with reading(reader) as connection:
            connection.execute(select(runs)).all()
        reader.dispose()

    assert as_nobody(read) == "no error"
    assert sorted(shared_folder.iterdir()) == before
    engine.dispose()


def test_a_reader_makes_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no ledger at"):
        open_to_read(str(tmp_path / "ledger.sqlite"))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_cannot_write(ledger: Engine, ledger_url: str) -> None:
    run_id = new_run(ledger)
    reader = open_to_read(ledger_url)
    with pytest.raises(BaasError, match="read-only"), transaction(reader) as connection:
        connection.execute(delete(runs))
    with reading(reader) as connection:
        assert connection.scalars(select(runs.c.id)).all() == [run_id]
    reader.dispose()


def test_a_log_that_was_left_beside_a_ledger_is_not_overlooked(shared_folder: Path) -> None:
    """Its last changes are only in there, and a read-only folder keeps them from being read."""
    path, copy = shared_folder / "ledger.sqlite", shared_folder / "copy"
    engine = open_ledger(str(path))
    copy.mkdir()
    for name in ("ledger.sqlite", "ledger.sqlite-wal"):
        shutil.copy(shared_folder / name, copy / name)
    engine.dispose()
    said = as_nobody(lambda: open_to_read(str(copy / "ledger.sqlite")).dispose())
    assert "its last changes are in ledger.sqlite-wal" in said


def test_a_ledger_that_cannot_be_read_says_so(shared_folder: Path) -> None:
    path = shared_folder / "ledger.sqlite"
    open_ledger(str(path)).dispose()
    path.chmod(0)
    said = as_nobody(lambda: open_ledger(str(path)))
    assert said.startswith(f"ConfigurationError: Ledger {path}: the file cannot be opened.")


def test_a_ledger_that_another_process_keeps_locked_is_worth_waiting_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    engine = open_ledger(str(path))
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout = 0"))
    engine.dispose()  # from now on, connections do not wait half a minute
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DependencyUnavailable, match="another process keeps it locked"), transaction(engine):
            pass
        with reading(engine) as connection:  # reading goes on all the same
            assert connection.scalars(select(runs.c.id)).all() == []
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u:s3cret@host/db", "begins with mysql://; use postgresql:// or the path"),
        ("postgresql://u:s3cret@host:port/db", "The ledger's URL cannot be read; write postgresql://"),
        ("postgresql://u:s3cret@[::1/db", "The ledger's URL cannot be read; write postgresql://"),
        ("postgresql://u:un@s3cret@host/db", "The ledger's URL cannot be read; write postgresql://"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("", "needs a file"),
    ],
)
def test_a_url_that_means_nothing_is_explained_and_not_repeated(url: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        open_ledger(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"password": "s3cret"}, "password authentication failed", id="wrong password"),
        pytest.param({"username": "nobody"}, "password authentication failed", id="unknown user"),
        pytest.param({"database": "nothing"}, '"nothing" does not exist', id="unknown database"),
        pytest.param({"query": {"sslmode": "verify-full"}}, "refused the connection", id="no certificate"),
        pytest.param({"query": {"colour": "red"}}, 'invalid connection option "colour"', id="unknown option"),
    ],
)
def test_a_server_that_refuses_needs_another_setting(postgres_url: str, change: dict[str, Any], said: str) -> None:
    url = make_url(postgres_url).set(**change)
    with pytest.raises(ConfigurationError, match=said) as caught:
        open_ledger(url.render_as_string(hide_password=False))
    assert f"Ledger {url.database} on PostgreSQL at 127.0.0.1:{url.port}" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_server_that_is_not_there_is_worth_waiting_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        with pytest.raises(DependencyUnavailable, match=f"Ledger db on PostgreSQL at 127.0.0.1:{port} does not answer"):
            open_ledger(f"postgresql://u:s3cret@127.0.0.1:{port}/db")


def test_a_host_that_is_not_known_is_worth_waiting_for() -> None:
    with pytest.raises(DependencyUnavailable, match=r"Ledger db on PostgreSQL at postgres\.invalid does not answer"):
        open_ledger("postgresql://u:s3cret@postgres.invalid/db")


def test_a_connection_that_breaks_loses_its_transaction_and_the_next_one_works(
    postgres: PostgresServer, postgres_url: str
) -> None:
    engine = open_ledger(postgres_url)
    run_id = run_with(engine, ["a"])

    def be_disconnected() -> None:
        with transaction(engine) as connection:
            connection.execute(runs.update().values(source="changed"))
            postgres.disconnect_all(postgres_url)
            connection.execute(select(runs))

    with pytest.raises(DependencyUnavailable, match="does not answer"):
        be_disconnected()
    postgres.disconnect_all(postgres_url)  # now those that wait in the pool
    with reading(engine) as connection:
        assert connection.execute(select(runs.c.id, runs.c.source)).all() == [(run_id, "panoramas")]
    engine.dispose()


def test_a_user_without_rights_needs_another_setting(postgres: PostgresServer, postgres_url: str) -> None:
    open_ledger(postgres_url).dispose()
    role = make_url(postgres_url).database
    postgres.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'p'")
    url = make_url(postgres_url).set(username=role, password="p")
    try:
        with pytest.raises(ConfigurationError, match="permission denied"):
            open_ledger(url.render_as_string(hide_password=False))
    finally:
        postgres.execute(f'DROP ROLE "{role}"')


def test_a_fault_of_the_software_is_not_taken_for_a_failure_of_the_database(ledger: Engine) -> None:
    with pytest.raises(DBAPIError), transaction(ledger) as connection:
        connection.execute(text("SELECT nonsense"))


def test_what_is_raised_in_a_transaction_undoes_it(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a"])

    def change_and_fail() -> None:
        with transaction(ledger) as connection:
            connection.execute(runs.update().values(source="changed"))
            raise KeyError

    with pytest.raises(KeyError):
        change_and_fail()
    with reading(ledger) as connection:
        assert connection.execute(select(runs.c.id, runs.c.source)).all() == [(run_id, "panoramas")]


def test_reading_cannot_write(ledger: Engine) -> None:
    run_with(ledger, ["a"])
    with pytest.raises(BaasError), reading(ledger) as connection:
        connection.execute(runs.update().values(source="changed"))
