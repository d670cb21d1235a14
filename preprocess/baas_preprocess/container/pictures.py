"""Pictures inside other data: thumbnails, previews, and whatever a maker put into a block of its own."""

import re
from itertools import islice
from typing import Final

from baas_preprocess.container.jpeg import FRAMES

# SOI and any marker, perhaps behind fill bytes: decoders begin with whatever follows. Three bytes alone occur in random
# data too often.
_JPEG: Final = re.compile(rb"\xff\xd8\xff+[\x01\xc0-\xfe]")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TIFF: Final = re.compile(rb"II[*+]\0|MM\0[*+]")
MAX_NAMED: Final = 8
"""Pictures that are described one by one in a block. All go, whether named or not."""
_MAX_STEPS: Final = 200


def starts(data: bytes) -> list[int]:
    """Where JPEG files begin in `data`: the first `MAX_NAMED`."""
    return [match.start() for match in islice(_JPEG.finditer(data), MAX_NAMED)]


def inside(data: bytes) -> list[str]:
    """Describe the pictures in `data`, such as `JPEG 160x120`: the first `MAX_NAMED`."""
    found = [f"JPEG {jpeg_size(data, start)}" for start in starts(data)]
    found += ["PNG"] if _PNG in data else []
    return [*found, "TIFF"] if _TIFF.search(data) else found


def begins_in(data: bytes) -> bool:
    """Whether a picture begins in `data`, or would with what may be written behind it: a marker, a zero, a checksum."""
    return bool(inside(data)) or any(inside(data[-len(_PNG) :] + behind) for behind in (b"\0", b"\xe0", b"\xff\xe0"))


def jpeg_size(data: bytes, start: int) -> str:
    """`512x256` of the JPEG that begins at `start`, as its frame header says; `of unknown size` without one."""
    position = start + 2
    for _ in range(_MAX_STEPS):
        head = data[position : position + 9]
        if len(head) < 9 or head[0] != 0xFF:
            break
        if head[1] in FRAMES:
            return f"{int.from_bytes(head[7:9], 'big')}x{int.from_bytes(head[5:7], 'big')}"
        position += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:4], "big")
    return "of unknown size"
