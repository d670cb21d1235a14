"""Invented licence plates, and what light, a lens and an angle do to one. Pure: randomness is an argument."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from baas_detector.checks import Tile

# A Dutch car's plate, in mm.
_WIDTH_MM, _HEIGHT_MM = 520, 110
# The Dutch register's side codes since 1965; X is a letter, 9 a digit. No vowels, and nothing that looks like a digit.
_PATTERNS = (
    *("99-99-XX", "99-XX-99", "XX-99-XX", "XX-XX-99", "99-XX-XX", "99-XXX-9", "9-XXX-99", "XX-999-X", "X-999-XX"),
    *("XXX-99-X", "X-99-XXX"),
)
_LETTERS, _DIGITS = "BDFGHJKLNPRSTVXZ", "0123456789"
_YELLOW, _BLUE, _BLACK = (240, 185, 20), (0, 60, 160), (15, 15, 15)


def height_of(width_px: int) -> int:
    """A plate's height in pixels."""
    return round(width_px * _HEIGHT_MM / _WIDTH_MM)


def texts(count: int, random: np.random.Generator) -> list[str]:
    """Invent different texts. More than there are would never end: about ten million."""
    invented: dict[str, None] = {}
    while len(invented) < count:
        pattern = _PATTERNS[random.integers(len(_PATTERNS))]
        invented["".join(_drawn(sign, random) for sign in pattern)] = None
    return list(invented)


def _drawn(sign: str, random: np.random.Generator) -> str:
    signs = {"X": _LETTERS, "9": _DIGITS}.get(sign, sign)
    return signs[random.integers(len(signs))]


def drawn(text: str, width_px: int) -> Tile:
    """Draw a plate larger than it will be shown, seen from the front: at least twice `width_px` wide."""
    width = max(2 * width_px, 200)
    height = height_of(width)
    plate = PIL.Image.new("RGB", (width, height), _YELLOW)
    draw = PIL.ImageDraw.Draw(plate)
    draw.rectangle((0, 0, 0.08 * width, height), fill=_BLUE)
    draw.rectangle((0, 0, width - 1, height - 1), outline=_BLACK, width=max(1, width // 150))
    signs = _signs(text).resize((round(0.86 * width), round(0.68 * height)), PIL.Image.Resampling.BILINEAR)
    plate.paste(_BLACK, (round(0.1 * width), round(0.16 * height)), signs)
    return np.asarray(plate)


def _signs(text: str) -> PIL.Image.Image:
    """The signs as a mask, cut to their outline: all texts are as wide, so that their widths tell nothing."""
    font = _font()
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    signs = PIL.Image.new("L", (right - left, bottom - top))
    PIL.ImageDraw.Draw(signs).text((-left, -top), text, font=font, fill=255)
    return signs


@cache
def _font() -> PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont:
    return PIL.ImageFont.load_default(90)


def shown(plate: Tile, width_px: int) -> Tile:
    """Show a drawn plate in this width."""
    return np.asarray(cv2.resize(plate, (width_px, height_of(width_px)), interpolation=cv2.INTER_AREA), np.uint8)


def photographed(plate: Tile, width_px: int, random: np.random.Generator) -> Tile:
    """Show a drawn plate in this width as a street panorama might: slanted, in some light, with noise."""
    height, width = plate.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + random.uniform(-1, 1, (4, 2)) * (0.02 * width, 0.04 * height)
    transform = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    slanted = cv2.warpPerspective(plate, transform, (width, height), borderMode=cv2.BORDER_REPLICATE)
    seen = shown(np.asarray(slanted, np.uint8), width_px).astype(np.float64)
    across = np.linspace(-1, 1, seen.shape[1])[:, np.newaxis]
    light = random.uniform(0.6, 1.1) * (1 + random.uniform(-0.15, 0.15) * across)
    noisy: npt.NDArray[np.float64] = seen * light + random.uniform(-10, 20) + random.normal(0, 4, seen.shape)
    return noisy.clip(0, 255).astype(np.uint8)
