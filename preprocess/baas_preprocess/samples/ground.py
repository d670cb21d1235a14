"""The ground in perspective, with the shadows of what stands on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from baas_preprocess.facts import Pixels
from baas_preprocess.samples.brush import Plane, averaged, dimmed, sampled
from baas_preprocess.samples.paving import Ground, draw_ground
from baas_preprocess.samples.sphere import EYE_M, Canvas, View

_ROWS_AT_ONCE = 200
"""Bounds the memory for coordinates: 8000 columns x 200 rows x 6 sub-rows x 2 x 4 bytes are 77 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """A soft dark spot at (x, z), in metres; `softness` is the share of its radius over which it fades."""

    x: float
    z: float
    half_width: float
    half_length: float
    strength: float
    softness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ring:
    """Distances that share one texture, and the sub-rows whose mean is a row."""

    near_m: float
    far_m: float
    texels_per_m: int
    sub_rows: int


# A row at 20 m spans 13 cm along the ray but 2 cm across it: one texture and plain sampling would blur or glitter.
_RINGS = (
    _Ring(near_m=22, far_m=140, texels_per_m=32, sub_rows=6),
    _Ring(near_m=6, far_m=22, texels_per_m=80, sub_rows=3),
    _Ring(near_m=0, far_m=6, texels_per_m=128, sub_rows=1),
)


def paint_ground(canvas: Canvas, shadows: Sequence[Shadow]) -> None:
    """Paint everything below the horizon."""
    view = canvas.view
    end = view.height_px // 2
    for ring in _RINGS:
        ground = draw_ground(ring.far_m, ring.texels_per_m)
        shaded = dimmed(ground.texture, _light(ground, shadows))
        start, end = end, round(view.row(-math.atan2(EYE_M, ring.near_m)))
        for top in range(start, end, _ROWS_AT_ONCE):
            rows = slice(top, min(end, top + _ROWS_AT_ONCE))
            canvas.picture[rows] = _seen(view, rows, ring, ground, shaded)


def _seen(view: View, rows: slice, ring: _Ring, ground: Ground, shaded: Pixels) -> Pixels:
    """Look at the ground from the camera."""
    height = rows.stop - rows.start
    fine = (np.arange(height * ring.sub_rows) + 0.5) / ring.sub_rows + rows.start
    distance = EYE_M / np.tan(np.pi * (fine / view.height_px - 0.5))
    distance = np.minimum(distance, ring.far_m * 1.5).astype(np.float32)[:, None]
    azimuth = view.azimuths(np.arange(view.width_px))
    scale = np.float32(ground.texels_per_m)
    x = (distance * np.sin(azimuth) - np.float32(ground.x0)) * scale
    z = (distance * np.cos(azimuth) - np.float32(ground.z0)) * scale
    return averaged(sampled(shaded, x, z, repeat_edge=True), view.width_px, height)


def _light(ground: Ground, shadows: Sequence[Shadow]) -> Plane:
    """Return how light the ground is, 255 where nothing shades it."""
    light = np.full(ground.texture.shape[:2], 255, np.uint8)
    for shadow in shadows:
        rows, z = _span(shadow.z - ground.z0, shadow.half_length, ground.texels_per_m, light.shape[0])
        columns, x = _span(shadow.x - ground.x0, shadow.half_width, ground.texels_per_m, light.shape[1])
        # A superellipse: a car's shadow is a rectangle with round corners.
        radius = np.cbrt(np.abs(x[None, :]) ** 3 + np.abs(z[:, None]) ** 3)
        fade = shadow.strength * np.clip((1 - radius) / shadow.softness, 0, 1)
        light[rows, columns] = (light[rows, columns] * (1 - fade)).astype(np.uint8)
    return light


def _span(centre: float, half: float, scale: int, size: int) -> tuple[slice, npt.NDArray[np.float64]]:
    """Return the texels of a shadow along one axis, and where they lie in it: -1..1."""
    first, last = (min(size, max(0, round((centre + side * half) * scale))) for side in (-1, 1))
    return slice(first, last), ((np.arange(first, last) + 0.5) / scale - centre) / half
