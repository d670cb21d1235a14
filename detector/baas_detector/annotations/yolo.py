"""YOLO's text files: a `labels/NAME.txt` for each picture, a line for each object, and a `data.yaml` beside them.

A line is `class x y width height`, the middle and the lengths in shares of the picture, and, when wanted, the number of
the original category. Pictures' names and sizes, which YOLO leaves to the pictures, stand in `images.csv`. YOLO knows
no seam: a box across it is two lines, and one box again when it is read.
https://docs.ultralytics.com/datasets/detect/
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

import yaml

from baas_crds.errors import ConfigurationError
from baas_detector.annotations import seam
from baas_detector.annotations.coco import DECIMALS as PIXEL_DECIMALS
from baas_detector.annotations.coco import number_in
from baas_detector.annotations.findings import Finding, Kind
from baas_detector.annotations.model import Annotation, AnnotationSet, Box, Image, Number, Size
from baas_detector.annotations.names import class_of, one_spelling
from baas_detector.contract import DetectedClass

DATA = "data.yaml"
IMAGES = "images.csv"
LABELS = "labels"
# In a picture of 16,000 pixels a box comes back within a thousandth of a pixel.
_DECIMALS = 8


class Classes(StrEnum):
    """What the first column of a line numbers."""

    DETECTOR = "detector"
    """`DetectedClass`; objects of other classes are left out."""
    ORIGINAL = "original"
    """The categories as they come, from 0 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloFiles:
    """What is to be written, and what is not in it."""

    texts: Mapping[str, str]
    """By path below the folder."""
    left_out: Mapping[str, int]
    """Objects by category that are of no class."""


def write(
    annotations: AnnotationSet,
    *,
    classes: Classes = Classes.DETECTOR,
    keep_category: bool = False,
    subsets: Mapping[str, Sequence[str]] | None = None,
) -> YoloFiles:
    """Return the files; with `subsets` (names of pictures by subset) a list of pictures for each, too.

    Raises `ConfigurationError` when the labels of two pictures would have the same name, or a category to keep has no
    number.
    """
    if keep_category and not all(isinstance(number, int) for number in annotations.categories):
        raise ConfigurationError("Categories have ids that are no numbers, which YOLO's sixth column cannot hold.")
    numbers, names = _class_numbers(annotations, classes)
    lines: dict[Number, list[str]] = {image.number: [] for image in annotations.images}
    left_out: Counter[str] = Counter()
    sizes = {image.number: image.size for image in annotations.images}
    for one in annotations.annotations:
        number = numbers[one.category]
        if number is None:
            left_out[annotations.categories[one.category]] += 1
            continue
        category = f" {one.category}" if keep_category else ""
        size = sizes[one.image]
        lines[one.image] += [_line(number, part, size) + category for part in seam.cut(one.box, size)]
    texts = {
        _labels_of(image.name): "".join(f"{line}\n" for line in lines[image.number]) for image in annotations.images
    }
    if len(texts) < len(annotations.images):
        twice = _first_twice(_labels_of(image.name) for image in annotations.images)
        raise ConfigurationError(f"Two pictures would have their labels in {twice}: rename one of them.")
    texts[DATA] = _data(names, annotations.categories if keep_category else None, subsets)
    texts[IMAGES] = _images(annotations.images)
    texts |= {
        f"{subset}.txt": "".join(f"./images/{name}\n" for name in some) for subset, some in (subsets or {}).items()
    }
    return YoloFiles(texts=texts, left_out=dict(left_out))


def read(texts: Mapping[str, str], *, sizes: Mapping[str, Size]) -> AnnotationSet:
    """Read files by their path below the folder; `sizes` are those of pictures by name, where there is no `images.csv`.

    Objects are numbered from 1 on. Without a sixth column an object's category is its class, numbered from 1 on, too.
    Raises `ConfigurationError` when `data.yaml` has no names, or nobody says how large the pictures are.
    """
    names, categories = _read_data(texts.get(DATA))
    if IMAGES in texts:
        sizes = _read_images(texts[IMAGES])
    if not sizes:
        raise ConfigurationError(
            f"YOLO's labels do not say how large their pictures are: give the pictures with --images, or {IMAGES} "
            "(file_name,width,height) beside the labels."
        )
    labels = {path.removeprefix(f"{LABELS}/"): text for path, text in texts.items() if path not in {DATA, IMAGES}}
    reader = _Reader(names=names, categories=categories)
    images = tuple(Image(number=at, name=name, size=size) for at, (name, size) in enumerate(sizes.items(), 1))
    annotations: list[Annotation] = []
    for image in images:
        text = labels.pop(_labels_of(image.name).removeprefix(f"{LABELS}/"), "")
        annotations += reader.annotations(image, text, first=len(annotations) + 1)
    reader.unread += [_without_picture(path) for path in labels]
    named: dict[Number, str] = {at + 1: name for at, name in names.items()}
    if categories:
        named = dict(categories.items())
    return AnnotationSet(
        images=images,
        annotations=tuple(annotations),
        categories=named,
        unread=tuple(reader.unread),
    )


class _Reader:
    """Reads lines, and keeps what was none."""

    def __init__(self, *, names: Mapping[int, str], categories: Mapping[int, str]) -> None:
        self._names = names
        self._categories = categories
        self.has_categories = bool(categories)
        self.unread: list[Finding] = []

    def annotations(self, image: Image, text: str, *, first: int) -> list[Annotation]:
        """Return a picture's objects, numbered from `first` on."""
        rows = list(self._rows(image, text))
        follows = seam.partners(rows, image.size)
        taken = set(follows.values())
        whole = [
            (category, seam.joined(box, rows[follows[at]][1], image.size) if at in follows else box)
            for at, (category, box) in enumerate(rows)
            if at not in taken
        ]
        return [
            Annotation(number=number, image=image.number, category=category, box=box)
            for number, (category, box) in enumerate(whole, first)
        ]

    def _rows(self, image: Image, text: str) -> Iterator[tuple[int, Box]]:
        for at, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            label = f"line {at} of {_labels_of(image.name)}"
            numbers = [value for value in map(number_in, line.split()) if value is not None]
            category = self._category(numbers)
            if len(numbers) != len(line.split()) or len(numbers) not in {5, 6}:
                problem = "is no object: five or six numbers (class x y width height) were expected"
                self.unread.append(Finding(kind=Kind.NO_BOX, entry=label, image=None, problem=problem))
            elif category is None:
                problem = f"has the class or category {line.split()[0]}, which {DATA} does not name"
                self.unread.append(Finding(kind=Kind.NO_CATEGORY, entry=label, image=None, problem=problem))
            else:
                yield category, _box(numbers[1:5], image.size)

    def _category(self, numbers: Sequence[float]) -> int | None:
        if not self.has_categories:
            return int(numbers[0]) + 1 if numbers and numbers[0] in self._names else None
        return int(numbers[5]) if len(numbers) > 5 and numbers[5] in self._categories else None


def _line(number: int, box: Box, size: Size) -> str:
    across, down = size.width_px, size.height_px
    shares = (
        (box.left + box.width / 2) / across,
        (box.top + box.height / 2) / down,
        box.width / across,
        box.height / down,
    )
    return " ".join((str(number), *(f"{share:.{_DECIMALS}f}" for share in shares)))


def _box(shares: Sequence[float], size: Size) -> Box:
    x, y, width, height = shares
    across, down = size.width_px, size.height_px
    return Box(
        left=round((x - width / 2) * across, PIXEL_DECIMALS),
        top=round((y - height / 2) * down, PIXEL_DECIMALS),
        width=round(width * across, PIXEL_DECIMALS),
        height=round(height * down, PIXEL_DECIMALS),
    )


def _class_numbers(annotations: AnnotationSet, classes: Classes) -> tuple[dict[Number, int | None], dict[int, str]]:
    """Return the class number of each category in use, None for those of no class, and the classes' names."""
    categories = annotations.categories
    if classes is Classes.ORIGINAL:
        return {number: at for at, number in enumerate(categories)}, dict(enumerate(categories.values()))
    found = {number: class_of(categories[number]) for number in {one.category for one in annotations.annotations}}
    return (
        {number: None if one is None else one.number for number, one in found.items()},
        {one.number: str(one) for one in DetectedClass},
    )


def _data(
    names: Mapping[int, str], categories: Mapping[Number, str] | None, subsets: Mapping[str, Sequence[str]] | None
) -> str:
    document: dict[str, Any] = {"train": "images", "val": "images"}
    if subsets is not None:
        document = {subset: f"{subset}.txt" for subset in subsets}
    document["names"] = dict(names)
    if categories is not None:
        document["categories"] = dict(categories)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _images(images: Iterable[Image]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("file_name", "width", "height"))
    table.writerows((image.name, image.size.width_px, image.size.height_px) for image in images)
    return text.getvalue()


def _labels_of(name: str) -> str:
    return f"{LABELS}/{PurePosixPath(name).with_suffix('.txt')}"


def _first_twice(names: Iterable[str]) -> str:
    return next(name for name, count in Counter(names).items() if count > 1)


def _read_data(text: str | None) -> tuple[dict[int, str], dict[int, str]]:
    """Return the names of classes, and those of original categories, which may be none."""
    if text is None:
        return {one.number: str(one) for one in DetectedClass}, {}
    try:
        document = yaml.safe_load(text)
        names = _numbered(document["names"])
        categories = _numbered(document.get("categories", {}))
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"{DATA} cannot be used ({type(error).__name__}: {error}); it needs `names`, a list of classes or a "
            "mapping from their numbers."
        ) from error
    return names, categories


def _numbered(names: Any) -> dict[int, str]:
    pairs = enumerate(names) if isinstance(names, list) else names.items()
    return {int(number): one_spelling(str(name)) for number, name in pairs}


def _read_images(text: str) -> dict[str, Size]:
    try:
        return {
            row["file_name"]: Size(width_px=int(row["width"]), height_px=int(row["height"]))
            for row in csv.DictReader(io.StringIO(text))
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{IMAGES} cannot be used ({type(error).__name__}: {error}); it needs the columns file_name, width and "
            "height."
        ) from error


def _without_picture(path: str) -> Finding:
    problem = "belongs to no picture: add it to the pictures, or remove the labels"
    return Finding(kind=Kind.NO_PICTURE, entry=f"{LABELS}/{path}", image=None, problem=problem)
