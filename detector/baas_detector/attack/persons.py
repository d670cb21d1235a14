"""Labelled persons, cut out of their pictures to one size, so that the shape of a box tells nobody apart."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from baas_detector.attack.pictures import labelled_pictures, read_labelled
from baas_detector.checks import Tile
from baas_detector.contract import DetectedClass
from baas_detector.truth import LabelledObject

_WIDEST = 3 / 7
"""Width by height of the size that persons are brought to."""


def width_of(height_px: int) -> int:
    """The width that a person of this height is brought to."""
    return round(height_px * _WIDEST)


def persons(truth_files: Sequence[Path]) -> list[Tile]:
    """Cut out every labelled person, with a tenth of its size around it."""
    cut: list[Tile] = []
    for path, image in labelled_pictures(truth_files, DetectedClass.PERSON):
        picture = read_labelled(path, image)
        cut += [_cut(picture, one) for one in image.objects if one.object_class is DetectedClass.PERSON]
    return cut


_AROUND = 0.1


def _cut(picture: Tile, one: LabelledObject) -> Tile:
    """Cut a box and what is around it; beyond the right and left edge the picture goes on at the other."""
    around_x, around_y = _AROUND * one.width, _AROUND * one.height
    columns = np.arange(round(one.left - around_x), round(one.left + one.width + around_x) + 1)
    rows = np.arange(round(one.top - around_y), round(one.top + one.height + around_y) + 1)
    rows = rows.clip(0, picture.shape[0] - 1)
    return np.asarray(picture[rows].take(columns, axis=1, mode="wrap"), np.uint8)


def shown(person: Tile, height_px: int) -> Tile:
    """Show a person in this height, without what is around it."""
    return _framed(person, height_px, np.zeros(4))


def in_another_picture(person: Tile, height_px: int, random: np.random.Generator) -> Tile:
    """Show a person in this height as another camera might in the next moment: moved a little, in other light."""
    moved = _framed(person, height_px, random.uniform(-0.05, 0.05, 4)).astype(np.float64)
    light = random.uniform(0.6, 1.2) * random.uniform(0.95, 1.05, 3)
    noisy = moved * light + random.uniform(-15, 15) + random.normal(0, 4, moved.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def _framed(person: Tile, height_px: int, moved: npt.NDArray[np.float64]) -> Tile:
    """Cut the box out of its surroundings, its edges moved by shares of its size, and bring it to the size."""
    height, width = person.shape[:2]
    inner_x, inner_y = width / (1 + 2 * _AROUND), height / (1 + 2 * _AROUND)
    left, right = (_AROUND + moved[0]) * inner_x, (1 + _AROUND + moved[1]) * inner_x
    top, bottom = (_AROUND + moved[2]) * inner_y, (1 + _AROUND + moved[3]) * inner_y
    box = person[round(top) : max(round(bottom), round(top) + 1), round(left) : max(round(right), round(left) + 1)]
    size = (width_of(height_px), height_px)
    smoothing = cv2.INTER_AREA if box.shape[0] > height_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(box), size, interpolation=smoothing), np.uint8)
