"""A YOLO data set: read with every label checked, and written anew in the form that Ultralytics takes.

Ultralytics never gets the original data.yaml: such a file may name an address to fetch or code to run. Nor does it
write beside the pictures, so that they can stand on a read-only volume.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass, read_class
from baas_detector.training.labels import LabelledPicture, read_labels

SPLITS = ("train", "val", "test")
DATA_NAME = "data.yaml"
CLASS_WEIGHTS = "class_weights"
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Labelled pictures by what they are for, each list sorted by path."""

    splits: Mapping[str, tuple[LabelledPicture, ...]]
    digest: str
    """Of file names, sizes and labels; the pictures' own bytes are not read for it."""

    def training_on(self, pictures: Sequence[LabelledPicture]) -> "Dataset":
        """Return the same with other pictures to learn from."""
        return replace(self, splits={**self.splits, "train": tuple(pictures)})


def read_dataset(path: Path) -> Dataset:
    """Read a data.yaml, or a folder with one, or a folder with images/train, labels/train and so on.

    Raises `ConfigurationError` that names the file, the entry and what is wrong with it.
    """
    described = path / DATA_NAME if path.is_dir() else path
    document = _read_yaml(described) if described.is_file() else _usual_layout(path)
    root = _root(document, described.parent if described.is_file() else path)
    classes = _classes(document.get("names"), described)
    categories = _numbered(document.get("categories") or {}, "categories", described)
    splits = {}
    digest = hashlib.sha256()
    for split in SPLITS:
        if entry := document.get(split):
            places = _pictures(root, entry, described, split)
            splits[split] = tuple(_read_picture(place, classes, categories, digest) for place in places)
    for split in ("train", "val"):
        if not splits.get(split):
            raise ConfigurationError(f"{path} has no pictures for {split}: put them into images/{split}")
    return Dataset(splits=splits, digest=f"sha256:{digest.hexdigest()}")


def write_dataset(
    dataset: Dataset,
    folder: Path,
    *,
    repetitions: Sequence[int] | None = None,
    class_weights: Mapping[DetectedClass, float] | None = None,
) -> Path:
    """Write what Ultralytics reads into a new folder, and return its data.yaml.

    Pictures are links to where they lie. `repetitions` says how often each training picture stands in the list.
    `class_weights` stand in data.yaml under `CLASS_WEIGHTS`, in the order of the names, for a `WeightedTrainer`.
    """
    import yaml  # noqa: PLC0415 - only training writes YAML here

    shutil.rmtree(folder, ignore_errors=True)
    described: dict[str, Any] = {"path": str(folder.resolve()), "names": dict(enumerate(map(str, DetectedClass)))}
    if class_weights is not None:
        described[CLASS_WEIGHTS] = [class_weights.get(one, 1.0) for one in DetectedClass]
    for split, pictures in dataset.splits.items():
        images, labels = folder / "images" / split, folder / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        times = repetitions if repetitions is not None and split == "train" else [1] * len(pictures)
        lines = []
        for number, (picture, count) in enumerate(zip(pictures, times, strict=True)):
            name = f"{number:07}-{picture.path.stem}"  # two folders may hold pictures of one name
            link = images / f"{name}{picture.path.suffix}"
            link.symlink_to(picture.path.resolve())
            (labels / f"{name}.txt").write_text("".join(f"{box.yolo()}\n" for box in picture.boxes))
            lines += [f"./images/{split}/{link.name}"] * count
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        described[split] = f"{split}.txt"
    (folder / DATA_NAME).write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
    return folder / DATA_NAME


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} describes no data: expected `names`, `train` and `val`")
    return document


def _usual_layout(path: Path) -> dict[str, Any]:
    if not (path / "images").is_dir():
        raise ConfigurationError(
            f"{path} is no YOLO data set: expected {DATA_NAME}, or the folders images/train, labels/train, images/val "
            "and labels/val"
        )
    present = [split for split in SPLITS if (path / "images" / split).is_dir()]
    return {"names": [str(one) for one in DetectedClass], **{split: f"images/{split}" for split in present}}


def _root(document: Mapping[str, Any], folder: Path) -> Path:
    """Return where a data.yaml's paths begin: beside the file, wherever the folder was moved to."""
    named = Path(str(document.get("path") or "."))
    return folder if named.is_absolute() and not named.is_dir() else folder / named


def _classes(names: object, source: Path) -> dict[int, DetectedClass]:
    classes = {}
    for number, name in _numbered(names, "names", source).items():
        read = read_class(name)
        if read is None:
            raise ConfigurationError(
                f"{source}: names has {name!r}; a detector of this service learns {' and '.join(DetectedClass)} only. "
                "Convert the labels first."
            )
        classes[number] = read
    return classes


def _numbered(names: object, key: str, source: Path) -> dict[int, str]:
    pairs = enumerate(names) if isinstance(names, list) else names.items() if isinstance(names, dict) else None
    if pairs is None:
        raise ConfigurationError(f"{source}: `{key}` is missing: list the names, or give each number its name")
    try:
        return {int(number): str(name) for number, name in pairs}
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{source}: `{key}` has an entry whose key is no number") from error


def _pictures(root: Path, entry: object, source: Path, split: str) -> list[Path]:
    """Return the pictures of one entry: a folder, a text file with a path a line, or a list of these."""
    found: set[Path] = set()
    for one in entry if isinstance(entry, list) else [entry]:
        place = root / str(one)
        if place.is_dir():
            found.update(path for path in place.rglob("*") if path.suffix.lower() in _PICTURES)
        elif place.is_file() and place.suffix == ".txt":
            lines = place.read_text(encoding="utf-8-sig").splitlines()
            found.update(place.parent / line.strip() for line in lines if line.strip())
        else:
            raise ConfigurationError(f"{source}: {split} names {place}, which is neither a folder nor a list (.txt)")
    return sorted(found)


def _read_picture(
    path: Path, classes: Mapping[int, DetectedClass], categories: Mapping[int, str], digest: Any
) -> LabelledPicture:
    if not path.is_file():
        raise ConfigurationError(f"{path} is listed, but it is not there")
    parts = path.parts
    if "images" not in parts[:-1]:
        raise ConfigurationError(
            f"{path}: pictures stand in a folder `images`, and their labels in one `labels` beside it"
        )
    last = len(parts) - 1 - parts[::-1].index("images", 1)
    labels = Path(*parts[:last], "labels", *parts[last + 1 :]).with_suffix(".txt")
    text = labels.read_text(encoding="utf-8") if labels.is_file() else ""
    digest.update(f"{path.name}\0{path.stat().st_size}\0{text}\0".encode())
    return LabelledPicture(
        path=path, boxes=read_labels(text, source=str(labels), classes=classes, categories=categories)
    )
