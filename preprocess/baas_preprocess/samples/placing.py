"""Who hides whom: a site takes newcomers only where everything labelled stays in sight."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from baas_preprocess.samples.brush import Colour
from baas_preprocess.samples.cars import Car
from baas_preprocess.samples.photos import Advert, Person, proportion
from baas_preprocess.samples.sphere import Extent, Upright, View, corners_of, facing

_NARROWEST_PLATE_PX = 16
_STRAIGHT = 0.55
"""Cosine of the angle up to which a plate counts as seen from the front."""
_GRAZING = 0.25
"""Below this cosine nobody would see that a plate is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Somebody on foot; `height` in metres."""

    person: Person
    x: float
    z: float
    height: float
    mirrored: bool
    coat: Colour | None
    trousers: Colour | None

    @property
    def width(self) -> float:
        return self.height * proportion(self.person)

    @property
    def upright(self) -> Upright:
        return facing(self.x, self.z, width=self.width, bottom=0, top=self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A poster with people on it, on a wall or on legs."""

    advert: Advert
    upright: Upright
    on_legs: bool


class Kind(StrEnum):
    """Street furniture."""

    TREE = "tree"
    COLUMN = "column"
    BOLLARD = "bollard"
    BICYCLE = "bicycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """A piece of street furniture; `covers` are the parts that hide what is behind them."""

    kind: Kind
    upright: Upright
    covers: tuple[Upright, ...]


Thing: TypeAlias = Car | Walker | Board | Fixture


@dataclass(frozen=True, slots=True, kw_only=True)
class Silhouette:
    """What a thing covers of the picture, and the share of it that nearer things may hide."""

    extent: Extent
    distance: float
    may_hide: float


@dataclass(slots=True, kw_only=True, eq=False)
class Site:
    """A scene in the making."""

    view: View
    things: list[Thing] = field(default_factory=list)
    _silhouettes: list[Silhouette] = field(default_factory=list)

    def add(self, *newcomers: Thing, forced: bool = False) -> bool:
        """Add these together, or none of them when they find no place; `forced` ones always do."""
        if not forced and not all(self._has_room(thing) and is_complete(self.view, thing) for thing in newcomers):
            return False
        silhouettes = [one for thing in newcomers for one in _silhouettes(self.view, thing)]
        if not forced and not self._fits(silhouettes):
            return False
        self.things += newcomers
        self._silhouettes += silhouettes
        return True

    def _fits(self, newcomers: Sequence[Silhouette]) -> bool:
        """Whether nothing would hide more of another than is allowed."""
        for new in newcomers:
            for old in self._silhouettes:
                near, far = (new, old) if new.distance < old.distance else (old, new)
                if hidden_share(near.extent, far.extent, self.view.width_px) > far.may_hide:
                    return False
        return True

    def _has_room(self, thing: Thing) -> bool:
        x, z = position(thing)
        width, length = _footprint(thing)
        for other in self.things:
            other_x, other_z = position(other)
            other_width, other_length = _footprint(other)
            if 2 * abs(x - other_x) < width + other_width and 2 * abs(z - other_z) < length + other_length:
                return False
        return True


def hidden_share(near: Extent, far: Extent, width_px: int) -> float:
    """Share of `far` that lies behind `near`, 0..1; both may cross the seam."""
    down = min(near.bottom, far.bottom) - max(near.top, far.top)
    across = max(
        min(near.right + turn, far.right) - max(near.left + turn, far.left) for turn in (-width_px, 0, width_px)
    )
    return max(0.0, down) * max(0.0, across) / (far.width * far.height)


def frontality(upright: Upright) -> float:
    """Cosine between the line of sight and the normal: 1 seen from the front, below 0 from behind."""
    x, z = middle(upright)
    along_x, along_z = upright.right[0] - upright.left[0], upright.right[1] - upright.left[1]
    return (along_x * z - along_z * x) / (math.hypot(along_x, along_z) * math.hypot(x, z))


def middle(upright: Upright) -> tuple[float, float]:
    """Return the middle of the foot, (x, z)."""
    return (upright.left[0] + upright.right[0]) / 2, (upright.left[1] + upright.right[1]) / 2


def position(thing: Thing) -> tuple[float, float]:
    """Return where a thing stands, (x, z)."""
    return (thing.x, thing.z) if isinstance(thing, Car | Walker) else middle(thing.upright)


def visible_plates(view: View, car: Car) -> list[Upright]:
    """Return the mounts on which a plate is wide enough, and seen straight enough, to be one."""
    return [
        mount
        for mount in car.plates()
        if frontality(mount) > _STRAIGHT and view.extent(corners_of(mount)).width >= _NARROWEST_PLATE_PX
    ]


def is_complete(view: View, thing: Thing) -> bool:
    """Whether no plate is missed on a car that shows us one of its ends."""
    if not isinstance(thing, Car):
        return True
    shown = visible_plates(view, thing)
    return not any(frontality(mount) > _GRAZING for mount in thing.plates() if mount not in shown)


def _footprint(thing: Thing) -> tuple[float, float]:
    """Width and length of the ground that belongs to a thing, in metres."""
    return (2.0, 5.2) if isinstance(thing, Car) else (0.7, 0.7)


def _silhouettes(view: View, thing: Thing) -> list[Silhouette]:
    match thing:
        case Car():
            body = Silhouette(extent=view.extent(thing.corners()), distance=math.hypot(thing.x, thing.z), may_hide=1.0)
            return [body, *(_silhouette(view, mount, may_hide=0.0) for mount in visible_plates(view, thing))]
        case Walker():
            # Somebody of whom the photo shows a half only must not lose more.
            return [_silhouette(view, thing.upright, may_hide=0.4 if thing.person.whole else 0.0)]
        case Board():
            return [_silhouette(view, thing.upright, may_hide=0.0)]
        case Fixture():
            return [_silhouette(view, part, may_hide=1.0) for part in thing.covers]


def _silhouette(view: View, upright: Upright, *, may_hide: float) -> Silhouette:
    return Silhouette(extent=view.extent(corners_of(upright)), distance=math.hypot(*middle(upright)), may_hide=may_hide)
