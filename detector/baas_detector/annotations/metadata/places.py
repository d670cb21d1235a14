"""What is known of a picture, and how a panorama is called. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum

_AMSTERDAM = re.compile(r"(TMX\w+-\d+)[/_](pano_\d+_\d+)|(recording_[\d-]+_[\d-]+_\d+)")


class Origin(StrEnum):
    """Who said where a picture was taken."""

    TABLE = "table"
    API = "api"
    EXIF = "exif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """In degrees, WGS 84."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError(f"latitude {self.latitude} and longitude {self.longitude} are no place on Earth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What one source says of a picture; None: nothing."""

    position: Position | None = None
    district: str | None = None
    cluster: str | None = None
    timestamp: str | None = None
    heading_deg: float | None = None
    mission_year: str | None = None


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
