"""Annotations for pictures that were made smaller or larger. Pure."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from baas_detector.annotations.model import AnnotationSet, Size

Resize: TypeAlias = Callable[[Size], Size]
"""What becomes of a picture's size."""


def to_width(width_px: int) -> Resize:
    """Bring every picture to one width; the height follows, rounded to whole pixels."""
    return lambda size: _scaled(size, width_px / size.width_px)


def to_max_side(side_px: int) -> Resize:
    """Make pictures smaller whose longer side is longer than that; the others stay."""
    return lambda size: _scaled(size, min(1.0, side_px / max(size.width_px, size.height_px)))


def resized(annotations: AnnotationSet, resize: Resize) -> AnnotationSet:
    """Return boxes, polygons, areas and sizes for resized pictures: as shares of their picture they stay the same."""
    scales = {}
    images = []
    for image in annotations.images:
        size = resize(image.size)
        scales[image.number] = (size.width_px / image.size.width_px, size.height_px / image.size.height_px)
        images.append(replace(image, size=size))
    scaled = []
    for one in annotations.annotations:
        across, down = scales[one.image]
        scaled.append(
            replace(
                one,
                box=one.box.scaled(across, down),
                area_px=None if one.area_px is None else one.area_px * across * down,
                polygons=tuple(
                    tuple(value * (down if at % 2 else across) for at, value in enumerate(polygon))
                    for polygon in one.polygons
                ),
            )
        )
    return replace(annotations, images=tuple(images), annotations=tuple(scaled))


def _scaled(size: Size, factor: float) -> Size:
    return Size(width_px=max(1, round(size.width_px * factor)), height_px=max(1, round(size.height_px * factor)))
