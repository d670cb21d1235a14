"""Each fate is recorded in the transaction that decides it, on both databases, and agrees with the ledger's tables."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import ConfigurationError
from baas_ledger import tables
from baas_ledger.audit import chain_end, records, records_of, signing
from baas_ledger.chain import START, Record, broken_link
from baas_ledger.claims import LeaseLost
from baas_ledger.contradictions import contradiction
from baas_ledger.corrections import begin_correction, corrections_by_name, finish_correction
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import Corrected, Correction, Quarantined
from baas_ledger.plan import plan_images
from baas_ledger.progress import miscounted
from baas_ledger.records import detections, images
from baas_ledger.reopen import reopen, retry_quarantined
from baas_ledger.runs import find_run

from .builders import (
    LEASE,
    NOON,
    PUBLISHED,
    claim,
    entry,
    excluded,
    new_run,
    publish,
    quarantine,
    run_with,
    unreadable,
)


def all_records(engine: Engine, run_id: str) -> list[Record]:
    with reading(engine) as connection:
        return records(connection, run_id)


def kinds(engine: Engine, run_id: str) -> list[tuple[str, str]]:
    return [(record.facts["image"], record.kind) for record in all_records(engine, run_id)]


def contradictions(engine: Engine, run_id: str) -> list[str]:
    with reading(engine) as connection:
        page = images(connection, run_id)
        ids = [image.id for image in page]
        found, told = detections(connection, ids), records_of(connection, ids)
        kept = corrections_by_name(connection, "safe", [image.name for image in page])
    sentences = (
        contradiction(image, found[image.id], told.get(image.id, []), kept.get(image.name, set())) for image in page
    )
    return [sentence for sentence in sentences if sentence is not None]


def assert_whole(engine: Engine, run_id: str) -> None:
    previous = START
    for number, record in enumerate(all_records(engine, run_id), start=1):
        assert broken_link(record, run_id=run_id, number=number, previous=previous) is None
        previous = record.digest
    with reading(engine) as connection:
        length = len(all_records(engine, run_id))
        assert chain_end(connection, run_id) == (length, previous, length)
    assert contradictions(engine, run_id) == []


def finished_run(engine: Engine) -> str:
    """One image of each fate: a.jpg published, b.jpg quarantined, c.jpg left out, d.jpg pending."""
    run_id = new_run(engine)
    plan_images(engine, run_id, [entry("a.jpg"), entry("b.jpg"), excluded("c.jpg"), entry("d.jpg")], now=NOON)
    first, second = claim(engine, run_id, 2)
    publish(engine, first, replace(PUBLISHED, evidence={"worker": "w1"}))
    quarantine(engine, second)
    return run_id


def test_each_fate_is_one_record_with_its_evidence(ledger: Engine) -> None:
    run_id = finished_run(ledger)

    assert kinds(ledger, run_id) == [("c.jpg", "excluded"), ("a.jpg", "published"), ("b.jpg", "quarantined")]
    facts = all_records(ledger, run_id)[1].facts
    assert {name: facts[name] for name in ("input", "output", "model", "configuration", "attempt", "at")} == {
        "input": "sha256:in",
        "output": "sha256:out",
        "model": "sha256:model",
        "configuration": "sha256:config",
        "attempt": 1,
        "at": NOON.isoformat(),
    }
    assert [one["class"] for one in facts["objects"]] == ["person", "licence_plate"]
    assert facts["second_look"] == {"looks": 2, "found_later": 1, "residuals": 3}
    assert_whole(ledger, run_id)


def test_a_fate_that_ends_is_recorded_and_the_next_one_too(ledger: Engine) -> None:
    run_id = finished_run(ledger)
    with transaction(ledger) as connection:
        reopen(connection, run_id, ["a.jpg"], now=NOON)
    with transaction(ledger) as connection:
        retry_quarantined(connection, run_id, now=NOON)
    assert_whole(ledger, run_id)

    plan_images(ledger, run_id, [entry("a.jpg", "2"), unreadable("b.jpg"), entry("c.jpg"), excluded("d.jpg")], now=NOON)
    (again,) = claim(ledger, run_id)
    publish(ledger, again)

    assert kinds(ledger, run_id)[3:] == [
        ("a.jpg", "reopened"),
        ("b.jpg", "reopened"),
        ("c.jpg", "reopened"),
        ("b.jpg", "quarantined"),
        ("d.jpg", "excluded"),
        ("a.jpg", "published"),
    ]
    assert_whole(ledger, run_id)


def test_an_image_without_an_attempt_left_is_recorded_as_quarantined(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a.jpg"])
    claim(ledger, run_id, max_attempts=1)

    assert claim(ledger, run_id, max_attempts=1, now=NOON + 2 * LEASE) == []

    (record,) = all_records(ledger, run_id)
    assert (record.kind, record.facts["reason"]) == ("quarantined", QuarantineReason.TOO_MANY_ATTEMPTS)
    assert_whole(ledger, run_id)


def test_finishing_twice_is_recorded_once_and_a_lost_lease_not_at_all(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a.jpg", "b.jpg"])
    ours, lost = claim(ledger, run_id, 2)
    claim(ledger, run_id, 2, worker="w2", now=NOON + 2 * LEASE)

    with pytest.raises(LeaseLost):
        publish(ledger, lost)
    assert all_records(ledger, run_id) == []

    (again, _) = claim(ledger, run_id, 2, worker="w3", now=NOON + 4 * LEASE)
    publish(ledger, again)
    publish(ledger, again)
    assert kinds(ledger, run_id) == [("a.jpg", "published")]
    assert ours.token != again.token


def test_workers_who_finish_at_the_same_time_make_one_chain(ledger: Engine) -> None:
    run_id = run_with(ledger, [f"{number:02}.jpg" for number in range(24)])
    claims = claim(ledger, run_id, 24)

    def finish(number: int) -> None:
        if number % 3:
            publish(ledger, claims[number])
        else:
            quarantine(ledger, claims[number])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(finish, range(24)))

    assert len(all_records(ledger, run_id)) == 24
    assert_whole(ledger, run_id)


def test_records_of_a_signing_ledger_carry_the_signature_of_their_digest(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a.jpg"])
    publish(signing(ledger, lambda digest: f"signed {digest}"), claim(ledger, run_id)[0])

    (record,) = all_records(ledger, run_id)
    assert record.signature == f"signed {record.digest}"


def test_names_and_messages_that_are_hard_to_write_are_recorded(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a\nb «é»\u2028.jpg"])
    (held,) = claim(ledger, run_id)
    quarantine(ledger, held, Quarantined(reason=QuarantineReason.DAMAGED, message="\0 \udce4"))

    assert all_records(ledger, run_id)[0].facts["message"] == "\\x00 \\udce4"
    assert_whole(ledger, run_id)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("a.jpg", {"output_digest": "sha256:other"}, "a.jpg: the record has output sha256:out, and the ledger has"),
        ("a.jpg", {"input_digest": "sha256:other"}, "a.jpg: the record has input sha256:in, and the ledger has"),
        ("a.jpg", {"model_digest": "sha256:other"}, "a.jpg: the record has model sha256:model, and the ledger has"),
        ("a.jpg", {"masked_share": 0.5}, "a.jpg: the record has masked_share 0.037, and the ledger has 0.5"),
        ("a.jpg", {"persons": 0}, "a.jpg: the ledger's numbers of persons and licence plates are not those"),
        ("a.jpg", {"source_deleted_at": NOON}, "a.jpg: record and ledger differ on whether or when its original"),
        ("a.jpg", {"second_looks": 1}, "a.jpg: the record has looks 2, and the ledger has 1"),
        ("a.jpg", {"found_later": 0}, "a.jpg: the record has found_later 1, and the ledger has 0"),
        ("a.jpg", {"residuals": 0}, "a.jpg: the record has residuals 3, and the ledger has 0"),
        ("a.jpg", {"timings": {"detect": 0.1}}, "a.jpg: the record has seconds {'detect': 0.5}, and the ledger has"),
        ("a.jpg", {"source_version": "2"}, "a.jpg: the record has source_version 1, and the ledger has 2"),
        ("a.jpg", {"worker": "somebody"}, "a.jpg: the record has worker w1, and the ledger has somebody"),
        ("a.jpg", {"attempts": 0}, "a.jpg: the record has attempt 1, and the ledger has 0"),
        ("a.jpg", {"finished_at": NOON + LEASE}, "a.jpg: the record has at 2026-06-01 12:00:00+00:00, and the ledger"),
        ("b.jpg", {"finished_at": NOON + LEASE}, "b.jpg: the record has at 2026-06-01 12:00:00+00:00, and the ledger"),
        ("c.jpg", {"source_version": "2"}, "c.jpg: the record has source_version 1, and the ledger has 2"),
        ("b.jpg", {"reason": "TooLarge"}, "b.jpg: the record has reason Damaged, and the ledger has TooLarge"),
        (
            "c.jpg",
            {"message": "No."},
            "c.jpg: the record has message It is on the exclude list., and the ledger has No.",
        ),
        (
            "d.jpg",
            {"state": "excluded", "message": "No."},
            "the ledger says that d.jpg is excluded, and no record says",
        ),
    ],
)
def test_a_changed_row_contradicts_its_record(
    ledger: Engine, name: str, values: dict[str, object], sentence: str
) -> None:
    run_id = finished_run(ledger)
    with transaction(ledger) as connection:
        connection.execute(update(tables.images).where(tables.images.c.name == name).values(**values))

    (found,) = contradictions(ledger, run_id)
    assert found.startswith(sentence)


def test_a_published_row_made_pending_contradicts_its_record(ledger: Engine) -> None:
    run_id = finished_run(ledger)
    with transaction(ledger) as connection:
        values = {**tables.NO_OUTCOME, "state": "pending"}
        connection.execute(update(tables.images).where(tables.images.c.name == "a.jpg").values(**values))
    assert contradictions(ledger, run_id) == ["the records say that a.jpg is published, and the ledger says pending"]


def test_a_changed_or_added_or_missing_detection_contradicts_its_record(ledger: Engine) -> None:
    run_id = finished_run(ledger)
    table = tables.detections
    with reading(ledger) as connection:
        row = dict(connection.execute(select(table).where(table.c.number == 0)).one()._mapping)

    for change in (
        update(table).where(table.c.number == 0).values(x=0.3),
        insert(table).values(**{**row, "number": 2}),
        delete(table).where(table.c.number == 1),
    ):
        with ledger.connect() as connection:
            connection.execute(change)
            (image, *_) = images(connection, run_id)
            found, told = detections(connection, [image.id]), records_of(connection, [image.id])
            sentence = contradiction(image, found[image.id], told[image.id])
            connection.rollback()
        assert sentence is not None
        assert "objects are not the ledger's" in sentence
    assert contradictions(ledger, run_id) == []


BOX = Correction(object_class=ObjectClass.PERSON, x=0.1, y=0.2, width=0.3, height=0.4, padding=0.1, reference="118")


def correct(engine: Engine, run_id: str) -> None:
    corrected = Corrected(
        earlier_digest="sha256:out", output_digest="sha256:more", output_size_bytes=9, masked_share=0.1, added=(BOX,)
    )
    with transaction(engine) as connection:
        run = find_run(connection, run_id)
        assert run is not None
        begin_correction(connection, run, "a.jpg", corrected, now=NOON)
        finish_correction(connection, run, "a.jpg", corrected, output_version="2", now=NOON)


def test_a_correction_that_was_taken_away_contradicts_its_record(ledger: Engine) -> None:
    run_id = finished_run(ledger)
    correct(ledger, run_id)
    assert_whole(ledger, run_id)
    for change in (update(tables.corrections).values(x=0.2), delete(tables.corrections)):
        with transaction(ledger) as connection:
            connection.execute(change)
        (problem,) = contradictions(ledger, run_id)
        assert problem.startswith("a.jpg: the ledger lacks a correction that its records tell of")


def test_a_correction_that_a_publication_took_over_is_asked_for_too(ledger: Engine) -> None:
    run_id = run_with(ledger, ["a.jpg"])
    (held,) = claim(ledger, run_id)
    publish(ledger, held, replace(PUBLISHED, evidence={"corrections": [BOX.as_facts()]}))
    (problem,) = contradictions(ledger, run_id)
    assert problem.startswith("a.jpg: the ledger lacks a correction")


def test_counts_that_are_not_those_of_the_images_are_told(ledger: Engine) -> None:
    run_id = finished_run(ledger)
    with reading(ledger) as connection:
        assert miscounted(connection, run_id) == []
    with transaction(ledger) as connection:
        rows = tables.run_counts.c
        connection.execute(update(tables.run_counts).where(rows.state == "published").values(images=2, persons=0))
        connection.execute(delete(tables.run_counts).where(rows.state == "quarantined"))
    with reading(ledger) as connection:
        assert miscounted(connection, run_id) == [
            "the ledger counts 2 images, 0 persons and 1 licence plates as published, and its rows come to 1 images, 1 "
            "persons and 1 licence plates",
            "the ledger counts 0 images, 0 persons and 0 licence plates as quarantined Damaged, and its rows come to 1 "
            "images, 0 persons and 0 licence plates",
        ]


def test_a_run_without_a_chain_gets_one_with_its_first_record(ledger: Engine) -> None:
    """As runs have that were begun before there were any."""
    run_id = run_with(ledger, ["a.jpg"])
    with transaction(ledger) as connection:
        connection.execute(delete(tables.audit_chains))
    publish(ledger, claim(ledger, run_id)[0])
    assert kinds(ledger, run_id) == [("a.jpg", "published")]
    assert_whole(ledger, run_id)


def test_a_run_with_signatures_takes_no_record_without_but_of_what_is_reopened(ledger: Engine) -> None:
    signed = signing(ledger, lambda digest: f"signed {digest}")
    run_id = run_with(ledger, ["a.jpg", "b.jpg", "c.jpg"])
    first, second, _ = claim(ledger, run_id, 3)
    publish(ledger, first)  # nothing is signed so far
    quarantine(signed, second)
    with transaction(ledger) as connection:
        assert retry_quarantined(connection, run_id, now=NOON) == 1

    (again,) = claim(ledger, run_id)
    with pytest.raises(ConfigurationError, match=f"The records of run {run_id} are signed, and there is no key"):
        publish(ledger, again)
    with pytest.raises(ConfigurationError, match="give the key of that run with --audit-key"):
        correct(ledger, run_id)
    with pytest.raises(ConfigurationError, match="are signed"):
        new_run(ledger)

    assert kinds(ledger, run_id)[1:] == [("b.jpg", "quarantined"), ("b.jpg", "reopened")]
    publish(signed, again)
    assert_whole(ledger, run_id)
