"""All that is known of each picture, from the first source that says it: table, Panorama API, Exif."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baas_detector.annotations.metadata.districts import District, district_of
from baas_detector.annotations.metadata.exif_gps import position_in
from baas_detector.annotations.metadata.places import Known, Origin, Position
from baas_detector.annotations.metadata.subsets import NO_SUBSET, Division, cell_of, geohash, subset_of
from baas_detector.annotations.pictures import find_picture
from baas_panoramas.client import PanoramaClient
from baas_panoramas.panorama import Panorama
from baas_sampling.strata import pano_id

COLUMNS = (
    "image",
    "pano_id",
    "latitude",
    "longitude",
    "geohash",
    "district",
    "cluster",
    "subset",
    "position_from",
    "timestamp",
    "heading",
    "mission_year",
)
_DECIMALS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where to look. What is None or empty is not asked."""

    table: Mapping[str, Known]
    """By image, by the file's name without folders, or by panorama id."""
    api: PanoramaClient | None = None
    listed: Mapping[str, Known] | None = None
    """What the API's pages said, by panorama id: those need not be asked one by one."""
    pictures: Path | None = None
    districts: Sequence[District] = ()


def collect(names: Iterable[str], sources: Sources, division: Division) -> Iterator[dict[str, Any]]:
    """Give a row of `COLUMNS` for each picture; what nobody knows is None. Raises as `PanoramaClient` does."""
    for name in names:
        found = list(_said(name, sources))
        position, origin = next(((one.position, of) for of, one in found if one.position), (None, None))
        yield {
            "image": name,
            "pano_id": pano_id(name),
            "latitude": None if position is None else round(position.latitude, _DECIMALS),
            "longitude": None if position is None else round(position.longitude, _DECIMALS),
            "geohash": None if position is None else geohash(position),
            "district": _first(one.district for _, one in found) or _district(position, sources.districts),
            "cluster": _first(one.cluster for _, one in found) or _cluster(position, division),
            "subset": NO_SUBSET if position is None else subset_of(position, division),
            "position_from": origin and str(origin),
            "timestamp": _first(one.timestamp for _, one in found),
            "heading": _first(one.heading_deg for _, one in found),
            "mission_year": _first(one.mission_year for _, one in found),
        }


def known_of(panorama: Panorama) -> Known:
    """Return what the Panorama API says of a picture."""
    return Known(
        position=Position(latitude=panorama.latitude, longitude=panorama.longitude),
        timestamp=panorama.timestamp,
        heading_deg=panorama.heading,
        mission_year=panorama.mission_year,
    )


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Count pictures by subset, district and where their position is from, and name those without one."""
    return {
        "images": len(rows),
        "subsets": dict(sorted(Counter(row["subset"] for row in rows).items())),
        "districts": dict(sorted(Counter(row["district"] or "" for row in rows).items())),
        "positions_from": dict(sorted(Counter(row["position_from"] or "" for row in rows).items())),
        "without_position": [row["image"] for row in rows if row["latitude"] is None],
    }


def _said(name: str, sources: Sources) -> Iterator[tuple[Origin, Known]]:
    """Give what each source says, the first to be believed first; Exif only where nobody else knows the position."""
    panorama = pano_id(name)
    keys = (name, name.rsplit("/", 1)[-1], panorama)
    table = next((sources.table[key] for key in keys if key in sources.table), None)
    if table is not None:
        yield Origin.TABLE, table
    api = (sources.listed or {}).get(panorama)
    if api is None and sources.api is not None and (table is None or table.position is None):
        found = sources.api.panorama(panorama)
        api = None if found is None else known_of(found)
    if api is not None:
        yield Origin.API, api
    if sources.pictures is None or any(one is not None and one.position for one in (table, api)):
        return
    path = find_picture(sources.pictures, name)
    if path is not None:
        yield Origin.EXIF, Known(position=position_in(path))


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _district(position: Position | None, districts: Sequence[District]) -> str | None:
    return None if position is None else district_of(position, districts)


def _cluster(position: Position | None, division: Division) -> str | None:
    return None if position is None else cell_of(position, division.cell_length)
