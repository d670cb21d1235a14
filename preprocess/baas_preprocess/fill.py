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
    outside = footprint.grid < 0
    field = np.where(outside, around, 0.0)
    weighted, weights = np.zeros(footprint.rows.size), np.zeros(footprint.rows.size)
    for levels, weight in _nearest(footprint, field, outside, wraps=wraps):
        weighted += levels * weight
        weights += weight
    field[footprint.rows, footprint.columns] = weighted / np.where(weights > 0, weights, 1.0)

    (up, down), (left, right) = _beside(footprint, wraps=wraps)
    rows, columns = footprint.rows, footprint.columns
    for _ in range(_SWEEPS):
        field[rows, columns] = (field[up, columns] + field[down, columns] + field[rows, left] + field[rows, right]) / 4

    def corner(row: Ints, column: Ints) -> Floats:
        met: Floats = field[rows, columns] + field[row, columns] + field[rows, column] + field[row, column]
        return met / 4

    return Surface.between(corner(up, left), corner(up, right), corner(down, left), corner(down, right))


def _nearest(
    footprint: Footprint, field: Floats, outside: npt.NDArray[np.bool_], *, wraps: bool
) -> Iterator[tuple[Floats, Floats]]:
    """Give, for each of four sides, the level of the nearest place outside and one over its distance; 0 without one."""
    for is_turned in (False, True):
        lines, free = (field.T, outside.T) if is_turned else (field, outside)
        line, at = (footprint.columns, footprint.rows) if is_turned else (footprint.rows, footprint.columns)
        length = free.shape[1]
        turns = 3 if wraps and not is_turned else 1
        free = np.tile(free, (1, turns))
        at = at + turns // 2 * length  # in the middle one of three
        along = np.arange(free.shape[1], dtype=np.int32)
        before = np.maximum.accumulate(np.where(free, along, -1), axis=1)[line, at]
        after = np.minimum.accumulate(np.where(free, along, along.size)[:, ::-1], axis=1)[:, ::-1][line, at]
        for nearest, exists in ((before, before >= 0), (after, after < along.size)):
            yield lines[line, nearest % length], exists / np.abs(nearest - at)


def _beside(footprint: Footprint, *, wraps: bool) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """The rows above and below each place, and the columns left and right of it; at an edge the place's own."""
    height, width = footprint.grid.shape
    rows = np.maximum(footprint.rows - 1, 0), np.minimum(footprint.rows + 1, height - 1)
    if wraps:
        return rows, ((footprint.columns - 1) % width, (footprint.columns + 1) % width)
    return rows, (np.maximum(footprint.columns - 1, 0), np.minimum(footprint.columns + 1, width - 1))
