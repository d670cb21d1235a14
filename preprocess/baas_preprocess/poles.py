"""Flat views of what the native tiles leave out: what lies towards the zenith and the nadir. Pure functions.

An equirectangular picture draws what is near a pole out over all of its columns, where no network knows a person any
more. A flat view shows it as a camera does that is tilted up or down (a gnomonic projection: J. P. Snyder, Map
projections: a working manual, U.S. Geological Survey 1395 (1987), chapter 22). Persons stand upright in it only close
to its own meridian, so several views look around each pole.

Yaw and pitch are those of `spherical`, in degrees: yaw 0 is the picture's centre column, pitch 0 its horizon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, radians, sin, tan, tau

import cv2
import numpy as np
import numpy.typing as npt

from baas_preprocess.facts import Box, Pixels, Tile
from baas_preprocess.spherical import covering

PITCH_DEGREES = 65.0
VIEWS_AROUND = 4
# So many steps along each side of a box: its sides are bent in the picture, by less than half a pixel in a step.
_STEPS = 256

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatView:
    """A square view of the sphere, as a camera at its centre sees it."""

    yaw: float
    pitch: float
    """Of the view's middle, in degrees."""
    opening: float = 90.0
    """The angle between opposite sides, in degrees, below 180."""
    side_px: int = 1024

    def length_px(self, degrees: float) -> float:
        """Return how long something in the view's middle is that is so wide, seen from the camera."""
        return self.side_px * tan(radians(degrees / 2)) / _half_side(self.opening)

    def extent(self, width_px: int, height_px: int) -> Tile:
        """Return the rectangle of the picture that holds all of it."""
        box = covering(self.yaw, self.pitch, self.opening, self.opening, width_px=width_px, height_px=height_px)
        left, top = int(box.left), int(box.top)
        return Tile(
            left=left,
            top=top,
            width=min(width_px, round(box.right) - left),
            height=min(height_px, round(box.bottom)) - top,
            out_width=self.side_px,
            out_height=self.side_px,
        )


def flat_views(*, is_shifted: bool = False) -> list[FlatView]:
    """Return views around the nadir and the zenith; `is_shifted` turns them by half the yaw that lies between two."""
    step = 360 / VIEWS_AROUND
    return [
        FlatView(yaw=step * (index + is_shifted / 2), pitch=pitch)
        for pitch in (-PITCH_DEGREES, PITCH_DEGREES)
        for index in range(VIEWS_AROUND)
    ]


def flat(pixels: Pixels, view: FlatView) -> Pixels:
    """Return what a view of a picture of the whole sphere shows, (side_px, side_px, 3)."""
    height_px, width_px = pixels.shape[:2]
    yaw, down = _map(view.pitch, view.opening, view.side_px)
    return cv2.remap(
        pixels,
        (yaw + np.float32(view.yaw / 360)) % 1 * width_px - np.float32(0.5),
        (down * height_px - np.float32(0.5)).clip(0, height_px - 1),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    ).astype(np.uint8, copy=False)


def outline(view: FlatView, corners: Sequence[float], width_px: int, height_px: int) -> Box:
    """Return the rectangle of the picture that covers a box (left, top, right, bottom; in pixels of a view)."""
    left, top, right, bottom = (corner * 2 / view.side_px - 1 for corner in corners)
    corner = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    around = np.concatenate([np.linspace(corner[i - 1], corner[i], _STEPS, endpoint=False) for i in range(4)]).T
    turn, down = _seen(around[0], around[1], view.pitch, view.opening)
    turn = np.unwrap(turn, period=1)
    pole = -1 / (tan(radians(view.pitch)) * _half_side(view.opening))
    step_across, step_down = (right - left) / _STEPS, (bottom - top) / _STEPS
    if left - step_across <= 0 <= right + step_across and top - step_down <= pole <= bottom + step_down:
        first, last = (down.min(), 1.0) if view.pitch < 0 else (0.0, down.max())
        return Box(0.0, first * height_px, float(width_px), last * height_px)
    start = (turn.min() + view.yaw / 360) % 1 * width_px % width_px  # the first remainder may round up to 1
    return Box(start, down.min() * height_px, start + np.ptp(turn) * width_px, down.max() * height_px)


@lru_cache(maxsize=2)
def _map(pitch: float, opening: float, side_px: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Where the pixels of a view at yaw 0 are, in shares of the picture's width and height."""
    middle = (np.arange(side_px) + 0.5) * 2 / side_px - 1
    turn, down = _seen(middle[None, :], middle[:, None], pitch, opening)
    return turn.astype(np.float32), down.astype(np.float32)


def _seen(across: _Floats, down: _Floats, pitch: float, opening: float) -> tuple[_Floats, _Floats]:
    """Return where points (-1..1, side to side) of a view at yaw 0 are: shares of the picture's width and height."""
    right, below = across * _half_side(opening), down * _half_side(opening)
    forward = cos(radians(pitch)) + below * sin(radians(pitch))
    up = sin(radians(pitch)) - below * cos(radians(pitch))
    return 0.5 + np.arctan2(right, forward) / tau, 0.5 - np.arctan2(up, np.hypot(forward, right)) / pi


def _half_side(opening: float) -> float:
    """Half of a view's side, at the distance 1 from the camera."""
    return tan(radians(opening / 2))
