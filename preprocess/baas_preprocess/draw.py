"""Draw what stands in place of the mask: in a JPEG's coefficients, or in samples.

Redaction draws, and verification draws again from what it finds: a region that equals its own drawing shows no more
than its method allows. That is nothing but mid-grey (solid), what lies around the mask (fill), or one coarse value for
each cell (pixelate, blur).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from baas_preprocess.cells import Floats, Footprint, Ints, coarse, means, round_down, totals
from baas_preprocess.facts import Mask, Method
from baas_preprocess.fill import fill
from baas_preprocess.libjpeg import Blocks, OnRow
from baas_preprocess.outside import Digesting
from baas_preprocess.raster import Raster, Samples, unit_rows
from baas_preprocess.surface import Surface, flat, smooth

# A rising line over eight samples, and its cosine transform divided by that of a constant one (ITU-T T.81, A.3.3).
_RISE = (np.arange(8) - 3.5) / 8
_RISE_DCT = np.array(
    [
        (_RISE * np.cos((2 * np.arange(8) + 1) * frequency * np.pi / 16)).sum() * (np.sqrt(2) if frequency else 1) / 8
        for frequency in range(8)
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lifted:
    """The blocks of one plane that lie inside the mask, and the levels of those outside."""

    footprint: Footprint
    inside: Blocks
    """(places, 1 or 64): their first coefficients."""
    around: npt.NDArray[np.int16]
    """(rows, columns) in steps of the quantisation table; zero inside."""

    @classmethod
    def empty(cls, footprint: Footprint, coefficients: int) -> "Lifted":
        return cls(
            footprint=footprint,
            inside=np.zeros((footprint.cells.size, coefficients), np.int16),
            around=np.zeros(footprint.grid.shape, np.int16),
        )

    def levels(self, inside: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int16]:
        """(rows, columns): the levels of all blocks, when those in the mask have these."""
        levels = self.around.copy()
        levels[self.footprint.rows, self.footprint.columns] = inside
        return levels


def lift(planes: list[Lifted], outside: Digesting) -> OnRow:
    """Make a pass that moves what is inside the mask to `planes`, leaving zeros, and digests what is outside.

    Of that it also notes the levels.
    """

    def on_row(component: int, row: int, blocks: Blocks) -> Ints:
        plane = planes[component]
        places = plane.footprint.row(row)
        columns = plane.footprint.columns[places]
        if columns.size:
            plane.inside[places] = blocks[columns, : plane.inside.shape[1]]
            blocks[columns] = 0
        plane.around[row] = blocks[:, 0]
        outside.add(blocks)
        return columns

    return on_row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockDrawing:
    """The coefficients of one plane's redacted blocks."""

    surface: Surface
    waves: Floats
    """(3, 64): the coefficients of a patch's `across`, `down` and `twist`."""

    @property
    def levels(self) -> Ints:
        """(places,): their first coefficients."""
        return round_down(self.surface.level)

    def coefficients(self, places: slice) -> Blocks:
        """(places, 64)"""
        across, down, twist = (
            part[places, None] for part in (self.surface.across, self.surface.down, self.surface.twist)
        )
        # Sums of products in a fixed order: a matrix product may round differently from one shape to another.
        exact = across * self.waves[0]
        exact += down * self.waves[1]
        exact += twist * self.waves[2]
        np.rint(exact, out=exact)
        np.clip(exact, -1023, 1023, out=exact)  # what Huffman coding can hold
        drawn: Blocks = exact.astype(np.int16)
        drawn[:, 0] = round_down(self.surface.level[places])
        return drawn


def draw_blocks(plane: Lifted, steps: npt.NDArray[np.uint16], method: Method, *, wraps: bool) -> BlockDrawing:
    """Draw what the method leaves of a plane; of what was inside, it looks at the blocks' levels at most."""
    footprint = plane.footprint
    safe = np.maximum(steps, 1).astype(np.float64)  # a damaged table may hold zeros
    # Black is -1024, white 1016, before quantisation.
    span, bounds = 2048 / safe[0], (-1024 / safe[0], 1016 / safe[0])
    if method is Method.FILL:
        surface = fill(footprint, plane.around, wraps=wraps)
    else:
        values = means(totals(footprint, plane.inside[:, 0]), np.bincount(footprint.cells))
        # Zero is mid-grey in every component.
        values = coarse(values, span=span, bounds=bounds) if method is not Method.SOLID else np.zeros_like(values)
        is_smooth = method is Method.BLUR
        surface = smooth(footprint, values, bounds=bounds, wraps=wraps) if is_smooth else flat(footprint, values)
    constant = np.eye(1, 8)[0]
    waves = np.stack([np.outer(constant, _RISE_DCT), np.outer(_RISE_DCT, constant), np.outer(_RISE_DCT, _RISE_DCT)])
    return BlockDrawing(surface=surface, waves=waves.reshape(3, 64) * safe[0] / safe)


def draw_samples(
    picture: Raster, mask: Mask, method: Method, *, wraps: bool
) -> Iterator[tuple[Samples, Ints, Samples]]:
    """Give, for each row of units, a view of its samples, the columns redacted, and what is to be drawn there.

    Whatever the method, an alpha channel is opaque there.
    """
    footprint = Footprint.of(mask.cells)
    middle = (picture.greatest + 1) // 2
    surfaces = _surfaces(picture, footprint, mask, method, wraps=wraps) if footprint.cells.size else []
    for row, band in unit_rows(mask, picture.samples):
        places = footprint.row(row)
        columns = _sample_columns(footprint.columns[places], mask)
        if not columns.size:
            continue
        drawn = np.stack([_patches(surface, places, mask.unit_px) for surface in surfaces], axis=2) + middle
        if picture.has_alpha:
            drawn[..., -1] = picture.greatest
        yield band, columns, drawn[: band.shape[0], : columns.size].astype(picture.samples.dtype)


def _surfaces(picture: Raster, footprint: Footprint, mask: Mask, method: Method, *, wraps: bool) -> list[Surface]:
    """One for each channel, counted from mid-grey."""
    middle = (picture.greatest + 1) // 2
    channels = range(picture.samples.shape[2])
    if method is Method.FILL:
        around = _levels_around(picture.samples, mask) - middle
        return [fill(footprint, around[..., channel], wraps=wraps) for channel in channels]
    if method is Method.SOLID:
        return [flat(footprint, np.zeros(mask.cell_count, np.int64))] * len(channels)
    bounds = (-middle, picture.greatest - middle)
    values = coarse(_sample_values(footprint, picture.samples, mask) - middle, span=2 * middle, bounds=bounds)
    if method is Method.PIXELATE:
        return [flat(footprint, values[:, channel]) for channel in channels]
    sizes = _sizes(footprint, mask)
    return [smooth(footprint, values[:, channel], bounds=bounds, wraps=wraps, sizes=sizes) for channel in channels]


def _levels_around(samples: Samples, mask: Mask) -> Floats:
    """Average the samples of each unit outside the mask: (rows, columns, channels); zero inside."""
    unit_width = mask.unit_px[0]
    starts = np.arange(0, mask.width_px, unit_width)
    widths = np.minimum(unit_width, mask.width_px - starts)
    levels = np.zeros((*mask.cells.shape, samples.shape[2]))
    for row, band in unit_rows(mask, samples):
        sums = np.add.reduceat(band.sum(axis=0, dtype=np.int64), starts, axis=0)
        levels[row] = np.where(mask.covered[row, :, None], 0.0, sums / (band.shape[0] * widths[:, None]))
    return levels


def _sample_values(footprint: Footprint, samples: Samples, mask: Mask) -> Ints:
    """Average the samples of each cell: (cells, channels)."""
    sums = np.zeros((mask.cell_count, samples.shape[2]), np.int64)
    counts = np.zeros(mask.cell_count, np.int64)
    for row, band in unit_rows(mask, samples):
        places = footprint.row(row)
        columns = _sample_columns(footprint.columns[places], mask)
        if columns.size:
            cells = np.repeat(footprint.cells[places], mask.unit_px[0])[: columns.size]
            counts += np.bincount(cells, minlength=mask.cell_count) * band.shape[0]
            for channel in range(samples.shape[2]):
                amounts = band[:, columns, channel].sum(axis=0, dtype=np.int64)
                sums[:, channel] += np.bincount(cells, weights=amounts, minlength=mask.cell_count).astype(np.int64)
    return means(sums, counts[:, None])


def _sample_columns(units: Ints, mask: Mask) -> Ints:
    """The columns of samples of the units of one row; only the picture's last unit may be cut off."""
    columns = (units[:, None] * mask.unit_px[0] + np.arange(mask.unit_px[0])).ravel()
    return columns[columns < mask.width_px]


def _sizes(footprint: Footprint, mask: Mask) -> Floats:
    """The share of each place's width and height that lies inside the picture."""
    width, height = mask.unit_px
    return np.stack(
        [
            np.minimum(1, (mask.width_px - footprint.columns * width) / width),
            np.minimum(1, (mask.height_px - footprint.rows * height) / height),
        ],
        axis=1,
    )


def _patches(surface: Surface, places: slice, unit_px: tuple[int, int]) -> Ints:
    """(unit height, places x unit width): the samples of neighbouring patches side by side."""
    x, y = ((np.arange(size) - (size - 1) / 2) / size for size in unit_px)
    y = y[:, None, None]
    level, across, down, twist = (
        part[places, None] for part in (surface.level, surface.across, surface.down, surface.twist)
    )
    return round_down(level + across * x + down * y + twist * (x * y)).reshape(unit_px[1], -1)
