"""Flat pictures of things that stand in a street."""

import numpy as np

from baas_preprocess.facts import Pixels
from baas_preprocess.samples.brush import Colour, Rgba, Sheet

_BLACK: Colour = (28, 28, 30)


def draw_tree(random: np.random.Generator) -> Rgba:
    """Draw an elm with an open crown, leaf by leaf; its foot is the middle of the lower edge."""
    width, height = 660, 990
    sheet = Sheet(width, height)
    fork = (width / 2, height * 0.62)
    sheet.stroke([(width / 2, height), fork], (84, 76, 66), 26)
    for _ in range(9):
        bough = (float(random.normal(width / 2, 110)), float(random.uniform(0.15, 0.45)) * height)
        sheet.stroke([fork, bough], (84, 76, 66), 9)
    clumps = random.normal((width / 2, height * 0.33), (width * 0.17, height * 0.12), (80, 2))
    leaves = clumps[random.integers(len(clumps), size=9000)] + random.normal(0, 28, (9000, 2))
    leaves = leaves[leaves[:, 1] < height * 0.62]
    # From dark to light: what is painted last lies on top and catches the light.
    tones = np.linspace(0.35, 1.15, len(leaves)) * random.uniform(0.85, 1.1, len(leaves))
    centres = leaves - (tones - 0.7)[:, None] * (14, 26)
    colours = tones[:, None] * random.uniform((78, 96, 48), (98, 116, 66))
    sizes, angles = random.integers((4, 2), (9, 5), (len(leaves), 2)), random.uniform(0, 180, len(leaves))
    for (x, y), (red, green, blue), (long, short), angle in zip(
        centres.astype(int).tolist(), colours.astype(int).tolist(), sizes.tolist(), angles.tolist(), strict=True
    ):
        sheet.ellipse((x, y), (long, short), (red, green, blue), angle=angle)
    return sheet.rgba()


def draw_column(random: np.random.Generator) -> Rgba:
    """Draw an advertising column with faded posters under a cap."""
    width, height = 220, 640
    sheet = Sheet(width, height)
    sheet.ellipse((width // 2, 42), (width // 2, 40), (38, 58, 48))
    sheet.rectangle(0, 42, width, height, (44, 66, 54))
    sheet.rectangle(0, 70, width, 80, (150, 140, 90))
    for top in range(90, 520, 110):
        for left in range(4, width, 74):
            paper = random.uniform(120, 215) * random.uniform(0.85, 1.1, 3)
            red, green, blue = paper.astype(int).tolist()
            sheet.rectangle(left, top, left + 64, top + 100, (red, green, blue))
            for line in range(3):
                sheet.rectangle(
                    left + 8, top + 12 + 26 * line, left + 52, top + 22 + 26 * line, (red // 2, green // 2, blue // 2)
                )
    return _rounded(sheet)


def draw_bollard() -> Rgba:
    """Draw one of Amsterdam's brown bollards with the three crosses."""
    width, height = 66, 285
    sheet = Sheet(width, height)
    sheet.polygon(np.array([(14, 12), (52, 12), (62, height), (4, height)], float), (92, 44, 34))
    sheet.ellipse((33, 13), (19, 12), (92, 44, 34))
    for top in (20, 60):
        sheet.rectangle(12, top, 54, top + 6, (62, 28, 22))
    for row in (84, 108, 132):
        sheet.stroke([(24, row), (40, row + 16)], (206, 196, 184), 4)
        sheet.stroke([(40, row), (24, row + 16)], (206, 196, 184), 4)
    return _rounded(sheet)


def draw_bicycle(colour: Colour) -> Rgba:
    """Draw a bicycle from the side, 1.8 x 1.1 m at 200 px a metre."""
    sheet = Sheet(360, 220)
    rear, front, crank, head, saddle = (68, 152), (290, 152), (160, 152), (238, 72), (142, 82)
    for hub in (rear, front):
        sheet.ellipse(hub, (65, 65), _BLACK, thickness=5)
        sheet.ellipse(hub, (60, 60), (150, 150, 152), thickness=2)
        for angle in np.arange(0, np.pi, np.pi / 7):
            x, y = 60 * np.cos(angle), 60 * np.sin(angle)
            sheet.stroke([(hub[0] - x, hub[1] - y), (hub[0] + x, hub[1] + y)], (110, 110, 112), 1)
    sheet.stroke([rear, crank, head, saddle, crank], colour, 6)
    sheet.stroke([rear, saddle, (136, 52)], colour, 6)
    sheet.stroke([front, (240, 40)], colour, 6)
    sheet.stroke([(262, 30), (240, 40), (212, 34)], _BLACK, 6)
    sheet.stroke([(116, 50), (160, 50)], _BLACK, 12)
    sheet.stroke([(20, 82), (120, 82)], _BLACK, 4)
    return sheet.rgba()


def framed(poster: Rgba, *, margin_px: int, legs_px: int) -> Rgba:
    """Put a dark frame around a poster and, unless `legs_px` is 0, two legs under it."""
    height, width = poster.shape[0] + 2 * margin_px, poster.shape[1] + 2 * margin_px
    sheet = Sheet(width, height + legs_px)
    sheet.rectangle(0, 0, width, height, (52, 54, 56))
    for left in (2 * margin_px, width - 3 * margin_px):
        sheet.rectangle(left, height, left + margin_px, height + legs_px, (70, 72, 74))
    picture = sheet.rgba()
    picture[margin_px : height - margin_px, margin_px : width - margin_px] = poster
    return picture


def _rounded(sheet: Sheet) -> Rgba:
    """Shade a flat picture as if it went around a cylinder that is lit from the left."""
    across = np.linspace(-1, 1, sheet.colours.shape[1], dtype=np.float32)
    light = np.clip(0.45 + 0.65 * np.sqrt(1 - (across * 0.97) ** 2) - 0.18 * across, 0, 1)
    shaded: Pixels = (sheet.colours * light[None, :, None]).astype(np.uint8)
    return np.dstack([shaded, sheet.alpha])
