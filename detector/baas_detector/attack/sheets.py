"""Sheets: pictures on which many crops of one size are laid out, each in the same surroundings and on the same grid.

So what is read back differs by what was in the crop, and by nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from baas_detector.attack.pictures import read_picture, write_jpeg
from baas_detector.attack.redactions import Wanted
from baas_detector.checks import Tile
from baas_detector.contract import DetectedClass

_UNIT_PX = 16
"""The coding unit of the sheets. Slots are whole units, so that all crops lie alike on the grid of a JPEG's blocks."""
_MOST_PX = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How crops of one size lie on a sheet, in slots that are as large as their masks may become, and a gap."""

    width: int
    height: int
    """Of a crop."""
    padding: float
    """The share of a crop's size that redaction adds on each side."""

    def margin(self, side: int) -> int:
        """So much around a crop holds its mask."""
        return max(2, int(self.padding * side) + 1) + _UNIT_PX

    def offset(self, side: int) -> int:
        """Where a crop begins in its slot. A smooth look reaches into masks nearby, so they are kept apart."""
        apart = max(32, (self.width + self.height) // 8)
        return _whole_units(self.margin(side) + apart / 2)

    @property
    def slot(self) -> tuple[int, int]:
        """(width, height)"""
        return tuple(_whole_units(side + 2 * self.offset(side)) for side in (self.width, self.height))  # type: ignore[return-value]

    @property
    def across(self) -> int:
        """So many crops beside each other."""
        return max(1, _MOST_PX // self.slot[0])

    @property
    def per_sheet(self) -> int:
        """So many crops on a full sheet."""
        return self.across * max(1, _MOST_PX // self.slot[1])

    def place(self, index: int) -> tuple[int, int]:
        """Return the left and top edge of a sheet's crop."""
        row, column = divmod(index, self.across)
        return (
            column * self.slot[0] + self.offset(self.width),
            row * self.slot[1] + self.offset(self.height),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One picture with crops on it."""

    name: str
    crops: int
    layout: Layout

    def wanted(self, object_class: DetectedClass) -> Iterator[Wanted]:
        """Give the boxes to redact."""
        for index in range(self.crops):
            left, top = self.layout.place(index)
            yield Wanted(self.name, left, top, self.layout.width, self.layout.height, object_class)

    def windows(self, folder: Path) -> Iterator[Tile]:
        """Read the crops back, each with as much around it as its mask may cover."""
        picture = read_picture(folder / self.name)
        layout = self.layout
        across, down = layout.margin(layout.width), layout.margin(layout.height)
        for index in range(self.crops):
            left, top = layout.place(index)
            yield picture[top - down : top + layout.height + down, left - across : left + layout.width + across]


def surroundings(layout: Layout, random: np.random.Generator) -> Tile:
    """Draw what lies around every crop: a wall above a pavement, with some grain."""
    width, height = layout.slot
    lower = np.linspace(0, 1, height)[:, np.newaxis, np.newaxis]
    wall, pavement = np.array([140, 105, 90]), np.array([120, 120, 118])
    grain = random.normal(0, 6, (height, width, 1))
    drawn: npt.NDArray[np.float64] = wall + (pavement - wall) * lower + grain
    return drawn.clip(0, 255).astype(np.uint8)


def write_sheets(folder: Path, name: str, crops: Iterable[Tile], layout: Layout, around: Tile) -> Sequence[Sheet]:
    """Lay crops out on as many JPEGs as are needed."""
    written: list[Sheet] = []
    left_over = iter(crops)
    while some := list(islice(left_over, layout.per_sheet)):
        sheet = Sheet(name=f"{name}-{len(written):03}.jpg", crops=len(some), layout=layout)
        picture = np.tile(around, (-(-len(some) // layout.across), layout.across, 1))
        for index, crop in enumerate(some):
            left, top = layout.place(index)
            picture[top : top + layout.height, left : left + layout.width] = crop
        write_jpeg(folder / sheet.name, picture)
        written.append(sheet)
    return written


def _whole_units(length: float) -> int:
    return -int(-length // _UNIT_PX) * _UNIT_PX
