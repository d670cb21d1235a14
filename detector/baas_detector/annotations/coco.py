"""COCO's JSON with boxes in pixels, and what Azure ML's variant of it has in common with it.

Entries keep their ids and whatever else stands with them. https://cocodataset.org/#format-data
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.findings import Finding, Kind
from baas_detector.annotations.model import Annotation, AnnotationSet, Box, Image, Number, Polygon, Size
from baas_detector.annotations.names import one_spelling

# Pixels with at most six decimals come back exactly from shares of a picture when they are rounded to this.
DECIMALS = 6

_NEEDED = {"images": "file_name", "annotations": "bbox", "categories": "name"}
_IMAGE = ("id", "file_name", "width", "height")
# `seam` follows from the box and the size; it is written anew.
_ANNOTATION = ("id", "image_id", "category_id", "bbox", "area", "segmentation", "seam")


def read(document: Any, *, sizes: Mapping[str, Size], normalised: bool = False) -> AnnotationSet:
    """Read a parsed file; `sizes` are those of pictures by their name in the file, where it says none.

    With `normalised`, lengths are shares of the picture's width and height. Two categories that mean the same become
    one. Raises `ConfigurationError` when it is no COCO file, or an entry has no `id`.
    """
    entries = {name: _entries(document, name) for name in _NEEDED}
    images = [_image(entry, sizes) for entry in entries["images"]]
    by_number = {entry["id"]: image for entry, image in zip(entries["images"], images, strict=True)}
    merged, categories = _categories(entries["categories"])
    annotations = [_annotation(entry, by_number, merged, normalised) for entry in entries["annotations"]]
    return AnnotationSet(
        images=tuple(one for one in images if isinstance(one, Image)),
        annotations=tuple(one for one in annotations if isinstance(one, Annotation)),
        categories=categories,
        facts={key: value for key, value in document.items() if key not in _NEEDED},
        unread=(
            *(one for one in (*images, *annotations) if isinstance(one, Finding)),
            *_bitmaps(entries["annotations"], by_number),
        ),
    )


def write(annotations: AnnotationSet) -> dict[str, Any]:
    """Return the document with boxes in pixels. Boxes across the seam stay one box, marked `"seam": true`."""
    sizes = {image.number: image.size for image in annotations.images}
    return dict(annotations.facts) | {
        "images": [image_entry(image) for image in annotations.images],
        "annotations": [_written(one, sizes[one.image]) for one in annotations.annotations],
        "categories": category_entries(annotations),
    }


def image_entry(image: Image) -> dict[str, Any]:
    """Return an image as it stands in the file."""
    size = {"width": image.size.width_px, "height": image.size.height_px}
    return {"id": image.number, **size, "file_name": image.name, **image.facts}


def category_entries(annotations: AnnotationSet) -> list[dict[str, Any]]:
    """Return the categories as they stand in the file."""
    return [{"id": number, "name": name} for number, name in annotations.categories.items()]


def number_in(value: Any) -> float | None:
    """Return a finite number, None for anything else. Azure ML writes 8000.0, and some tools write numbers as text."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


def _entries(document: Any, name: str) -> list[dict[str, Any]]:
    found = document.get(name) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise ConfigurationError(
            f"It is no COCO file: it has no list `{name}`. Needed are images (id, file_name), annotations (id, "
            "image_id, category_id, bbox) and categories (id, name)."
        )
    for position, entry in enumerate(found):
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), int | str):
            raise ConfigurationError(f"{name}[{position}] has no `id`: give each entry one.")
        if name != "annotations" and not isinstance(entry.get(_NEEDED[name]), str):
            raise ConfigurationError(f"{name}[{position}] (id {entry['id']}) has no `{_NEEDED[name]}`: add it.")
    return found


def _image(entry: Mapping[str, Any], sizes: Mapping[str, Size]) -> Image | Finding:
    name = entry["file_name"]
    size = _size(entry) or sizes.get(name)
    if size is None:
        return Finding(
            kind=Kind.NO_SIZE,
            entry=f"image {entry['id']}",
            image=name,
            problem="has no width and height: add them, or give the pictures with --images",
        )
    facts = {key: value for key, value in entry.items() if key not in _IMAGE}
    return Image(number=entry["id"], name=name, size=size, facts=facts)


def _size(entry: Mapping[str, Any]) -> Size | None:
    width, height = (number_in(entry.get(key)) for key in ("width", "height"))
    if width is None or height is None or width < 1 or height < 1:
        return None
    return Size(width_px=round(width), height_px=round(height))


def _categories(entries: Sequence[Mapping[str, Any]]) -> tuple[dict[Number, Number], dict[Number, str]]:
    """Return by which number each category goes on, and their names."""
    first: dict[str, Number] = {}
    merged: dict[Number, Number] = {}
    for entry in entries:
        if entry["id"] in merged:
            raise ConfigurationError(f"Two categories have the id {entry['id']}: give each one of its own.")
        merged[entry["id"]] = first.setdefault(one_spelling(entry["name"]), entry["id"])
    return merged, {number: name for name, number in first.items()}


def _annotation(
    entry: Mapping[str, Any],
    images: Mapping[Number, Image | Finding],
    merged: Mapping[Number, Number],
    normalised: bool,
) -> Annotation | Finding:
    label = f"annotation {entry['id']}"
    image = images.get(_reference(entry, "image_id"))
    if image is None:
        problem = f"belongs to image {entry.get('image_id')!r}, which is not in the file: add the image"
        return Finding(kind=Kind.NO_PICTURE, entry=label, image=None, problem=problem)
    if isinstance(image, Finding):
        problem = "has no picture of known width and height"
        return Finding(kind=Kind.NO_SIZE, entry=label, image=image.image, problem=problem)
    category = merged.get(_reference(entry, "category_id"))
    if category is None:
        problem = f"has the category {entry.get('category_id')!r}, which is not in the file: add the category"
        return Finding(kind=Kind.NO_CATEGORY, entry=label, image=image.name, problem=problem)
    scale = (float(image.size.width_px), float(image.size.height_px)) if normalised else (1.0, 1.0)
    box = _box(entry.get("bbox"), scale)
    if box is None:
        problem = f"has the box {entry.get('bbox')!r}; four finite numbers (x, y, width, height) were expected"
        return Finding(kind=Kind.NO_BOX, entry=label, image=image.name, problem=problem)
    area = number_in(entry.get("area"))
    return Annotation(
        number=entry["id"],
        image=image.number,
        category=category,
        box=box,
        area_px=None if area is None else round(area * scale[0] * scale[1], DECIMALS),
        polygons=_polygons(entry.get("segmentation"), scale),
        facts={key: value for key, value in entry.items() if key not in _ANNOTATION},
    )


def _reference(entry: Mapping[str, Any], key: str) -> Number:
    """What an entry points to; text that nothing is called by when it is no number or text."""
    value = entry.get(key)
    return value if isinstance(value, int | str) else repr(value)


def _box(values: Any, scale: tuple[float, float]) -> Box | None:
    numbers = [number_in(value) for value in values] if isinstance(values, list) else []
    finite = [round(value * scale[at % 2], DECIMALS) for at, value in enumerate(numbers) if value is not None]
    if len(numbers) != 4 or len(finite) != 4:
        return None
    left, top, width, height = finite
    return Box(left=left, top=top, width=width, height=height)


def _polygons(segmentation: Any, scale: tuple[float, float]) -> tuple[Polygon, ...]:
    """Return the polygons that are polygons; bitmaps are told by `_bitmaps`."""
    polygons = segmentation if isinstance(segmentation, list) else []
    return tuple(
        tuple(round(float(value) * scale[at % 2], DECIMALS) for at, value in enumerate(polygon))
        for polygon in polygons
        if isinstance(polygon, list) and all(number_in(value) is not None for value in polygon)
    )


def _bitmaps(entries: Sequence[Mapping[str, Any]], images: Mapping[Number, Image | Finding]) -> list[Finding]:
    return [
        Finding(
            kind=Kind.BITMAP,
            entry=f"annotation {entry['id']}",
            image=image.name if isinstance(image := images.get(_reference(entry, "image_id")), Image) else None,
            problem="has a segmentation as a bitmap (RLE), which is not carried along; its box is",
        )
        for entry in entries
        if isinstance(entry.get("segmentation"), dict)
    ]


def _written(one: Annotation, size: Size) -> dict[str, Any]:
    box = one.box
    area = box.area if one.area_px is None else one.area_px
    entry: dict[str, Any] = {
        "id": one.number,
        "image_id": one.image,
        "category_id": one.category,
        "bbox": [round(value, DECIMALS) for value in (box.left, box.top, box.width, box.height)],
        "area": round(area, DECIMALS),
        "iscrowd": 0,
    }
    if one.polygons:
        entry["segmentation"] = [[round(value, DECIMALS) for value in polygon] for polygon in one.polygons]
    if box.crosses_seam(size):
        entry["seam"] = True
    return entry | dict(one.facts)
