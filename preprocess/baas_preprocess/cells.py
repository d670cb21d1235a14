"""Cells on a grid, and the one coarse value that each cell keeps of the picture.

A grid holds, for each block of a JPEG or unit of a picture, the number of its cell, or -1 outside the mask.
"""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Grid: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

# Exact means tell one person among hundreds. With far fewer levels than these, colours turn into others.
LEVELS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Footprint:
    """The redacted places of a grid, row by row."""

    grid: Grid
    rows: Ints
    """(places,)"""
    columns: Ints
    """(places,)"""
    cells: Ints
    """(places,)"""
    starts: Ints
    """(rows of the grid + 1,): where each row's places begin."""

    @classmethod
    def of(cls, grid: Grid) -> "Footprint":
        rows, columns = np.nonzero(grid >= 0)
        starts = np.searchsorted(rows, np.arange(grid.shape[0] + 1))
        return cls(grid=grid, rows=rows, columns=columns, cells=grid[rows, columns].astype(np.int64), starts=starts)

    def row(self, number: int) -> slice:
        """The places of one row."""
        return slice(int(self.starts[number]), int(self.starts[number + 1]))


def round_down(exact: Floats) -> Ints:
    """Round to the nearest integer, halves down.

    `means` rounds halves up. Integers rounded this way from numbers whose mean is the integer m have a mean in
    [m - 1/2, m + 1/2), and so `means` gives m again.
    """
    whole: Ints = np.ceil(exact - 0.5).astype(np.int64)
    return whole


def means(totals: Ints, counts: Ints) -> Ints:
    """Divide and round to the nearest integer, halves up. A cell that counts nothing gets 0."""
    safe = np.maximum(counts, 1)
    return np.floor_divide(2 * totals + safe, 2 * safe)


def coarse(values: Ints, *, span: float, bounds: tuple[float, float]) -> Ints:
    """Round to the nearest of at most `LEVELS` values within the bounds: 0, which is mid-grey, and whole steps from it.

    `span` is how far black and white are apart. Rounding again changes nothing.
    """
    step = math.ceil(span / LEVELS)
    least, greatest = math.ceil(bounds[0] / step), math.floor(bounds[1] / step)
    return step * np.clip(np.floor_divide(2 * values + step, 2 * step), least, greatest)


def totals(footprint: Footprint, amounts: npt.NDArray[np.integer[Any]]) -> Ints:
    """Add up the places of each cell, exactly."""
    # As floats: sums of coefficients and samples stay below 2^53.
    summed: Ints = np.bincount(footprint.cells, weights=amounts).astype(np.int64)
    return summed
