"""Which district a position lies in, by a GeoJSON file of polygons. https://datatracker.ietf.org/doc/html/rfc7946"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.path import Path as Ring

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.metadata.places import Position

NAMES = ("naam", "name", "Stadsdeel", "stadsdeel", "district", "Wijk", "wijk")
"""Properties that are taken for a district's name, the first that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """A name and its polygons: each an outer ring, then holes."""

    name: str
    polygons: tuple[tuple[Ring, ...], ...]

    def holds(self, position: Position) -> bool:
        """Tell whether a position lies in it and in none of its holes."""
        point = (position.longitude, position.latitude)
        return any(
            outer.contains_point(point) and not any(hole.contains_point(point) for hole in holes)
            for outer, *holes in self.polygons
        )


def read_districts(path: Path, *, name_property: str | None = None) -> tuple[District, ...]:
    """Read a FeatureCollection of polygons in degrees (WGS 84).

    Raises `ConfigurationError` for another file, a feature without a name, and coordinates that are no degrees.
    """
    try:
        features = json.loads(path.read_bytes())["features"]
        return tuple(_district(path, at, feature, name_property) for at, feature in enumerate(features))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is no GeoJSON FeatureCollection of polygons ({type(error).__name__}: {error})."
        ) from error


def district_of(position: Position, districts: Sequence[District]) -> str | None:
    """Return the first district that holds a position, None when none does."""
    return next((one.name for one in districts if one.holds(position)), None)


def _district(path: Path, at: int, feature: Any, name_property: str | None) -> District:
    properties, geometry = feature["properties"] or {}, feature["geometry"]
    named = [str(properties[key]) for key in ((name_property,) if name_property else NAMES) if properties.get(key)]
    if not named:
        there = ", ".join(properties) or "none"
        raise ConfigurationError(
            f"{path}, feature {at} has the properties {there}: say with --district-property which one is its name."
        )
    if geometry["type"] not in {"Polygon", "MultiPolygon"}:
        raise ConfigurationError(f"{path}, feature {at} is a {geometry['type']}; Polygon or MultiPolygon was expected.")
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    for longitude, latitude, *_ in (point for polygon in polygons for ring in polygon for point in ring):
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise ConfigurationError(
                f"{path}, feature {at} has the coordinates {longitude}, {latitude}, which are no degrees: export it "
                "in WGS 84 (EPSG:4326)."
            )
    return District(
        name=named[0],
        polygons=tuple(tuple(Ring([point[:2] for point in ring]) for ring in polygon) for polygon in polygons),
    )
