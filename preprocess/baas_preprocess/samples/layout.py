"""What stands where in one panorama: invented by seed, decided with plain geometry before anything is drawn."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from baas_preprocess.samples import street
from baas_preprocess.samples.bodies import Body
from baas_preprocess.samples.brush import Colour
from baas_preprocess.samples.cars import Car
from baas_preprocess.samples.photos import BUS_STOP, DARK_COAT, FOOTBALL, FROM_THE_SIDE, PALE_COAT, Person
from baas_preprocess.samples.placing import Board, Fixture, Kind, Site, Thing, Walker, middle
from baas_preprocess.samples.sphere import EYE_M, Upright, View, facing

Random = np.random.Generator

_PAINTS: tuple[Colour, ...] = (
    (196, 198, 200),
    (236, 236, 234),
    (52, 56, 62),
    (112, 118, 126),
    (158, 30, 34),
    (46, 76, 138),
    (84, 108, 98),
    (186, 170, 142),
)
_COATS: tuple[Colour | None, ...] = (
    None,
    (136, 52, 52),
    (54, 76, 118),
    (74, 92, 70),
    (176, 148, 84),
    (96, 96, 100),
    (112, 86, 118),
)
_TROUSERS: tuple[Colour | None, ...] = (None, None, (50, 50, 54), (112, 98, 80), (60, 72, 100))
_WALKERS_PX = ((400, 540), *((200, 400),) * 2, *((100, 200),) * 3, *((50, 100),) * 3, *((32, 50),) * 2)
"""How tall walkers are in the picture: a range for each."""

_RIGHT_LANE = (street.LANE_DIVIDE + street.RIGHT_LANE_EDGE) / 2
_LEFT_LANE = (street.LEFT_LANE_EDGE + street.LANE_DIVIDE) / 2
_RIGHT_BAY = (street.RIGHT_LANE_EDGE + street.RIGHT_KERB) / 2
_LEFT_BAY = (street.LEFT_KERB + street.LEFT_LANE_EDGE) / 2
_FORWARD, _BACKWARD = 0.0, math.pi


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything in one panorama, apart from the houses."""

    view: View
    things: tuple[Thing, ...]


def plan(random: Random, *, width_px: int, height_px: int) -> Plan:
    """Invent a scene: a person and a plate on the seam, others at every size from near to far."""
    # The camera looks a little to the left, so that the seam, behind it, lies over its own lane.
    view = View(width_px=width_px, height_px=height_px, yaw=float(random.uniform(-0.11, -0.04)))
    site = Site(view=view)
    site.add(*_on_the_seam(random, view.seam), forced=True)
    _place(site, 40, lambda: (_close_car(random),))
    _place(site, 80, lambda: (_hoarding(random),))
    _place(site, 80, lambda: (_panel(random),))
    _place(site, 80, lambda: _person_behind_column(random))
    for low, high in _WALKERS_PX:
        tall_px = math.exp(random.uniform(math.log(low), math.log(high)))
        _place(site, 80, partial(_walker, random, view, tall_px))
    for _ in range(25):
        site.add(_car_in_lane(random))
    for _ in range(90):
        site.add(_parked_car(random))
    for furniture in (*_trees(random), *_bollards(), *_bicycles(random)):
        site.add(furniture)
    return Plan(view=view, things=tuple(site.things))


def _place(site: Site, tries: int, invent: Callable[[], Sequence[Thing]]) -> None:
    """Invent up to so many times, until the things find a place."""
    any(site.add(*invent()) for _ in range(tries))


def _one_of(random: Random, choices: tuple[Colour | None, ...]) -> Colour | None:
    return choices[int(random.integers(len(choices)))]


def _sign(random: Random) -> int:
    return int(random.choice((-1, 1)))


def _dressed(random: Random, person: Person, x: float, z: float) -> Walker:
    return Walker(
        person=person,
        x=x,
        z=z,
        height=float(random.uniform(1.62, 1.9)),
        mirrored=bool(random.random() < 0.5),
        coat=_one_of(random, _COATS),
        trousers=_one_of(random, _TROUSERS),
    )


def _car(random: Random, x: float, z: float, heading: float) -> Car:
    body = tuple(Body)[int(random.choice(3, p=(0.5, 0.35, 0.15)))]
    return Car(x=x, z=z, heading=heading, body=body, paint=_PAINTS[int(random.integers(len(_PAINTS)))])


def _on_the_seam(random: Random, seam: float) -> tuple[Car, Walker]:
    """Either somebody close by and a car further back, or a car close by and somebody behind it."""
    walker = _dressed(random, (PALE_COAT, DARK_COAT)[int(random.integers(2))], 0, 1)
    car = replace(_car(random, 0, 0, _FORWARD), body=Body.HATCHBACK)
    nose = car.plates()[1]
    if random.random() < 0.6:
        away = float(random.uniform(3.6, 5.5))
        # A plate is lower than a head: it is seen above it only from further away.
        car_away = (EYE_M - nose.bottom) * away / (EYE_M - walker.height) * 1.12 + float(random.uniform(0, 3))
    else:
        car_away = float(random.uniform(4.2, 6))
        away = car_away + float(random.uniform(6.5, 9))
    # Off the middle by up to a quarter of their width, so that the seam cuts them unevenly.
    plate_azimuth = seam + float(random.uniform(-0.25, 0.25)) * 0.52 / car_away
    azimuth = seam + float(random.uniform(-0.2, 0.2)) * walker.width / away
    x, z = car_away * math.sin(plate_azimuth), car_away * math.cos(plate_azimuth)
    overhang = middle(nose)[1]
    return (
        replace(car, x=x, z=z - overhang),
        replace(walker, x=away * math.sin(azimuth), z=away * math.cos(azimuth)),
    )


def _close_car(random: Random) -> Car:
    """A car whose plate is more than 100 px wide: ahead in our lane or coming towards us in the other one."""
    aside = float(random.uniform(-0.25, 0.25))
    if random.random() < 0.5:
        return _car(random, _RIGHT_LANE + aside, float(random.uniform(5.6, 6.8)), _FORWARD)
    return _car(random, _LEFT_LANE + aside, float(random.uniform(4.9, 6)), _BACKWARD)


def _car_in_lane(random: Random) -> Car:
    away = _sign(random) * math.exp(random.uniform(math.log(7), math.log(36)))
    aside = float(random.uniform(-0.3, 0.3))
    if random.random() < 0.5:
        return _car(random, _RIGHT_LANE + aside, away, _FORWARD)
    return _car(random, _LEFT_LANE + aside, away, _BACKWARD)


def _parked_car(random: Random) -> Car:
    along = float(random.uniform(-36, 36))
    if random.random() < 0.5:
        return _car(random, _RIGHT_BAY, along, _FORWARD)
    return _car(random, _LEFT_BAY, along, _BACKWARD)


def _walker(random: Random, view: View, tall_px: float) -> tuple[Walker]:
    """Somebody of about this height in the picture; mostly on a pavement."""
    away = 1.75 / tall_px * view.width_px / (2 * math.pi)
    strips = (
        (street.LEFT_FACADE + 0.8, street.LEFT_KERB - 0.4),
        (street.RIGHT_KERB + 0.4, street.RIGHT_FACADE - 0.8),
        (street.LEFT_LANE_EDGE, street.RIGHT_LANE_EDGE),
    )
    likely = (0.4, 0.4, 0.2) if away > 8 else (0.1, 0.3, 0.6)
    x = float(random.uniform(*strips[int(random.choice(3, p=likely))]))
    x = max(-away, min(away, x))
    z = _sign(random) * math.sqrt(away**2 - x**2)
    return (_dressed(random, (PALE_COAT, DARK_COAT)[int(random.integers(2))], x, z),)


def _person_behind_column(random: Random) -> tuple[Walker, Fixture]:
    """Somebody who comes out from behind an advertising column, which hides what the photo does not show."""
    away = float(random.uniform(9, 18))
    x = float(random.uniform(street.RIGHT_KERB + 1, street.RIGHT_FACADE - 1))
    z = _sign(random) * math.sqrt(away**2 - x**2)
    walker = _dressed(random, FROM_THE_SIDE, x, z)
    width, overlap = 1.1, 0.01
    aside = ((walker.width + width) / 2 - overlap) / away * (-1 if walker.mirrored else 1)
    azimuth, nearer = math.atan2(x, z) + aside, away - 0.15
    upright = facing(nearer * math.sin(azimuth), nearer * math.cos(azimuth), width=width, bottom=0, top=3.2)
    return walker, Fixture(kind=Kind.COLUMN, upright=upright, covers=(upright,))


def _hoarding(random: Random) -> Board:
    """A large poster on a wall, above the shops."""
    height, bottom = 2.3, 3.75
    half, along = height * FOOTBALL.proportion / 2, _sign(random) * float(random.uniform(6, 14))
    right = random.random() < 0.5
    x = street.RIGHT_FACADE - 0.05 if right else street.LEFT_FACADE + 0.05
    ends = ((x, along + half), (x, along - half))
    left_end, right_end = ends if right else ends[::-1]
    return Board(
        advert=FOOTBALL,
        upright=Upright(left=left_end, right=right_end, bottom=bottom, top=bottom + height),
        on_legs=False,
    )


def _panel(random: Random) -> Board:
    """A poster on legs at the kerb, turned towards the camera."""
    height, bottom = 1.6, 0.75
    x = (street.LEFT_KERB - 0.9, street.RIGHT_KERB + 0.9)[int(random.integers(2))]
    upright = facing(
        x,
        _sign(random) * float(random.uniform(7, 15)),
        width=height * BUS_STOP.proportion,
        bottom=bottom,
        top=bottom + height,
    )
    return Board(advert=BUS_STOP, upright=upright, on_legs=True)


def _trees(random: Random) -> list[Fixture]:
    trees = []
    for x in (street.LEFT_KERB - 0.7, street.RIGHT_KERB + 0.7):
        for along in np.arange(-82, 90, 13.0) + random.uniform(-2, 2):
            tall = float(random.uniform(8, 10.5))
            upright = facing(x, float(along), width=tall * 0.67, bottom=0, top=tall)
            trunk = facing(x, float(along), width=0.4, bottom=0, top=tall * 0.4)
            crown = replace(upright, bottom=tall * 0.36)
            trees.append(Fixture(kind=Kind.TREE, upright=upright, covers=(trunk, crown)))
    return trees


def _bollards() -> list[Fixture]:
    uprights = [
        facing(x, float(along), width=0.22, bottom=0, top=0.95)
        for x in (street.LEFT_KERB - 0.3, street.RIGHT_KERB + 0.3)
        for along in np.arange(-61, 62, 3.0)
    ]
    return [Fixture(kind=Kind.BOLLARD, upright=upright, covers=(upright,)) for upright in uprights]


def _bicycles(random: Random) -> list[Fixture]:
    """Bicycles that lean against the houses."""
    bicycles = []
    for _ in range(8):
        right, along = random.random() < 0.5, float(random.uniform(-25, 25))
        x = street.RIGHT_FACADE - 0.3 if right else street.LEFT_FACADE + 0.3
        ends = ((x, along + 0.9), (x, along - 0.9))
        left_end, right_end = ends if right else ends[::-1]
        upright = Upright(left=left_end, right=right_end, bottom=0, top=1.1)
        bicycles.append(Fixture(kind=Kind.BICYCLE, upright=upright, covers=(upright,)))
    return bicycles
