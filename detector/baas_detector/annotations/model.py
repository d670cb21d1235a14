"""What every format is read into and written from: boxes in pixels, categories by name.

What a reader cannot take for a picture or a box is a finding. What it can take may still be wrong, and `checking`
tells: writers are given only what passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from baas_detector.annotations.findings import Finding

Number: TypeAlias = int | str
"""What a file calls an entry: its `id`."""
Facts: TypeAlias = Mapping[str, Any]
"""Whatever else stands with an entry. It goes through unchanged."""

SEAM_SLACK_PX = 0.5
"""Boxes are often rounded outwards: so far beyond an edge is no fault, and no crossing of the seam."""


class Format(StrEnum):
    """How annotations are written down."""

    COCO = "coco"
    AZUREML = "azureml"
    YOLO = "yolo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of a picture as it is shown, in pixels."""

    width_px: int
    height_px: int

    @property
    def wraps(self) -> bool:
        """Whether it has the shape of a 360° panorama, up to one pixel of rounding: its left and right edge touch."""
        return abs(self.width_px - 2 * self.height_px) <= 1

    def __str__(self) -> str:
        return f"{self.width_px} x {self.height_px}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """In pixels from the upper left corner. In a panorama `right` beyond the width goes on at the left edge."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge; beyond the picture's width where it crosses the seam."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.width * self.height

    def scaled(self, across: float, down: float) -> "Box":
        """Return it in a picture that is so many times as wide and as high."""
        return Box(left=self.left * across, top=self.top * down, width=self.width * across, height=self.height * down)

    def crosses_seam(self, size: Size) -> bool:
        """Tell whether it goes on at the other edge of a panorama."""
        return size.wraps and self.right > size.width_px + SEAM_SLACK_PX


Polygon: TypeAlias = tuple[float, ...]
"""x and y in turn, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One picture of the set."""

    number: Number
    name: str
    """Relative path, with forward slashes."""
    size: Size
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One labelled object."""

    number: Number
    image: Number
    category: Number
    box: Box
    area_px: float | None = None
    """In square pixels, as the annotators' tool says; None: the box's."""
    polygons: tuple[Polygon, ...] = ()
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationSet:
    """All pictures and objects of a file or folder."""

    images: tuple[Image, ...]
    annotations: tuple[Annotation, ...]
    categories: Mapping[Number, str]
    """Names by `id`, in one spelling where they mean persons or plates."""
    facts: Facts = field(default_factory=dict)
    unread: tuple[Finding, ...] = ()
    """Entries that were no pictures or boxes, so that they are not in here."""
