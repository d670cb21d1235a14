"""Car bodies as shells of small faces: simple enough to compute, round enough to pass at a glance.

A car's own axes: s from tail to nose, x to its right, y up from the ground, in metres; the origin is under its middle.
"""

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int_]


class Body(StrEnum):
    """The silhouettes."""

    HATCHBACK = "hatchback"
    ESTATE = "estate"
    VAN = "van"


class Stuff(IntEnum):
    """What a face is made of."""

    PAINT = 0
    GLASS = 1
    PLASTIC = 2
    LAMP = 3
    TAIL_LAMP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The measures of a body. The outline goes from under the nose over the roof to under the tail, as (s, y)."""

    outline: tuple[tuple[float, float], ...]
    half_width: float
    belt: float
    """Height of the lower edge of the side windows."""
    roof_width: float
    """Width at the roof as a share of the greatest width."""
    tail_plate: float
    windows: tuple[tuple[float, float], ...]
    """From where to where the side windows reach, as shares of the length from the tail."""
    wheel: float
    axles: tuple[float, float]

    @property
    def height(self) -> float:
        return max(y for _, y in self.outline)

    @property
    def half_length(self) -> float:
        return max(s for s, _ in self.outline)

    def reach(self, sign: int, heights: Array) -> Array:
        """How far nose (1) or tail (-1) reach from the middle at these heights."""
        fine = _rounded(self.outline)
        top = int(fine[:, 1].argmax())
        end = fine[: top + 1] if sign > 0 else fine[top:][::-1]
        return np.asarray(np.interp(heights, end[:, 1], sign * end[:, 0]))


SHAPES = {
    Body.HATCHBACK: Shape(
        outline=(
            *((1.93, 0.2), (2.02, 0.45), (1.97, 0.68), (1.72, 0.82), (0.98, 0.98), (0.2, 1.40)),
            *((-0.5, 1.47), (-1.45, 1.40), (-1.86, 0.98), (-1.95, 0.85), (-2.0, 0.5), (-1.93, 0.2)),
        ),
        half_width=0.88,
        belt=0.95,
        roof_width=0.8,
        tail_plate=0.74,
        windows=((0.08, 0.45), (0.5, 0.93)),
        wheel=0.31,
        axles=(1.25, -1.25),
    ),
    Body.ESTATE: Shape(
        outline=(
            *((2.2, 0.22), (2.3, 0.5), (2.25, 0.75), (1.95, 0.90), (1.1, 1.04), (0.35, 1.50)),
            *((-0.6, 1.58), (-1.9, 1.52), (-2.18, 1.06), (-2.24, 0.9), (-2.3, 0.5), (-2.2, 0.22)),
        ),
        half_width=0.92,
        belt=1.02,
        roof_width=0.8,
        tail_plate=0.82,
        windows=((0.06, 0.27), (0.3, 0.58), (0.62, 0.93)),
        wheel=0.34,
        axles=(1.4, -1.4),
    ),
    Body.VAN: Shape(
        outline=(
            *((2.35, 0.25), (2.45, 0.55), (2.4, 0.95), (2.2, 1.12), (1.75, 1.25), (1.15, 1.82)),
            *((0.5, 1.95), (-2.2, 1.95), (-2.38, 1.85), (-2.42, 1.1), (-2.45, 0.5), (-2.35, 0.25)),
        ),
        half_width=0.95,
        belt=1.2,
        roof_width=0.9,
        tail_plate=0.9,
        windows=((0.68, 0.94),),
        wheel=0.34,
        axles=(1.55, -1.45),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh:
    """The shell of a body: quadrangles (n, 4, 3) and what each is made of (n,)."""

    quads: Array
    stuff: Numbers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """A flat detail on a flank: corners (n, 3) and its grey value, or None for a gap in the paint."""

    corners: Array
    grey: int | None


@cache
def mesh_of(body: Body) -> Mesh:
    """Return the shell of a body."""
    shape = SHAPES[body]
    parts = (_strip(shape), _flank(shape, -1), _flank(shape, 1))
    return Mesh(
        quads=np.concatenate([part.quads for part in parts]), stuff=np.concatenate([part.stuff for part in parts])
    )


def details_of(body: Body, side: int) -> list[Patch]:
    """Return door gaps, handles and wheels of the right (1) or left (-1) flank, in the order of painting."""
    shape = SHAPES[body]
    x = side * shape.half_width
    handle = shape.belt - 0.14
    patches = [Patch(corners=_bar((s, 0.36), (s, shape.belt - 0.02), 0.012, x), grey=None) for s in (0.72, -0.3, -1.0)]
    patches += [Patch(corners=_bar((s, handle), (s + 0.17, handle), 0.03, x), grey=None) for s in (-0.16, -0.86)]
    for axle in shape.axles:
        hub = (axle, shape.wheel)
        rings = ((1.17, 16), (1.0, 30), (0.68, 150), (0.6, 96))
        patches += [Patch(corners=_disc(hub, share * shape.wheel, x), grey=grey) for share, grey in rings]
        for angle in 0.3 + np.arange(5) * 2 * math.pi / 5:
            tip = (axle + math.sin(angle) * shape.wheel * 0.6, shape.wheel + math.cos(angle) * shape.wheel * 0.6)
            patches.append(Patch(corners=_bar(hub, tip, 0.045, x), grey=168))
        patches.append(Patch(corners=_disc(hub, 0.16 * shape.wheel, x), grey=120))
    return patches


def _rounded(outline: tuple[tuple[float, float], ...]) -> Array:
    """Cut the corners of an open outline three times (Chaikin's algorithm), so that none is left."""
    points = np.array(outline, float)
    for _ in range(3):
        inner = np.stack([points[:-1] * 0.75 + points[1:] * 0.25, points[:-1] * 0.25 + points[1:] * 0.75], axis=1)
        points = np.concatenate([points[:1], inner.reshape(-1, 2), points[-1:]])
    return points


def _shell(shape: Shape, s: Array, y: Array, across: Array) -> Array:
    """Bend the outline across the car: narrower at the roof, the foot and both ends; `across` is -1..1."""
    end = np.abs(s) / shape.half_length
    narrowing = np.interp(y, (0.2, 0.45, shape.belt, shape.height), (0.93, 1.0, 0.97, shape.roof_width))
    x = across * shape.half_width * narrowing * (1 - 0.1 * end**6)
    bow = s - np.sign(s) * 0.22 * np.abs(across) ** 3 * end**3
    crown = y + 0.035 * (1 - across**2) * (y > shape.belt)
    return np.stack([bow, x, crown], axis=-1)


def _quads(grid: Array) -> Array:
    """Cut a grid of points (rows, columns, 3) into quadrangles."""
    corners = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2)
    return np.reshape(corners, (-1, 4, 3))


def _strip(shape: Shape) -> Mesh:
    """The band over the car, from the front bumper over the roof to the rear one."""
    outline = _rounded(shape.outline)
    across = np.concatenate([[-1, -0.97], np.linspace(-0.9, 0.9, 13), [0.97, 1]])
    s, t = np.meshgrid(outline[:, 0], across, indexing="ij")
    quads = _quads(_shell(shape, s, np.broadcast_to(outline[:, 1:], s.shape), t))
    climb = np.abs(np.diff(outline, axis=0))
    middle = (outline[:-1] + outline[1:]) / 2
    nose, y = middle[:, :1] > 0, middle[:, 1:]
    aside = np.abs((across[:-1] + across[1:]) / 2)[None, :]
    glass_foot = np.where(nose, shape.belt + 0.05, shape.tail_plate + 0.26)
    is_glass = (climb[:, 1:] > 0.35 * climb[:, :1]) & (y > glass_foot) & (y < shape.height - 0.07) & (aside < 0.9)
    is_lamp = nose & (y > shape.belt - 0.36) & (y < shape.belt - 0.2) & (aside > 0.62)
    is_tail_lamp = ~nose & (y > shape.belt - 0.34) & (y < shape.belt + 0.02) & (aside > 0.8)
    is_grille = nose & (y < shape.belt - 0.38) & (y > 0.28) & (aside < 0.62)
    is_bumper = ~nose & (y < 0.5) & (y > 0.44)
    stuff = np.select(
        [is_glass, is_lamp, is_tail_lamp, is_grille | is_bumper | (y < 0.34)],
        [Stuff.GLASS, Stuff.LAMP, Stuff.TAIL_LAMP, Stuff.PLASTIC],
    )
    return Mesh(quads=quads, stuff=stuff.ravel())


def _flank(shape: Shape, side: int) -> Mesh:
    """The right (1) or left (-1) side; its rows are level, its columns follow the slant of both ends."""
    heights = np.concatenate([np.linspace(0.2, shape.belt, 15), np.linspace(shape.belt, shape.height - 0.004, 9)[1:]])
    shares = np.linspace(0, 1, 41)
    nose, tail = (shape.reach(sign, heights)[:, None] for sign in (1, -1))
    s = -tail + (nose + tail) * shares
    y = np.broadcast_to(heights[:, None], s.shape)
    share = ((shares[:-1] + shares[1:]) / 2)[None, :]
    middle = ((heights[:-1] + heights[1:]) / 2)[:, None]
    is_glass = (middle > shape.belt + 0.02) & (middle < shape.height - 0.1)
    is_glass = is_glass & np.any([(share > first) & (share < last) for first, last in shape.windows], axis=0)
    stuff = np.select([is_glass, np.broadcast_to(middle < 0.3, is_glass.shape)], [Stuff.GLASS, Stuff.PLASTIC])
    return Mesh(quads=_quads(_shell(shape, s, y, np.full_like(s, side))), stuff=stuff.ravel())


def _disc(hub: tuple[float, float], radius: float, x: float) -> Array:
    turn = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    return np.stack([hub[0] + radius * np.cos(turn), np.full(40, x * 0.995), hub[1] + radius * np.sin(turn)], axis=-1)


def _bar(start: tuple[float, float], end: tuple[float, float], width: float, x: float) -> Array:
    """A straight bar on the flank."""
    a, b = np.array(start), np.array(end)
    along = (b - a) / np.linalg.norm(b - a)
    aside = np.array((-along[1], along[0])) * width / 2
    corners = np.array([a + aside, b + aside, b - aside, a - aside])
    return np.asarray(np.insert(corners, 1, x, axis=1))
