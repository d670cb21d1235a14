"""Where a picture was taken, as its own Exif says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baas_detector.annotations.metadata.places import Position
from baas_detector.annotations.pictures import opened

# Exif 2.32, 4.6.6: the tag of the GPS directory, and the tags in it.
_GPS = 0x8825
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4


def position_in(path: Path) -> Position | None:
    """Return the position, None when there is none or it is none. Raises `ConfigurationError` for no picture."""
    with opened(path) as picture:
        return _position(picture.getexif().get_ifd(_GPS))


def _position(gps: Mapping[int, Any]) -> Position | None:
    try:
        return Position(
            latitude=_degrees(gps[_LATITUDE]) * {"N": 1, "S": -1}[_sign(gps[_LATITUDE_REF])],
            longitude=_degrees(gps[_LONGITUDE]) * {"E": 1, "W": -1}[_sign(gps[_LONGITUDE_REF])],
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _sign(reference: Any) -> str:
    text = reference.decode("ascii", "replace") if isinstance(reference, bytes) else str(reference)
    return text.strip("\0 ").upper()


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
