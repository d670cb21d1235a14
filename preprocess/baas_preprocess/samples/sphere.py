"""The camera: how upright rectangles of a flat world land on an equirectangular picture.

The world is metric: x to the right of the street, z along it, y up from the ground; the camera stands at (0, EYE_M, 0).
Azimuths are radians clockwise from z; a column counts on beyond the picture's width where a thing crosses the seam.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from baas_preprocess.facts import Pixels
from baas_preprocess.samples.brush import Plane, Rgba, averaged, laid_over, sampled

EYE_M = 2.5
"""Height of the camera above the road, as on a survey car."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upright:
    """A rectangle that stands on edge. Seen from the camera its foot runs clockwise from `left` to `right` (x, z)."""

    left: tuple[float, float]
    right: tuple[float, float]
    bottom: float
    top: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The rectangle of the picture, in pixels, that a thing lies in; `right` may exceed the picture's width."""

    left: float
    right: float
    top: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Size and heading of a panorama. Azimuth `yaw` lies in its middle column."""

    width_px: int
    height_px: int
    yaw: float

    @property
    def seam(self) -> float:
        """Azimuth of the left and right edge."""
        return self.yaw + math.pi

    def row(self, elevation: float) -> float:
        return (0.5 - elevation / math.pi) * self.height_px

    def azimuths(self, columns: npt.NDArray[np.int_]) -> npt.NDArray[np.float32]:
        """Azimuths of the centres of these columns."""
        turn = (columns + 0.5) * (2 * math.pi / self.width_px)
        return (turn - math.pi + self.yaw).astype(np.float32)

    def elevations(self, rows: npt.NDArray[np.int_]) -> npt.NDArray[np.float32]:
        """Elevations of the centres of these rows."""
        return (math.pi * (0.5 - (rows + 0.5) / self.height_px)).astype(np.float32)

    def points(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Project points (..., 3) of one thing to (..., 2) pixels, unwrapped around the first point."""
        x, y, z = np.moveaxis(points, -1, 0)
        columns = (np.arctan2(x, z) - self.yaw + math.pi) / (2 * math.pi) * self.width_px % self.width_px
        first = columns.flat[0]
        columns = (columns - first + self.width_px / 2) % self.width_px + first - self.width_px / 2
        rows = (0.5 - np.arctan2(y - EYE_M, np.hypot(x, z)) / math.pi) * self.height_px
        return np.stack([columns, rows], axis=-1)

    def extent(self, points: npt.NDArray[np.float64]) -> Extent:
        """Bound the projected points; 0 <= left < width."""
        pixels = self.points(points).reshape(-1, 2)
        (left, top), (right, bottom) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        turns = left // self.width_px * self.width_px
        return Extent(left=left - turns, right=right - turns, top=top, bottom=bottom)


@dataclass(slots=True, kw_only=True, eq=False)
class Canvas:
    """A panorama in the making: things are pasted from far to near."""

    view: View
    picture: Pixels = field(init=False)
    owner: Plane = field(init=False)
    """Number of the labelled object that is seen in a pixel, 0 for none: what is hidden is not in the truth."""

    def __post_init__(self) -> None:
        self.picture = np.zeros((self.view.height_px, self.view.width_px, 3), np.uint8)
        self.owner = np.zeros((self.view.height_px, self.view.width_px), np.uint8)

    def paste(self, picture: Rgba, upright: Upright, *, owner: int = 0) -> None:
        """Paste a picture onto an upright rectangle, in perspective."""
        corners = corners_of(upright)
        extent = self.view.extent(corners)
        columns = np.arange(math.floor(extent.left), math.ceil(extent.right))
        across, distances = _hits(self.view.azimuths(columns), upright)
        # The rectangle's nearest point may lie between its ends, so all its columns are asked.
        tops, bottoms = (np.arctan2(y - EYE_M, distances) for y in (upright.top, upright.bottom))
        rows = np.arange(
            max(0, math.floor(self.view.row(float(tops.max())))),
            min(self.view.height_px, math.ceil(self.view.row(float(bottoms.min())))),
        )
        if not len(rows) or not len(columns):
            return
        # Averaged down to about the pixels that it will cover, so that far things do not glitter.
        scaled = averaged(picture, max(2, len(columns)), max(2, len(rows)))
        height, width = scaled.shape[:2]
        heights = np.tan(self.view.elevations(rows))[:, None] * distances + np.float32(EYE_M)
        down = (np.float32(upright.top) - heights) * np.float32(height / (upright.top - upright.bottom)) - 0.5
        right = np.broadcast_to(across * np.float32(width) - np.float32(0.5), down.shape)
        seen = sampled(scaled, right, down, repeat_edge=False)
        self.compose(seen, int(columns[0]), int(rows[0]), owner=owner)

    def compose(self, picture: Rgba, left: int, top: int, *, owner: int = 0) -> None:
        """Lay a picture over the panorama at its own scale; it goes on at the other edge."""
        width = self.view.width_px
        left %= width
        first = min(picture.shape[1], width - left)
        for part, start in ((picture[:, :first], left), (picture[:, first:], 0)):
            if not part.size:
                continue
            rows, columns = slice(top, top + part.shape[0]), slice(start, start + part.shape[1])
            self.picture[rows, columns] = laid_over(self.picture[rows, columns], part)
            self.owner[rows, columns][part[..., 3] > 127] = owner


def corners_of(upright: Upright) -> npt.NDArray[np.float64]:
    """Return the four corners, (4, 3)."""
    return np.array([(x, y, z) for x, z in (upright.left, upright.right) for y in (upright.bottom, upright.top)])


def facing(x: float, z: float, *, width: float, bottom: float, top: float) -> Upright:
    """Stand a rectangle at (x, z) that faces the camera."""
    distance = math.hypot(x, z)
    aside = (z / distance * width / 2, -x / distance * width / 2)
    return Upright(left=(x - aside[0], z - aside[1]), right=(x + aside[0], z + aside[1]), bottom=bottom, top=top)


def _hits(
    azimuths: npt.NDArray[np.float32], upright: Upright
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Where each azimuth's ray meets the rectangle's foot: share of the way from left to right, and distance."""
    (left_x, left_z), (right_x, right_z) = upright.left, upright.right
    along_x, along_z = right_x - left_x, right_z - left_z
    ray_x, ray_z = np.sin(azimuths), np.cos(azimuths)
    slope = along_x * ray_z - along_z * ray_x
    across = (left_z * ray_x - left_x * ray_z) / slope
    distance = (along_x * left_z - along_z * left_x) / slope
    return across.astype(np.float32), distance.astype(np.float32)
