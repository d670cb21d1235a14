"""The CSV files of an inspection: images in, findings in. The edge."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.acceptance.bounds import Seen
from baas_sampling.inspection import COLUMNS
from baas_sampling.strata import ALL

_UNNAMED = "(empty)"


def read_images(path: Path, *, by: str | None) -> dict[str, list[str]]:
    """Return the names of images by stratum, from a CSV file with a column `image`.

    Raises `ConfigurationError` for a file without the columns, without images, or with one image twice.
    """
    strata: dict[str, list[str]] = {}
    seen: set[str] = set()
    for line, row in _rows(path, ("image", *([by] if by else []))):
        name = row["image"]
        if not name:
            raise ConfigurationError(f"{path}, line {line}: there is no image. Give its name, or remove the line.")
        if name in seen:
            raise ConfigurationError(f"{path}, line {line}: the image {name!r} is there twice. Remove one of them.")
        seen.add(name)
        strata.setdefault((row[by] or _UNNAMED) if by else ALL, []).append(name)
    return strata


def read_findings(path: Path) -> dict[str, Seen]:
    """Return what was seen by stratum, from a worklist that inspectors have filled in.

    Raises `ConfigurationError` when an image has no finding, or is not there any more: those that nobody came to are
    not like the others.
    """
    totals: dict[str, int] = {}
    found: dict[str, list[bool]] = {}
    seen: set[str] = set()
    rows: set[str] = set()
    for line, row in _rows(path, COLUMNS[:5]):
        rows.add(row["row"])
        where = f"{path}, line {line}"
        if row["image"] in seen:
            raise ConfigurationError(f"{where}: the image {row['image']!r} is there twice. Remove one of them.")
        seen.add(row["image"])
        images = _whole(row["stratum_images"], f"{where}: stratum_images")
        stratum = row["stratum"]
        if totals.setdefault(stratum, images) != images:
            raise ConfigurationError(f"{where}: the stratum {stratum!r} has other stratum_images further up.")
        found.setdefault(stratum, []).append(_whole(row["missed"], f"{where}: missed") > 0)
    whole = {f"{number} of {len(seen)}" for number in range(1, len(seen) + 1)}
    if rows != whole:
        raise ConfigurationError(
            f"{path} is not the whole worklist: its rows should be numbered from 1 to {len(seen)} of {len(seen)}, and "
            f"there is {min(rows - whole, default='one of them twice')!r}. Bring back what was removed."
        )
    for stratum, flags in found.items():
        if len(flags) > totals[stratum]:
            raise ConfigurationError(
                f"{path}: of the stratum {stratum!r} {len(flags)} images were inspected, and it has {totals[stratum]}."
            )
    return {
        stratum: Seen(images=totals[stratum], inspected=len(flags), missed=sum(flags))
        for stratum, flags in sorted(found.items())
    }


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Give each row with its line; blanks around values are taken away."""
    try:
        # `utf-8-sig`: spreadsheets write a mark in front.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise ConfigurationError(
                    f"{path} has no column {' and no column '.join(missing)}; it has: "
                    f"{', '.join(reader.fieldnames or ()) or 'none'}. Columns are parted by commas."
                )
            rows = [(reader.line_num, {name: (row[name] or "").strip() for name in columns}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read as CSV: {error}.") from error
    if not rows:
        raise ConfigurationError(f"{path} has no rows below its headings.")
    yield from rows


def _whole(text: str, what: str) -> int:
    if not text.isdecimal():
        raise ConfigurationError(f"{what} is {text!r}; give a whole number, 0 or more.")
    return int(text)
