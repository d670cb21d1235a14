"""Colour profiles (ICC.1:2022, section 7): kept byte by byte, if they hold nothing but what says how colours look.

A profile is a head of 128 bytes, a table of tags, and their data. Whatever could hold a picture goes: tags that are
neither small nor known, tables of colours (`mft1` and the like), and bytes between the tags.
"""

import re
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from baas_preprocess.container import pictures
from baas_preprocess.container.refusals import Malformed

MAX_BYTES: Final = 65_519
"""What one APP2 segment holds. Profiles of cameras and screens take 400 bytes to 30 KB."""
_HEAD: Final = 128
_NEEDED: Final = {
    b"RGB ": {b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"},
    b"GRAY": {b"wtpt", b"kTRC"},
}
_MAX_TAGS: Final = 40
# Numbers, such as a white point or a formula: too small for a picture, whatever they are.
_SMALL_BYTES: Final = 64
_MAX_TEXT_BYTES: Final = 2048
_TEXTS: Final = {b"text", b"desc", b"mluc"}
# Words end sooner; a picture that is written as text does not.
_UNBROKEN: Final = re.compile(rb"[^\0 ]{65}")
_MAX_CURVE: Final = 4096

_Tag = tuple[bytes, bytes]
"""A signature and its data."""


def checked(profile: bytes) -> bytes:
    """Return the profile, or one without those of its tags that could hold anything.

    Raises `Malformed` when its head is not a profile's, when nothing is left that tells colours, or when it carries a
    picture.
    """
    size = int.from_bytes(profile[:4], "big")
    if len(profile) < _HEAD + 4 or size != len(profile) or profile[36:40] != b"acsp" or size > MAX_BYTES:
        raise Malformed("the ICC profile's head does not fit its content")
    tags, gaps = _read(profile)
    kept = [tag for tag in tags if _is_plain(tag[1])]
    needed = _NEEDED.get(profile[16:20])
    if needed is None or not needed <= {signature for signature, _ in kept}:
        raise Malformed("the ICC profile lacks what tells colours, or tells them by large tables")
    if len(kept) < len(tags) or any(gaps) or any(profile[100:_HEAD]):
        profile = _written(profile[:84], kept)
    if pictures.begins_in(profile):
        raise Malformed("the ICC profile carries a picture")
    return profile


def _read(profile: bytes) -> tuple[list[_Tag], bytes]:
    """Return a profile's tags, and all bytes that belong to none of them."""
    count = int.from_bytes(profile[_HEAD : _HEAD + 4], "big")
    table = _HEAD + 4 + 12 * count
    if count > _MAX_TAGS or table > len(profile):
        raise Malformed("the ICC profile has more tags than it can hold")
    entries = list(struct.iter_unpack(">4sII", profile[_HEAD + 4 : table]))
    if any(start < table or length < 8 or start + length > len(profile) for _, start, length in entries):
        raise Malformed("a tag of the ICC profile does not lie in it")
    end, gaps = table, b""
    for start, stop in sorted((start, start + length) for _, start, length in entries):
        gaps, end = gaps + profile[end:start], max(end, stop)
    return [(signature, profile[at : at + length]) for signature, at, length in entries], gaps + profile[end:]


def _is_plain(data: bytes) -> bool:
    """Whether a tag holds small numbers, short texts or a curve, by its type."""
    kind = data[:4]
    if kind in _TEXTS:
        return len(data) <= _MAX_TEXT_BYTES and _UNBROKEN.search(data) is None
    if kind == b"curv":
        values = struct.unpack(f">{(len(data) - 12) // 2}H", data[12 : 12 + (len(data) - 12) // 2 * 2])
        steps = [after - before for before, after in pairwise(values)]
        return len(values) <= _MAX_CURVE and (all(step >= 0 for step in steps) or all(step <= 0 for step in steps))
    return len(data) <= _SMALL_BYTES


def _written(head: bytes, tags: Sequence[_Tag]) -> bytes:
    """Write a profile of these tags behind the first 84 bytes of a head; the rest is its digest, and not needed."""
    table, body = b"", b""
    first = _HEAD + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}  # colours often share one curve
    for signature, data in tags:
        if data not in places:
            places[data] = first + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", signature, places[data], len(data))
    size = struct.pack(">I", first + len(body))
    return size + head[4:] + bytes(_HEAD - len(head)) + struct.pack(">I", len(tags)) + table + body


def is_grey(profile: bytes) -> bool:
    """Whether a checked profile is for grey pictures. Viewers refuse it on a picture of three colours."""
    return profile[16:20] == b"GRAY"


def joined(parts: Sequence[bytes]) -> bytes:
    """Join the payloads of a JPEG's APP2 segments: `ICC_PROFILE`, a zero, number, count, and a piece (B.4).

    Whether all are there shows when the profile is `checked`, since it tells its size.
    """
    return b"".join(part[14:] for part in sorted(parts, key=lambda part: part[12:13]))


def segment(profile: bytes) -> bytes:
    """Return the payload of the APP2 segment that carries a profile of at most `MAX_BYTES`."""
    return b"ICC_PROFILE\0\1\1" + profile
