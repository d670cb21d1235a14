"""How far two runs of one model on one tile are apart, and whether that is close enough. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.float32]
"""(boxes, 6): x1, y1, x2, y2, score, class."""

CLEAR_SCORE = 0.05
"""Boxes below it may come and go with the last bit of the arithmetic; they are not compared."""
BOX_TOLERANCE_PX = 1.0
SCORE_TOLERANCE = 0.03


class Precision(StrEnum):
    """The arithmetic that the server may use."""

    F32 = "f32"
    BF16 = "bf16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The largest differences between the boxes of two runs."""

    compared: int
    box_px: float
    """Largest difference of a coordinate."""
    score: float
    unmatched: int
    """Clear boxes of one run without any counterpart in the other."""

    @property
    def is_close(self) -> bool:
        """True when the runs say the same for all that redaction could notice."""
        return self.unmatched == 0 and self.box_px <= BOX_TOLERANCE_PX and self.score <= SCORE_TOLERANCE


def drift(one: Rows, other: Rows) -> Drift:
    """Compare each clear box with the nearest box of its class in the other run, both ways."""
    pairs = [pair for rows, others in ((one, other), (other, one)) for pair in _nearest(rows, others)]
    matched = [pair for pair in pairs if pair is not None]
    return Drift(
        compared=len(pairs),
        box_px=round(max((box for box, _ in matched), default=0.0), 2),
        score=round(max((score for _, score in matched), default=0.0), 3),
        unmatched=len(pairs) - len(matched),
    )


def worst(drifts: Sequence[Drift]) -> Drift:
    """Join the drifts of several tiles: counts add up, differences take the largest."""
    return Drift(
        compared=sum(d.compared for d in drifts),
        box_px=max((d.box_px for d in drifts), default=0.0),
        score=max((d.score for d in drifts), default=0.0),
        unmatched=sum(d.unmatched for d in drifts),
    )


def choose_precision(bf16: Drift | None) -> Precision:
    """Allow bfloat16 only where it was tried, saw clear boxes, and differed from float32 within the tolerances."""
    return Precision.BF16 if bf16 is not None and bf16.compared > 0 and bf16.is_close else Precision.F32


def _nearest(rows: Rows, others: Rows) -> list[tuple[float, float] | None]:
    """For each clear row (coordinate difference, score difference) to its nearest, None without one of its class."""
    found: list[tuple[float, float] | None] = []
    for row in rows[rows[:, 4] > CLEAR_SCORE]:
        same = others[others[:, 5] == row[5]]
        if len(same) == 0:
            found.append(None)
            continue
        distances = np.abs(same[:, :4] - row[:4]).max(axis=1)
        nearest = int(distances.argmin())
        found.append((float(distances[nearest]), float(abs(same[nearest, 4] - row[4]))))
    return found
