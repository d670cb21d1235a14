"""Attempts to undo a redaction with well-kept libraries: scikit-image's restoration, OpenCV's enlarging and inpainting.

The attacker knows the method and its strength, and so the even blur that comes nearest to it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from skimage import restoration

from baas_detector.attack.redactions import DEFAULT_CELLS, GAUSSIAN_SIGMA_PX, Method, Redaction
from baas_detector.checks import Tile

Kernel: TypeAlias = npt.NDArray[np.float64]
"""(side, side), odd; the sum is 1."""
Plane: TypeAlias = npt.NDArray[np.float64]
"""(rows, columns): one channel, 0..1"""

# Without annotations, in a package that says it is typed.
_wiener: Any = restoration.wiener
_richardson_lucy: Any = restoration.richardson_lucy

_LONG_SIDE_PX = 128
"""Regions are restored in this size: what is left in them is far coarser."""
_ITERATIONS = 20
_BALANCE = 0.1
"""Wiener's filter: how much smoothness is wanted beside sharpness."""
_INPAINT_RADIUS_PX = 3


@dataclass(frozen=True, slots=True)
class Blur:
    """An even blur: a Gaussian of sigma `apart_px`, a box as wide (pixelate), or two of these one after the other."""

    method: Method
    apart_px: float

    @classmethod
    def of(cls, redaction: Redaction, width: int, height: int) -> "Blur":
        """Take a redaction of a region for one; where nothing is left, as if it were cells."""
        if redaction.method is Method.GAUSSIAN:
            return cls(redaction.method, GAUSSIAN_SIGMA_PX)
        return cls(redaction.method, max(width, height) / (redaction.cells or DEFAULT_CELLS))

    def kernel(self, width: int, height: int) -> Kernel:
        """What one bright point becomes, no larger than a region of this size."""
        largest = (min(width, height) - 1) | 1
        if self.method is Method.GAUSSIAN:
            line = cv2.getGaussianKernel(min(largest, int(6 * self.apart_px) | 1), self.apart_px).ravel()
        else:
            side = min(largest, int(self.apart_px) | 1)
            line = np.full(side, 1 / side)
            if self.method is Method.BLUR:
                line = np.convolve(line, line)
                more = max(0, line.size - largest) // 2
                line = line[more : line.size - more] / line[more : line.size - more].sum()
        return np.asarray(np.outer(line, line))


Attempt: TypeAlias = Callable[[Tile, Blur], Tile]


def enlarged(region: Tile, blur: Blur) -> Tile:
    """Shrink the region to one pixel for what lies apart, and enlarge it smoothly (Lanczos)."""
    height, width = region.shape[:2]
    size = max(1, round(width / blur.apart_px)), max(1, round(height / blur.apart_px))
    small = cv2.resize(region, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LANCZOS4), np.uint8)


def wiener(region: Tile, blur: Blur) -> Tile:
    """Invert the blur by Wiener's filter."""
    return _inverted(region, blur, lambda plane, kernel: _wiener(plane, kernel, _BALANCE))


def richardson_lucy(region: Tile, blur: Blur) -> Tile:
    """Invert the blur by Richardson and Lucy's iteration."""
    return _inverted(
        region, blur, lambda plane, kernel: _richardson_lucy(plane, kernel, _ITERATIONS, filter_epsilon=1e-3)
    )


def inpainted(region: Tile, _: Blur) -> Tile:
    """Forget the region but for its outline, and guess it from there (Telea)."""
    unknown = np.zeros(region.shape[:2], np.uint8)
    unknown[1:-1, 1:-1] = 255
    return np.asarray(cv2.inpaint(region, unknown, _INPAINT_RADIUS_PX, cv2.INPAINT_TELEA), np.uint8)


ATTEMPTS: dict[str, Attempt] = {
    "Lanczos": enlarged,
    "Wiener": wiener,
    "Richardson-Lucy": richardson_lucy,
    "inpainting": inpainted,
}


def restored(region: Tile, redaction: Redaction, attempt: Attempt) -> Tile:
    """Try to undo a redaction of a region."""
    height, width = region.shape[:2]
    share = min(1.0, _LONG_SIDE_PX / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    small = np.asarray(cv2.resize(np.ascontiguousarray(region), size, interpolation=cv2.INTER_AREA), np.uint8)
    blur = Blur.of(redaction, width, height)
    tried = attempt(small, replace(blur, apart_px=max(1.0, share * blur.apart_px)))
    return np.asarray(cv2.resize(tried, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _inverted(region: Tile, blur: Blur, invert: Callable[[Plane, Kernel], Plane]) -> Tile:
    """Invert the brightness; colours are left as they are.

    The region goes on as its mirror image and fades to black as if that had been blurred, too: then its edges are no
    edges of the scene, and what lies beyond is known.
    """
    height, width = region.shape[:2]
    kernel = blur.kernel(width, height)
    side = kernel.shape[0] - 1
    within = np.pad(np.ones((height + side, width + side)), side // 2)
    faded = cv2.filter2D(within, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    colours = cv2.cvtColor(region, cv2.COLOR_RGB2YCrCb)
    scene = np.pad(colours[..., 0] / 255, side, mode="symmetric") * faded
    tried = np.nan_to_num(invert(scene, kernel)).clip(0, 1)[side : side + height, side : side + width]
    colours[..., 0] = (tried * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_YCrCb2RGB), np.uint8)
