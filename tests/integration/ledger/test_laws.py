"""Whatever happens in whatever order, the ledger's laws hold."""

import itertools
import shutil
import sqlite3
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from sqlalchemy import event, func, select

from baas_crds.codes import QuarantineReason
from baas_ledger import claims, tables
from baas_ledger.claims import LeaseLost
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import Claim, DetectedObject, PlannedImage, Published, Quarantined
from baas_ledger.records import images
from baas_ledger.reopen import reopen, retry_quarantined
from baas_ledger.runs import finish_run
from tests.integration.ledger import builders
from tests.integration.ledger.builders import LEASE, NOON, PERSON, PLATE_ON_THE_SEAM, PUBLISHED

NAMES = st.sampled_from(["a", "b", "c", "d"])
MAX_ATTEMPTS = 3


@st.composite
def sources(draw: st.DrawFn) -> list[PlannedImage]:
    kinds = (builders.entry, lambda name: builders.entry(name, version="2"), builders.excluded, builders.unreadable)
    return [draw(st.sampled_from(kinds))(name) for name in draw(st.sets(NAMES))]


class LedgerMachine(RuleBasedStateMachine):
    """Workers, planners and people act in any order; claims are kept by workers that may be long dead."""

    held: Bundle[Claim] = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="baas-ledger-"))
        self.engine = open_ledger(str(self.folder / "ledger.sqlite"))
        event.listen(self.engine, "connect", _do_not_wait_for_the_disk)
        self.engine.dispose()
        self.now: datetime = NOON
        self.tokens: dict[int, int] = {}

    def teardown(self) -> None:
        self.engine.dispose()
        shutil.rmtree(self.folder)

    @initialize()
    def start(self) -> None:
        self.run_id = builders.new_run(self.engine)

    @rule(source=sources())
    def plan(self, source: list[PlannedImage]) -> None:
        builders.plan(self.engine, self.run_id, source, now=self.now)

    @rule(minutes=st.sampled_from([0, 1, 6]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(target=held, limit=st.integers(1, 4))
    def claim(self, limit: int) -> MultipleResults[Claim]:
        got = builders.claim(self.engine, self.run_id, limit, max_attempts=MAX_ATTEMPTS, now=self.now)
        for one in got:
            assert one.token > self.tokens.get(one.image_id, 0), "each lease has a token above all before"
            assert 1 <= one.attempt <= MAX_ATTEMPTS
            self.tokens[one.image_id] = one.token
        return multiple(*got)

    @rule(one=consumes(held), objects=st.lists(st.sampled_from([PERSON, PLATE_ON_THE_SEAM]), max_size=3))
    def publish(self, one: Claim, objects: list[DetectedObject]) -> None:
        self.finish_or_lose(one, replace(PUBLISHED, detections=tuple(objects)))

    @rule(one=held, reason=st.sampled_from([QuarantineReason.DAMAGED, QuarantineReason.UNUSABLE_NAME]))
    def quarantine(self, one: Claim, reason: QuarantineReason) -> None:
        self.finish_or_lose(one, Quarantined(reason=reason, message="Why."))

    def finish_or_lose(self, one: Claim, outcome: Published | Quarantined) -> None:
        with reading(self.engine) as connection:
            before = connection.execute(select(tables.images).where(tables.images.c.id == one.image_id)).one()
        was_ours = before.state == "leased" and before.token == one.token
        try:
            if isinstance(outcome, Published):
                builders.publish(self.engine, one, outcome, now=self.now)
            else:
                builders.quarantine(self.engine, one, outcome, now=self.now)
        except LeaseLost:
            assert not was_ours
            with reading(self.engine) as connection:
                after = connection.execute(select(tables.images).where(tables.images.c.id == one.image_id)).one()
            assert after == before

    @rule(one=held)
    def renew(self, one: Claim) -> None:
        with transaction(self.engine) as connection:
            claims.renew(connection, [one], lease=LEASE, now=self.now)

    @rule(one=held)
    def release(self, one: Claim) -> None:
        with transaction(self.engine) as connection:
            claims.release(connection, [one])

    @rule()
    def restart(self) -> None:
        with transaction(self.engine) as connection:
            claims.release_all(connection, self.run_id, now=self.now)

    @rule(names=st.lists(NAMES))
    def lose_outputs(self, names: list[str]) -> None:
        with transaction(self.engine) as connection:
            reopen(connection, self.run_id, names, now=self.now)

    @rule()
    def retry(self) -> None:
        with transaction(self.engine) as connection:
            retry_quarantined(connection, self.run_id, now=self.now)

    @rule()
    def finish(self) -> None:
        with transaction(self.engine) as connection:
            done = finish_run(connection, self.run_id, now=self.now)
        if done:
            assert builders.counts(self.engine, self.run_id).remaining == 0

    @invariant()
    def counters_equal_the_rows_they_count(self) -> None:
        builders.assert_counters_are_true(self.engine)

    @invariant()
    def detections_are_those_of_published_images_as_counted(self) -> None:
        per_class = select(tables.detections.c.image_id, tables.detections.c.object_class, func.count()).group_by(
            tables.detections.c.image_id, tables.detections.c.object_class
        )
        with reading(self.engine) as connection:
            found = {(image_id, kind): number for image_id, kind, number in connection.execute(per_class)}
            records = images(connection, self.run_id) if hasattr(self, "run_id") else []
        expected = itertools.chain.from_iterable(
            (((one.id, "person"), one.persons), ((one.id, "licence_plate"), one.licence_plates)) for one in records
        )
        assert found == {key: number for key, number in expected if number}


def _do_not_wait_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


LedgerMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCountersDetectionsAndTokensStayTrueWhateverHappens = LedgerMachine.TestCase
