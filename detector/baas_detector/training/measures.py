"""What Ultralytics measures of a checkpoint, as plain numbers."""

from dataclasses import asdict, dataclass
from typing import Any

from baas_detector.contract import DetectedClass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMeasures:
    """Figures of one class, each 0..1."""

    object_class: DetectedClass
    objects: int
    """Labelled objects of the class. With few of them the figures say little."""
    precision: float
    """At the confidence where the mean F1 of all classes is highest."""
    recall: float
    """At the same confidence."""
    map50: float
    """Average precision where a box counts from an overlap (IoU) of 0.5 on."""
    map50_95: float
    """Mean of the average precisions at overlaps of 0.50, 0.55 ... 0.95."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Figures on one split. Classes without any labelled object are left out."""

    split: str
    image_size_px: int
    classes: tuple[ClassMeasures, ...]

    @property
    def map50(self) -> float | None:
        """The mean over the classes; None when nothing was labelled."""
        return self._mean("map50")

    @property
    def map50_95(self) -> float | None:
        """The mean over the classes; None when nothing was labelled."""
        return self._mean("map50_95")

    def _mean(self, figure: str) -> float | None:
        return sum(getattr(one, figure) for one in self.classes) / len(self.classes) if self.classes else None

    def document(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self) | {"map50": self.map50, "map50_95": self.map50_95}
