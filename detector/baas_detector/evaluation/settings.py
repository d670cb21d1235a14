"""What counts in an evaluation, and how it is grouped."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from baas_detector.contract import DetectedClass
from baas_detector.coverage import USUAL_SIZES, Sizes

USUAL_AREAS_PX = (32.0 * 32, 96.0 * 96)
"""Where COCO's middle and large objects begin: https://cocodataset.org/#detection-eval."""
USUAL_MAX_DETECTIONS = (1, 10, 100)
"""COCO's. A panorama may hold more objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The defaults are those of the command."""

    min_coverage: float = 0.8
    """Share of its box that must be covered for an object to count as found, above 0 up to 1."""
    sizes: Mapping[DetectedClass, Sizes] = field(default_factory=lambda: USUAL_SIZES)
    areas_px: tuple[float, ...] = USUAL_AREAS_PX
    """Where COCO's areas begin, ascending; square pixels."""
    max_detections: tuple[int, ...] = USUAL_MAX_DETECTIONS
    seed: int = 0
    """Of the resampling of images."""
