"""YOLO text: a line for each object, with its category of the bias document in a sixth column where it is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.categories import Category, read_category
from baas_detector.contract import DetectedClass


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBox:
    """An object, in shares of its picture's width and height (0..1)."""

    object_class: DetectedClass
    centre_x: float
    centre_y: float
    width: float
    height: float
    category: Category | None = None
    """What an annotator said of it; None where nothing was said."""

    def yolo(self) -> str:
        """Return the five columns that Ultralytics reads, with the class numbers of the contract."""
        numbers = (self.centre_x, self.centre_y, self.width, self.height)
        return f"{self.object_class.number} {' '.join(f'{number:.8g}' for number in numbers)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """A picture and what is on it. Without boxes it teaches where nothing is."""

    path: Path
    boxes: tuple[LabelledBox, ...]

    @property
    def categories(self) -> tuple[Category, ...]:
        """The categories of those objects that have one."""
        return tuple(box.category for box in self.boxes if box.category is not None)


def read_labels(
    text: str, *, source: str, classes: Mapping[int, DetectedClass], categories: Mapping[int, str]
) -> tuple[LabelledBox, ...]:
    """Read a label file.

    The sixth column is a category's path, or a number that `categories` names. Raises `ConfigurationError` with file
    and line for anything that training would misread.
    """
    return tuple(
        _read_line(line.split(), f"{source}, line {number}", classes, categories)
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1)
        if line.strip()
    )


def _read_line(
    columns: list[str], where: str, classes: Mapping[int, DetectedClass], categories: Mapping[int, str]
) -> LabelledBox:
    if len(columns) not in {5, 6}:
        raise ConfigurationError(
            f"{where} has {len(columns)} columns; expected class, centre x, centre y, width, height "
            "and perhaps a category"
        )
    if not columns[0].isdecimal() or int(columns[0]) not in classes:
        known = ", ".join(f"{number} {name}" for number, name in classes.items())
        raise ConfigurationError(f"{where}: the class is {columns[0]!r}; the data know {known}")
    centre_x, centre_y, width, height = (_share(column, where) for column in columns[1:5])
    if not width or not height:
        raise ConfigurationError(f"{where}: the box has no area; remove it")
    object_class = classes[int(columns[0])]
    category = _read_category(columns[5], where, categories) if len(columns) == 6 else None
    if category is not None and category.object_class is not object_class:
        raise ConfigurationError(f"{where}: the class is {object_class}, but its category is {category.path}")
    return LabelledBox(
        object_class=object_class, centre_x=centre_x, centre_y=centre_y, width=width, height=height, category=category
    )


def _share(column: str, where: str) -> float:
    try:
        value = float(column)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise ConfigurationError(f"{where}: {column!r} is no share of the picture, 0 to 1")
    return value


def _read_category(column: str, where: str, categories: Mapping[int, str]) -> Category | None:
    if not column.isdecimal():
        name: str | None = column
    else:
        name = categories.get(int(column))
    if name is None:
        raise ConfigurationError(
            f"{where}: nothing says what category {column} is: name it in data.yaml under `categories`"
        )
    try:
        category = read_category(name)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if category is None:
        raise ConfigurationError(f"{where}: the category {name!r} is neither of persons nor of plates")
    return category
