"""A bright, half clouded sky."""

import numpy as np

from baas_preprocess.samples.brush import enlarged, smooth_noise
from baas_preprocess.samples.sphere import Canvas

_ZENITH = np.array((104, 148, 200), np.float32)
_HORIZON = np.array((206, 217, 226), np.float32)
_CLOUD = np.array((240, 241, 243), np.float32)


def paint_sky(canvas: Canvas, random: np.random.Generator) -> None:
    """Paint everything above the horizon."""
    # At a quarter of the resolution: clouds have no edges, and enlarging is faster than computing.
    height, width = canvas.view.height_px // 8, canvas.view.width_px // 4
    clouds = np.zeros((height, width), np.float32)
    for octave in range(5):
        cells = 2**octave
        clouds += smooth_noise(random, (4 * cells, 8 * cells), (height, width)) / np.float32(cells**0.75)
    # The last columns fade into what would come before the first ones, so that the seam does not show.
    blend = np.linspace(0, 1, width // 8, dtype=np.float32)
    clouds[:, -len(blend) :] += (clouds[:, :1] - clouds[:, -1:]) * blend
    cover = np.clip(clouds * 0.5 + random.uniform(0.3, 0.6), 0, 1)[..., None] * 0.9
    up = np.linspace(1, 0, height, dtype=np.float32)[:, None, None] ** 0.6
    blue = _HORIZON + (_ZENITH - _HORIZON) * up
    colours = np.clip(blue + (_CLOUD - blue) * cover, 0, 255).astype(np.uint8)
    canvas.picture[: 4 * height] = enlarged(colours, 4)
