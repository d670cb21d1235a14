"""Narrow town houses of brick with white windows, each drawn once as a flat picture."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from baas_preprocess.facts import Pixels
from baas_preprocess.samples.brush import Colour, Rgba, Sheet, premultiplied, smooth_noise, tinted
from baas_preprocess.samples.masonry import lay

Random = np.random.Generator

_SCALE = 120
"""Pixels per metre: the nearest facade of a panorama shows about 150."""

_BRICKS: tuple[Colour, ...] = (
    (112, 66, 52),
    (128, 88, 68),
    (150, 122, 90),
    (84, 62, 54),
    (140, 78, 62),
    (122, 104, 88),
)
_PLASTERS: tuple[Colour, ...] = ((204, 198, 184), (182, 176, 160), (196, 184, 152))
_DOORS: tuple[Colour, ...] = ((28, 62, 46), (34, 48, 82), (106, 32, 32), (40, 38, 38), (70, 54, 40))
_WHITE: Colour = (226, 224, 216)
_STONE: Colour = (164, 160, 150)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class House:
    """A drawn house; the picture's lower edge is the ground."""

    width: float
    height: float
    picture: Rgba


class _Drawing:
    """A facade that is drawn in metres: x from the left, y up from the ground."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.wall: Pixels = np.zeros((round(height * _SCALE), round(width * _SCALE), 3), np.uint8)
        self._silhouette = Sheet(round(width * _SCALE), round(height * _SCALE))

    def area(self, left: float, right: float, bottom: float, top: float) -> Pixels:
        """Return the pixels of a rectangle, to be changed in place."""
        rows = slice(max(0, round((self.height - top) * _SCALE)), max(0, round((self.height - bottom) * _SCALE)))
        return self.wall[rows, max(0, round(left * _SCALE)) : max(0, round(right * _SCALE))]

    def rectangle(self, left: float, right: float, bottom: float, top: float, colour: Colour) -> None:
        self.area(left, right, bottom, top)[:] = colour

    def shade(self, left: float, right: float, bottom: float, top: float, factor: float) -> None:
        area = self.area(left, right, bottom, top)
        area[:] = np.clip(area * np.float32(factor), 0, 255)

    def outline(self, points: list[tuple[float, float]]) -> None:
        """Make the inside of this polygon the house; beyond it is the sky."""
        pixels = [(x * _SCALE, (self.height - y) * _SCALE) for x, y in points]
        self._silhouette.polygon(np.array(pixels), (0, 0, 0))

    def rgba(self) -> Rgba:
        return premultiplied(self.wall, self._silhouette.alpha)


Gable = Callable[[_Drawing, float], None]
"""Gives a house its outline and ornaments from the eaves (metres) up."""


def draw_houses(random: Random, count: int) -> list[House]:
    """Draw houses of all the kinds that a street needs."""
    return [_draw_house(random, gable) for _, gable in zip(range(count), itertools.cycle(_GABLES), strict=False)]


def _draw_house(random: Random, gable: Gable) -> House:
    width = float(random.uniform(5.2, 7.4))
    storeys = int(random.integers(2, 4))
    ground, storey = float(random.uniform(3.4, 3.9)), float(random.uniform(2.9, 3.3))
    eaves = ground + storeys * storey
    drawing = _Drawing(width, eaves + 3.2)
    drawing.wall[:] = _wall(random, drawing.wall.shape[0], drawing.wall.shape[1])
    gable(drawing, eaves)
    bays = 3 if width > 6.2 else 2
    for number in range(storeys):
        for bay in range(bays):
            bottom = ground + number * storey + 0.7
            _window(random, drawing, width * (bay + 0.5) / bays, bottom, 1.15, 2.05 - 0.25 * number)
    if gable is not _cornice:
        _window(random, drawing, width / 2, eaves + 0.45, 0.9, 1.0)
    drawing.rectangle(0, width, ground - 0.05, ground + 0.12, _STONE)
    drawing.shade(0, width, ground - 0.14, ground - 0.05, 0.6)
    drawing.rectangle(0, width, 0, 0.35, (104, 102, 98))
    (_shop if random.random() < 0.35 else _home)(random, drawing, ground)
    drawing.rectangle(width - 0.14, width - 0.05, 0.35, eaves, (70, 74, 74))  # the downpipe
    return House(width=width, height=drawing.height, picture=drawing.rgba())


def _one_of(random: Random, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(random.integers(len(colours)))]


def _wall(random: Random, height_px: int, width_px: int) -> Pixels:
    """Bricks of 22 x 6.5 cm, or plaster, with stains that run down."""
    streaks = 1 + 0.05 * smooth_noise(random, (4, 24), (height_px, width_px))
    blotches = 1 + 0.04 * smooth_noise(random, (20, 12), (height_px, width_px))
    stains = streaks * blotches * np.linspace(1.06, 0.86, height_px, dtype=np.float32)[:, None]
    if random.random() < 0.2:
        return tinted(stains, _one_of(random, _PLASTERS))
    y = np.arange(height_px, dtype=np.float32)[:, None] / _SCALE
    x = np.arange(width_px, dtype=np.float32)[None, :] / _SCALE
    bricks = lay(random, y, x, stone_m=(0.065, 0.22), spread=0.08, joint_tone=1.2)
    return tinted(stains * bricks, _one_of(random, _BRICKS))


def _window(random: Random, drawing: _Drawing, centre: float, bottom: float, width: float, height: float) -> None:
    left, right, top = centre - width / 2, centre + width / 2, bottom + height
    drawing.rectangle(left - 0.06, right + 0.06, top, top + 0.2, _STONE)
    drawing.rectangle(left - 0.1, right + 0.1, bottom - 0.1, bottom, _STONE)
    drawing.shade(left - 0.1, right + 0.1, bottom - 0.17, bottom - 0.1, 0.6)
    drawing.rectangle(left, right, bottom, top, _WHITE)
    _pane(random, drawing, left + 0.09, right - 0.09, bottom + 0.09, top - 0.09)
    drawing.rectangle(left, right, bottom + height * 0.62, bottom + height * 0.66, _WHITE)
    drawing.rectangle(centre - 0.025, centre + 0.025, bottom + height * 0.66, top, _WHITE)
    drawing.shade(left, right, top - 0.1, top, 0.55)
    drawing.shade(left, left + 0.06, bottom, top, 0.7)


def _pane(random: Random, drawing: _Drawing, left: float, right: float, bottom: float, top: float) -> None:
    """Glass: dark below, the sky above, sometimes curtains behind it."""
    area = drawing.area(left, right, bottom, top)
    height, width = area.shape[:2]
    dark, sky = np.array((38, 44, 50), np.float32), np.array((124, 142, 158), np.float32)
    lightness = np.linspace(1, 0, height, dtype=np.float32)[:, None] ** 1.5 * float(random.uniform(0.3, 1))
    slant = np.linspace(-0.15, 0.15, width, dtype=np.float32)[None, :] * float(random.uniform(-1, 1))
    glass = dark + (sky - dark) * np.clip(lightness + slant, 0, 1)[..., None]
    if random.random() < 0.45:
        at = np.linspace(-1, 1, width)
        folds = 60 + 14 * np.sin(np.arange(width) * 0.4)
        drawn = np.abs(at) > random.uniform(0.4, 0.8)
        glass[:, drawn] = glass[:, drawn] * 0.5 + folds[drawn, None]
    area[:] = np.clip(glass, 0, 255)


def _home(random: Random, drawing: _Drawing, ground: float) -> None:
    """A door with a fanlight at one side and tall windows beside it."""
    at_left = random.random() < 0.5
    centre = 0.95 if at_left else drawing.width - 0.95
    _door(drawing, centre, 0.35, _one_of(random, _DOORS))
    first, last = (1.9, drawing.width - 0.3) if at_left else (0.3, drawing.width - 1.9)
    number = 2 if drawing.width > 6 else 1
    for index in range(number):
        middle = first + (last - first) * (index + 0.5) / number
        _window(random, drawing, middle, 1.0, min(1.5, (last - first) / number - 0.4), ground - 1.5)


def _door(drawing: _Drawing, centre: float, bottom: float, colour: Colour) -> None:
    left, right = centre - 0.5, centre + 0.5
    drawing.rectangle(left - 0.14, right + 0.14, bottom, bottom + 2.95, _WHITE)
    drawing.rectangle(left, right, bottom, bottom + 2.2, colour)
    for low, high in ((0.2, 0.95), (1.1, 2.0)):
        drawing.shade(left + 0.14, right - 0.14, bottom + low, bottom + high, 0.75)
        drawing.shade(left + 0.18, right - 0.18, bottom + low + 0.04, bottom + high - 0.04, 1.45)
    drawing.rectangle(left + 0.05, right - 0.05, bottom + 2.3, bottom + 2.8, (58, 68, 76))
    drawing.shade(left - 0.02, right, bottom + 2.05, bottom + 2.2, 0.6)
    drawing.rectangle(left - 0.25, right + 0.25, 0, bottom, (148, 146, 140))
    drawing.shade(left - 0.25, right + 0.25, 0, bottom / 2, 0.85)


def _shop(random: Random, drawing: _Drawing, ground: float) -> None:
    """A shop window under a sign board and a striped awning."""
    paint = _one_of(random, _DOORS)
    width = drawing.width
    drawing.rectangle(0.15, width - 0.15, 0.3, ground - 0.25, paint)
    _pane(random, drawing, 0.4, width - 1.75, 0.75, ground - 0.95)
    _pane(random, drawing, width - 1.35, width - 0.45, 0.6, ground - 0.95)
    for x in (0.4 + (width - 2.15) / 2, width - 1.55):
        drawing.rectangle(x - 0.04, x + 0.04, 0.3, ground - 0.9, paint)
    drawing.shade(0.4, width - 0.4, ground - 1.35, ground - 0.95, 0.5)
    stripe = _one_of(random, ((196, 60, 52), (60, 110, 84), (64, 88, 140)))
    for index, left in enumerate(np.arange(0.2, width - 0.35, 0.22)):
        drawing.rectangle(left, left + 0.22, ground - 1.0, ground - 0.45, stripe if index % 2 else (232, 228, 220))
    drawing.shade(0.2, width - 0.1, ground - 1.0, ground - 0.9, 0.8)


def _cornice(drawing: _Drawing, eaves: float) -> None:
    drawing.outline([(0, 0), (drawing.width, 0), (drawing.width, eaves + 0.5), (0, eaves + 0.5)])
    drawing.rectangle(0, drawing.width, eaves - 0.05, eaves + 0.5, _WHITE)
    drawing.shade(0, drawing.width, eaves - 0.25, eaves - 0.05, 0.55)
    drawing.shade(0, drawing.width, eaves + 0.1, eaves + 0.2, 0.8)
    for x in np.arange(0.3, drawing.width, 0.55):
        drawing.rectangle(x, x + 0.14, eaves - 0.2, eaves + 0.1, _WHITE)


def _stepped(drawing: _Drawing, eaves: float) -> None:
    half, steps = drawing.width / 2, 5
    rise, run = 2.7 / steps, (half - 0.5) / steps
    stairs = [(half - 0.5 - run * (steps - k), eaves + rise * k) for k in range(steps + 1)]
    side = [point for (x, y), (x2, y2) in itertools.pairwise(stairs) for point in ((x, y), (x, y2), (x2, y2))]
    mirrored = [(drawing.width - x, y) for x, y in reversed(side)]
    drawing.outline([(0, 0), (0, eaves), *side, *mirrored, (drawing.width, eaves), (drawing.width, 0)])
    for (x, _), (x2, y2) in itertools.pairwise(stairs):
        for left, right in ((x, x2), (drawing.width - x2, drawing.width - x)):
            drawing.rectangle(left, right, y2 - 0.09, y2, _STONE)
    drawing.rectangle(half - 0.5, half + 0.5, eaves + 2.61, eaves + 2.7, _STONE)


def _necked(drawing: _Drawing, eaves: float) -> None:
    """A neck gable: a raised middle with scrolls at its sides, a pediment and the hoisting beam."""
    half, neck = drawing.width / 2, drawing.width * 0.27
    turns = np.linspace(0, np.pi / 2, 12)
    scroll = [
        (float(half - neck - (half - neck) * (1 - np.sin(t))), float(eaves + 1.5 * (1 - np.cos(t)))) for t in turns
    ]
    side = [*scroll, (half - neck, eaves + 2.3), (half, eaves + 3.0)]
    mirrored = [(drawing.width - x, y) for x, y in reversed(side)]
    drawing.outline([(0, 0), (0, eaves), *side, *mirrored, (drawing.width, eaves), (drawing.width, 0)])
    drawing.rectangle(half - neck, half + neck, eaves + 2.18, eaves + 2.34, _WHITE)
    drawing.rectangle(0, drawing.width, eaves - 0.06, eaves + 0.08, _WHITE)
    drawing.rectangle(half - 0.06, half + 0.06, eaves + 1.7, eaves + 2.0, (60, 50, 42))


_GABLES: tuple[Gable, ...] = (_cornice, _stepped, _necked)
