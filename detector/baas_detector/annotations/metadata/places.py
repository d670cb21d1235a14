"""What is known of a picture. Pure."""

from dataclasses import dataclass
from enum import StrEnum


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
