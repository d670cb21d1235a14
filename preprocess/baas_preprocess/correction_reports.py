"""Boxes that people reported, read from CSV and JSON files and from the command line. Every bad row is named."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError
from baas_preprocess.wanted import PixelBox, SphereBox, Wanted

MOST_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One box, for one picture or for all, and where it was read."""

    where: str
    """For people, such as `reports.csv, line 3`."""
    wanted: Wanted
    image: str | None = None
    """Path of the picture below a folder, or its name; None for all pictures."""
    reference: str = ""
    """The reporter's own word for it, such as the number of a case."""


def _read_class(value: object) -> object:
    """Accept no class, and the American spelling that annotation tools write."""
    if value is None or value == "":
        return ObjectClass.PERSON
    return ObjectClass.LICENCE_PLATE if value == "license_plate" else value


class _About(BaseModel):
    """What a row says besides its box."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    image: Annotated[str, Field(min_length=1)]
    object_class: Annotated[ObjectClass, BeforeValidator(_read_class), Field(alias="class")] = ObjectClass.PERSON
    reference: Annotated[str, BeforeValidator(lambda value: "" if value is None else value)] = ""


class _PixelRow(_About, PixelBox):
    def plain_box(self) -> PixelBox:
        return PixelBox(left=self.left, top=self.top, width=self.width, height=self.height)


class _SphereRow(_About, SphereBox):
    def plain_box(self) -> SphereBox:
        return SphereBox(yaw=self.yaw, pitch=self.pitch, width_deg=self.width_deg, height_deg=self.height_deg)


_Row: TypeAlias = Mapping[str, Any] | str
"""Values by name, or what is wrong with the row."""
_NEEDED = [["image", *box.model_fields] for box in (PixelBox, SphereBox)]
_OPTIONAL = ["class", "reference"]
_EXPECTED = f"{' or '.join(map(','.join, _NEEDED))}, and {' and '.join(_OPTIONAL)} if wanted"


def read_reports(path: Path) -> list[Reported]:
    """Read a CSV file with a header, or a `.json` file with a list of objects of the same names.

    Raises `ConfigurationError` when it cannot be read or holds nothing, and with a sentence for each bad field.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--reports {path} cannot be read: {error}") from error
    rows = _json_rows(path, text) if path.suffix.lower() == ".json" else _csv_rows(path, text)
    reports: list[Reported] = []
    problems: list[str] = []
    for where, row in rows:
        try:
            reports.append(_reported(where, row))
        except ConfigurationError as error:
            problems += str(error).splitlines()
    refuse(problems)
    if not reports:
        raise ConfigurationError(f"--reports {path} holds no box.")
    return reports


def read_box(option: str, kind: type[PixelBox | SphereBox], text: str) -> Reported:
    """Read a box from the numbers of an option. Raises `ConfigurationError`."""
    where = f"{option} {text}"
    names, parts = list(kind.model_fields), [part.strip() for part in text.split(",")]
    if len(parts) != len(names):
        raise ConfigurationError(f"{where}: four numbers are needed, {','.join(names)}.")
    try:
        box = kind.model_validate(dict(zip(names, parts, strict=True)))
    except ValidationError as error:
        raise ConfigurationError(_sentences(where, error)) from error
    return Reported(where=where, wanted=Wanted(box=box))


def refuse(problems: list[str]) -> None:
    """Raise `ConfigurationError` with the first of the problems, and how many more there are. None are none."""
    if problems:
        more = [f"... and {len(problems) - MOST_TOLD:,} more."] if len(problems) > MOST_TOLD else []
        raise ConfigurationError("\n".join([*problems[:MOST_TOLD], *more, "Nothing was written."]))


def _reported(where: str, row: _Row) -> Reported:
    """Make a report of a row. Raises `ConfigurationError` with a line for each bad field."""
    if isinstance(row, str):
        raise ConfigurationError(f"{where}: {row}")
    kind = _SphereRow if {"yaw", "pitch"} & set(row) else _PixelRow
    try:
        read = kind.model_validate(row)
    except ValidationError as error:
        raise ConfigurationError(_sentences(where, error)) from error
    return Reported(
        where=where,
        wanted=Wanted(box=read.plain_box(), object_class=read.object_class),
        image=read.image,
        reference=read.reference,
    )


def _sentences(where: str, error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        field = ".".join(str(part) for part in problem["loc"])
        found = "" if problem["type"] == "missing" else f" is {problem['input']!r}"
        hint = f" A row has {_EXPECTED}." if problem["type"] == "extra_forbidden" else ""
        lines.append(f"{where}, {field}{found}: {problem['msg'].removeprefix('Value error, ')}.{hint}")
    return "\n".join(lines)


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, _Row]]:
    """Yield the rows with their lines; between values there are commas, or semicolons as some spreadsheets write."""
    lines = io.StringIO(text, newline="")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            where, line = f"{path}, line {line}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _checked_header(path, [cell.strip() for cell in cells])
                continue
            if len(cells) != len(header):
                yield where, f"it has {len(cells)} values, the header {len(header)} names."
            else:
                yield where, dict(zip(header, (cell.strip() for cell in cells), strict=True))
    except csv.Error as error:
        raise ConfigurationError(f"{path}, line {reader.line_num}: {error}.") from error


def _checked_header(path: Path, header: list[str]) -> list[str]:
    is_known = any(set(needed) <= set(header) <= {*needed, *_OPTIONAL} for needed in _NEEDED)
    if not is_known or len(set(header)) < len(header):
        raise ConfigurationError(f"{path} has the columns {','.join(header)}; they should be {_EXPECTED}.")
    return header


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, _Row]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, list):
        raise ConfigurationError(f"{path} should be a list of objects with {_EXPECTED}.")
    for number, row in enumerate(document, 1):
        yield f"{path}, entry {number}", row if isinstance(row, dict) else f"it should be an object with {_EXPECTED}."
