"""What there is in annotations, and what is wrong with it. Pure."""

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.checking import check
from baas_detector.annotations.findings import Finding, Kind
from baas_detector.annotations.model import Annotation, AnnotationSet, Format
from baas_detector.annotations.names import class_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySummary:
    """The objects of one category. Lengths are in pixels of the pictures as they came."""

    category: str
    object_class: str | None
    """What the detector calls it; None for neither person nor plate."""
    objects: int
    smallest_px2: float
    median_px2: float
    largest_px2: float
    median_width_px: float
    median_height_px: float

    def document(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "category": self.category,
            "class": self.object_class,
            "objects": self.objects,
            "area_px2": {"smallest": self.smallest_px2, "median": self.median_px2, "largest": self.largest_px2},
            "median_width_px": self.median_width_px,
            "median_height_px": self.median_height_px,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it."""

    source_format: Format
    images: int
    objects: int
    categories: tuple[CategorySummary, ...]
    empty_images: tuple[str, ...]
    seam_boxes: tuple[str, ...]
    """Such as `annotation 7 of a.jpg`."""
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[Kind, int]:
        """How often each kind was found, the grave ones first."""
        found = Counter(one.kind for one in self.findings)
        return {kind: found[kind] for kind in Kind if found[kind]}

    @property
    def stopping(self) -> tuple[Finding, ...]:
        """What cannot be converted."""
        return tuple(one for one in self.findings if one.kind.stops)

    def document(self) -> dict[str, Any]:
        """Return it as plain data, for `--json`."""
        return {
            "format": str(self.source_format),
            "images": self.images,
            "objects": self.objects,
            "categories": [one.document() for one in self.categories],
            "empty_images": list(self.empty_images),
            "seam_boxes": list(self.seam_boxes),
            "counts": {str(kind): count for kind, count in self.counts.items()},
            "findings": [one.document() for one in self.findings],
        }


def report(annotations: AnnotationSet, source_format: Format) -> Report:
    """Look at everything once."""
    images = {image.number: image for image in annotations.images}
    used = {one.image for one in annotations.annotations}
    by_category: dict[str, list[Annotation]] = {}
    for one in annotations.annotations:
        by_category.setdefault(annotations.categories[one.category], []).append(one)
    return Report(
        source_format=source_format,
        images=len(annotations.images),
        objects=len(annotations.annotations),
        categories=tuple(_summary(name, some) for name, some in sorted(by_category.items())),
        empty_images=tuple(image.name for image in annotations.images if image.number not in used),
        seam_boxes=tuple(
            f"annotation {one.number} of {images[one.image].name}"
            for one in annotations.annotations
            if one.box.crosses_seam(images[one.image].size)
        ),
        findings=check(annotations),
    )


def _summary(name: str, some: list[Annotation]) -> CategorySummary:
    areas = [one.box.area for one in some]
    return CategorySummary(
        category=name,
        object_class=_class_name(name),
        objects=len(some),
        smallest_px2=round(min(areas), 1),
        median_px2=round(median(areas), 1),
        largest_px2=round(max(areas), 1),
        median_width_px=round(median(one.box.width for one in some), 1),
        median_height_px=round(median(one.box.height for one in some), 1),
    )


def _class_name(category: str) -> str | None:
    try:
        found = class_of(category)
    except ConfigurationError:
        return None
    return str(found) if found else None
