"""Facts for tests of the ledger, short enough to read in one line."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_ledger import claims
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import (
    Claim,
    DetectedObject,
    ImageRecord,
    Outcome,
    PlannedImage,
    PlanResult,
    Progress,
    Published,
    Quarantined,
    SecondLook,
)
from baas_ledger.finish import finish
from baas_ledger.plan import plan_images
from baas_ledger.progress import counted
from baas_ledger.records import images
from baas_ledger.runs import finish_planning, open_run
from baas_ledger.tables import images as image_table
from baas_ledger.tables import run_counts

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=5)

PERSON = DetectedObject(object_class=ObjectClass.PERSON, score=0.9, x=0.25, y=0.5, width=0.01, height=0.05, joined=3)
PLATE_ON_THE_SEAM = DetectedObject(
    object_class=ObjectClass.LICENCE_PLATE, score=0.4, x=0.995, y=0.6, width=0.01, height=0.004
)

PUBLISHED = Published(
    input_digest="sha256:in",
    output_digest="sha256:out",
    output_size_bytes=8_000_000,
    model_digest="sha256:model",
    config_digest="sha256:config",
    width_px=8000,
    height_px=4000,
    masked_share=0.037,
    detections=(PERSON, PLATE_ON_THE_SEAM),
    second_look=SecondLook(looks=2, found_later=1, residuals=3),
    output_version="etag",
    timings={"detect": 0.5},
)
DAMAGED = Quarantined(reason=QuarantineReason.DAMAGED, message="Row 17 is damaged.", input_digest="sha256:in")


def entry(name: str, version: str = "1") -> PlannedImage:
    return PlannedImage(name=name, source_version=version, size_bytes=10)


def excluded(name: str) -> PlannedImage:
    return replace(entry(name), excluded="It is on the exclude list.")


def unreadable(name: str) -> PlannedImage:
    problem = Quarantined(reason=QuarantineReason.UNREADABLE, message="It cannot be opened.")
    return replace(entry(name, version=""), problem=problem)


def new_run(engine: Engine, *, source: str = "panoramas", destination: str = "safe", now: datetime = NOON) -> str:
    with transaction(engine) as connection:
        return open_run(
            connection,
            source=source,
            destination=destination,
            model_digest="sha256:model",
            config_digest="sha256:config",
            configuration={"cells": 6},
            now=now,
        )


def plan(engine: Engine, run_id: str, entries: Iterable[PlannedImage], *, now: datetime = NOON) -> PlanResult:
    """List a source and come to planning's end: nothing stands of what is left out."""
    result = plan_images(engine, run_id, entries, now=now)
    with transaction(engine) as connection:
        finish_planning(connection, run_id, result, now=now)
    return result


def run_with(engine: Engine, names: Iterable[str]) -> str:
    run_id = new_run(engine)
    plan(engine, run_id, map(entry, names))
    return run_id


def claim(
    engine: Engine, run_id: str, limit: int = 1, *, worker: str = "w1", max_attempts: int = 3, now: datetime = NOON
) -> list[Claim]:
    with transaction(engine) as connection:
        return claims.claim(
            connection, run_id, worker=worker, lease=LEASE, limit=limit, max_attempts=max_attempts, now=now
        )


def publish(engine: Engine, held: Claim, outcome: Published = PUBLISHED, *, now: datetime = NOON) -> None:
    finish_one(engine, held, outcome, now=now)


def quarantine(engine: Engine, held: Claim, outcome: Quarantined = DAMAGED, *, now: datetime = NOON) -> None:
    finish_one(engine, held, outcome, now=now)


def finish_one(engine: Engine, held: Claim, outcome: Outcome, *, now: datetime) -> None:
    """Raises `LeaseLost`."""
    with transaction(engine) as connection:
        lost = finish(connection, held.run_id, [(held, outcome)], now=now)
    if lost:
        raise lost[held]


def counts(engine: Engine, run_id: str) -> Progress:
    with reading(engine) as connection:
        return counted(connection, run_id)


def image(engine: Engine, run_id: str, name: str) -> ImageRecord:
    with reading(engine) as connection:
        return next(one for one in images(connection, run_id) if one.name == name)


def states(engine: Engine, run_id: str) -> dict[str, str]:
    with reading(engine) as connection:
        return {one.name: one.state.value for one in images(connection, run_id, limit=100_000)}


def assert_counters_are_true(engine: Engine) -> None:
    """Compare the counters with the rows that they count."""
    amounts = ("images", "persons", "licence_plates")
    kept = select(
        run_counts.c.run_id,
        run_counts.c.state,
        run_counts.c.reason,
        *(func.sum(run_counts.c[name]).label(name) for name in amounts),
    ).group_by(run_counts.c.run_id, run_counts.c.state, run_counts.c.reason)
    there = select(
        image_table.c.run_id,
        image_table.c.state,
        func.coalesce(image_table.c.reason, "").label("reason"),
        func.count().label("images"),
        *(func.coalesce(func.sum(image_table.c[name]), 0).label(name) for name in amounts[1:]),
    ).group_by(image_table.c.run_id, image_table.c.state, image_table.c.reason)
    with reading(engine) as connection:
        by_counters = {tuple(row) for row in connection.execute(kept) if any(row[3:])}
        by_rows = {tuple(row) for row in connection.execute(there)}
    assert by_counters == by_rows
