"""The ground seen from above: asphalt, brick parking bays, kerbs, pavements and road marks."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from baas_preprocess.facts import Pixels
from baas_preprocess.samples import street
from baas_preprocess.samples.brush import Floats, smooth_noise, tinted
from baas_preprocess.samples.masonry import lay

_KERB_HALF_WIDTH_M = 0.11


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """A rectangle of ground; its first texel lies at (x0, z0), metres from the camera."""

    texture: Pixels
    texels_per_m: int
    x0: float
    z0: float


@cache
def draw_ground(reach_m: float, texels_per_m: int) -> Ground:
    """Draw the street up to so far from the camera. It is the same in every panorama."""
    half_width = min(reach_m, max(-street.LEFT_FACADE, street.RIGHT_FACADE) + 1)
    half_length = min(reach_m, street.END_M + 5)
    x = np.arange(-half_width, half_width, 1 / texels_per_m, dtype=np.float32)
    z = np.arange(-half_length, half_length, 1 / texels_per_m, dtype=np.float32)
    random = np.random.default_rng(0)
    texture = np.empty((len(z), len(x), 3), np.uint8)
    for left, right, cover in (
        (-half_width, street.LEFT_KERB, _slabs),
        (street.LEFT_KERB, street.LEFT_LANE_EDGE, _bricks),
        (street.LEFT_LANE_EDGE, street.RIGHT_LANE_EDGE, _asphalt),
        (street.RIGHT_LANE_EDGE, street.RIGHT_KERB, _bricks),
        (street.RIGHT_KERB, half_width + 1, _slabs),
    ):
        strip = slice(*np.searchsorted(x, (left, right)).tolist())
        if strip.start < strip.stop:
            texture[:, strip] = cover(random, z, x[strip])
    _draw_kerbs(texture, x)
    _draw_marks(random, texture, x, z)
    for along in np.arange(-88.5, 90, 17.0):
        _draw_cover(texture, x - np.float32(1.1), z - np.float32(along))
    return Ground(texture=texture, texels_per_m=texels_per_m, x0=-half_width, z0=-half_length)


def _grain(random: np.random.Generator, z: Floats, x: Floats, size_m: float) -> Floats:
    """Smooth noise with features of about this size, at least a texel."""
    cells = tuple(min(len(axis), int(len(axis) * (axis[1] - axis[0]) / size_m) + 2) for axis in (z, x))
    return smooth_noise(random, (cells[0], cells[1]), (len(z), len(x)))


def _asphalt(random: np.random.Generator, z: Floats, x: Floats) -> Pixels:
    fine, coarse = (_grain(random, z, x, size) for size in (0.015, 0.06))
    # Large patches are computed, not drawn by lot: they must be the same at every resolution.
    patches = np.sin(1.1 * x[None, :] + 1.7 * np.sin(0.37 * z[:, None])) * np.sin(0.6 * z[:, None] + 0.8 * x[None, :])
    return tinted(1 + 0.035 * fine + 0.025 * coarse + 0.03 * patches, (111, 112, 114))


def _bricks(random: np.random.Generator, z: Floats, x: Floats) -> Pixels:
    """Clinkers of 20 x 10 cm."""
    return tinted(lay(random, z[:, None], x[None, :], stone_m=(0.1, 0.2), spread=0.08, joint_tone=0.75), (134, 100, 88))


def _slabs(random: np.random.Generator, z: Floats, x: Floats) -> Pixels:
    """Concrete slabs of 30 x 30 cm."""
    return tinted(
        lay(random, x[None, :], z[:, None], stone_m=(0.3, 0.3), spread=0.04, joint_tone=0.75), (158, 155, 150)
    )


def _draw_kerbs(texture: Pixels, x: Floats) -> None:
    for centre in (street.LEFT_KERB, street.RIGHT_KERB):
        aside = np.abs(x - centre)
        texture[:, aside < _KERB_HALF_WIDTH_M + 0.03] = (92, 90, 88)
        texture[:, aside < _KERB_HALF_WIDTH_M] = (178, 177, 172)


def _draw_marks(random: np.random.Generator, texture: Pixels, x: Floats, z: Floats) -> None:
    """Worn white paint: dashes between the lanes, lines along and between the parking bays."""
    dashes = (np.abs(x - street.LANE_DIVIDE) < 0.06)[None, :] & (np.mod(z, 6) < 3)[:, None]
    edges = (np.abs(x - street.RIGHT_LANE_EDGE) < 0.05) | (np.abs(x - street.LEFT_LANE_EDGE) < 0.05)
    bays = ((x > street.RIGHT_LANE_EDGE) & (x < street.RIGHT_KERB - 0.2)) | (
        (x < street.LEFT_LANE_EDGE) & (x > street.LEFT_KERB + 0.2)
    )
    marked = dashes | edges[None, :] | (bays[None, :] & (np.mod(z + 1.2, 6) < 0.1)[:, None])
    worn = random.uniform(0.82, 1, np.count_nonzero(marked)).astype(np.float32)
    texture[marked] = tinted(worn, (228, 228, 222))


def _draw_cover(texture: Pixels, x: Floats, z: Floats) -> None:
    """A manhole cover at the origin of these coordinates."""
    rows, columns = (slice(*np.searchsorted(axis, (-0.4, 0.4)).tolist()) for axis in (z, x))
    radius = np.hypot(x[None, columns], z[rows, None])
    patch = texture[rows, columns]
    patch[radius < 0.36] = (64, 62, 60)
    patch[radius < 0.32] = (96, 94, 92)
    patch[(radius < 0.32) & (np.mod(radius, 0.09) < 0.03)] = (74, 72, 70)
