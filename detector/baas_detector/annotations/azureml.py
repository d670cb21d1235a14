"""What Azure ML data labelling exports: COCO with boxes in shares of the picture, and names with a datastore's folders.

Each image has a `coco_url` (`AmlDatastore://STORE/FOLDER/NAME`) and an `absolute_url` of the blob; both stay with the
image as facts, so that what came from Azure ML can go back there.
"""

from collections.abc import Mapping
from typing import Any

from baas_detector.annotations import coco
from baas_detector.annotations.model import Annotation, AnnotationSet, Image, Size

SCHEME = "AmlDatastore://"
_URLS = ("coco_url", "absolute_url")


def read(document: Any, *, sizes: Mapping[str, Size]) -> AnnotationSet:
    """Read a parsed export; `sizes` are those of pictures by their name in the file, where it names none.

    Raises `ConfigurationError` when it is no COCO file.
    """
    return coco.read(document, sizes=sizes, normalised=True)


def write(annotations: AnnotationSet, *, datastore: str | None = None) -> dict[str, Any]:
    """Return the document with boxes in shares of the picture.

    `datastore` is `STORE` or `STORE/FOLDER`, where the pictures lie; without it, images keep the URLs they came with.
    """
    sizes = {image.number: image.size for image in annotations.images}
    return dict(annotations.facts) | {
        "images": [_image_entry(image, datastore) for image in annotations.images],
        "annotations": [_written(one, sizes[one.image]) for one in annotations.annotations],
        "categories": coco.category_entries(annotations),
    }


def _image_entry(image: Image, datastore: str | None) -> dict[str, Any]:
    entry = coco.image_entry(image)
    if datastore is not None:
        entry = {key: value for key, value in entry.items() if key not in _URLS}
        entry["coco_url"] = f"{SCHEME}{datastore.strip('/')}/{image.name}"
    url = entry.get("coco_url")
    if isinstance(url, str) and url.startswith(SCHEME):
        entry["file_name"] = url.removeprefix(SCHEME).partition("/")[2]
    return entry | {"width": float(entry["width"]), "height": float(entry["height"])}


def _written(one: Annotation, size: Size) -> dict[str, Any]:
    across, down = size.width_px, size.height_px
    box, area = one.box, one.box.area if one.area_px is None else one.area_px
    entry: dict[str, Any] = {
        "id": one.number,
        "category_id": one.category,
        "image_id": one.image,
        "area": area / (across * down),
        "bbox": [box.left / across, box.top / down, box.width / across, box.height / down],
    }
    if one.polygons:
        entry["segmentation"] = [
            [value / (down if position % 2 else across) for position, value in enumerate(polygon)]
            for polygon in one.polygons
        ]
    return entry | dict(one.facts)
