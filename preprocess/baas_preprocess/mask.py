"""From regions to a mask: which units of the picture are redacted, and which few cells they share.

However large a region is, its padded box is cut into at most `cells` cells along each side, so that what is left of
it is bounded. The mask is the union of the boxes and does not depend on the order of the regions.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from baas_preprocess.facts import Box, Inspection, Mask, Region

Places: TypeAlias = npt.NDArray[np.int64]

LEAST_PADDING_PX = 2.0


class _Span(NamedTuple):
    """A padded box in whole units. `left + width` may exceed the columns where the picture wraps."""

    top: int
    left: int
    height: int
    width: int


def mask(regions: Sequence[Region], inspection: Inspection, *, padding: float, cells: int) -> Mask:
    """Cover each region's box, grown on every side by `padding` of its own size, with at most `cells` x `cells` cells.

    A region may have a larger padding of its own, and a side grows by at least two pixels. The box is cut off at the
    picture's edges, or goes on across the seam, and is widened to whole units. Where boxes overlap, a unit belongs to
    the larger one.
    Raises `ValueError` for a box that does not touch the picture: leaving it out could publish someone.
    """
    if cells < 1 or not padding >= 0:
        raise ValueError(f"a mask needs at least 1 cell and a padding of at least 0, got {cells} and {padding}")
    unit_width, unit_height = inspection.unit_px
    rows, columns = -(-inspection.height_px // unit_height), -(-inspection.width_px // unit_width)
    spans = {_span(region.box, inspection, max(padding, region.padding)) for region in regions}
    grid = np.full((rows, columns), -1, np.int64)
    first_cell = 0
    for span in sorted(spans, key=lambda span: (span.height * span.width, span)):
        cell_rows, cell_columns = _cuts(span, inspection.unit_px, cells)
        places = np.ix_(
            np.arange(span.top, span.top + span.height), np.arange(span.left, span.left + span.width) % columns
        )
        grid[places] = first_cell + cell_rows[:, None] * cells + cell_columns
        first_cell += cells * cells
    # Those that are left, numbered anew in their order; -1 is the last place.
    is_used = np.zeros(first_cell + 1, np.bool_)
    is_used[grid] = True
    is_used[-1] = False
    numbers = np.where(is_used, np.cumsum(is_used) - 1, -1).astype(np.int32)
    numbered = numbers[grid]
    numbered.flags.writeable = False
    return Mask(
        unit_px=inspection.unit_px,
        width_px=inspection.width_px,
        height_px=inspection.height_px,
        cells=numbered,
        cell_count=int(is_used.sum()),
    )


def _span(box: Box, inspection: Inspection, padding: float) -> _Span:
    """Pad a box, cut it off at the edges or let it wrap, and widen it to whole units."""
    width, height = inspection.width_px, inspection.height_px
    if not (
        box.left <= box.right
        and box.top <= box.bottom
        and all(map(math.isfinite, (box.left, box.top, box.right, box.bottom)))
    ):
        raise ValueError(f"{box} is not a rectangle")
    pad_x = max(LEAST_PADDING_PX, padding * (box.right - box.left))
    pad_y = max(LEAST_PADDING_PX, padding * (box.bottom - box.top))
    left, right = box.left - pad_x, box.right + pad_x
    top, bottom = max(0.0, box.top - pad_y), min(float(height), box.bottom + pad_y)
    if not inspection.wraps:
        left, right = max(0.0, left), min(float(width), right)
    if left >= right or top >= bottom:
        raise ValueError(f"{box} lies outside of the picture of {width}x{height} px")
    unit_width, unit_height = inspection.unit_px
    first_row, end_row = int(top // unit_height), math.ceil(bottom / unit_height)
    first, count = _columns(left, right, width, unit_width)
    return _Span(top=first_row, left=first, height=end_row - first_row, width=count)


def _columns(left: float, right: float, width: int, unit_width: int) -> tuple[int, int]:
    """The first unit and the number of units from `left` to `right`, counted around the picture if need be.

    The last unit of a row may be narrower than the others, so columns beyond the seam are counted from the edge anew.
    """
    columns = -(-width // unit_width)
    if right - left >= width:
        return 0, columns
    turns = math.floor(left / width)
    left, right = left - turns * width, right - turns * width
    first = min(int(left // unit_width), columns - 1)
    beyond = 0 if right <= width else math.ceil((right - width) / unit_width)
    end = min(math.ceil(right / unit_width), columns)
    return first, min(end - first + beyond, columns)


def _cuts(span: _Span, unit_px: tuple[int, int], cells: int) -> tuple[Places, Places]:
    """Number the rows' and the columns' cells: about square in pixels, nearly equal in size, at most `cells` a side."""
    unit_width, unit_height = unit_px
    side_px = max(span.width * unit_width, span.height * unit_height) / cells
    return _cut(span.height, side_px / unit_height), _cut(span.width, side_px / unit_width)


def _cut(units: int, units_per_cell: float) -> Places:
    count = -(-units // math.ceil(units_per_cell))
    return np.arange(units) * count // units
