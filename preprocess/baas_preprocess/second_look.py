"""What the detector's hits on a finished picture mean: is somebody still visible, or is it the redaction that was seen?

The rules and their measurements are told in docs/explanation/second-look.md.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.facts import Box, Detection, Mask

# A tenth of a person is less than a head, a tenth of a plate is less than a character.
COVERED = 0.9
# A network's usual threshold. Weaker hits change with each look (redaction beside them is enough), so that they are
# redacted but call for no further look: nothing that lies outside of the mask has changed since this one.
SURE = 0.25
# Measured on panoramas: one look or two are enough, nearly always. A third leaves room before a picture is given up.
MOST_LOOKS = 3


class Judged(NamedTuple):
    """The hits of one look."""

    visible: list[Detection]
    """Not covered: redact them."""
    residual: list[Detection]
    """Under the mask: what the detector takes for an object is the redaction of one."""

    @property
    def surest(self) -> Detection | None:
        """What is visible beyond doubt, the surest of it: look again after it was redacted."""
        sure = [hit for hit in self.visible if hit.score >= SURE]
        return max(sure, key=lambda hit: (hit.score, hit.box), default=None)


def judge(hits: Iterable[Detection], mask: Mask) -> Judged:
    """Tell hits that are visible from those that are covered."""
    judged = Judged([], [])
    for hit in hits:
        (judged.residual if covered_share(hit.box, mask) >= COVERED else judged.visible).append(hit)
    return judged


def still_visible(hit: Detection, looks: int) -> NotPublishable:
    """Say what keeps a picture from being published."""
    name = hit.object_class.replace("_", " ")
    return NotPublishable(
        QuarantineReason.STILL_VISIBLE,
        f"Look {looks} at the finished picture still found a {name} that is not covered, at x {hit.box.left:.0f} and "
        f"y {hit.box.top:.0f}, {hit.box.right - hit.box.left:.0f} px wide, score {hit.score:.2f}.",
    )


def covered_share(box: Box, mask: Mask) -> float:
    """Return how much of a box's area is redacted, 0..1; a box thinner than a pixel counts as a pixel."""
    unit_width, unit_height = mask.unit_px
    rows, columns = mask.cells.shape
    across, down = _edges(columns, unit_width, mask.width_px), _edges(rows, unit_height, mask.height_px)
    left, right = _at_least_a_pixel(box.left, box.right)
    # What goes on across the seam lies at the left edge.
    widths = _shared(across, left, right) + _shared(across, left - mask.width_px, right - mask.width_px)
    heights = _shared(down, *_at_least_a_pixel(box.top, box.bottom))
    return float(heights @ mask.covered @ widths) / float(heights.sum() * widths.sum())


def _edges(units: int, unit_px: int, length_px: int) -> npt.NDArray[np.float64]:
    return np.minimum(np.arange(units + 1) * unit_px, length_px).astype(np.float64)


def _at_least_a_pixel(start: float, end: float) -> tuple[float, float]:
    more = max(0.0, 1 - (end - start)) / 2
    return start - more, end + more


def _shared(edges: npt.NDArray[np.float64], start: float, end: float) -> npt.NDArray[np.float64]:
    """How much of an interval lies in each unit, in pixels."""
    return np.asarray(np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None))
