"""The chain of audit records: nothing in it can be changed unseen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_ledger.chain import START, Record, RecordKind, body_of, broken_link, digest_of_body

LENGTH = 5


def chain(run_id: str = "run", length: int = LENGTH) -> list[Record]:
    made: list[Record] = []
    previous = START
    for number in range(1, length + 1):
        facts = {"run": run_id, "number": number, "previous": previous, "kind": "published", "image": f"{number}.jpg"}
        body = body_of(facts)
        previous = digest_of_body(body)
        made.append(
            Record(
                number=number,
                image_id=number,
                kind=RecordKind.PUBLISHED,
                body=body,
                digest=previous,
                signature=None,
            )
        )
    return made


def first_broken(records: list[Record]) -> int | None:
    """The place of the first broken link, counted from 1."""
    previous = START
    for number, record in enumerate(records, start=1):
        if broken_link(record, run_id="run", number=number, previous=previous) is not None:
            return number
        previous = record.digest
    return None


def test_a_chain_that_nobody_touched_is_whole() -> None:
    assert first_broken(chain()) is None


@given(st.integers(0, LENGTH - 1), st.data())
def test_any_other_text_breaks_its_own_link(place: int, data: st.DataObject) -> None:
    records = chain()
    body = records[place].body
    at = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != body[at]))
    records[place] = replace(records[place], body=body[:at] + other + body[at + 1 :])
    assert first_broken(records) == place + 1


@given(st.integers(0, LENGTH - 1))
def test_a_text_with_its_own_new_digest_breaks_the_next_link(place: int) -> None:
    records = chain()
    body = records[place].body.replace(".jpg", ".png")
    records[place] = replace(records[place], body=body, digest=digest_of_body(body))
    assert first_broken(records) == (place + 2 if place + 1 < LENGTH else None)  # the end's digest tells of the last


@given(st.integers(0, LENGTH - 2))
def test_a_missing_record_is_noticed_where_it_was(place: int) -> None:
    records = chain()
    del records[place]
    assert first_broken(records) == place + 1


@given(st.integers(0, LENGTH - 2), st.integers(1, LENGTH - 1))
def test_records_in_another_order_are_noticed(place: int, distance: int) -> None:
    records = chain()
    other = min(place + distance, LENGTH - 1)
    records[place], records[other] = records[other], records[place]
    assert first_broken(records) == place + 1


def test_a_record_of_another_run_does_not_fit() -> None:
    ours, theirs = chain(), chain("another")
    assert broken_link(theirs[0], run_id="run", number=1, previous=START) == "record 1 belongs to another run or place"
    assert first_broken([theirs[0], *ours[1:]]) == 1


def test_a_record_whose_kind_was_changed_beside_its_text_is_noticed() -> None:
    record = replace(chain()[0], kind=RecordKind.EXCLUDED)
    assert broken_link(record, run_id="run", number=1, previous=START) == "record 1 belongs to another run or place"


@pytest.mark.parametrize("body", ["[]", "nothing", '"text"'])
def test_a_text_that_is_no_object_is_broken_though_its_digest_fits(body: str) -> None:
    record = replace(chain()[0], body=body, digest=digest_of_body(body))
    sentence = broken_link(record, run_id="run", number=1, previous=START)
    assert sentence is not None
    assert sentence.startswith("record 1 cannot be read")


@given(
    st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False)))
)
def test_equal_facts_are_one_text_in_whatever_order_they_come(facts: dict[str, object]) -> None:
    assert body_of(dict(reversed(facts.items()))) == body_of(facts)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        body_of({"share": float("nan")})
