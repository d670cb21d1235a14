"""Boxes as pixels: what a prediction and what a label cover. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from baas_detector.contract import DetectedClass
from baas_detector.coverage import MaskPixels


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedBox:
    """A box in the picture's pixels. `left + width` beyond the picture goes on at its left edge."""

    object_class: DetectedClass
    left: float
    top: float
    width: float
    height: float
    score: float
    """0..1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What was predicted for one image."""

    mask: MaskPixels
    """Of any class."""
    boxes: tuple[PredictedBox, ...] | None
    """None when only a mask is known."""


def painted(boxes: Iterable[PredictedBox], width_px: int, height_px: int) -> MaskPixels:
    """Return the union of boxes; a pixel is in a box when its centre is, and each box has at least one pixel."""
    mask = np.zeros((height_px, width_px), np.bool_)
    for box in boxes:
        paint(mask, box.left, box.top, box.width, box.height)
    return mask


def paint(mask: MaskPixels, left: float, top: float, width: float, height: float, *, above: int = 0) -> None:
    """Set the pixels of one box in a mask; beyond the right edge it goes on at the left one.

    `above` rows of the picture are not in the mask: rounding to pixels must not depend on where a mask begins.
    """
    first_row, last_row = _pixels(top, height)
    first, last = _pixels(left, width)
    rows = slice(min(max(0, first_row - above), mask.shape[0] - 1), max(1, last_row - above))
    end = mask.shape[1]
    mask[rows, first:last] = True
    if last > end:
        mask[rows, max(0, first - end) : last - end] = True


def _pixels(start: float, length: float) -> tuple[int, int]:
    """First pixel whose centre lies in the interval, and the one behind the last."""
    first = int(np.floor(start + 0.5))
    return first, max(first + 1, int(np.floor(start + length + 0.5)))
