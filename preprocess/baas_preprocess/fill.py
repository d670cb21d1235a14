"""A smooth surface that carries on into the mask what lies around it, and knows nothing of what was inside.

Pictures that differ inside the mask alone get the same surface, so there is nothing in it to recognise anybody by.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from baas_preprocess.cells import Floats, Footprint, Ints
from baas_preprocess.surface import Surface

# Looked at on street panoramas: the stripes that rows and columns leave are gone after it, and more changes little.
_SWEEPS = 48


def fill(footprint: Footprint, around: npt.NDArray[np.int16] | Floats, *, wraps: bool) -> Surface:
    """Draw a continuous surface over the footprint from the levels of the places around it.

    `around` (rows, columns of the grid) holds the level of each place as its distance from mid-grey; what it says of
    places in the footprint is not used. First each of these becomes the mean of the nearest places outside of it to the
    left, right, top and bottom, the nearer the heavier; then, some times over, the mean of its four neighbours. So each
    lies between the least and the greatest level outside; without any it is mid-grey.

    All sums are elementwise and in a fixed order: the same picture gives the same numbers on every machine.
    """
    field = np.where(footprint.grid < 0, around, 0.0)
    weighted, weights = np.zeros(footprint.rows.size), np.zeros(footprint.rows.size)
    for levels, weight in _nearest(footprint, field, wraps=wraps):
        weighted += levels * weight
        weights += weight

    # All places by their number in the field: looking them up is what takes the time.
    flat, width = field.reshape(-1), field.shape[1]
    (up, down), (left, right) = _beside(footprint, wraps=wraps)
    row, column = footprint.rows * width, footprint.columns
    up, down = up * width, down * width
    own, beside = row + column, (up + column, down + column, row + left, row + right)
    flat[own] = weighted / np.where(weights > 0, weights, 1.0)
    for _ in range(_SWEEPS):
        above, below, before, after = (flat.take(places) for places in beside)
        flat[own] = (above + below + before + after) / 4

    def corner(beyond_row: Ints, beyond_column: Ints) -> Floats:
        met: Floats = (
            flat[own] + flat[beyond_row + column] + flat[row + beyond_column] + flat[beyond_row + beyond_column]
        )
        return met / 4

    return Surface.between(corner(up, left), corner(up, right), corner(down, left), corner(down, right))


def _nearest(footprint: Footprint, field: Floats, *, wraps: bool) -> Iterator[tuple[Floats, Floats]]:
    """Give, for each of four sides, the level of the nearest place outside and one over its distance; 0 without one."""
    for is_turned in (False, True):
        lines = field.T if is_turned else field
        line, at = (footprint.columns, footprint.rows) if is_turned else (footprint.rows, footprint.columns)
        length = lines.shape[1]
        turns = 3 if wraps and not is_turned else 1
        # All lines one after the other, each as often as it goes around; of three turns the middle one counts.
        whole = turns * length
        begin, middle = line * whole, turns // 2 * length
        places = np.sort(np.concatenate([begin + at + turn * length for turn in range(turns)]))
        firsts = places[(np.diff(places, prepend=-2) != 1) | (places % whole == 0)]
        lasts = places[(np.diff(places, append=-2) != 1) | ((places + 1) % whole == 0)]
        stretch = np.searchsorted(lasts, begin + middle + at)
        before, after = firsts[stretch] - begin - 1, lasts[stretch] - begin + 1
        for nearest, exists in ((before, before >= 0), (after, after < whole)):
            yield lines[line, nearest % length], exists / np.abs(nearest - (middle + at))


def _beside(footprint: Footprint, *, wraps: bool) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """The rows above and below each place, and the columns left and right of it; at an edge the place's own."""
    height, width = footprint.grid.shape
    rows = np.maximum(footprint.rows - 1, 0), np.minimum(footprint.rows + 1, height - 1)
    if wraps:
        return rows, ((footprint.columns - 1) % width, (footprint.columns + 1) % width)
    return rows, (np.maximum(footprint.columns - 1, 0), np.minimum(footprint.columns + 1, width - 1))
