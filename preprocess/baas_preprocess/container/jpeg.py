"""The segments of a JPEG file, from SOI to EOI (ITU-T T.81, annex B), and what lies behind its end."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from baas_preprocess.container.refusals import damaged, truncated

SOI: Final = 0xD8
EOI: Final = 0xD9
SOS: Final = 0xDA
DNL: Final = 0xDC
COM: Final = 0xFE
APP: Final = range(0xE0, 0xF0)
FRAMES: Final = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
"""SOF0 to SOF15, and JPEG-LS. DHT, JPG and DAC lie between them."""
PICTURE: Final = FRAMES | {0xC4, 0xDB, 0xDD, SOS}
"""Frame header, Huffman tables, quantisation tables, restart interval, scans."""

MAX_SEGMENTS: Final = 10_000
"""A phone's 100-megabyte depth map in extended XMP takes 1,600."""
MAX_SCANS: Final = 100
"""libjpeg's own progressive script takes 10. Each scan costs one pass over all coefficients: more are an attack."""

_STANDALONE: Final = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
_FILL: Final = re.compile(rb"\xff+")
# In coded data 0xFF is followed by a stuffed zero, a restart marker, or fill. `re` skips to each with memchr: 4 ms for
# 8 MB, where numpy takes 20 to 80.
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A marker with its parameters; a scan's coded data follows its parameters up to `end`."""

    marker: int
    start: int
    """Offset of the marker's 0xFF (the last of several)."""
    payload: bytes
    """The parameters, without their length."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg:
    """All segments between SOI and EOI."""

    segments: tuple[Segment, ...]
    end: int
    """Offset behind EOI: whatever follows belongs to no picture that a viewer shows."""


def walk(data: bytes) -> Jpeg:
    """Read every segment up to EOI.

    Raises `NotPublishable`: Truncated when the file ends before EOI, Damaged when it is not a sequence of segments.
    """
    segments: list[Segment] = []
    position = 2
    while (segment := _segment_at(data, position)).marker != EOI:
        segments.append(segment)
        position = segment.end
        if len(segments) > MAX_SEGMENTS:
            raise damaged(f"it has more than {MAX_SEGMENTS} segments")
    if sum(segment.marker == SOS for segment in segments) > MAX_SCANS:
        raise damaged(f"it has more than {MAX_SCANS} scans")
    return Jpeg(segments=tuple(segments), end=segment.end)


def _segment_at(data: bytes, position: int) -> Segment:
    fill = _FILL.match(data, position)
    if fill is None:
        if position >= len(data):
            raise truncated(f"it ends after {len(data)} bytes without the marker of its end (EOI)")
        raise damaged(f"byte {position} should begin a segment, but is {data[position]:#04x}")
    start = fill.end() - 1
    parameters = data[start + 1 : start + 4]
    if parameters[:1] == bytes([EOI]):
        return Segment(marker=EOI, start=start, payload=b"", end=start + 2)
    if len(parameters) < 3:
        raise truncated(f"it ends after {len(data)} bytes, inside the head of a segment")
    marker, length = parameters[0], int.from_bytes(parameters[1:], "big")
    if marker in _STANDALONE:
        raise damaged(f"marker {marker:#04x} at byte {start} has no place between segments")
    end = start + 2 + length
    if length < 2:
        raise damaged(f"the segment at byte {start} claims a length of {length}; at least 2 is needed")
    if end > len(data):
        raise truncated(f"the segment at byte {start} should end at byte {end}, the file ends at {len(data)}")
    payload = data[start + 4 : end]
    if marker == SOS:
        following = _NEXT_MARKER.search(data, end)
        if following is None:
            raise truncated("the last scan has no end")
        end = following.start()
    return Segment(marker=marker, start=start, payload=payload, end=end)


def coded(marker: int, payload: bytes) -> bytes:
    """The bytes of a segment. `payload` is at most 65,533 bytes long."""
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def assembled(parts: Iterable[bytes | memoryview]) -> bytes:
    """A whole file of coded segments."""
    return b"".join([bytes([0xFF, SOI]), *parts, bytes([0xFF, EOI])])
