"""Samples are exact in number, the same for the same seed, and leave no kind of picture out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_sampling.allocation import share_out
from baas_sampling.drawing import (
    ANY,
    NOTHING_FOUND,
    Candidate,
    Reason,
    Retraining,
    bin_of,
    doubt_of,
    random_sample,
    retraining_sample,
)

any_scores = st.lists(st.floats(0, 1), max_size=40).map(tuple)
any_candidates = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.tuples(any_scores, st.booleans(), st.sampled_from(["Noord", "Oost", "West", "Zuid"])),
    min_size=1,
    max_size=60,
).map(
    lambda pictures: [
        Candidate(name=name, scores=scores, is_corrected=corrected, stratum=stratum)
        for name, (scores, corrected, stratum) in pictures.items()
    ]
)
any_way = st.builds(
    Retraining,
    seed=st.integers(0, 5),
    share_without=st.sampled_from([Fraction(0), Fraction(1, 5), Fraction(1, 3), Fraction(1)]),
    edges=st.sampled_from([(), (2, 4, 8, 16, 32), (5,)]),
)
any_size = st.integers(1, 70)


def pictures(count: int, *scores: float, start: str = "picture", stratum: str = "all") -> list[Candidate]:
    return [Candidate(name=f"{start}{number}", scores=scores, stratum=stratum) for number in range(count)]


def names(candidates: Sequence[Candidate], size: int, how: Retraining) -> list[str]:
    return [one.image for one in retraining_sample(candidates, size, how).drawn]


@given(any_candidates, any_size, any_way)
def test_a_sample_has_the_asked_size_and_no_picture_twice(
    candidates: list[Candidate], size: int, how: Retraining
) -> None:
    for drawn in (retraining_sample(candidates, size, how).drawn, random_sample(candidates, size, seed=how.seed).drawn):
        chosen = [one.image for one in drawn]
        assert len(chosen) == min(size, len(candidates))
        assert len(set(chosen)) == len(chosen)
        assert set(chosen) <= {one.name for one in candidates}


@given(any_candidates, any_size, any_way, st.randoms(use_true_random=False))
def test_the_order_in_which_pictures_are_read_changes_nothing(
    candidates: list[Candidate], size: int, how: Retraining, order: Random
) -> None:
    shuffled = candidates.copy()
    order.shuffle(shuffled)
    assert retraining_sample(shuffled, size, how).drawn == retraining_sample(candidates, size, how).drawn
    assert random_sample(shuffled, size, seed=3).drawn == random_sample(candidates, size, seed=3).drawn


@given(any_candidates, any_size, any_way)
def test_each_stratum_gets_what_its_pictures_are_of_all_rounded_up_or_down(
    candidates: list[Candidate], size: int, how: Retraining
) -> None:
    there = Counter(one.stratum for one in candidates)
    for found in (retraining_sample(candidates, size, how), random_sample(candidates, size, seed=how.seed)):
        for stratum, (count, drawn) in found.by("stratum").items():
            due = Fraction(min(size, len(candidates)) * count, len(candidates))
            assert count == there[stratum]
            assert floor(due) <= drawn <= ceil(due)


@given(any_candidates, any_size, any_way)
def test_in_one_stratum_each_bin_gets_its_part_or_all_that_it_has(
    candidates: list[Candidate], size: int, how: Retraining
) -> None:
    found = retraining_sample([replace(one, stratum="all") for one in candidates], size, how).by("bin")
    there = {name: count for name, (count, _) in found.items()}
    others = len(there.keys() - {NOTHING_FOUND})
    for name, (count, drawn) in found.items():
        part = how.share_without if name == NOTHING_FOUND else (1 - how.share_without) / others
        assert drawn >= min(count, floor(size * part))


def test_remainders_go_to_the_largest() -> None:
    candidates = [
        *pictures(10, start="a", stratum="a"),
        *pictures(7, start="b", stratum="b"),
        *pictures(3, start="c", stratum="c"),
    ]
    # Of 9 drawn their dues are 4.5, 3.15 and 1.35.
    found = random_sample(candidates, 9, seed=0).by("stratum")
    assert {name: drawn for name, (_, drawn) in found.items()} == {"a": 5, "b": 3, "c": 1}


def test_many_small_districts_do_not_keep_the_pictures_without_detections_out() -> None:
    candidates = [
        one
        for stratum in map(str, range(50))
        for one in (
            *pictures(10, start=f"{stratum} empty ", stratum=stratum),
            *pictures(10, 0.5, start=f"{stratum} full ", stratum=stratum),
        )
    ]
    # Each district's due is 1 picture, of which 0.2 without detections: rounded by itself, that is none.
    found = retraining_sample(candidates, 50, Retraining())
    assert {drawn for _, drawn in found.by("stratum").values()} == {1}
    assert found.by("bin") == {NOTHING_FOUND: (500, 10), "1": (500, 40)}


@given(st.integers(0, 40), st.integers(1, 30), st.integers(1, 40))
def test_pictures_that_all_have_as_many_detections_are_sampled(detections: int, count: int, size: int) -> None:
    """The earlier service's sampler crashed."""
    found = retraining_sample(pictures(count, *[0.5] * detections), size, Retraining())
    assert len(found.drawn) == min(count, size)


def test_pictures_without_detections_get_their_share() -> None:
    """The earlier service could not sample them, and that is where the misses are."""
    candidates = [*pictures(50), *pictures(900, 0.9, 0.9, start="two"), *pictures(50, *[0.9] * 9, start="nine")]
    drawn = retraining_sample(candidates, 100, Retraining()).by("bin")
    assert drawn == {NOTHING_FOUND: (50, 20), "2-3": (900, 40), "8-15": (50, 40)}
    without = retraining_sample(candidates, 100, Retraining(share_without=Fraction(0))).by("bin")
    assert without[NOTHING_FOUND] == (50, 0)


def test_what_a_small_bin_lacks_the_others_give() -> None:
    candidates = [*pictures(3), *pictures(100, 0.9, start="one"), *pictures(100, *[0.9] * 9, start="nine")]
    drawn = retraining_sample(candidates, 50, Retraining()).by("bin")
    assert drawn[NOTHING_FOUND] == (3, 3)
    assert sorted(count for _, count in (drawn["1"], drawn["8-15"])) == [23, 24]


def test_doubtful_pictures_are_drawn_as_many_times_as_often_as_the_factor_says() -> None:
    candidates = [*pictures(5000, 0.05, start="doubtful"), *pictures(5000, 1.0, start="sure")]
    doubtful = sum(name.startswith("doubtful") for name in names(candidates, 500, Retraining(doubt_factor=4)))
    # Few of many are drawn, so 4 of 5 are doubtful; its standard deviation is 9.
    assert 370 < doubtful < 430
    alike = sum(name.startswith("doubtful") for name in names(candidates, 500, Retraining(doubt_factor=1)))
    assert 217 < alike < 283


def test_a_picture_that_people_corrected_is_as_doubtful_as_can_be() -> None:
    (one,) = retraining_sample([Candidate(name="a", scores=(1.0,), is_corrected=True)], 1, Retraining()).drawn
    assert (one.reason, one.weight) == (Reason.CORRECTED, 4)


def test_each_row_says_why_it_is_there() -> None:
    candidates = [*pictures(1, start="none"), *pictures(1, 0.1, start="doubtful"), *pictures(1, 0.9, 0.9, start="sure")]
    reasons = {one.image: one.reason for one in retraining_sample(candidates, 3, Retraining()).drawn}
    assert reasons == {"none0": Reason.NOTHING_FOUND, "doubtful0": Reason.DOUBTFUL, "sure0": Reason.COUNT}
    (any_one,) = random_sample(candidates, 1, seed=0).drawn
    assert (any_one.reason, any_one.bin, any_one.weight) == (Reason.RANDOM, ANY, 1)


def test_another_seed_draws_others_and_more_pictures_change_few() -> None:
    candidates = pictures(1000, 0.5)
    first = set(names(candidates, 100, Retraining(seed=1)))
    assert len(first & set(names(candidates, 100, Retraining(seed=2)))) < 30
    more = set(names([*candidates, *pictures(100, 0.5, start="later")], 100, Retraining(seed=1)))
    assert {name for name in more if name.startswith("picture")} <= first


@pytest.mark.parametrize(
    ("count", "name"),
    [(0, "0"), (1, "1"), (2, "2-3"), (3, "2-3"), (4, "4-7"), (31, "16-31"), (32, "32+"), (500, "32+")],
)
def test_a_bin_is_named_by_what_it_holds(count: int, name: str) -> None:
    assert bin_of(count, Retraining().edges) == name


@pytest.mark.parametrize(("scores", "doubt"), [((), 0), ((1.0,), 0), ((0.2,), 1), ((0.1, 0.2), 1), ((0.6, 1.0), 0.25)])
def test_doubt_is_nearness_to_the_threshold(scores: tuple[float, ...], doubt: float) -> None:
    assert doubt_of(scores, 0.2) == pytest.approx(doubt)


@given(
    st.dictionaries(st.text("abc", max_size=2), st.tuples(st.integers(1, 9), st.fractions(0, 3)), min_size=1),
    st.fractions(0, 1),
)
def test_parts_add_up_to_the_amount_and_nobody_gets_more_than_is_there(
    bins: dict[str, tuple[int, Fraction]], share: Fraction
) -> None:
    there = {name: count for name, (count, _) in bins.items()}
    amount = share * sum(there.values())
    parts = share_out(amount, there, {name: weight for name, (_, weight) in bins.items()})
    assert sum(parts.values()) == amount
    assert all(0 <= parts[name] <= count for name, count in there.items())
