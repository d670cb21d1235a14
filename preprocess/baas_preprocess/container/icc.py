"""Colour profiles (ICC.1:2010, section 7.2): kept byte by byte, if they are what they claim to be."""

from collections.abc import Sequence
from typing import Final

from baas_preprocess.container import pictures
from baas_preprocess.container.refusals import Malformed

MAX_BYTES: Final = 4_000_000
"""Real profiles of RGB and grey pictures take 400 bytes to 2 MB."""
_PART_BYTES: Final = 65_519


def checked(profile: bytes) -> bytes:
    """Return the profile. Raises `Malformed` when its head is not a profile's, or when it carries a picture."""
    size = int.from_bytes(profile[:4], "big")
    if len(profile) < 132 or size != len(profile) or profile[36:40] != b"acsp" or size > MAX_BYTES:
        raise Malformed("the ICC profile's head does not fit its content")
    if any(pictures.begins_in(piece) for piece in (profile, *_pieces(profile))):
        raise Malformed("the ICC profile carries a picture")
    return profile


def is_grey(profile: bytes) -> bool:
    """Whether a checked profile is for grey pictures. Viewers refuse it on a picture of three colours."""
    return profile[16:20] == b"GRAY"


def joined(parts: Sequence[bytes]) -> bytes:
    """Join the payloads of a JPEG's APP2 segments: `ICC_PROFILE`, a zero, number, count, and a piece (B.4).

    Whether all are there shows when the profile is `checked`, since it tells its size.
    """
    return b"".join(part[14:] for part in sorted(parts, key=lambda part: part[12:13]))


def parted(profile: bytes) -> list[bytes]:
    """The payloads of the APP2 segments that carry a profile of at most `MAX_BYTES`."""
    pieces = _pieces(profile)
    return [b"ICC_PROFILE\0" + bytes([number, len(pieces)]) + piece for number, piece in enumerate(pieces, start=1)]


def _pieces(profile: bytes) -> list[bytes]:
    return [profile[at : at + _PART_BYTES] for at in range(0, len(profile), _PART_BYTES)]
