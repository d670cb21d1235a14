"""European licence plates with invented characters."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from baas_preprocess.samples.brush import Colour, Rgba, Sheet, premultiplied, smooth_noise

_WIDTH_PX, _HEIGHT_PX = 520, 110
_LETTERS = "BDFGHJKLNPRSTVXZ"
_BLUE, _BLACK = (0, 51, 153), (16, 16, 18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a country's plates look. In `pattern` an A is a letter, a 9 a digit."""

    country: str
    pattern: str
    ground: Colour
    ink: Colour = _BLACK


STYLES = (
    Style(country="NL", pattern="AA-999-A", ground=(246, 190, 0)),
    Style(country="NL", pattern="9-AAA-99", ground=(246, 190, 0)),
    Style(country="NL", pattern="AA-99-AA", ground=(246, 190, 0)),
    Style(country="D", pattern="AA AA 999", ground=(238, 238, 234)),
    Style(country="F", pattern="AA-999-AA", ground=(238, 238, 234)),
    Style(country="B", pattern="9-AAA-999", ground=(238, 238, 234), ink=(150, 24, 32)),
)


@cache
def draw_holder() -> Rgba:
    """Draw the dark plate on which a licence plate is mounted."""
    holder = Sheet(_WIDTH_PX // 4, _HEIGHT_PX // 4)
    holder.rectangle(0, 0, _WIDTH_PX // 4, _HEIGHT_PX // 4, (24, 25, 27))
    return holder.rgba()


def draw_plate(random: np.random.Generator, style: Style) -> Rgba:
    """Draw a plate of 520 x 110 mm, one pixel a millimetre."""
    picture = Image.new("RGB", (_WIDTH_PX, _HEIGHT_PX), style.ground)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 45, _HEIGHT_PX), fill=_BLUE)
    for x, y in zip(
        22 + 13 * np.sin(np.arange(12) * np.pi / 6), 32 + 13 * np.cos(np.arange(12) * np.pi / 6), strict=True
    ):
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=(255, 204, 0))
    draw.text((22, 84), style.country, fill="white", font=ImageFont.load_default(30), anchor="mm")
    text = _invent(random, style.pattern)
    font = ImageFont.load_default(88)
    # Plates' characters are bold and fill the plate: draw them large, then fit them into their field.
    left, top, right, bottom = (round(v) for v in font.getbbox(text, stroke_width=3))
    ink = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(ink).text((-left, -top), text, fill=255, font=font, stroke_width=3)
    ink = ink.resize((_WIDTH_PX - 45 - 50, 78))
    picture.paste(style.ink, (70, 16), ink)
    draw.rounded_rectangle((1, 1, _WIDTH_PX - 2, _HEIGHT_PX - 2), radius=10, outline=style.ink, width=3)
    alpha = Image.new("L", picture.size)
    ImageDraw.Draw(alpha).rounded_rectangle((0, 0, _WIDTH_PX - 1, _HEIGHT_PX - 1), radius=10, fill=255)
    dirt = 0.93 + 0.04 * smooth_noise(random, (4, 14), (_HEIGHT_PX, _WIDTH_PX))[..., None]
    return premultiplied(np.clip(np.asarray(picture) * dirt, 0, 255).astype(np.uint8), np.asarray(alpha))


def _invent(random: np.random.Generator, pattern: str) -> str:
    pools = {"A": _LETTERS, "9": "0123456789"}
    return "".join(random.choice(list(pools[mark])) if mark in pools else mark for mark in pattern)
