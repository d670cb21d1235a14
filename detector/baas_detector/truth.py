"""Labelled objects of a COCO file: what a redaction is measured against."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass, read_class


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledObject:
    """A person or plate, in the picture's pixels. `left + width` beyond the picture goes on at its left edge."""

    object_class: DetectedClass
    left: float
    top: float
    width: float
    height: float
    crosses_seam: bool = False

    @property
    def size_px(self) -> float:
        """What its size is judged by: a person's height, a plate's width."""
        return self.height if self.object_class is DetectedClass.PERSON else self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """An image and the objects in it that count."""

    name: str
    """Relative path, with forward slashes."""
    width_px: int
    height_px: int
    objects: tuple[LabelledObject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """All images of a COCO file, and how many objects were left out of them."""

    images: tuple[LabelledImage, ...]
    ignored: int
    """Labelled, but marked as too small to judge (`"ignore": true`)."""
    other_classes: Mapping[str, int]
    """Objects by category that are neither persons nor licence plates."""


def read_truth(document: Mapping[str, Any]) -> Truth:
    """Read a parsed COCO file with boxes in pixels.

    Raises `ConfigurationError` when a field is missing or a box cannot be one: a label that silently dropped out would
    make the recall look better than it is.
    """
    try:
        categories = {entry["id"]: str(entry["name"]) for entry in document["categories"]}
        sizes = {entry["id"]: (int(entry["width"]), int(entry["height"])) for entry in document["images"]}
        objects: dict[Any, list[LabelledObject]] = {number: [] for number in sizes}
        others: Counter[str] = Counter()
        ignored = 0
        for entry in document["annotations"]:
            name = categories[entry["category_id"]]
            object_class = read_class(name)
            if object_class is None:
                others[name] += 1
            elif entry.get("ignore", False):
                ignored += 1
            else:
                objects[entry["image_id"]].append(_object(entry, object_class, *sizes[entry["image_id"]]))
        images = tuple(
            LabelledImage(
                name=_inside(entry["file_name"]),
                width_px=sizes[entry["id"]][0],
                height_px=sizes[entry["id"]][1],
                objects=tuple(objects[entry["id"]]),
            )
            for entry in document["images"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The truth is no COCO file: {type(error).__name__} {error}. Needed are images (id, file_name, width, "
            "height), "
            "annotations (id, image_id, category_id, bbox) and categories (id, name), which refer to each other."
        ) from error
    return Truth(images=images, ignored=ignored, other_classes=dict(others))


def _object(entry: Mapping[str, Any], object_class: DetectedClass, width_px: int, height_px: int) -> LabelledObject:
    left, top, width, height = (float(value) for value in entry["bbox"])
    if max(left + width, top + height) <= 2:
        raise ConfigurationError(
            f"Annotation {entry['id']} has the box {entry['bbox']}, which looks normalised: "
            "give the file with boxes in pixels."
        )
    # Half a pixel of slack: boxes are often rounded outwards.
    if not (width > 0 and height > 0 and 0 <= left < width_px and top >= -0.5 and top + height <= height_px + 0.5):
        raise ConfigurationError(
            f"Annotation {entry['id']} has the box {entry['bbox']} (x, y, width, height), which does not lie in "
            f"its picture of {width_px} x {height_px}: correct the truth."
        )
    return LabelledObject(
        object_class=object_class,
        left=left,
        top=top,
        width=width,
        height=height,
        crosses_seam=left + width > width_px + 0.5,
    )


def _inside(name: str) -> str:
    """Return the name of an image below the folder of masks; anything that leads elsewhere is refused."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ConfigurationError(f"The truth names the image {name!r}; a relative path without `..` was expected.")
    return name
