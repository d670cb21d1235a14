"""Which images of a source are finished is told of any number of runs."""

import sqlite3

from sqlalchemy import Connection, Engine

from baas_ledger.chunks import CHUNK
from baas_ledger.corrections import begin_correction
from baas_ledger.engine import reading, transaction
from baas_ledger.finished import Output, finished
from baas_ledger.runs import find_run

from .builders import PUBLISHED, claim, entry, new_run, plan, publish
from .test_corrections import CORRECTED

NAMES = [f"{number:04}.jpg" for number in range(CHUNK)]
LAST = NAMES[-1]


def refuse_long_statements(connection: Connection) -> None:
    """Let SQLite take few more variables than a question has names: it takes 32,766, which 33 runs exceed."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, CHUNK + 10)


def outputs(ledger: Engine) -> dict[str, Output]:
    with reading(ledger) as connection:
        refuse_long_statements(connection)
        return finished(
            connection,
            "safe",
            dict.fromkeys(NAMES, "1"),
            model_digest=PUBLISHED.model_digest,
            config_digest=PUBLISHED.config_digest,
        )


def test_many_runs_of_many_pictures_into_one_destination_are_looked_at(ledger: Engine) -> None:
    for source in ("first", "second"):
        plan(ledger, new_run(ledger, source=source), map(entry, NAMES))
    run_id = new_run(ledger)
    plan(ledger, run_id, map(entry, NAMES))
    held = claim(ledger, run_id, len(NAMES))
    publish(ledger, next(one for one in held if one.name == LAST))
    wanted = Output(size_bytes=PUBLISHED.output_size_bytes, version=PUBLISHED.output_version)
    assert outputs(ledger) == {LAST: wanted}
    with transaction(ledger) as connection:
        run = find_run(connection, run_id)
        assert run is not None
        begin_correction(connection, run, LAST, CORRECTED)
    assert outputs(ledger) == {}
