"""Which stratum a picture belongs to, such as its district, and how a panorama is called. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_AMSTERDAM = re.compile(r"(TMX\w+-\d+)[/_](pano_\d+_\d+)|(recording_[\d-]+_[\d-]+_\d+)")
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
