"""Rankings: the true one first when the picture tells, and no better than guessing when it does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_detector.attack.matching import features, learned, ranks, without_light

RANDOM = np.random.default_rng(0)
PEOPLE = RANDOM.uniform(0, 255, (200, 60))
EACH = np.arange(200)


def test_the_same_picture_is_always_guessed_first() -> None:
    assert (ranks(PEOPLE, PEOPLE, EACH) == 0).all()


def test_the_rank_counts_the_candidates_that_are_nearer() -> None:
    candidates = np.array([[0.0], [1.0], [2.0], [10.0]])
    assert ranks(np.array([[1.9]]), candidates, np.array([0])).tolist() == [2]
    assert ranks(np.array([[1.9]]), candidates, np.array([3])).tolist() == [3]


@given(st.floats(0, 255), st.integers(1, 8))
def test_pictures_that_are_all_alike_are_guessed_as_often_as_chance_would(level: float, width: int) -> None:
    """However the numbers come out: brightness, contrast and what was learned must not tell them apart."""
    alike = np.full((200, width), level)
    learning = learned(alike, np.repeat(alike, 3, axis=0), np.repeat(EACH, 3))
    for transform in (lambda rows: rows, without_light, learning):
        guesses = ranks(transform(alike), transform(alike), EACH)
        assert (guesses < 1).sum() == 1
        assert (guesses < 10).sum() == 10


def test_light_is_taken_away() -> None:
    darker = 0.5 * PEOPLE + 20
    np.testing.assert_allclose(without_light(darker), without_light(PEOPLE), atol=1e-12)
    assert not without_light(np.full((2, 9), 7.0)).any()


def test_what_was_learned_looks_past_what_differs_between_two_photos() -> None:
    """A shadow falls on half of the numbers: it drowns who it is, until the attacker has seen shadows."""
    shadow = np.repeat([[1.0, 0.0]], 30, axis=0).ravel()

    def photos(of: "np.ndarray[tuple[int], np.dtype[np.int_]]") -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        return np.asarray(
            PEOPLE[of] + RANDOM.normal(0, 900, (len(of), 1)) * shadow + RANDOM.normal(0, 5, (len(of), 60))
        )

    tried = np.tile(EACH, 5)
    transform = learned(PEOPLE, photos(tried), tried)
    shown = photos(EACH)
    unaware = (ranks(without_light(shown), without_light(PEOPLE), EACH) == 0).mean()
    aware = (ranks(transform(shown), transform(PEOPLE), EACH) == 0).mean()
    assert unaware < 0.5
    assert aware > unaware + 0.2


@pytest.mark.parametrize(("is_grey", "numbers"), [(True, 64 * 16), (False, 64 * 16 * 3)])
def test_features_are_the_samples_of_a_small_picture(is_grey: bool, numbers: int) -> None:
    picture = np.full((75, 300, 3), 90, np.uint8)
    found = features([picture, picture], is_grey=is_grey)
    assert found.shape == (2, numbers)
    np.testing.assert_allclose(found, 90, atol=1e-4)


def test_small_pictures_are_taken_as_they_are() -> None:
    picture = RANDOM.integers(0, 256, (8, 40, 3), np.uint8)
    assert (features([picture], is_grey=False)[0] == picture.ravel()).all()
