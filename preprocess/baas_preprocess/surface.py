"""Surfaces over cells, flat or smooth. Both hold no more than the cells' values.

The mean over each cell is the cell's value. So the values can be read from what was drawn, and drawing them again
gives the same.
"""

from dataclasses import dataclass

import numpy as np

from baas_preprocess.cells import Floats, Footprint, Ints

# Each round halves what the surface misses of the cells' means, or better; what is left after four is not seen.
_ROUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """A bilinear patch for each place: level + across*x + down*y + twist*x*y, with x and y from -1/2 to 1/2."""

    level: Floats
    across: Floats
    down: Floats
    twist: Floats

    @classmethod
    def between(cls, upper_left: Floats, upper_right: Floats, lower_left: Floats, lower_right: Floats) -> "Surface":
        """Join the levels at each place's corners."""
        return cls(
            level=(upper_left + upper_right + lower_left + lower_right) / 4,
            across=(upper_right + lower_right - upper_left - lower_left) / 2,
            down=(lower_left + lower_right - upper_left - upper_right) / 2,
            twist=upper_left + lower_right - upper_right - lower_left,
        )


def flat(footprint: Footprint, values: Ints) -> Surface:
    """Draw each cell in its value alone."""
    level = values[footprint.cells].astype(np.float64)
    none = np.zeros_like(level)
    return Surface(level=level, across=none, down=none, twist=none)


def smooth(
    footprint: Footprint, values: Ints, *, bounds: tuple[float, float], wraps: bool, sizes: Floats | None = None
) -> Surface:
    """Draw a continuous surface whose mean over each cell is the cell's value, between the bounds.

    `sizes` (places, 2) are the width and height of each place that lie inside the picture, as shares of a whole place:
    only they count for the mean. Of the picture nothing but `values` enters. Cells near a bound may be drawn flatter
    than their neighbours ask for.
    """
    cells = footprint.cells
    if not cells.size:
        empty = np.zeros(0)
        return Surface(level=empty, across=empty, down=empty, twist=empty)
    sizes = np.ones((cells.size, 2)) if sizes is None else sizes
    weights = sizes.prod(axis=1)
    whole = np.bincount(cells, weights=weights)
    whole[whole == 0] = 1.0
    mesh = _Mesh.over(footprint, wraps=wraps)
    heights = values.astype(np.float64)
    for _ in range(_ROUNDS):
        surface = mesh.surface(heights)
        heights += values - np.bincount(cells, weights=weights * _centre(surface, sizes)) / whole
    surface = mesh.surface(heights)
    found = np.bincount(cells, weights=weights * _centre(surface, sizes)) / whole
    return _settled(surface, cells, values, found, bounds)


def _centre(surface: Surface, sizes: Floats) -> Floats:
    """The mean of each patch over the part of it inside the picture, which begins at its upper left corner."""
    x, y = (sizes[:, 0] - 1) / 2, (sizes[:, 1] - 1) / 2
    return surface.level + surface.across * x + surface.down * y + surface.twist * (x * y)


def _settled(surface: Surface, cells: Ints, values: Ints, found: Floats, bounds: tuple[float, float]) -> Surface:
    """Move each cell's patches from the mean found to its value, flattened as much as keeps them in the bounds."""
    reach = (np.abs(surface.across) + np.abs(surface.down)) / 2 + np.abs(surface.twist) / 4
    above, below = np.zeros(len(found)), np.zeros(len(found))
    np.maximum.at(above, cells, surface.level + reach - found[cells])
    np.maximum.at(below, cells, found[cells] - surface.level + reach)
    room_above, room_below = np.maximum(bounds[1] - values, 0), np.maximum(values - bounds[0], 0)
    share = np.minimum(np.minimum(1.0, room_above / np.maximum(above, 1e-9)), room_below / np.maximum(below, 1e-9))
    flatter = share[cells]
    return Surface(
        level=values[cells] + flatter * (surface.level - found[cells]),
        across=flatter * surface.across,
        down=flatter * surface.down,
        twist=flatter * surface.twist,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mesh:
    """The corners of all places of a footprint, and the window around each corner over which cells are averaged.

    A window as wide as a cell turns cells into their bilinear interpolation; windows never look outside the mask.
    """

    cells: Ints
    """(places,)"""
    field: "_Field"
    windows: tuple[Ints, Ints, Ints, Ints]
    """Top, bottom, left and right of each corner's window, in the field's sums."""
    covered: Floats
    """(corners,): how many places of the mask lie in the window."""
    corners: Ints
    """(4, places): the numbers of each place's upper left, upper right, lower left and lower right corner."""

    @classmethod
    def over(cls, footprint: Footprint, *, wraps: bool) -> "_Mesh":
        rows, columns = footprint.rows - footprint.rows[0], footprint.columns
        height, width = int(rows[-1]) + 1, footprint.grid.shape[1]
        radius_of_cell = np.ceil(np.sqrt(np.bincount(footprint.cells)) / 2).astype(np.int64)
        radius_of_place = np.minimum(radius_of_cell, width)[footprint.cells]
        radii = np.zeros((height + 1, width + 1), np.int64)
        for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
            np.maximum.at(radii, (rows + down, columns + right), radius_of_place)
        if wraps:
            radii[:, 0] = radii[:, -1] = np.maximum(radii[:, 0], radii[:, -1])
        corner_rows, corner_columns = np.nonzero(radii)
        radius = radii[corner_rows, corner_columns]
        number = np.zeros(radii.shape, np.int64)
        number[corner_rows, corner_columns] = np.arange(corner_rows.size)
        field = _Field(rows=rows, columns=columns, height=height, width=width, margin=int(radius.max()), wraps=wraps)
        windows = (
            corner_rows - radius + field.margin,
            corner_rows + radius + field.margin,
            corner_columns - radius + field.margin,
            corner_columns + radius + field.margin,
        )
        return cls(
            cells=footprint.cells,
            field=field,
            windows=windows,
            covered=_in_windows(field.sums(np.ones(rows.size)), windows),
            corners=np.stack(
                [
                    number[rows, columns],
                    number[rows, columns + 1],
                    number[rows + 1, columns],
                    number[rows + 1, columns + 1],
                ]
            ),
        )

    def surface(self, heights: Floats) -> Surface:
        """Join the corners, each the average of the cells' heights in its window, by bilinear patches."""
        corners = _in_windows(self.field.sums(heights[self.cells]), self.windows) / self.covered
        return Surface.between(*corners[self.corners])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Field:
    """The rows from the first to the last of a footprint, with a margin on all sides."""

    rows: Ints
    columns: Ints
    height: int
    width: int
    margin: int
    wraps: bool

    def sums(self, amounts: Floats) -> Floats:
        """Table of the sums of all amounts above and left of each corner of the field."""
        margin, width = self.margin, self.width
        table = np.zeros((self.height + 2 * margin + 1, width + 2 * margin + 1))
        field = table[1:, 1:]
        field[self.rows + margin, self.columns + margin] = amounts
        if self.wraps:
            field[:, :margin] = field[:, width : width + margin]
            field[:, width + margin :] = field[:, margin : 2 * margin]
        table.cumsum(axis=0, out=table)
        return table.cumsum(axis=1, out=table)


def _in_windows(sums: Floats, windows: tuple[Ints, Ints, Ints, Ints]) -> Floats:
    top, bottom, left, right = windows
    found: Floats = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return found
