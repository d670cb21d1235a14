"""Which stratum a picture belongs to, such as its district, and how a panorama is called. Pure."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

_AMSTERDAM = re.compile(r"(TMX\w+-\d+)[/_](pano_\d+_\d+)|(recording_[\d-]+_[\d-]+_\d+)")
ALL = "all"
"""The stratum of all pictures when nothing parts them."""
UNKNOWN = "(unknown)"
"""The stratum of pictures of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strata:
    """Where each picture belongs."""

    known: Mapping[str, str | None]
    """By image, by the file's name without folders, or by panorama id."""

    def of(self, name: str) -> str:
        """Return a picture's stratum."""
        keys = (name, name.rsplit("/", 1)[-1], pano_id(name))
        return next((self.known[key] for key in keys if key in self.known), None) or UNKNOWN


def strata_of(text: str) -> Strata:
    """Return the districts that a CSV text tells, as `baas-detector metadata` writes it.

    Raises `ValueError`, with what is wrong in words, unless it has the columns `image` and `district` and each image
    once.
    """
    table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))  # spreadsheets write a mark in front
    try:
        return Strata(known=_districts(table))
    except csv.Error as error:  # is no ValueError
        raise ValueError(f"line {table.line_num + 1}: {error}") from error


def _districts(table: "csv.DictReader[str]") -> dict[str, str | None]:
    if missing := {"image", "district"} - set(table.fieldnames or ()):
        raise ValueError(f"it has no column {' and no column '.join(sorted(missing))}; columns are parted by commas")
    known: dict[str, str | None] = {}
    for row in table:
        image = (row["image"] or "").strip()
        if not image or image in known:
            raise ValueError(f"line {table.line_num} names {f'{image} again' if image else 'no image'}")
        known[image] = (row["district"] or "").strip() or None
    return known


def pano_id(name: str) -> str:
    """Return a panorama's id by its picture's name.

    Amsterdam's ids are found anywhere in the path, as in `2021/01/26/TMX7316010203-001984/pano_0000_000301/…` and
    `TMX7316010203-001984_pano_0000_000301.jpg`; otherwise it is the file's name without folders and suffix.
    """
    found = _AMSTERDAM.search(name)
    if found is None:
        return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    mission, pano, recording = found.groups()
    return recording or f"{mission}_{pano}"
