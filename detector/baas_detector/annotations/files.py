"""Annotations in files and folders: which format they have, reading, writing."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_detector.annotations import azureml, coco, pictures, yolo
from baas_detector.annotations.checking import other_sizes
from baas_detector.annotations.model import AnnotationSet, Format, Size
from baas_detector.annotations.names import common_folder, without_folder
from baas_detector.whole_files import write_whole

# In shares of a picture no length is more than 1, and a box across the seam ends before 2.
_LARGEST_SHARE = 2.0


def format_of(path: Path) -> Format:
    """Tell from its content how annotations are written down. Raises `ConfigurationError` when it cannot be read.

    A folder or a `.yaml` is YOLO's. JSON is Azure ML's when most boxes that have an area are shares of their picture;
    without any box, when images have Azure ML's URLs.
    """
    if path.is_dir() or path.suffix in {".yaml", ".yml"}:
        return Format.YOLO
    document = _load(path)
    boxes = [box for one in _dicts(document, "annotations") if (box := _numbers(one.get("bbox")))]
    if boxes:
        is_shares = sum(max(box) <= _LARGEST_SHARE for box in boxes) * 2 > len(boxes)
    else:
        is_shares = any(str(one.get("coco_url")).startswith(azureml.SCHEME) for one in _dicts(document, "images"))
    return Format.AZUREML if is_shares else Format.COCO


def read(path: Path, source_format: Format, *, images: Path | None = None, strip: str | None = None) -> AnnotationSet:
    """Read annotations; `images` is the folder of their pictures, which then say and confirm their sizes.

    `strip` is the folder to take off the pictures' names. None: of Azure ML's export all folders that all names have in
    common, otherwise none. Raises `ConfigurationError` when it is not of that format.
    """
    if source_format is Format.YOLO:
        folder = path if path.is_dir() else path.parent
        sizes = pictures.sizes_in(images, pictures.list_pictures(images)) if images else {}
        found = yolo.read(_texts(folder, path), sizes=sizes)
    else:
        document = _load(path)
        names = [str(one.get("file_name")) for one in _dicts(document, "images")]
        sizes = pictures.sizes_in(images, names) if images else {}
        found = (azureml if source_format is Format.AZUREML else coco).read(document, sizes=sizes)
    found = replace(found, unread=(*found.unread, *other_sizes(found.images, sizes)))
    if strip is None:
        strip = common_folder(one.name for one in found.images) if source_format is Format.AZUREML else ""
    renamed = tuple(replace(one, name=without_folder(one.name, strip)) for one in found.images)
    return replace(found, images=renamed)


def read_text(path: Path) -> str:
    """Return a text, without a byte-order mark. Raises `ConfigurationError` when it is no UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is no UTF-8 text: save it as UTF-8.") from error


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file at once: nobody sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())


def write_folder(folder: Path, texts: Mapping[str, str]) -> None:
    """Write YOLO's files, `data.yaml` last: without it they are not complete. Earlier labels there go."""
    shutil.rmtree(folder / yolo.LABELS, ignore_errors=True)
    (folder / yolo.DATA).unlink(missing_ok=True)
    for name, text in sorted(texts.items(), key=lambda one: one[0] == yolo.DATA):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(
            f"{path} is no JSON ({error}): give a COCO file, or the folder of YOLO's labels."
        ) from error


def _dicts(document: Any, name: str) -> Sequence[Mapping[str, Any]]:
    entries = document.get(name) if isinstance(document, dict) else None
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _numbers(values: Any) -> list[float]:
    """The four numbers of a box that has an area; nothing for anything else."""
    numbers = [coco.number_in(value) for value in values] if isinstance(values, list) else []
    finite = [abs(number) for number in numbers if number is not None]
    return finite if len(numbers) == len(finite) == 4 and min(finite[2:]) > 0 else []


def _texts(folder: Path, data: Path) -> dict[str, str]:
    """Read labels, from the folder itself where there is no `labels` in it, and what lies beside them."""
    labels = folder / yolo.LABELS if (folder / yolo.LABELS).is_dir() else folder
    beside = {"classes.txt", "train.txt", "val.txt", "test.txt"}
    texts = {
        f"{yolo.LABELS}/{path.relative_to(labels).as_posix()}": read_text(path)
        for path in sorted(labels.rglob("*.txt"))
        if path.name not in beside
    }
    for name, path in (
        (yolo.DATA, data if data.is_file() else folder / yolo.DATA),
        (yolo.IMAGES, folder / yolo.IMAGES),
    ):
        if path.is_file():
            texts[name] = read_text(path)
    if not texts:
        raise ConfigurationError(f"{folder} has no labels (*.txt): give a folder of YOLO's labels, or a COCO file.")
    return texts


def size_list(annotations: AnnotationSet) -> dict[str, Size]:
    """Return the size of each picture by name."""
    return {image.name: image.size for image in annotations.images}
