"""Photoshop's image resources (APP13, TIFF tag 34377): which kinds are there, and the thumbnails among them."""

from typing import Final

_THUMBNAILS: Final = frozenset({0x0409, 0x040C})
_IPTC: Final = 0x0404
_MAX_RESOURCES: Final = 1_000


def described(resources: bytes) -> tuple[list[str], list[str]]:
    """Return (kinds of metadata, hidden pictures) of joined resource blocks. What cannot be read ends the list."""
    kinds, hidden = ["Photoshop resources"], []
    position = 0
    for _ in range(_MAX_RESOURCES):
        if resources[position : position + 4] != b"8BIM" or position + 12 > len(resources):
            break
        number = int.from_bytes(resources[position + 4 : position + 6], "big")
        name_bytes = resources[position + 6] + 1
        start = position + 6 + name_bytes + name_bytes % 2 + 4
        size = int.from_bytes(resources[start - 4 : start], "big")
        if number in _THUMBNAILS:
            width = int.from_bytes(resources[start + 4 : start + 8], "big")
            height = int.from_bytes(resources[start + 8 : start + 12], "big")
            hidden.append(f"Photoshop thumbnail {width}x{height}")
        elif number == _IPTC:
            kinds.append("IPTC")
        position = start + size + size % 2
    return kinds, hidden
