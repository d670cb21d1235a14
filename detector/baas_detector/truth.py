"""Labelled objects of a COCO file: what a redaction is measured against."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_detector.categories import Category, read_category
from baas_detector.contract import DetectedClass


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledObject:
    """A person or plate, in the picture's pixels. `left + width` beyond the picture goes on at its left edge."""

    object_class: DetectedClass
    left: float
    top: float
    width: float
    height: float
    crosses_seam: bool = False
    number: int | str | None = None
    """Its `id` in the COCO file; None when it is from elsewhere."""
    category: Category | None = None
    """What the annotator said of it; None when it is from elsewhere."""
    size_share: float = 0.0
    """`size_px` as a share of the picture's height (persons) or width (plates), 0..1."""

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
    ignored: tuple[LabelledObject, ...] = ()
    """Labelled, but marked as too small to judge: neither found nor missed, and no prediction on them is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """All images of a COCO file, and how many objects were left out of them."""

    images: tuple[LabelledImage, ...]
    ignored: int
    """Labelled, but marked as too small to judge (`"ignore": true`)."""
    other_classes: Mapping[str, int]
    """Objects by category that are neither persons nor licence plates."""


def load_truth(path: Path) -> Truth:
    """Read a COCO file. Raises `ConfigurationError` when it is not one."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The truth {path} cannot be read: {error}.") from error
    return read_truth(document)


def read_truth(document: Mapping[str, Any]) -> Truth:
    """Read a parsed COCO file with boxes in pixels.

    Raises `ConfigurationError` when a field is missing, a box cannot be one or a category is a path that nobody knows:
    a label that silently dropped out would make the recall look better than it is.
    """
    others: Counter[str] = Counter()
    try:
        names = {entry["id"]: str(entry["name"]) for entry in document["categories"]}
        categories = {number: read_category(name) for number, name in names.items()}
        sizes = {entry["id"]: (int(entry["width"]), int(entry["height"])) for entry in document["images"]}
        judged: dict[Any, list[LabelledObject]] = {number: [] for number in sizes}
        ignored: dict[Any, list[LabelledObject]] = {number: [] for number in sizes}
        for entry in document["annotations"]:
            category = categories[entry["category_id"]]
            if category is None:
                others[names[entry["category_id"]]] += 1
                continue
            kept = ignored if entry.get("ignore", False) else judged
            kept[entry["image_id"]].append(_object(entry, category, *sizes[entry["image_id"]]))
        images = tuple(
            LabelledImage(
                name=_inside(entry["file_name"]),
                width_px=sizes[entry["id"]][0],
                height_px=sizes[entry["id"]][1],
                objects=tuple(judged[entry["id"]]),
                ignored=tuple(ignored[entry["id"]]),
            )
            for entry in document["images"]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"The truth is no COCO file: {type(error).__name__} {error}. Needed are images (id, file_name, width, "
            "height), annotations (id, image_id, category_id, bbox) and categories (id, name), which refer to each "
            "other."
        ) from error
    _refuse_repeated("image", (image.name for image in images))
    _refuse_repeated("annotation", (entry["id"] for entry in document["annotations"]))
    return Truth(images=images, ignored=sum(map(len, ignored.values())), other_classes=dict(others))


def _refuse_repeated(kind: str, names: Iterable[object]) -> None:
    """What is there twice would count twice."""
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise ConfigurationError(f"The truth has the {kind} {repeated[0]!r} more than once: remove the repetition.")


def _object(entry: Mapping[str, Any], category: Category, width_px: int, height_px: int) -> LabelledObject:
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
    is_person = category.object_class is DetectedClass.PERSON
    return LabelledObject(
        object_class=category.object_class,
        left=left,
        top=top,
        width=width,
        height=height,
        crosses_seam=left + width > width_px + 0.5,
        number=entry["id"],
        category=category,
        size_share=height / height_px if is_person else width / width_px,
    )


def _inside(name: str) -> str:
    """Return the name of an image below the folder of masks; anything that leads elsewhere is refused."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ConfigurationError(f"The truth names the image {name!r}; a relative path without `..` was expected.")
    return name
