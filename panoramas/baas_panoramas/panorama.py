"""What the Panorama API says of one panorama. Pure.

Its form, as the city's own sources and answers show it: https://github.com/Amsterdam/panorama (serializers) and
https://api.data.amsterdam.nl/panorama/panoramas/
"""

from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, ValidationError

from baas_crds.errors import ConfigurationError
from baas_crds.places import PanoramaSize

SUFFIX = ".jpg"
Coordinates: TypeAlias = tuple[
    Annotated[FiniteFloat, Field(ge=-180, le=180)], Annotated[FiniteFloat, Field(ge=-90, le=90)]
]
"""Longitude and latitude in degrees, WGS 84."""


class _Answer(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", coerce_numbers_to_str=True, populate_by_name=True, use_attribute_docstrings=True
    )


class Link(_Answer):
    """Where something is."""

    href: str | None = None


def _without_height(value: Any) -> Any:
    return value[:2] if isinstance(value, list) else value


class Point(_Answer):
    """Where the camera was."""

    coordinates: Annotated[Coordinates, BeforeValidator(_without_height)]


def _given(tags: Any) -> Any:
    return [tag for tag in tags or () if tag is not None]


class Panorama(_Answer):
    """One panorama. Only its id and its position are always there."""

    # It becomes a part of an address and a file's name.
    pano_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)]
    geometry: Point
    timestamp: str | None = None
    """When it was taken, as the API writes it: ISO 8601, UTC."""
    filename: str | None = None
    """What the camera called the picture; of many panoramas the same."""
    heading: FiniteFloat | None = None
    """In degrees, clockwise from north; like the next two."""
    roll: FiniteFloat | None = None
    pitch: FiniteFloat | None = None
    mission_type: str | None = None
    mission_year: str | None = None
    mission_distance: FiniteFloat | None = None
    """Metres between two panoramas of the mission."""
    surface_type: str | None = None
    """`L` on land, `W` on water."""
    tags: Annotated[tuple[str, ...], BeforeValidator(_given)] = ()
    links: Annotated[
        dict[str, Link],
        Field(alias="_links"),
        BeforeValidator(lambda links: {name: link or {} for name, link in links.items()}),
    ] = {}

    @property
    def longitude(self) -> float:
        """In degrees, WGS 84."""
        return self.geometry.coordinates[0]

    @property
    def latitude(self) -> float:
        """In degrees, WGS 84."""
        return self.geometry.coordinates[1]

    @property
    def name(self) -> str:
        """What its picture is called as a file."""
        return self.pano_id + SUFFIX

    def picture(self, size: PanoramaSize) -> str | None:
        """Return the address of its equirectangular picture, None when the API names none."""
        link = self.links.get(f"equirectangular_{size.lower()}")
        return None if link is None else link.href


class Adjacency(Panorama):
    """A panorama near another one."""

    distance: FiniteFloat | None = None
    """In metres from the other one."""
    direction: FiniteFloat | None = None
    """In degrees, as seen from the other one."""


class _Embedded(_Answer):
    panoramas: tuple[Panorama, ...]


class _PageLinks(_Answer):
    # The last page says `null` here, or a link to nowhere. Not to say anything is no answer of this API.
    next: Annotated[Link, BeforeValidator(lambda link: link or {})]


class Page(_Answer):
    """Some panoramas of a list, and where it goes on."""

    embedded: Annotated[_Embedded, Field(alias="_embedded")]
    links: Annotated[_PageLinks, Field(alias="_links")]
    count: int | None = None
    """So many panoramas are in the whole list."""

    @property
    def panoramas(self) -> tuple[Panorama, ...]:
        """In the API's order."""
        return self.embedded.panoramas

    @property
    def following(self) -> str | None:
        """Address of the next page, None after the last one."""
        return self.links.next.href


class _EmbeddedAdjacencies(_Answer):
    adjacencies: tuple[Adjacency, ...]


class Surroundings(_Answer):
    """What is near a panorama; it is among them itself."""

    embedded: Annotated[_EmbeddedAdjacencies, Field(alias="_embedded")]


Answer = TypeVar("Answer", bound=_Answer)


def read(model: type[Answer], document: Any, url: str) -> Answer:
    """Read an answer. Raises `ConfigurationError` naming the address and what is wrong with it, but not its content."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "the whole of it"
        raise unlike(url, f"{place}: {problem['msg']}") from error


def unlike(url: str, problem: str) -> ConfigurationError:
    """Return the error for an answer that no Panorama API gives."""
    return ConfigurationError(
        f"What {url} answers is not what a Panorama API does ({problem.rstrip('.')}): check the address."
    )
