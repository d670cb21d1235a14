"""What is asked all the time is answered from an index, however many images are done already."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, bindparam, insert, text, update

from baas_ledger import claims, lineage, records
from baas_ledger.engine import open_ledger, transaction
from baas_ledger.finish import finish
from baas_ledger.progress import read_progress
from baas_ledger.runs import finish_run
from baas_ledger.tables import NO_OUTCOME, ImageState, images
from tests.integration.ledger.builders import LEASE, NOON, PUBLISHED, claim, new_run, run_with
from tests.postgres import PostgresServer
from tests.query_plans import plans

IMAGES = 10_000
UNCOUNTED, PLANNED = "PostgreSQL that has no statistics yet", "PostgreSQL that counted when all was pending"
FEW = {0: "pending", 1: "leased", 2: "quarantined"}
SOON = NOON + timedelta(seconds=1)


def row(number: int) -> dict[str, object]:
    """One of many images: one in a hundred is pending, leased, quarantined; the others are published."""
    state = FEW.get(number % 100, "published")
    is_published, is_quarantined = state == "published", state == "quarantined"
    done = "sha256:0" if is_published else None
    return {
        "name": f"{number}.jpg",
        "source_version": "1",
        "size_bytes": 10,
        "state": state,
        "attempts": 1,
        "token": 1,
        "worker": "w",
        "lease_until": NOON if state == "leased" else None,
        **dict.fromkeys(("input_digest", "output_digest", "model_digest", "config_digest"), done),
        **dict.fromkeys(("output_size_bytes", "persons", "licence_plates"), 1 if is_published else None),
        **dict.fromkeys(("reason", "message"), "Damaged" if is_quarantined else None),
        "finished_at": NOON + timedelta(milliseconds=number) if is_published or is_quarantined else None,
    }


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL", UNCOUNTED, PLANNED])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, str]]:
    """A ledger with many images in every state, and its run."""
    server: PostgresServer | None = None if request.param == "SQLite" else request.getfixturevalue("postgres")
    url = server.create_database() if server else str(tmp_path_factory.mktemp("full") / "ledger.sqlite")
    engine = open_ledger(url)
    run_id = new_run(engine)
    rows = [{"run_id": run_id, **row(number)} for number in range(IMAGES)]
    with transaction(engine) as connection:
        if request.param == PLANNED:
            connection.execute(insert(images), [{**one, **NO_OUTCOME, "state": "pending"} for one in rows])
            connection.execute(text("ANALYZE"))
            connection.execute(
                update(images).where(images.c.name == bindparam("called")), [_named(one) for one in rows]
            )
        else:
            connection.execute(insert(images), rows)
        if request.param == "PostgreSQL":
            connection.execute(text("ANALYZE"))
    yield engine, run_id
    engine.dispose()
    if server:
        server.drop_database(url)


def _named(row: dict[str, object]) -> dict[str, object]:
    return {"called": row["name"], **{name: value for name, value in row.items() if name != "name"}}


def take(connection: Connection, run_id: str) -> object:
    return claims.claim(connection, run_id, worker="w", lease=LEASE, limit=10, max_attempts=3, now=SOON)


def finish_some(connection: Connection, run_id: str) -> None:
    held = claims.claim(connection, run_id, worker="w", lease=LEASE, limit=10, max_attempts=3, now=SOON)
    claims.renew(connection, held, lease=LEASE, now=SOON)
    finish(connection, run_id, [(one, PUBLISHED) for one in held[:5]], now=SOON)
    claims.release(connection, held[5:])


def test_a_lease_is_found_without_reading_all_leases(postgres_url: str) -> None:
    ledger = open_ledger(postgres_url)
    run_id = run_with(ledger, [str(number) for number in range(1_000)])
    with transaction(ledger) as connection:
        connection.execute(text("ANALYZE"))  # none is leased yet, for all that PostgreSQL knows
    held = claim(ledger, run_id, 100)

    def go_on(connection: Connection) -> None:
        claims.renew(connection, held[:1], lease=LEASE, now=NOON)
        finish(connection, run_id, [(held[0], PUBLISHED)], now=NOON)
        claims.release(connection, held[1:2])

    seen = plans(ledger, go_on)
    assert "pk_images" in seen, seen
    assert "ix_images_leased" not in seen, seen
    ledger.dispose()


def _first_page(connection: Connection) -> Iterator[object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lineage, "PAGE", 10)  # of a million it would be a thousand
        yield next(lineage.made_by(connection.engine, "sha256:model", "safe"))


@pytest.mark.parametrize(
    ("action", "indexes"),
    [
        pytest.param(take, ["ix_images_leased", "ix_images_pending"], id="claiming"),
        pytest.param(finish_some, [], id="renewing, finishing, releasing"),
        pytest.param(finish_run, ["ix_images_pending", "ix_images_leased"], id="asking whether a run is done"),
        pytest.param(
            lambda connection, run_id: read_progress(connection, run_id, now=NOON + timedelta(seconds=20)),
            ["ix_images_finished"],
            id="progress",
        ),
        pytest.param(
            lambda connection, run_id: records.images(connection, run_id, state=ImageState.QUARANTINED, limit=10),
            ["ix_images_quarantined"],
            id="listing the quarantined",
        ),
        pytest.param(
            lambda connection, run_id: records.images(connection, run_id, after="5", limit=10),
            [],
            id="listing all",
        ),
        pytest.param(
            lambda connection, _: lineage.names_made_by(connection, "sha256:model", "safe", ["5.jpg", "100.jpg"]),
            [],
            id="asking who made what stands under some names",
        ),
        pytest.param(lambda connection, _: next(_first_page(connection)), [], id="listing what a model made"),
    ],
)
def test_no_frequent_question_reads_the_whole_table(
    full: tuple[Engine, str], action: Callable[[Connection, str], object], indexes: list[str]
) -> None:
    engine, run_id = full
    seen = plans(engine, lambda connection: action(connection, run_id))
    assert seen
    assert "Seq Scan on images" not in seen, seen
    assert "SCAN images" not in seen, seen
    for index in indexes:
        assert index in seen, seen


@pytest.mark.parametrize("full", ["SQLite", "PostgreSQL"], indirect=True)
@pytest.mark.parametrize(
    ("question", "indexes"),
    [
        pytest.param(
            "SELECT count(*) FROM image_processing_status WHERE processing_status = 'inprogress'",
            ["ix_images_leased"],
            id="what is in progress",
        ),
        pytest.param(
            "SELECT image_filename FROM image_processing_status WHERE processing_status = 'quarantined'",
            ["ix_images_quarantined"],
            id="what is quarantined",
        ),
        pytest.param(
            "SELECT processing_status FROM image_processing_status WHERE image_filename = '5.jpg'", [], id="one image"
        ),
        pytest.param(
            "SELECT * FROM detection_information WHERE image_filename = '5.jpg'", [], id="the detections of one image"
        ),
        pytest.param("SELECT * FROM batch_run_information", [], id="runs"),
    ],
)
def test_dashboards_of_the_earlier_service_read_no_whole_table(
    full: tuple[Engine, str], question: str, indexes: list[str]
) -> None:
    engine, _ = full
    seen = plans(engine, lambda connection: connection.execute(text(question)), ["_information", "_status"])
    assert seen
    for whole in ("Seq Scan on images", "SCAN i ", "SCAN i\n", "SCAN d ", "SCAN d\n"):
        assert whole not in f"{seen}\n", seen
    for index in indexes:
        assert index in seen, seen
