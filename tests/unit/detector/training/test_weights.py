"""Pictures with rare groups are shown more often."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_detector.categories import Attribute, Category, bias_categories, read_category
from baas_detector.training.weights import picture_weights, repetitions


def categories(*paths: str) -> list[Category]:
    return [category for path in paths if (category := read_category(path)) is not None]


any_pictures = st.lists(
    st.lists(st.sampled_from(bias_categories()), max_size=4).map(lambda paths: categories(*paths)), max_size=30
)


def test_the_weight_is_the_inverse_frequency_of_the_rarest_group_compared_with_the_commonest() -> None:
    pictures = [categories("man/adult")] * 8 + [categories("man/child")] * 2 + [categories("man/adult", "man/child")]

    assert picture_weights(pictures, power=1, most=20) == [1] * 8 + [3] * 3  # adults on 9 pictures, children on 3


def test_half_the_power_is_the_square_root() -> None:
    pictures = [categories("man/adult")] * 9 + [categories("man/child")]

    assert picture_weights(pictures, power=0.5, most=20) == [1] * 9 + [3]
    assert picture_weights(pictures, power=0.5, most=2) == [1] * 9 + [2]


def test_two_persons_of_one_group_on_one_picture_count_once() -> None:
    pictures = [categories("man/adult")] * 2 + [categories("man/child", "man/child")]

    assert picture_weights(pictures, power=1, most=20) == [1, 1, 2]


def test_only_the_attributes_that_are_asked_for_are_balanced() -> None:
    pictures = [categories("man/adult")] * 4 + [categories("woman/adult")]

    assert picture_weights(pictures, by=[Attribute.AGE], power=1, most=20) == [1] * 5


def test_persons_and_plates_are_balanced_each_among_themselves() -> None:
    pictures = [categories("man/adult")] * 9 + [categories("licence_plate/dutch")]

    assert picture_weights(pictures, power=1, most=20) == [1] * 10


def test_unknown_is_no_group_of_people() -> None:
    pictures = [categories("man/adult/light")] * 9 + [categories("man/adult/unknown")]

    assert picture_weights(pictures, power=1, most=20) == [1] * 10


def test_a_picture_without_categories_has_the_weight_one() -> None:
    assert picture_weights([[], categories("man/child"), categories("man/adult")], power=1, most=20) == [1, 1, 1]


@given(any_pictures, st.floats(0.1, 1), st.integers(2, 20))
def test_weights_lie_between_one_and_the_most_and_do_not_hang_on_the_order(
    pictures: list[list[Category]], power: float, most: int
) -> None:
    weights = picture_weights(pictures, power=power, most=most)

    assert all(1 <= weight <= most for weight in weights)
    assert picture_weights(pictures[::-1], power=power, most=most) == weights[::-1]


@given(st.lists(st.floats(1, 20), max_size=50), st.integers(0, 2**31 - 1))
def test_repetitions_are_the_rounded_weight_and_the_same_for_the_same_seed(weights: list[float], seed: int) -> None:
    times = repetitions(weights, seed=seed)

    assert all(math.floor(weight) <= count <= math.ceil(weight) for weight, count in zip(weights, times, strict=True))
    assert repetitions(weights, seed=seed) == times


def test_the_mean_of_many_repetitions_is_the_weight() -> None:
    times = repetitions([1.3] * 10_000, seed=7)

    assert sum(times) / len(times) == pytest.approx(1.3, abs=0.02)
