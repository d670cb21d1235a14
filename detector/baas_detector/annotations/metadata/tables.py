"""CSV tables: what people know of pictures, read in, and all that is known, written out."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.files import read_text
from baas_detector.annotations.metadata.places import Known, Position

_COLUMNS = {
    "image": ("image", "file_name", "pano_id"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng"),
    "district": ("district", "stadsdeel"),
    "cluster": ("cluster",),
    "timestamp": ("timestamp",),
    "heading": ("heading",),
    "mission_year": ("mission_year",),
}
"""What a column may be called, whatever its case."""


def read_table(path: Path) -> dict[str, Known]:
    """Return what a CSV file says, by what stands in its first column of `image`, `file_name` and `pano_id`.

    Empty fields say nothing. Raises `ConfigurationError` with the line for one that cannot be used.
    """
    table = csv.DictReader(io.StringIO(read_text(path), newline=""))
    columns = _columns(path, list(table.fieldnames or []))
    known: dict[str, Known] = {}
    for row in table:
        values = {wanted: (row[column] or "").strip() or None for wanted, column in columns.items()}
        image = values.get("image")
        if image is None or image in known:
            problem = "names no image" if image is None else f"names {image} again"
            raise ConfigurationError(f"{path}, line {table.line_num} {problem}: give one line for each.")
        try:
            known[image] = _known(values)
        except ValueError as error:
            raise ConfigurationError(f"{path}, line {table.line_num} ({image}): {error}.") from error
    return known


def _columns(path: Path, found: list[str]) -> dict[str, str]:
    by_name = {name.strip().lower(): name for name in found}
    columns = {
        wanted: by_name[name] for wanted, names in _COLUMNS.items() for name in reversed(names) if name in by_name
    }
    if "image" not in columns:
        raise ConfigurationError(f"{path} has the columns {', '.join(found) or 'none'}; it needs image or pano_id.")
    if ("latitude" in columns) != ("longitude" in columns):
        raise ConfigurationError(f"{path} needs both columns, latitude and longitude, or neither.")
    return columns


def _known(values: Mapping[str, str | None]) -> Known:
    latitude, longitude = values.get("latitude"), values.get("longitude")
    heading = values.get("heading")
    if (latitude is None) != (longitude is None):
        raise ValueError("latitude and longitude are needed together")
    return Known(
        position=None
        if latitude is None or longitude is None
        else Position(latitude=float(latitude), longitude=float(longitude)),
        district=values.get("district"),
        cluster=values.get("cluster"),
        timestamp=values.get("timestamp"),
        heading_deg=None if heading is None else float(heading),
        mission_year=values.get("mission_year"),
    )
