"""Read each cell's value from a picture, and draw cells from their values: in a JPEG's coefficients, or in samples.

Redaction draws, and verification draws again from what it finds: a region that equals its own drawing shows no more
than its cells' values.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from baas_preprocess.cells import Floats, Footprint, Ints, means, round_down, totals
from baas_preprocess.facts import Mask
from baas_preprocess.libjpeg import Blocks, OnRow
from baas_preprocess.raster import Samples, unit_rows
from baas_preprocess.surface import Surface, smooth

# A rising line over eight samples, and its cosine transform divided by that of a constant one (ITU-T T.81, A.3.3).
_RISE = (np.arange(8) - 3.5) / 8
_RISE_DCT = np.array(
    [
        (_RISE * np.cos((2 * np.arange(8) + 1) * frequency * np.pi / 16)).sum() * (np.sqrt(2) if frequency else 1) / 8
        for frequency in range(8)
    ]
)


def lift(footprints: list[Footprint], lifted: list[Blocks]) -> OnRow:
    """Make a pass that moves the coefficients inside the mask to `lifted`, as many as it has columns, leaving zeros."""

    def on_row(component: int, row: int, blocks: Blocks) -> None:
        footprint = footprints[component]
        places = footprint.row(row)
        columns = footprint.columns[places]
        if columns.size:
            lifted[component][places] = blocks[columns, : lifted[component].shape[1]]
            blocks[columns] = 0

    return on_row


def block_values(footprint: Footprint, blocks: Blocks) -> Ints:
    """Average the blocks' levels in each cell, in steps of the quantisation table."""
    return means(totals(footprint, blocks[:, 0]), np.bincount(footprint.cells))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockDrawing:
    """The coefficients of one plane's redacted blocks."""

    levels: Ints
    surface: Surface | None
    waves: Floats
    """(3, 64): the coefficients of a patch's `across`, `down` and `twist`."""

    def coefficients(self, places: slice) -> Blocks:
        """(places, 64)"""
        levels = self.levels[places]
        drawn = np.zeros((len(levels), 64), np.int16)
        if self.surface is not None:
            slopes = (self.surface.across, self.surface.down, self.surface.twist)
            # Sums of products in a fixed order: a matrix product may round differently from one shape to another.
            exact = sum(slope[places, None] * wave for slope, wave in zip(slopes, self.waves, strict=True))
            drawn[:] = np.clip(np.rint(exact), -1023, 1023)  # what Huffman coding can hold
        drawn[:, 0] = levels
        return drawn


def draw_blocks(
    footprint: Footprint, values: Ints, steps: npt.NDArray[np.uint16], *, is_smooth: bool, wraps: bool
) -> BlockDrawing:
    """Draw cells flat, or as a smooth surface whose levels average to the same values."""
    flat = values[footprint.cells]
    if not is_smooth:
        return BlockDrawing(levels=flat, surface=None, waves=np.zeros((3, 64)))
    safe = np.maximum(steps, 1).astype(np.float64)  # a damaged table may hold zeros
    # Black is -1024, white 1016, before quantisation.
    surface = smooth(footprint, values, bounds=(-1024 / safe[0], 1016 / safe[0]), wraps=wraps)
    constant = np.eye(1, 8)[0]
    waves = np.stack([np.outer(constant, _RISE_DCT), np.outer(_RISE_DCT, constant), np.outer(_RISE_DCT, _RISE_DCT)])
    return BlockDrawing(levels=round_down(surface.level), surface=surface, waves=waves.reshape(3, 64) * safe[0] / safe)


def sample_values(footprint: Footprint, samples: Samples, mask: Mask) -> Ints:
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


def draw_samples(
    footprint: Footprint, values: Ints, samples: Samples, mask: Mask, *, is_smooth: bool, wraps: bool
) -> Iterator[tuple[Samples, Ints, Samples]]:
    """Give, for each row of units, a view of its samples, the columns redacted, and what is to be drawn there."""
    greatest = int(np.iinfo(samples.dtype).max)
    sizes = _sizes(footprint, mask)
    surfaces = [
        smooth(footprint, values[:, channel], bounds=(0, greatest), wraps=wraps, sizes=sizes)
        for channel in range(samples.shape[2] if is_smooth else 0)
    ]
    for row, band in unit_rows(mask, samples):
        places = footprint.row(row)
        columns = _sample_columns(footprint.columns[places], mask)
        if not columns.size:
            continue
        if is_smooth:
            drawn = np.stack([_patches(surface, places, mask.unit_px) for surface in surfaces], axis=2)
        else:
            flat = np.repeat(values[footprint.cells[places]], mask.unit_px[0], axis=0)
            drawn = np.broadcast_to(flat, (mask.unit_px[1], *flat.shape))
        yield band, columns, drawn[: band.shape[0], : columns.size].astype(samples.dtype)


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
