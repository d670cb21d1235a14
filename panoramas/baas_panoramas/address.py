"""`panorama-api:BASE?filter=…`: panoramas of the API as people write them, and as the ledger calls them.

The names of filters are the API's own. Pure.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError

from baas_crds.errors import ConfigurationError
from baas_crds.places import PanoramaApi

SCHEME = "panorama-api:"
SIZE = "size"
# The API's name of a filter -> the BlurJob's.
FILTERS = {
    "near": "near",
    "radius": "radiusMeters",
    "srid": "srid",
    "timestamp_after": "timestampAfter",
    "timestamp_before": "timestampBefore",
    "tags": "tags",
    "mission_year": "missionYear",
    "mission_type": "missionType",
    "surface_type": "surfaceType",
    "limit": "limit",
}
_NUMBERS = frozenset({"radius", "srid", "mission_year", "limit"})
# The API knows letters, people words.
_SURFACES = {"l": "Land", "w": "Water"}


def is_address(text: str) -> bool:
    """Whether a source is written as panoramas of the API."""
    return text.startswith(SCHEME)


def read_address(text: str) -> PanoramaApi:
    """Read such an address. Raises `ConfigurationError` naming what is wrong and what is allowed."""
    base_url, _, query = text.removeprefix(SCHEME).partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    try:
        fields: dict[str, str] = {}
        for name, value in given:
            if name in fields and name != "tags":
                raise ConfigurationError(f"{name} is given twice: give it once")
            fields[name] = f"{fields[name]},{value}" if name in fields else value
        return place_of(fields, base_url=base_url or None)
    except ConfigurationError as error:
        raise ConfigurationError(f"SOURCE {text}: {error}.") from error


def place_of(fields: Mapping[str, str], *, base_url: str | None = None) -> PanoramaApi:
    """Return the place of filters by the API's names, and `size`. Raises `ConfigurationError` with a clause."""
    if unknown := sorted(set(fields) - {*FILTERS, SIZE}):
        raise ConfigurationError(f"there is no filter {', '.join(unknown)}; known are {', '.join(FILTERS)}, and {SIZE}")
    if empty := [name for name, value in fields.items() if not value]:
        raise ConfigurationError(f"{', '.join(empty)} is empty: give it a value, or leave it out")
    document: dict[str, object] = {
        "filters": {FILTERS[name]: _value(name, fields[name]) for name in FILTERS if name in fields}
    }
    if base_url is not None:
        document["baseUrl"] = base_url.rstrip("/")
    if SIZE in fields:
        document[SIZE] = fields[SIZE].capitalize()
    try:
        return PanoramaApi.model_validate(document)
    except ValidationError as error:
        clauses = [_clause(problem["loc"], problem["msg"]) for problem in error.errors(include_url=False)]
        raise ConfigurationError("; ".join(clauses)) from error


def address_of(place: PanoramaApi) -> str:
    """Return the address of a place, the same text for the same place."""
    document = place.filters.as_document()
    fields = {name: document[field] for name, field in FILTERS.items() if field in document}
    fields["tags"] = ",".join(sorted(place.filters.tags))
    if "near" not in fields:
        del fields["srid"]
    fields[SIZE] = place.size.lower()
    return f"{SCHEME}{place.base_url}?{urlencode({name: value for name, value in fields.items() if value}, safe=',')}"


def _value(name: str, text: str) -> object:
    if name == "tags":
        return [tag for tag in text.split(",") if tag]
    if name == "surface_type":
        return _SURFACES.get(text.lower(), text.capitalize())
    if name in _NUMBERS and text.isascii() and text.isdigit():
        return int(text)
    return text


def _clause(place: tuple[int | str, ...], message: str) -> str:
    """Say it with the API's names of filters."""
    message = message.removeprefix("Value error, ").replace("\n", "; ")
    names = {field: name for name, field in FILTERS.items() if name != field}
    for field, name in names.items():
        message = message.replace(field, name)
    # Rules name their field themselves.
    last = next((part for part in reversed(place) if isinstance(part, str)), "")
    return message if last in {"", "filters"} else f"{names.get(last, last)}: {message}"
