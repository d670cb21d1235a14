from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from baas_crds.errors import DependencyUnavailable
from baas_preprocess.detect import Model
from baas_preprocess.facts import Digest, Pixels
from baas_preprocess.remembering import Remembering


class Counting:
    """Answers each tile with its mean as a score, and keeps what it was asked."""

    model = Model(digest=Digest("sha256:counting"), version="1", score_floor=0.01, max_det=300)

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []
        self.is_away = False

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        if self.is_away:
            raise DependencyUnavailable("away")
        self.asked += [(*tile.shape[:2], int(tile.mean())) for tile in shown]
        return [np.array([[0, 0, 1, 1, tile.mean() / 255, 0]], np.float32) for tile in shown]


def tile(value: int, height: int = 2, width: int = 3) -> Pixels:
    return np.full((height, width, 3), value, np.uint8)


def scores(answers: Sequence[npt.NDArray[np.float32]]) -> list[int]:
    return [round(float(rows[0, 4]) * 255) for rows in answers]


def test_each_tile_is_asked_about_once_and_answers_stand_in_the_order_of_the_tiles() -> None:
    counting = Counting()
    detector = Remembering(counting)
    assert detector.model == counting.model
    assert scores(detector.detect([tile(1), tile(2), tile(1)])) == [1, 2, 1]
    assert scores(detector.detect([tile(3), tile(2)])) == [3, 2]
    assert scores(detector.detect([tile(2), tile(1)])) == [2, 1]
    assert counting.asked == [(2, 3, 1), (2, 3, 2), (2, 3, 3)]


def test_the_same_bytes_in_other_rows_are_another_tile() -> None:
    counting = Counting()
    Remembering(counting).detect([tile(1, 2, 3), tile(1, 3, 2)])
    assert counting.asked == [(2, 3, 1), (3, 2, 1)]


def test_what_was_not_answered_is_not_remembered() -> None:
    counting = Counting()
    detector = Remembering(counting)
    counting.is_away = True
    with pytest.raises(DependencyUnavailable):
        detector.detect([tile(1)])
    counting.is_away = False
    assert scores(detector.detect([tile(1)])) == [1]
