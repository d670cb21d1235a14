"""Drawing and scaling with OpenCV, for pictures whose colours are multiplied by their alpha."""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from baas_preprocess.facts import Pixels

Colour = tuple[int, int, int]
Rgba = npt.NDArray[np.uint8]
"""(height, width, 4): colours already multiplied by their alpha, so that scaling leaves no fringe."""
Plane = npt.NDArray[np.uint8]
"""(height, width)."""
Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
"""(n, 2): x, y in pixels; (0, 0) is the upper left corner of the first pixel."""

_FRACTION_BITS = 4


class Sheet:
    """A transparent sheet to draw on. Smooth edges blend with black, which is what multiplying by alpha means."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.colours: Pixels = np.zeros((height_px, width_px, 3), np.uint8)
        self.alpha: Plane = np.zeros((height_px, width_px), np.uint8)

    def rgba(self) -> Rgba:
        return np.dstack([self.colours, self.alpha])

    def polygon(self, points: Points, colour: Colour) -> None:
        corners = _fixed(points)
        cv2.fillPoly(self.colours, [corners], colour, cv2.LINE_AA, _FRACTION_BITS)
        cv2.fillPoly(self.alpha, [corners], (255,), cv2.LINE_AA, _FRACTION_BITS)

    def facets(self, points: Points, sizes: list[int], colours: npt.NDArray[np.float64]) -> None:
        """Fill many convex polygons, with hard edges; `sizes` says how many of the points belong to each."""
        polygons = np.split(_fixed(points), np.cumsum(sizes)[:-1])
        for polygon, colour in zip(polygons, colours.astype(int).tolist(), strict=True):
            cv2.fillConvexPoly(self.colours, polygon, colour, cv2.LINE_8, _FRACTION_BITS)
            cv2.fillConvexPoly(self.alpha, polygon, (255,), cv2.LINE_8, _FRACTION_BITS)

    def stroke(self, points: Iterable[tuple[float, float]], colour: Colour, thickness: int) -> None:
        line = np.array(list(points), np.int32)
        cv2.polylines(self.colours, [line], False, colour, thickness, cv2.LINE_AA)
        cv2.polylines(self.alpha, [line], False, (255,), thickness, cv2.LINE_AA)

    def rectangle(self, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
        self.colours[max(0, top) : bottom, max(0, left) : right] = colour
        self.alpha[max(0, top) : bottom, max(0, left) : right] = 255

    def ellipse(
        self, centre: tuple[int, int], axes: tuple[int, int], colour: Colour, *, angle: float = 0, thickness: int = -1
    ) -> None:
        """Fill an ellipse, or draw its outline when a thickness is given."""
        cv2.ellipse(self.colours, centre, axes, angle, 0, 360, colour, thickness, cv2.LINE_AA)
        cv2.ellipse(self.alpha, centre, axes, angle, 0, 360, (255,), thickness, cv2.LINE_AA)


def _fixed(points: Points) -> npt.NDArray[np.int32]:
    """OpenCV counts from pixel centres, in fixed point."""
    return np.asarray(np.round((points - 0.5) * 2**_FRACTION_BITS), np.int32)


def premultiplied(colours: Pixels, alpha: Plane) -> Rgba:
    """Join colours that know nothing of the alpha with it."""
    return np.dstack([dimmed(colours, alpha), alpha])


def dimmed(colours: Pixels, light: Plane) -> Pixels:
    """Multiply colours by a plane whose 255 means 1."""
    return np.asarray(cv2.multiply(colours, cv2.merge([light] * 3), scale=1 / 255), np.uint8)


def laid_over(below: Pixels, above: Rgba) -> Pixels:
    """Lay a picture over an opaque one of the same size."""
    return np.asarray(cv2.add(dimmed(below, ~above[..., 3]), above[..., :3]), np.uint8)


def averaged(picture: npt.NDArray[np.uint8], width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
    """Scale a picture down by averaging; sides that are not larger stay as they are."""
    height, width = picture.shape[:2]
    size = (min(width, width_px), min(height, height_px))
    if size == (width, height):
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(picture: npt.NDArray[np.uint8], times: int) -> npt.NDArray[np.uint8]:
    """Scale a picture up smoothly."""
    return np.asarray(cv2.resize(picture, None, fx=times, fy=times), np.uint8)


def sampled(picture: npt.NDArray[np.uint8], x: Floats, y: Floats, *, repeat_edge: bool) -> npt.NDArray[np.uint8]:
    """Look the picture up at these positions of pixel centres; outside is its edge, or nothing."""
    border = cv2.BORDER_REPLICATE if repeat_edge else cv2.BORDER_CONSTANT
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=border), np.uint8)


def smooth_noise(random: np.random.Generator, cells: tuple[int, int], shape: tuple[int, int]) -> Floats:
    """Return standard normal noise of so many (rows, columns) of cells, interpolated to a shape."""
    noise = random.standard_normal(cells).astype(np.float32)
    return np.asarray(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def tinted(tones: Floats, colour: Colour) -> Pixels:
    """Multiply one colour by a plane of tones around 1."""
    return np.clip(tones[..., None] * np.array(colour, np.float32), 0, 255).astype(np.uint8)
