"""Cars in the street: where they are, where their plates are mounted, and what the camera sees of them."""

import math
from dataclasses import dataclass

import numpy as np

from baas_preprocess.samples.bodies import SHAPES, Array, Body, Mesh, Stuff, details_of, mesh_of
from baas_preprocess.samples.brush import Colour, Rgba, Sheet, averaged
from baas_preprocess.samples.sphere import EYE_M, Upright, View

PLATE_WIDTH_M, PLATE_HEIGHT_M = 0.52, 0.11
_NOSE_PLATE_M = 0.42

_COLOURS = {
    Stuff.GLASS: (24, 29, 34),
    Stuff.PLASTIC: (34, 34, 36),
    Stuff.LAMP: (176, 182, 190),
    Stuff.TAIL_LAMP: (168, 20, 24),
}
_MIRRORS = {Stuff.PAINT: 0.25, Stuff.GLASS: 0.8, Stuff.PLASTIC: 0.08, Stuff.LAMP: 0.4, Stuff.TAIL_LAMP: 0.2}
"""How much of a face's light is a mirror image at a grazing angle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Car:
    """A car at (x, z). Heading 0 looks along the street, pi towards its start."""

    x: float
    z: float
    heading: float
    body: Body
    paint: Colour

    def world(self, local: Array) -> Array:
        """Turn points (..., (s, x, y)) of the car into (..., (x, y, z)) of the world."""
        s, x, y = np.moveaxis(local, -1, 0)
        sine, cosine = math.sin(self.heading), math.cos(self.heading)
        return np.stack([self.x + x * cosine + s * sine, y, self.z - x * sine + s * cosine], axis=-1)

    def corners(self) -> Array:
        """Return the corners of the box around it, (8, 3)."""
        shape = SHAPES[self.body]
        signs = (-1, 1)
        box = [
            (s * shape.half_length, x * shape.half_width, y) for s in signs for x in signs for y in (0.1, shape.height)
        ]
        return self.world(np.array(box))

    def plates(self) -> tuple[Upright, Upright]:
        """Return the mounts of the plates at tail and nose, each as seen from outside."""
        return self._mount(-1, SHAPES[self.body].tail_plate), self._mount(1, _NOSE_PLATE_M)

    def _mount(self, sign: int, height: float) -> Upright:
        s = sign * (float(SHAPES[self.body].reach(sign, np.array(height))) + 0.025)
        # Who looks at the tail looks along the car, and has its right side on the right.
        ends = self.world(np.array([(s, side * sign * PLATE_WIDTH_M / 2, height) for side in (1, -1)])).tolist()
        return Upright(
            left=(ends[0][0], ends[0][2]),
            right=(ends[1][0], ends[1][2]),
            bottom=height - PLATE_HEIGHT_M / 2,
            top=height + PLATE_HEIGHT_M / 2,
        )


def render(car: Car, view: View) -> tuple[Rgba, int, int]:
    """Draw what the camera sees of a car. Return the picture and the column and row of its upper left corner."""
    mesh = mesh_of(car.body)
    quads = car.world(mesh.quads)
    middles = quads.mean(axis=1)
    sight = middles - (0, EYE_M, 0)
    distance = np.linalg.norm(sight, axis=1)
    heart = car.world(np.array((0, 0, SHAPES[car.body].height / 2)))
    normals = _normals(quads, middles - heart)
    seen = np.flatnonzero(_dot(normals, sight) < 0)
    order = seen[np.argsort(-distance[seen], kind="stable")]
    faces = _shaded(car.paint, mesh, normals, sight / distance[:, None])[order]
    patches = details_of(car.body, side) if (side := _visible_side(car)) else []
    gap = np.array(car.paint) * 0.35
    colours = np.array([*faces, *(gap if patch.grey is None else np.full(3, patch.grey) for patch in patches)])
    corners = [*quads[order], *(car.world(patch.corners) for patch in patches)]
    # Projected in one go: on the seam, faces that were unwrapped one by one would part.
    pixels = view.points(np.concatenate(corners))
    left, top = np.floor(pixels.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(pixels.max(axis=0)).astype(int).tolist()
    finer = 2 if right - left > 500 else 4
    sheet = Sheet((right - left) * finer, (bottom - top) * finer)
    sheet.facets((pixels - (left, top)) * finer, [len(one) for one in corners], colours)
    return averaged(sheet.rgba(), right - left, bottom - top), left, top


def _visible_side(car: Car) -> int:
    """Which flank the camera sees: 1 the right one, -1 the left one, 0 none."""
    aside = car.z * math.sin(car.heading) - car.x * math.cos(car.heading)
    return 0 if abs(aside) < SHAPES[car.body].half_width else int(math.copysign(1, aside))


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _normals(quads: Array, outwards: Array) -> Array:
    """Return unit normals that point outwards."""
    normals = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    return np.asarray(normals * np.sign(_dot(normals, outwards))[:, None])


def _shaded(paint: Colour, mesh: Mesh, normals: Array, sight: Array) -> Array:
    """Light from above plus a mirror image of a bright sky, dark houses and the grey road."""
    base = np.array([paint if stuff is Stuff.PAINT else _COLOURS[stuff] for stuff in Stuff], float)[mesh.stuff]
    mirror = np.array([_MIRRORS[stuff] for stuff in Stuff])[mesh.stuff]
    cosine = np.clip(-_dot(normals, sight), 0, 1)
    up = np.clip((sight + 2 * cosine[:, None] * normals)[:, 1], -1, 1)
    surroundings = np.interp(up, (-1, -0.1, 0.02, 0.3, 0.5, 1), (104, 112, 84, 100, 214, 238))
    # Schlick's approximation, with a floor that makes lacquer shine.
    mirrored = mirror * (0.35 + 0.65 * (1 - cosine) ** 3)
    sun = np.array((0.35, 0.85, 0.4)) / math.sqrt(0.35**2 + 0.85**2 + 0.4**2)
    light = 0.62 + 0.18 * normals[:, 1] + 0.35 * np.clip(normals @ sun, 0, 1)
    colours = base * (light * (1 - mirrored))[:, None] + (surroundings * mirrored)[:, None]
    return np.asarray(np.clip(colours, 0, 255))
