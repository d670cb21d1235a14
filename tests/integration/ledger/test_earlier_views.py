"""The views that have the names and columns of the earlier service's tables."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update

from baas_crds.errors import ConfigurationError
from baas_ledger.abandon import abandon
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.runs import finish_run
from baas_ledger.tables import images, runs
from tests import earlier_service
from tests.integration.ledger.builders import (
    LEASE,
    NOON,
    PUBLISHED,
    claim,
    entry,
    new_run,
    plan,
    publish,
    quarantine,
    run_with,
)
from tests.integration.ledger.test_schema import plain

NOBODY = replace(PUBLISHED, detections=())
COLUMNS = {
    "image_processing_status": ["image_customer_name", "image_upload_date", "image_filename", "processing_status"],
    "detection_information": [
        "id",
        "image_customer_name",
        "image_upload_date",
        "image_filename",
        "has_detection",
        "class_id",
        "x_norm",
        "y_norm",
        "w_norm",
        "h_norm",
        "image_width",
        "image_height",
        "run_id",
        "conf_score",
    ],
    "batch_run_information": ["run_id", "start_time", "end_time", "trained_yolo_model", "success", "error_code"],
}


def rows(engine: Engine, question: str) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(text(question)).mappings()]


def moments(found: Sequence[dict[str, Any]], column: str) -> set[datetime]:
    """SQLite gives text for what no table declares."""
    return {datetime.fromisoformat(str(row[column])) for row in found}


@pytest.mark.parametrize("view", COLUMNS)
def test_each_view_has_the_columns_of_the_table(ledger: Engine, view: str) -> None:
    with reading(ledger) as connection:
        assert list(connection.execute(select(text("*")).select_from(text(view))).keys()) == COLUMNS[view]


def test_each_image_has_the_status_of_its_fate(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"])
    plan(ledger, run_id, [replace(entry("f.jpg"), excluded="On request.")])
    first, second, third, _ = claim(ledger, run_id, 4)
    publish(ledger, first)
    quarantine(ledger, second)
    with transaction(ledger) as connection:  # one is being worked on still, the lease of the other ran out
        hour = timedelta(hours=1)
        now = datetime.now(NOON.tzinfo)
        connection.execute(update(images).where(images.c.id == third.image_id).values(lease_until=now + hour))
    found = rows(ledger, "SELECT * FROM image_processing_status")
    assert {row["image_filename"]: row["processing_status"] for row in found} == {
        "a.jpg": "processed",
        "b.jpg": "quarantined",
        "c.jpg": "inprogress",
        "d.jpg": "pending",
        "e.jpg": "pending",
        "f.jpg": "excluded",
    }
    assert moments(found, "image_upload_date") == {NOON.replace(tzinfo=None)}
    assert {row["image_customer_name"] for row in found} == {"panoramas"}


def test_the_customer_of_a_blurjob_is_its_namespace(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a.jpg"])
    with transaction(ledger) as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(configuration={"blurjob": "dataoffice/june"}))
    assert [row["image_customer_name"] for row in rows(ledger, "SELECT * FROM image_processing_status")] == [
        "dataoffice"
    ]


def test_detections_are_centres_and_sizes_in_shares(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a.jpg", "b.jpg"])
    first, second = claim(ledger, run_id, 2)
    publish(ledger, first)
    publish(ledger, second, NOBODY)
    person, plate, nobody = rows(ledger, "SELECT * FROM detection_information ORDER BY image_filename, class_id")
    assert (person["class_id"], plate["class_id"], nobody["class_id"]) == (0, 1, None)
    assert [bool(row["has_detection"]) for row in (person, plate, nobody)] == [True, True, False]
    box = ("x_norm", "y_norm", "w_norm", "h_norm")
    assert [person[name] for name in box] == pytest.approx([0.255, 0.525, 0.01, 0.05])
    # Its left half lies at the right edge of the picture, and its centre on the seam.
    assert [plate[name] for name in box] == pytest.approx([0.0, 0.602, 0.01, 0.004], abs=1e-9)
    assert [nobody[name] for name in box] == [None] * 4
    assert {(row["image_width"], row["image_height"], row["run_id"]) for row in (person, plate, nobody)} == {
        (8000, 4000, run_id)
    }
    assert (person["conf_score"], nobody["conf_score"]) == (0.9, None)
    assert len({row["id"] for row in (person, plate, nobody)}) == 3


def test_runs_tell_how_they_ended(ledger: Engine) -> None:
    done = run_with(ledger, ["a.jpg", "b.jpg"])
    first, second = claim(ledger, done, 2)
    publish(ledger, first)
    quarantine(ledger, second)
    with transaction(ledger) as connection:
        finish_run(connection, done, now=NOON + LEASE)
    given_up = new_run(ledger, source="elsewhere")
    going_on = new_run(ledger, source="third")
    with transaction(ledger) as connection:
        abandon(connection, [given_up])
    found = {row["run_id"]: row for row in rows(ledger, "SELECT * FROM batch_run_information")}
    told = {run_id: (row["success"], row["error_code"]) for run_id, row in found.items()}
    assert told == {done: (True, "1 quarantined"), given_up: (False, "Abandoned"), going_on: (None, None)}
    assert moments([found[done]], "start_time") == {NOON.replace(tzinfo=None)}
    assert moments([found[done]], "end_time") == {(NOON + LEASE).replace(tzinfo=None)}
    assert found[going_on]["end_time"] is None
    assert found[done]["trained_yolo_model"] == "sha256:model"


@pytest.fixture
def shared(postgres_url: str) -> str:
    """A database that has the earlier service's tables, in their own schema."""
    earlier_service.load(postgres_url)
    return postgres_url


def test_a_ledger_beside_the_earlier_tables_leaves_them_alone(shared: str) -> None:
    ledger = open_ledger(shared)
    run_with(ledger, ["a.jpg"])
    assert len(rows(ledger, "SELECT * FROM image_processing_status")) == 1
    assert len(rows(ledger, "SELECT * FROM private_schema_blur.image_processing_status")) == 18
    ledger.dispose()


def test_a_ledger_does_not_take_the_place_of_the_earlier_tables(shared: str) -> None:
    earlier_service.run(shared, "ALTER TABLE private_schema_blur.image_processing_status SET SCHEMA public")
    with pytest.raises(ConfigurationError, match=r"has image_processing_status already, and nothing was changed"):
        open_ledger(shared)
    with plain(shared) as engine, engine.connect() as connection:
        assert engine.dialect.get_table_names(connection) == ["image_processing_status"]


def test_dashboards_that_name_the_earlier_schema_find_the_views_there(shared: str) -> None:
    """As docs/migrating.md has it."""
    ledger = open_ledger(shared)
    run_with(ledger, ["a.jpg"])
    earlier_service.run(
        shared,
        """
        ALTER SCHEMA private_schema_blur RENAME TO before_baas;
        CREATE SCHEMA private_schema_blur;
        CREATE VIEW private_schema_blur.image_processing_status AS TABLE public.image_processing_status;
        """,
    )
    [row] = rows(ledger, "SELECT image_filename FROM private_schema_blur.image_processing_status")
    assert row["image_filename"] == "a.jpg"
    ledger.dispose()
