"""Plain data that flows between the steps. No step imports another; all import this.

Pixel coordinates of boxes and tiles are floats or ints in the *stored* picture's frame: x to the right, y down, origin
in the upper left corner. Where the picture wraps (a 360° panorama), a `right` beyond the width goes on at column
`right - width`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, TypeAlias

import numpy as np
import numpy.typing as npt

from baas_crds.codes import ObjectClass

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""(height, width, 3), RGB, 0..255."""

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits; of a JPEG's coefficients, `blake3:` and as many."""


Levels: TypeAlias = tuple[npt.NDArray[np.int16], ...]
"""For each component of a JPEG, (rows, columns): the first coefficient of each block, eight times its mean
distance from mid-grey, in steps of the quantisation table."""


class ImageFormat(StrEnum):
    """The container formats that can be published."""

    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"


class Profile(StrEnum):
    """How closely the detector looks at a picture."""

    DEFAULT = "default"
    THOROUGH = "thorough"


class Verification(StrEnum):
    """Which finished pictures the detector looks at again."""

    REDETECT = "redetect"
    SAMPLE = "sample"
    OFF = "off"


class DeleteSource(StrEnum):
    """When originals are deleted."""

    NEVER = "never"
    AFTER_VERIFIED = "after-verified"


class Method(StrEnum):
    """What a redacted region looks like, and what of it is left."""

    PIXELATE = "pixelate"
    """One coarse colour for each cell."""
    BLUR = "blur"
    """A smooth surface over the same colours."""
    SOLID = "solid"
    """Mid-grey: nothing is left."""
    FILL = "fill"
    """A smooth surface over what lies around the mask: nothing is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the bytes of a file say about it, before anything is decoded."""

    format: ImageFormat
    width_px: int
    height_px: int
    wraps: bool
    """A full 360° equirectangular picture: the left and the right edge touch."""
    is_sphere: bool = False
    """GPano says so of the whole sphere: the rows go from +90° to -90°."""
    orientation: int
    """EXIF orientation, 1..8, as stored (1 when absent)."""
    unit_px: tuple[int, int]
    """(width, height) of the smallest piece that can be redacted alone: a JPEG's MCU, else 8x8."""
    coding: str
    """For people: such as `baseline 4:2:0` or `8-bit RGB`."""
    metadata: tuple[str, ...]
    """Kinds of metadata found, such as `Exif`, `GPS`, `GPano`, `ICC`."""
    hidden_images: tuple[str, ...]
    """Second pictures that must not survive, such as `Exif thumbnail 512x256`, `bytes after the end`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A rectangle of the picture, shown to the detector at `out_width_px` x `out_height_px`."""

    left: int
    top: int
    width: int
    """`left + width` may exceed the picture's width where it wraps."""
    height: int
    out_width: int
    out_height: int
    is_mirrored: bool = False
    """Shown with left and right exchanged."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle in pixels: left <= right, top <= bottom; `0 <= left < width`, `right` may cross the seam."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One box as the detector gave it, in the picture's pixels."""

    box: Box
    object_class: ObjectClass
    score: float
    tile: Tile | None = None
    """Where the detector saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One object: the union of the detections that speak of it."""

    box: Box
    """Unpadded."""
    object_class: ObjectClass
    score: float
    """The highest of its detections."""
    detections: int
    """How many boxes it joins."""
    tile: Tile | None = None
    """Where the detector was surest of it; None when no detector found it."""
    padding: float = 0.0
    """At least this share of its size is redacted on each side, whatever the recipe says."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mask:
    """Where the picture is redacted, on the grid of `Inspection.unit_px`.

    `cells` has shape (ceil(height/unit height), ceil(width/unit width)), int32: -1 outside the mask, else the number of
    the cell that a unit belongs to; all units of one cell get one colour. Cells are numbered 0..cell_count-1.
    """

    unit_px: tuple[int, int]
    width_px: int
    height_px: int
    cells: npt.NDArray[np.int32]
    cell_count: int

    @property
    def covered(self) -> npt.NDArray[np.bool_]:
        """True where a unit is redacted; the shape of `cells`."""
        return self.cells >= 0

    @property
    def share(self) -> float:
        """Redacted share of the picture's area, 0..1."""
        unit_width, unit_height = self.unit_px
        rows, columns = self.cells.shape
        heights = np.minimum(unit_height, self.height_px - unit_height * np.arange(rows))
        widths = np.minimum(unit_width, self.width_px - unit_width * np.arange(columns))
        return float(heights @ self.covered @ widths) / (self.width_px * self.height_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """A redacted picture without any metadata, and the proof of what was left alone."""

    data: bytes
    method: Method
    """What was asked for; `verify` must find no more."""
    levels: Levels = field(default=(), compare=False, repr=False)
    """Of a JPEG's blocks as they were written."""
    outside_digest: Digest
    """Of the original's coefficients (JPEG) or samples (PNG, TIFF) outside the mask; `verify` must find the same."""
