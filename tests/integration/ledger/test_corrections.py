"""Corrections are known before their file is replaced and recorded after it, and outlive the run."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, update

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_ledger import tables
from baas_ledger.corrections import (
    begin_correction,
    corrections_of,
    finish_correction,
    hold,
    interrupted,
    interrupted_names,
    runs_with_output,
)
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import Corrected, Correction, Run
from baas_ledger.plan import MAX_NAME_BYTES, plan_images
from baas_ledger.reopen import reopen
from baas_ledger.runs import find_run, open_run

from .builders import LEASE, NOON, PUBLISHED, claim, entry, image, publish, run_with
from .test_audit import all_records, assert_whole, kinds

FACE = Correction(
    object_class=ObjectClass.PERSON, x=0.99, y=0.25, width=0.02, height=0.1, padding=0.1, reference="2026-118"
)
PLATE = Correction(object_class=ObjectClass.LICENCE_PLATE, x=0.1, y=0.7, width=1 / 3, height=0.004, padding=0.5)
CORRECTED = Corrected(
    earlier_digest=PUBLISHED.output_digest,
    output_digest="sha256:corrected",
    output_size_bytes=7_900_000,
    masked_share=0.041,
    added=(FACE, PLATE),
    evidence={"method": "solid", "cells": 6},
)


def run_of(engine: Engine, run_id: str) -> Run:
    with reading(engine) as connection:
        found = find_run(connection, run_id)
    assert found is not None
    return found


def published(engine: Engine, name: str = "a.jpg") -> Run:
    """A run that has published one image."""
    run_id = run_with(engine, [name])
    publish(engine, claim(engine, run_id)[0])
    return run_of(engine, run_id)


def other_run(engine: Engine, first: Run, name: str = "a.jpg") -> Run:
    """A later run into the same destination, with another model."""
    with transaction(engine) as connection:
        run_id = open_run(
            connection,
            source=first.source,
            destination=first.destination,
            model_digest="sha256:newer",
            config_digest=first.config_digest,
            configuration={},
            now=NOON + timedelta(days=1),
        )
    plan_images(engine, run_id, [entry(name)], now=NOON)
    return run_of(engine, run_id)


def begin(engine: Engine, run: Run, what: Corrected = CORRECTED, *, name: str = "a.jpg", now: datetime = NOON) -> bool:
    with transaction(engine) as connection:
        return begin_correction(connection, run, name, what, now=now)


def finish(engine: Engine, run: Run, what: Corrected = CORRECTED, *, now: datetime = NOON) -> None:
    with transaction(engine) as connection:
        finish_correction(connection, run, "a.jpg", what, output_version="etag 2", now=now)


def known(engine: Engine, destination: str, name: str = "a.jpg") -> list[Correction]:
    with reading(engine) as connection:
        return corrections_of(connection, destination, name)


def left(engine: Engine, run: Run) -> Corrected | None:
    with reading(engine) as connection:
        return interrupted(connection, image(engine, run.id, "a.jpg").id)


def test_what_is_begun_is_known_for_this_name_and_destination_before_anything_else_changes(ledger: Engine) -> None:
    run = published(ledger)
    before = image(ledger, run.id, "a.jpg")

    assert begin(ledger, run)

    assert known(ledger, run.destination) == [FACE, PLATE]
    assert known(ledger, run.destination, "b.jpg") == known(ledger, "elsewhere") == []
    assert image(ledger, run.id, "a.jpg") == before
    assert left(ledger, run) == CORRECTED
    assert_whole(ledger, run.id)


def test_what_is_finished_is_in_the_row_and_in_a_record_which_agree(ledger: Engine) -> None:
    run = published(ledger)
    before = image(ledger, run.id, "a.jpg")
    begin(ledger, run)
    finish(ledger, run)

    assert image(ledger, run.id, "a.jpg") == replace(
        before,
        output_digest="sha256:corrected",
        output_size_bytes=7_900_000,
        output_version="etag 2",
        masked_share=0.041,
    )
    assert kinds(ledger, run.id) == [("a.jpg", "published"), ("a.jpg", "corrected")]
    facts = all_records(ledger, run.id)[-1].facts
    assert (facts["earlier"], facts["output"], facts["output_version"]) == ("sha256:out", "sha256:corrected", "etag 2")
    assert (facts["method"], facts["cells"]) == ("solid", 6)
    assert facts["added"][0] == {
        "class": "person",
        "x": 0.99,
        "y": 0.25,
        "width": 0.02,
        "height": 0.1,
        "padding": 0.1,
        "reference": "2026-118",
    }
    assert left(ledger, run) is None
    assert_whole(ledger, run.id)


def test_the_same_boxes_again_are_no_news_whatever_their_reference(ledger: Engine) -> None:
    run = published(ledger)
    begin(ledger, run)
    finish(ledger, run)
    again = replace(
        CORRECTED, earlier_digest=CORRECTED.output_digest, added=(PLATE, replace(FACE, reference="2026-300"))
    )

    assert not begin(ledger, run, again)

    assert known(ledger, run.destination) == [FACE, PLATE]
    assert left(ledger, run) is None


def test_a_box_that_changes_no_byte_is_news_all_the_same(ledger: Engine) -> None:
    run = published(ledger)
    assert begin(ledger, run, replace(CORRECTED, output_digest=CORRECTED.earlier_digest))


def test_an_interrupted_correction_may_be_begun_anew(ledger: Engine) -> None:
    run = published(ledger)
    begin(ledger, run)
    other = replace(CORRECTED, output_digest="sha256:by newer software")

    assert begin(ledger, run, other)

    assert left(ledger, run) == other
    assert known(ledger, run.destination) == [FACE, PLATE]


def test_corrections_stay_when_the_image_is_made_anew_and_the_interrupted_one_is_over(ledger: Engine) -> None:
    run = published(ledger)
    begin(ledger, run)
    with reading(ledger) as connection:
        assert interrupted_names(connection, run.id) == ["a.jpg"]
        assert interrupted_names(connection, other_run(ledger, run).id) == []

    with transaction(ledger) as connection:
        assert reopen(connection, run.id, ["a.jpg"], why="It was interrupted.", now=NOON) == 1

    assert all_records(ledger, run.id)[-1].facts["why"] == "It was interrupted."
    assert left(ledger, run) is None
    publish(ledger, claim(ledger, run.id)[0])
    assert known(ledger, run.destination) == [FACE, PLATE]
    assert_whole(ledger, run.id)


def test_an_image_whose_original_is_gone_cannot_be_made_anew(ledger: Engine) -> None:
    run = published(ledger)
    begin(ledger, run)
    with transaction(ledger) as connection:
        connection.execute(update(tables.images).values(source_deleted_at=NOON))
    with reading(ledger) as connection:
        assert interrupted_names(connection, run.id) == []


@pytest.mark.parametrize("step", [begin, finish])
def test_an_image_that_is_not_what_was_looked_at_is_left_alone(ledger: Engine, step: Callable[..., object]) -> None:
    run = published(ledger)
    with pytest.raises(ConfigurationError, match=r"a\.jpg was published anew or taken back meanwhile"):
        step(ledger, run, replace(CORRECTED, earlier_digest="sha256:older"))
    with transaction(ledger) as connection:
        reopen(connection, run.id, ["a.jpg"], now=NOON)
    with pytest.raises(ConfigurationError, match=r"a\.jpg was published anew or taken back meanwhile"):
        step(ledger, run)
    assert known(ledger, run.destination) == []


def test_while_a_worker_of_another_run_makes_the_picture_anew_it_is_not_corrected(ledger: Engine) -> None:
    run = published(ledger)
    newer = other_run(ledger, run)
    claim(ledger, newer.id, worker="pod-7")

    with pytest.raises(DependencyUnavailable, match=r"worker pod-7 of run .* is making this picture anew"):
        begin(ledger, run)
    assert known(ledger, run.destination) == []

    assert begin(ledger, run, now=NOON + 2 * LEASE)  # that worker must renew first


def test_of_many_who_finish_one_correction_one_does(ledger: Engine) -> None:
    run = published(ledger)
    begin(ledger, run)

    def try_it(_: int) -> bool:
        try:
            with transaction(ledger) as connection:
                hold(connection, run, "a.jpg", output_digest=CORRECTED.earlier_digest, now=NOON)
                finish_correction(connection, run, "a.jpg", CORRECTED, output_version=None, now=NOON)
        except ConfigurationError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, range(8))) == 1
    assert kinds(ledger, run.id) == [("a.jpg", "published"), ("a.jpg", "corrected")]
    assert_whole(ledger, run.id)


def test_a_run_that_began_before_there_were_records_gets_its_first(ledger: Engine) -> None:
    run = published(ledger)
    with transaction(ledger) as connection:
        connection.execute(delete(tables.audit_records))
        connection.execute(delete(tables.audit_chains))
    begin(ledger, run)
    finish(ledger, run)
    assert kinds(ledger, run.id) == [("a.jpg", "corrected")]


def test_the_runs_that_published_an_output_are_found_by_its_digest(ledger: Engine) -> None:
    run = published(ledger)
    newer = other_run(ledger, run)
    publish(ledger, claim(ledger, newer.id)[0])
    with reading(ledger) as connection:
        assert runs_with_output(connection, run.destination, "a.jpg", "sha256:out") == [newer.id, run.id]
        assert runs_with_output(connection, run.destination, "a.jpg", "sha256:other") == []
        assert runs_with_output(connection, "elsewhere", "a.jpg", "sha256:out") == []


def test_the_longest_names_and_texts_that_are_hard_to_write_are_kept(ledger: Engine) -> None:
    name = "".join(hashlib.sha256(f"{number}".encode()).hexdigest() for number in range(MAX_NAME_BYTES // 64))
    run = published(ledger, name)
    odd = replace(FACE, reference="\0 \udce4 «é»")
    assert begin(ledger, run, replace(CORRECTED, added=(odd,)), name=name)
    assert [one.reference for one in known(ledger, run.destination, name)] == ["\\x00 \\udce4 «é»"]
    with reading(ledger) as connection:
        assert interrupted_names(connection, run.id) == [name]
