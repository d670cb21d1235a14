"""What is imported from a database of the earlier service, on a real PostgreSQL server, into either kind of ledger."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import DBAPIError

from baas_crds.errors import ConfigurationError
from baas_ledger.earlier_database import CALLED, EarlierDatabase, open_earlier
from baas_ledger.earlier_imports import (
    EarlierImport,
    add_images,
    begin_import,
    check_imported,
    finish_import,
    kept,
    kept_names,
)
from baas_ledger.earlier_rows import EarlierImage, read_image
from baas_ledger.earlier_tables import EarlierState, earlier_detections
from baas_ledger.engine import reading, transaction
from baas_ledger.tables import runs
from tests import earlier_service
from tests.integration.ledger.builders import NOON, claim, entry, new_run, plan, publish, quarantine
from tests.postgres import PostgresServer

FINISHED = [f"october/street/{number}.jpg" for number in (1, 2, 3, 4, 6, 7)]


@pytest.fixture
def earlier_url(postgres: PostgresServer) -> Iterator[str]:
    """A database of the earlier service."""
    url = postgres.create_database()
    earlier_service.load(url)
    yield url
    postgres.drop_database(url)


def images_of(earlier: EarlierDatabase, counts: Counter[str], after: str = "") -> list[EarlierImage]:
    read = (read_image(rows, counts, redo_without_boxes=False) for rows in earlier.pictures("dataoffice", after))
    return [image for image in read if image is not None]


def import_all(ledger: Engine, url: str, *, below: str = "") -> None:
    with open_earlier(url) as earlier:
        counts: Counter[str] = Counter()
        with transaction(ledger) as connection:
            begun = begin_import(
                connection,
                destination="safe",
                origin="earlier",
                customer="dataoffice",
                below=below,
                redo_without_boxes=False,
            )
        with transaction(ledger) as connection:
            add_images(connection, begun, images_of(earlier, counts), last_name="z", counts=counts)
        with transaction(ledger) as connection:
            finish_import(connection, begun)


def kept_in(ledger: Engine, destination: str = "safe") -> list[str]:
    return [one.name for page in kept(ledger, destination) for one in page]


def boxes(ledger: Engine) -> int:
    with reading(ledger) as connection:
        return connection.scalar(select(func.count()).select_from(earlier_detections)) or 0


def test_pictures_come_name_by_name_without_line_ends(earlier_url: str) -> None:
    with open_earlier(earlier_url) as earlier:
        assert earlier.customers() == ["dataoffice", "otheroffice"]
        assert earlier.number_of_names("dataoffice") == 9
        names = [rows[0].name for rows in earlier.pictures("dataoffice")]
        assert [rows[0].name for rows in earlier.pictures("otheroffice")] == ["street/1.jpg"]
    assert names == [f"october/street/{name}.jpg" for name in (*range(1, 10), "lost")]


def test_reading_goes_on_behind_a_name(earlier_url: str) -> None:
    with open_earlier(earlier_url) as earlier:
        rest = [image.name for image in images_of(earlier, Counter(), after="october/street/6.jpg")]
    assert rest == ["october/street/7.jpg", "october/street/8.jpg", "october/street/9.jpg"]


def test_nothing_can_be_written_to_the_earlier_database(earlier_url: str) -> None:
    with open_earlier(earlier_url) as earlier, pytest.raises(DBAPIError, match="read-only transaction"):
        earlier.connection.execute(text("DELETE FROM private_schema_blur.image_processing_status"))


def test_a_version_without_scores_is_read(earlier_url: str) -> None:
    earlier_service.run(earlier_url, "ALTER TABLE private_schema_blur.detection_information DROP COLUMN conf_score")
    with open_earlier(earlier_url) as earlier:
        first = images_of(earlier, Counter())[0]
    assert [box.score for box in first.boxes] == [None, None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "ALTER SCHEMA private_schema_blur RENAME TO other",
            rf"{CALLED} .* has no table private_schema_blur\.image_processing_status: name the schema .* --schema",
        ),
        (
            "ALTER TABLE private_schema_blur.detection_information DROP COLUMN x_norm",
            r"private_schema_blur\.detection_information lacks x_norm, so it is no table of the earlier service",
        ),
    ],
)
def test_a_database_of_another_shape_is_refused(earlier_url: str, change: str, message: str) -> None:
    earlier_service.run(earlier_url, change)
    with pytest.raises(ConfigurationError, match=message), open_earlier(earlier_url):
        pass


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("earlier.sqlite", rf"{CALLED} is on PostgreSQL"),
        ("postgresql://nobody:secret@127.0.0.1:1/blur", rf"{CALLED} blur on PostgreSQL at 127\.0\.0\.1:1 does not"),
    ],
)
def test_a_database_that_is_not_there_is_named_without_its_password(url: str, message: str) -> None:
    with pytest.raises(Exception, match=message) as caught, open_earlier(url):
        pass
    assert "secret" not in str(caught.value)


def test_importing_again_changes_nothing(ledger: Engine, earlier_url: str) -> None:
    import_all(ledger, earlier_url)
    assert (kept_in(ledger), boxes(ledger)) == (FINISHED, 5)
    import_all(ledger, earlier_url)
    assert (kept_in(ledger), boxes(ledger)) == (FINISHED, 5)


def test_a_later_import_has_what_is_there_by_then(ledger: Engine, earlier_url: str) -> None:
    import_all(ledger, earlier_url)
    earlier_service.run(
        earlier_url,
        """
        UPDATE private_schema_blur.image_processing_status SET processing_status = 'processed'
         WHERE image_filename = 'october/street/9.jpg';
        DELETE FROM private_schema_blur.image_processing_status WHERE image_filename LIKE 'october/street/1.jpg%';
        """,
    )
    import_all(ledger, earlier_url)
    assert kept_in(ledger) == [*FINISHED[1:], "october/street/9.jpg"]
    assert boxes(ledger) == 3


def test_an_interrupted_import_goes_on_and_keeps_nothing_until_its_end(ledger: Engine, earlier_url: str) -> None:
    wish = {"destination": "safe", "origin": "earlier", "customer": "dataoffice", "redo_without_boxes": False}
    with open_earlier(earlier_url) as earlier:
        read = images_of(earlier, Counter())
    with transaction(ledger) as connection:
        begun = begin_import(connection, below="", **wish)
        assert begun.last_name == ""
    with transaction(ledger) as connection:
        add_images(connection, begun, read[:3], last_name=read[2].name, counts=Counter(finished=3))
    with pytest.raises(ConfigurationError, match="was interrupted: repeat the same"), reading(ledger) as connection:
        check_imported(connection, "safe")
    with transaction(ledger) as connection:
        again = begin_import(connection, below="", **wish)
    assert (again.last_name, again.counts, again.begun_at) == (read[2].name, {"finished": 3}, begun.begun_at)
    with transaction(ledger) as connection:
        add_images(connection, again, read[3:], last_name="z", counts=Counter())
    with transaction(ledger) as connection:
        assert finish_import(connection, again) == 0
        check_imported(connection, "safe")
    assert kept_in(ledger) == FINISHED


def test_another_folder_replaces_what_was_imported_before(ledger: Engine, earlier_url: str) -> None:
    import_all(ledger, earlier_url)
    with transaction(ledger) as connection:
        begun = begin_import(
            connection,
            destination="safe",
            origin="earlier",
            customer="dataoffice",
            below="october",
            redo_without_boxes=False,
        )
        assert begun.last_name == ""
        finish_import(connection, begun)
    assert (kept_in(ledger), boxes(ledger)) == ([], 0)


def begin(ledger: Engine, *, below: str = "", now: datetime | None = None) -> EarlierImport:
    with transaction(ledger) as connection:
        return begin_import(
            connection,
            destination="safe",
            origin="earlier",
            customer="dataoffice",
            below=below,
            redo_without_boxes=True,
            now=now,
        )


def add(ledger: Engine, begun: EarlierImport, name: str) -> None:
    one = EarlierImage(name=name, filename=name, uploaded_at=NOON, state=EarlierState.FINISHED)
    with transaction(ledger) as connection:
        add_images(connection, begun, [one], last_name=name, counts=Counter())


def finish(ledger: Engine, begun: EarlierImport) -> None:
    with transaction(ledger) as connection:
        finish_import(connection, begun)


@pytest.mark.parametrize("earlier_clock", [timedelta(minutes=1), timedelta(minutes=-1)])
def test_of_two_imports_of_other_folders_only_the_one_begun_last_is_kept(
    ledger: Engine, earlier_clock: timedelta
) -> None:
    first = begin(ledger, below="october", now=NOON)
    add(ledger, first, "of october.jpg")
    second = begin(ledger, below="november", now=NOON + earlier_clock)
    for go_on in (lambda: add(ledger, first, "more.jpg"), lambda: finish(ledger, first)):
        with pytest.raises(
            ConfigurationError, match=r"Another `baas earlier import` .* began or ended .* one at a time"
        ):
            go_on()
    with pytest.raises(ConfigurationError, match="was interrupted"), reading(ledger) as connection:
        check_imported(connection, "safe")
    add(ledger, second, "of november.jpg")
    finish(ledger, second)
    assert kept_in(ledger) == ["of november.jpg"]


def test_an_import_that_another_one_ended_writes_nothing_any_more(ledger: Engine) -> None:
    first, same = begin(ledger), begin(ledger)
    add(ledger, same, "a.jpg")
    finish(ledger, same)
    with pytest.raises(ConfigurationError, match="Another `baas earlier import`"):
        add(ledger, first, "b.jpg")
    with pytest.raises(ConfigurationError, match="Another `baas earlier import`"):
        finish(ledger, first)
    assert kept_in(ledger) == ["a.jpg"]


def test_what_a_run_publishes_or_refuses_is_the_earlier_services_no_more(ledger: Engine, earlier_url: str) -> None:
    import_all(ledger, earlier_url)
    run_id = new_run(ledger)
    plan(ledger, run_id, map(entry, FINISHED[:3]))
    assert kept_in(ledger) == FINISHED  # what waits still stands as it did
    first, second = claim(ledger, run_id, 2)
    publish(ledger, first)
    quarantine(ledger, second)
    assert kept_in(ledger) == FINISHED[2:]
    with reading(ledger) as connection:
        assert kept_names(connection, "safe", FINISHED) == set(FINISHED[2:])
        assert kept_names(connection, "elsewhere", FINISHED) == set()


def test_a_picture_that_any_import_leaves_undone_is_not_kept(ledger: Engine, earlier_url: str) -> None:
    import_all(ledger, earlier_url)
    with transaction(ledger) as connection:
        other = begin_import(
            connection, destination="safe", origin="other", customer="x", below="", redo_without_boxes=False
        )
        undone = EarlierImage(
            name=FINISHED[0], filename="x", uploaded_at=datetime(2025, 1, 1, tzinfo=UTC), state=EarlierState.PENDING
        )
        add_images(connection, other, [undone], last_name="x", counts=Counter())
    assert kept_in(ledger) == FINISHED[1:]


def test_the_views_show_what_was_imported_with_right_values(ledger: Engine, earlier_url: str) -> None:
    import_all(ledger, earlier_url)
    with reading(ledger) as connection:
        statuses = connection.execute(
            text("SELECT image_filename, image_customer_name, processing_status FROM image_processing_status")
        )
        assert sorted(statuses.all()) == [(name, "dataoffice", "processed") for name in FINISHED]
        found = connection.execute(
            text(
                "SELECT image_filename, has_detection, class_id, x_norm, y_norm, w_norm, h_norm, image_width, run_id"
                " FROM detection_information ORDER BY image_filename, class_id, x_norm"
            )
        ).all()
    assert [(row.image_filename[-5:], bool(row.has_detection), row.class_id) for row in found] == [
        ("1.jpg", True, 0),
        ("1.jpg", True, 1),
        ("2.jpg", True, 0),
        ("3.jpg", False, None),
        ("4.jpg", False, None),
        ("6.jpg", True, 1),
        ("7.jpg", True, 0),
    ]
    assert found[0][3:7] == pytest.approx((0.255, 0.525, 0.01, 0.05))
    assert found[5][3:7] == pytest.approx((0.5, 0.55, 0.005, 0.004))
    assert {row.run_id.partition(":")[0] for row in found} == {"earlier"}


def test_nothing_of_it_counts_as_published(ledger: Engine, earlier_url: str) -> None:
    import_all(ledger, earlier_url)
    with reading(ledger) as connection:
        assert connection.scalar(select(func.count()).select_from(runs)) == 0
    with reading(ledger) as connection:
        assert connection.execute(text("SELECT * FROM batch_run_information")).all() == []


def test_boxes_outside_of_the_picture_cannot_be_kept(ledger: Engine, earlier_url: str) -> None:
    import_all(ledger, earlier_url)
    with pytest.raises(DBAPIError, match="size_is_a_share"), transaction(ledger) as connection:
        connection.execute(update(earlier_detections).values(width=80))
