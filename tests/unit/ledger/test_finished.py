"""When an image is finished, whatever runs did to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_ledger.finished import Done, is_finished
from baas_ledger.tables import ImageState

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HERE = Done(
    state=ImageState.PUBLISHED,
    at=NOON,
    source_version="1",
    model_digest="m",
    config_digest="c",
    output_digest="o",
)
LATER, EARLIER = NOON + timedelta(minutes=1), NOON - timedelta(minutes=1)
dones = st.builds(
    Done,
    state=st.sampled_from(ImageState),
    at=st.none() | st.integers(-3, 3).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    source_version=st.sampled_from("12"),
    model_digest=st.sampled_from("mn"),
    config_digest=st.sampled_from("cd"),
    output_digest=st.sampled_from("op"),
    is_deleted=st.booleans(),
    awaits_correction=st.booleans(),
)


def judged(*done: Done) -> bool:
    return is_finished(done, "1", model_digest="m", config_digest="c")


def test_published_as_it_would_be_now_is_finished() -> None:
    assert judged(HERE)
    assert judged(replace(HERE, at=EARLIER, model_digest="n"), HERE)


@pytest.mark.parametrize(
    "other",
    [
        replace(HERE, at=LATER, model_digest="n"),
        replace(HERE, output_digest="p"),
        Done(state=ImageState.QUARANTINED, at=LATER),
        Done(state=ImageState.QUARANTINED, at=NOON),
        Done(state=ImageState.LEASED, at=LATER),
        Done(state=ImageState.PENDING, at=LATER),
    ],
)
def test_what_came_later_or_may_have_counts(other: Done) -> None:
    assert not judged(HERE, other)


@pytest.mark.parametrize(
    "other",
    [
        Done(state=ImageState.QUARANTINED, at=EARLIER),
        Done(state=ImageState.LEASED, at=EARLIER),
        Done(state=ImageState.PENDING, at=None),
        Done(state=ImageState.EXCLUDED, at=None),
    ],
)
def test_what_was_before_does_not_count(other: Done) -> None:
    assert judged(other, HERE)


@pytest.mark.parametrize("at", [EARLIER, NOON])
def test_a_correction_counts_whichever_run_that_published_the_file_it_was_begun_with(at: datetime) -> None:
    begun = replace(HERE, at=at, awaits_correction=True)
    assert not judged(begun, HERE)
    assert not judged(HERE, begun)


def test_a_correction_of_a_file_that_was_replaced_since_does_not_count() -> None:
    assert judged(replace(HERE, at=EARLIER, output_digest="p", awaits_correction=True), HERE)


def test_what_has_no_original_any_more_is_not_finished_unless_it_was_published_again() -> None:
    assert not judged(replace(HERE, is_deleted=True))
    assert judged(replace(HERE, at=EARLIER, is_deleted=True), HERE)


@given(st.lists(dones, max_size=5))
def test_nothing_is_finished_but_by_its_last_publication(done: list[Done]) -> None:
    if not judged(*done):
        return
    moments = [one for one in done if one.at is not None and one.state is not ImageState.EXCLUDED]
    last = [one for one in moments if one.at == max(other.at for other in moments if other.at is not None)]
    assert {(one.state, one.output_digest) for one in last} == {(ImageState.PUBLISHED, last[0].output_digest)}
    assert any((one.source_version, one.model_digest, one.config_digest) == ("1", "m", "c") for one in last)
