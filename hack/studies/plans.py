"""Which parts of a picture a plan shows the detector, and which plans are tried."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

from baas_detector.card import CloserLook
from baas_preprocess.facts import Inspection, Profile, Tile
from baas_preprocess.tile import OVERLAP_PX, tiles
from baas_preprocess.views import View, views

Confidences: TypeAlias = tuple[float, float]
"""Of persons and of licence plates."""
Tiling: TypeAlias = Callable[[Inspection], Sequence[View]]
DEFAULT: Confidences = (0.05, 0.05)


def usual(seen: Inspection) -> list[Tile]:
    """Return the tiles of a first look."""
    return tiles(seen.width_px, seen.height_px, wraps=seen.wraps, is_sphere=seen.wraps and seen.is_sphere)


def thorough(seen: Inspection) -> list[View]:
    """Return what the thorough profile shows."""
    is_sphere = seen.wraps and seen.is_sphere
    return views(seen.width_px, seen.height_px, Profile.THOROUGH, wraps=seen.wraps, is_sphere=is_sphere)


def overview_only(seen: Inspection) -> list[Tile]:
    """Return the one that shows all, as if there were no others."""
    return usual(seen)[-1:]


def enlarged(seen: Inspection) -> list[Tile]:
    """Return the usual tiles, the native ones cut in four that overlap and are enlarged to nearly twice their size."""
    return [part for tile in usual(seen) for part in _quarters(tile, seen.width_px)]


def usual_and_enlarged(seen: Inspection) -> list[Tile]:
    """Return the usual tiles and the enlarged ones."""
    return [*usual(seen), *enlarged(seen)[:-1]]


def _quarters(tile: Tile, width_px: int) -> Iterator[Tile]:
    if (tile.width, tile.height) != (tile.out_width, tile.out_height):
        yield tile
        return
    width, height = (tile.width + OVERLAP_PX // 2) // 2, (tile.height + OVERLAP_PX // 2) // 2
    for top, left in product((0, tile.height - height), (0, tile.width - width)):
        yield replace(
            tile,
            left=(tile.left + left) % width_px,
            top=tile.top + top,
            width=width,
            height=height,
            out_width=2 * width,
            out_height=2 * height,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the detector is shown, and which confidences are tried on what it answers."""

    name: str
    tiling: Tiling
    closer_look: CloserLook | None
    confidences: Sequence[Confidences]


_USUAL = CloserLook()
_MANY: Sequence[Confidences] = ((0.25, 0.25), (0.1, 0.1), (0.05, 0.05), (0.05, 0.02), (0.05, 0.01), (0.01, 0.01))
_FEW: Sequence[Confidences] = ((0.25, 0.25), (0.05, 0.05))
PLANS = (
    Plan(name="plain", tiling=usual, closer_look=None, confidences=_MANY),
    Plan(name="overview only", tiling=overview_only, closer_look=None, confidences=_FEW),
    Plan(name="enlarged", tiling=enlarged, closer_look=None, confidences=_FEW),
    Plan(name="closer look", tiling=usual, closer_look=_USUAL, confidences=_MANY),
    Plan(name="... at 12 vehicles", tiling=usual, closer_look=replace(_USUAL, most=12), confidences=_FEW),
    Plan(name="... from 0.05", tiling=usual, closer_look=replace(_USUAL, vehicle_score=0.05), confidences=_FEW),
    Plan(name="... at 640 px", tiling=usual, closer_look=replace(_USUAL, side_px=640), confidences=_FEW),
    Plan(name="... at 320 px", tiling=usual, closer_look=replace(_USUAL, side_px=320), confidences=_FEW),
    Plan(name="thorough", tiling=thorough, closer_look=_USUAL, confidences=_FEW),
    Plan(name="usual and enlarged, closer look", tiling=usual_and_enlarged, closer_look=_USUAL, confidences=_FEW),
    Plan(name="enlarged, closer look", tiling=enlarged, closer_look=_USUAL, confidences=_FEW),
)
