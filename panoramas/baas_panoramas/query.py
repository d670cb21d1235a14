"""Filters as the API's query, and whether a panorama fits them. Pure."""

from collections.abc import Sequence
from typing import TypeAlias

from baas_crds.places import PanoramaFilters, SurfaceType
from baas_panoramas.panorama import Panorama

Query: TypeAlias = Sequence[tuple[str, str]]
_SURFACES = {SurfaceType.LAND: "L", SurfaceType.WATER: "W"}
# As many as the API gives at once.
PAGE = 100


def query_of(filters: PanoramaFilters) -> Query:
    """Return the query that asks for panoramas. `limit` is not in it: whoever reads the pages counts what fits."""
    pairs = {
        "near": filters.near,
        "radius": filters.radius_meters,
        "srid": filters.srid if filters.near else None,
        "timestamp_after": filters.timestamp_after,
        "timestamp_before": filters.timestamp_before,
        "tags": ",".join(filters.tags) or None,
        "mission_year": filters.mission_year,
        "mission_type": filters.mission_type,
        "surface_type": filters.surface_type and _SURFACES[filters.surface_type],
        "page_size": min(PAGE, filters.limit or PAGE),
    }
    return [(name, str(value)) for name, value in pairs.items() if value is not None]


def fits(panorama: Panorama, filters: PanoramaFilters) -> bool:
    """Whether a panorama is one of those that were asked for, as far as what is said of it tells.

    A server passes over filters that it does not know. Distances are the server's alone.
    """
    day = (panorama.timestamp or "")[:10]
    return all(
        (
            filters.timestamp_after is None or day >= filters.timestamp_after,
            filters.timestamp_before is None or "" < day < filters.timestamp_before,
            set(filters.tags) <= set(panorama.tags),
            filters.mission_year is None or panorama.mission_year == str(filters.mission_year),
            filters.mission_type is None or panorama.mission_type == filters.mission_type,
            filters.surface_type is None or panorama.surface_type == _SURFACES[filters.surface_type],
        )
    )
