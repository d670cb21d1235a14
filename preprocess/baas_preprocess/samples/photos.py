"""People for the street, from the two photos that the `ultralytics` wheel carries.

The wheel is found on disk and never imported: it would pull torch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from baas_crds.errors import ConfigurationError
from baas_preprocess.facts import Pixels
from baas_preprocess.samples import outlines
from baas_preprocess.samples.brush import Colour, Rgba, Sheet, averaged, premultiplied

Rectangle = tuple[float, float, float, float]
"""left, top, right, bottom as shares of a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody cut out of a photo. Bands are (from, to) as shares of the height, from the top."""

    photo: str
    outline: str
    coat: tuple[float, float]
    trousers: tuple[float, float]
    bare_hands: bool
    """Hands show before the coat and must keep their colour when it is dyed."""
    whole: bool = True
    """False when the photo's right edge cuts this person: something must stand in front of that side."""


PALE_COAT = Person(
    photo="bus.jpg", outline=outlines.WALKER_IN_PALE_COAT, coat=(0.135, 0.605), trousers=(0.605, 0.91), bare_hands=False
)
DARK_COAT = Person(
    photo="bus.jpg", outline=outlines.WALKER_IN_DARK_COAT, coat=(0.14, 0.65), trousers=(0.65, 0.9), bare_hands=True
)
FROM_THE_SIDE = Person(
    photo="bus.jpg",
    outline=outlines.WALKER_FROM_THE_SIDE,
    coat=(0.16, 0.62),
    trousers=(0.62, 0.9),
    bare_hands=True,
    whole=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advert:
    """A whole photo for a poster, and everybody who is on it."""

    photo: str
    crop: tuple[int, int, int, int]
    people: tuple[Rectangle, ...]

    @property
    def proportion(self) -> float:
        """Width over height."""
        left, top, right, bottom = self.crop
        return (right - left) / (bottom - top)


def _within(crop: tuple[int, int, int, int], *boxes: tuple[int, int, int, int]) -> tuple[Rectangle, ...]:
    left, top, right, bottom = crop
    width, height = right - left, bottom - top
    return tuple(
        ((x0 - left) / width, (y0 - top) / height, (x1 - left) / width, (y1 - top) / height) for x0, y0, x1, y1 in boxes
    )


_BUS_CROP, _FOOTBALL_CROP = (0, 0, 810, 1080), (90, 20, 1170, 720)
BUS_STOP = Advert(
    photo="bus.jpg",
    crop=_BUS_CROP,
    people=_within(_BUS_CROP, (49, 396, 245, 904), (222, 406, 345, 860), (668, 392, 810, 880), (0, 551, 79, 873)),
)
FOOTBALL = Advert(
    photo="zidane.jpg",
    crop=_FOOTBALL_CROP,
    people=_within(_FOOTBALL_CROP, (115, 197, 1153, 720), (748, 42, 1143, 720)),
)


def cut_out(person: Person, *, mirrored: bool, coat: Colour | None, trousers: Colour | None) -> Rgba:
    """Return a person without background, in other clothes where a colour is given."""
    picture = _cut(person).copy()
    for band, dye in ((person.coat, coat), (person.trousers, trousers)):
        if dye is not None:
            _dye(picture, band, dye, spare_skin=person.bare_hands)
    return np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture


def proportion(person: Person) -> float:
    """Width over height of the cut-out."""
    height, width = _cut(person).shape[:2]
    return width / height


def poster(advert: Advert) -> Rgba:
    """Return the advert's picture."""
    left, top, right, bottom = advert.crop
    picture = _photo(advert.photo)[top:bottom, left:right]
    return premultiplied(picture, np.full(picture.shape[:2], 255, np.uint8))


def check_photos() -> None:
    """Raise `ConfigurationError` when the photos are not installed."""
    for name in ("bus.jpg", "zidane.jpg"):
        _path(name)


def _path(name: str) -> Path:
    spec = find_spec("ultralytics")
    folders: Iterable[str] = (spec.submodule_search_locations or ()) if spec else ()
    for folder in folders:
        path = Path(folder) / "assets" / name
        if path.is_file():
            return path
    raise ConfigurationError(
        f"The sample panoramas need the photo {name} of the package ultralytics, which is not installed: "
        "install the extra model_export (uv pip install -r pyproject.toml --extra model_export)."
    )


@cache
def _photo(name: str) -> Pixels:
    with Image.open(_path(name)) as photo:
        return np.asarray(photo.convert("RGB"))


@cache
def _cut(person: Person) -> Rgba:
    points = np.array([pair.split(",") for pair in person.outline.split()], int)
    left, top = points.min(axis=0).tolist()
    right, bottom = (points.max(axis=0) + 1).tolist()
    finer = 4
    mask = Sheet((right - left) * finer, (bottom - top) * finer)
    mask.polygon((points - (left, top) + 0.5) * finer, (0, 0, 0))
    alpha = averaged(mask.alpha, right - left, bottom - top)
    return premultiplied(_photo(person.photo)[top:bottom, left:right], alpha)


def _dye(picture: Rgba, band: tuple[float, float], dye: Colour, *, spare_skin: bool) -> None:
    """Give cloth between two heights another colour, keeping its folds."""
    height = picture.shape[0]
    at = (np.arange(height) + 0.5) / height
    edge = 0.012
    weight = np.clip((at - band[0]) / edge, 0, 1) * np.clip((band[1] - at) / edge, 0, 1)
    colours = picture[..., :3].astype(np.float32)
    grey = colours.mean(axis=2, keepdims=True)
    strength: npt.NDArray[np.float32] = np.broadcast_to(weight[:, None, None], grey.shape).astype(np.float32)
    if spare_skin:
        # Skin and the red shirt are much redder than blue; cloth in the photo is not.
        redness = colours[..., :1] - colours[..., 2:3]
        strength = strength * np.clip((55 - redness) / 20, 0, 1)
    middle = max(30.0, float(np.median(grey[picture[..., 3] > 250])))
    folds = 0.45 + 0.55 * grey / middle
    dyed = np.array(dye, np.float32) * folds * (picture[..., 3:] / 255)
    picture[..., :3] = np.clip(colours + (dyed - colours) * strength, 0, picture[..., 3:])
