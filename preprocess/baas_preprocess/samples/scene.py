"""Paint a plan from far to near, and tell what of the labelled objects can be seen."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from baas_crds.codes import ObjectClass
from baas_preprocess.samples import street
from baas_preprocess.samples.brush import Rgba
from baas_preprocess.samples.cars import Car, render
from baas_preprocess.samples.facades import House, draw_houses
from baas_preprocess.samples.furniture import draw_bicycle, draw_bollard, draw_column, draw_tree, framed
from baas_preprocess.samples.ground import Shadow, paint_ground
from baas_preprocess.samples.layout import Plan
from baas_preprocess.samples.photos import cut_out, poster
from baas_preprocess.samples.placing import Board, Fixture, Kind, Thing, Walker, position, visible_plates
from baas_preprocess.samples.plates import STYLES, draw_holder, draw_plate
from baas_preprocess.samples.sky import paint_sky
from baas_preprocess.samples.sphere import Canvas, Extent, Upright, corners_of

Random = np.random.Generator

_HOLDER_M = 0.025
"""How far the dark holder reaches beyond a plate."""
_FRAME_M = 0.08
"""How far the frame reaches beyond a poster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A person or plate of the truth, where it can be seen."""

    object_class: ObjectClass
    extent: Extent
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Props:
    """Pictures that all panoramas of a set share, because drawing them takes longer than placing them."""

    houses: tuple[House, ...]
    furniture: dict[Kind, tuple[Rgba, ...]]


def make_props(random: Random) -> Props:
    """Draw what all panoramas of a set share."""
    bicycles = tuple(draw_bicycle(colour) for colour in ((34, 36, 38), (120, 30, 34), (44, 76, 92)))
    return Props(
        houses=tuple(draw_houses(random, 12)),
        furniture={
            Kind.TREE: tuple(draw_tree(random) for _ in range(3)),
            Kind.COLUMN: (draw_column(random),),
            Kind.BOLLARD: (draw_bollard(),),
            Kind.BICYCLE: bicycles,
        },
    )


def paint(plan: Plan, props: Props, random: Random) -> tuple[Canvas, list[Labelled]]:
    """Paint the panorama and return it with its truth."""
    canvas = Canvas(view=plan.view)
    paint_sky(canvas, random)
    paint_ground(canvas, [shadow for thing in plan.things for shadow in _shadows(thing)])
    _paint_houses(canvas, props.houses, random)
    seen: list[Labelled] = []
    far_to_near = sorted(plan.things, key=lambda thing: -math.hypot(*position(thing)))
    owned: dict[int, Labelled] = {}
    for thing in far_to_near:
        match thing:
            case Car():
                canvas.compose(*render(thing, canvas.view))
                for mount in visible_plates(canvas.view, thing):
                    canvas.paste(draw_holder(), _wider(mount, _HOLDER_M))
                    style = STYLES[int(random.integers(len(STYLES)))]
                    _paste_labelled(canvas, owned, ObjectClass.LICENCE_PLATE, draw_plate(random, style), mount, "drawn")
            case Walker():
                picture = cut_out(thing.person, mirrored=thing.mirrored, coat=thing.coat, trousers=thing.trousers)
                source = f"ultralytics {thing.person.photo}"
                _paste_labelled(canvas, owned, ObjectClass.PERSON, picture, thing.upright, source)
            case Board():
                _paste_board(canvas, thing)
                seen += _people_on(canvas, thing)
            case Fixture():
                choices = props.furniture[thing.kind]
                canvas.paste(choices[int(random.integers(len(choices)))], thing.upright)
    for number, planned in owned.items():
        visible = _visible(canvas, number, planned.extent)
        if visible is not None:
            seen.append(replace(planned, extent=visible))
    return canvas, seen


def _paste_labelled(
    canvas: Canvas,
    owned: dict[int, Labelled],
    object_class: ObjectClass,
    picture: Rgba,
    upright: Upright,
    source: str,
) -> None:
    number = len(owned) + 1
    canvas.paste(picture, upright, owner=number)
    extent = canvas.view.extent(corners_of(upright))
    owned[number] = Labelled(object_class=object_class, extent=extent, source=source)


def _visible(canvas: Canvas, number: int, extent: Extent) -> Extent | None:
    """Bound the pixels in which an object is seen; None when it is hidden altogether."""
    width = canvas.view.width_px
    left, top = math.floor(extent.left) - 2, max(0, math.floor(extent.top) - 2)
    columns = np.arange(left, math.ceil(extent.right) + 2)
    mine = canvas.owner[top : math.ceil(extent.bottom) + 2].take(columns, axis=1, mode="wrap") == number
    across, down = np.flatnonzero(mine.any(axis=0)), np.flatnonzero(mine.any(axis=1))
    if not len(across):
        return None
    start = (left + int(across[0])) % width
    return Extent(
        left=start,
        right=start + int(across[-1] - across[0]) + 1,
        top=top + int(down[0]),
        bottom=top + int(down[-1]) + 1,
    )


def _paste_board(canvas: Canvas, board: Board) -> None:
    """Paste a poster with its frame, which reaches beyond it, and its legs, which reach to the ground."""
    picture, upright = poster(board.advert), board.upright
    px_per_m = picture.shape[0] / (upright.top - upright.bottom)
    margin = round(_FRAME_M * px_per_m)
    outer = _wider(upright, margin / px_per_m)
    legs = round(outer.bottom * px_per_m) if board.on_legs else 0
    outer = replace(outer, bottom=outer.bottom - legs / px_per_m)
    canvas.paste(framed(picture, margin_px=margin, legs_px=legs), outer)


def _wider(upright: Upright, margin: float) -> Upright:
    """Return a rectangle that reaches so many metres beyond this one on every side."""
    share = margin / math.dist(upright.left, upright.right)
    wider = _part(upright, -share, 1 + share)
    return replace(wider, bottom=upright.bottom - margin, top=upright.top + margin)


def _people_on(canvas: Canvas, board: Board) -> Iterable[Labelled]:
    """The people of a poster. Nothing stands before a poster, so their boxes are plain geometry."""
    upright = board.upright
    height = upright.top - upright.bottom
    for left, top, right, bottom in board.advert.people:
        box = replace(_part(upright, left, right), bottom=upright.top - bottom * height, top=upright.top - top * height)
        yield Labelled(
            object_class=ObjectClass.PERSON,
            extent=canvas.view.extent(corners_of(box)),
            source=f"ultralytics {board.advert.photo}",
        )


def _part(upright: Upright, first: float, last: float) -> Upright:
    """Return the part of a rectangle between two shares of its width; below 0 and above 1 it grows."""
    start, end = np.array(upright.left), np.array(upright.right)
    left, right = (start + (end - start) * first).tolist(), (start + (end - start) * last).tolist()
    return replace(upright, left=(left[0], left[1]), right=(right[0], right[1]))


def _shadows(thing: Thing) -> list[Shadow]:
    """Soft shadows of a bright, clouded day: they make things stand on the ground."""
    x, z = position(thing)
    match thing:
        case Car():
            return [
                Shadow(x=x, z=z, half_width=1.35, half_length=2.75, strength=0.55, softness=0.5),
                Shadow(x=x, z=z, half_width=0.98, half_length=2.3, strength=0.75, softness=0.15),
            ]
        case Walker():
            return [Shadow(x=x, z=z, half_width=0.5, half_length=0.4, strength=0.55, softness=0.9)]
        case Fixture(kind=Kind.TREE):
            return [
                Shadow(x=x, z=z, half_width=2.6, half_length=2.6, strength=0.35, softness=0.6),
                Shadow(x=x, z=z, half_width=0.5, half_length=0.5, strength=0.5, softness=0.9),
            ]
        case Fixture() | Board():
            return [Shadow(x=x, z=z, half_width=0.5, half_length=0.5, strength=0.5, softness=0.9)]


def _paint_houses(canvas: Canvas, houses: tuple[House, ...], random: Random) -> None:
    """Close the street on all four sides, from far to near."""
    overlap = 0.04  # neighbours share a joint, else the sky would shine through it
    walls: list[tuple[Upright, House]] = []
    for x, z, step_x, step_z, length in (
        (street.LEFT_FACADE, -street.END_M, 0, 1, 2 * street.END_M),
        (street.LEFT_FACADE, street.END_M, 1, 0, street.RIGHT_FACADE - street.LEFT_FACADE),
        (street.RIGHT_FACADE, street.END_M, 0, -1, 2 * street.END_M),
        (street.RIGHT_FACADE, -street.END_M, -1, 0, street.RIGHT_FACADE - street.LEFT_FACADE),
    ):
        along = 0.0
        while along < length:
            house = houses[int(random.integers(len(houses)))]
            end = along + house.width + overlap
            walls.append(
                (
                    Upright(
                        left=(x + step_x * along, z + step_z * along),
                        right=(x + step_x * end, z + step_z * end),
                        bottom=0,
                        top=house.height,
                    ),
                    house,
                )
            )
            along += house.width
    for upright, house in sorted(walls, key=lambda wall: -min(map(math.hypot, *zip(*_ends(wall[0]), strict=True)))):
        canvas.paste(house.picture, upright)


def _ends(upright: Upright) -> tuple[tuple[float, float], tuple[float, float]]:
    return upright.left, upright.right
