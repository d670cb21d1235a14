"""To which subset a picture belongs: decided by the geohash cell it lies in, so that what is near stays together. Pure.

A cell's subset follows from its name and the seed alone: pictures that come later change nothing for those that are
there. Pictures within the guard distance of a cell of another subset belong to none; so two pictures of different
subsets are never nearer to each other than that.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import pygeohash

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.metadata.places import Position

NO_SUBSET = "none"
_GEOHASH_LENGTH = 9
_BITS = 5
# The shortest degree of latitude (at the equator) and the longest of longitude give the widest guard in degrees.
_METRES_PER_DEGREE = 110_574.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How pictures are divided."""

    ratios: Mapping[str, float]
    """Share of the cells by subset, in order; together 1."""
    seed: int = 0
    cell_length: int = 6
    """Characters of a geohash: 6 are cells 0.6 km high, and 1.2 km wide at the equator, 0.7 km in Amsterdam."""
    guard_m: float = 20.0
    """Metres."""

    def __post_init__(self) -> None:
        """Raises `ConfigurationError` when the shares are none."""
        if not self.ratios or min(self.ratios.values()) < 0 or not math.isclose(sum(self.ratios.values()), 1):
            shown = ", ".join(f"{subset} {share:g}" for subset, share in self.ratios.items())
            raise ConfigurationError(f"The subsets' shares ({shown}) must not be negative and must add up to 1.")


def geohash(position: Position) -> str:
    """Return the geohash of nine characters: a cell of about 5 m."""
    return str(pygeohash.encode(position.latitude, position.longitude, precision=_GEOHASH_LENGTH))


def cell_of(position: Position, length: int) -> str:
    """Return the cell that a position lies in: the first characters of its geohash."""
    return str(pygeohash.encode(position.latitude, position.longitude, precision=length))


def subset_of_cell(cell: str, division: Division) -> str:
    """Return a cell's subset: a digest of seed and name, as a number from 0 to 1, falls into one of the shares."""
    digest = hashlib.sha256(f"{division.seed}:{cell}".encode()).digest()
    drawn = int.from_bytes(digest[:8], "big") / 2**64
    for subset, share in division.ratios.items():
        drawn -= share
        if drawn < 0:
            return subset
    return list(division.ratios)[-1]


def subset_of(position: Position, division: Division) -> str:
    """Return a position's subset, or `NO_SUBSET` when a cell of another subset is within the guard distance.

    Raises `ConfigurationError` when cells are not more than twice as large as the guard: then all corners around a
    position may lie in cells of its subset, and something between them in another one.
    """
    own = subset_of_cell(cell_of(position, division.cell_length), division)
    if division.guard_m == 0:
        return own
    north, east = _guard_deg(position, division)
    around = (
        Position(
            latitude=max(-90.0, min(90.0, position.latitude + up * north)),
            longitude=(position.longitude + right * east + 180) % 360 - 180,
        )
        for up, right in product((-1, 0, 1), repeat=2)
    )
    subsets = {subset_of_cell(cell_of(one, division.cell_length), division) for one in around}
    return own if subsets == {own} else NO_SUBSET


def _guard_deg(position: Position, division: Division) -> tuple[float, float]:
    """Return the guard distance in degrees of latitude and longitude."""
    north = division.guard_m / _METRES_PER_DEGREE
    nearest_pole = min(89.0, abs(position.latitude) + north)
    east = north / math.cos(math.radians(nearest_pole))
    across = (division.cell_length * _BITS + 1) // 2  # longitude has the first bit
    height, width = 180 / 2 ** (division.cell_length * _BITS - across), 360 / 2**across
    if height <= 2 * north or width <= 2 * east:
        raise ConfigurationError(
            f"Geohash cells of {division.cell_length} characters are not twice as large as the guard of "
            f"{division.guard_m:g} m: take shorter cells or a smaller --guard."
        )
    return north, east
