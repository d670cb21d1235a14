"""Look for pictures as a carver of files does: by how they begin, at any byte, knowing nothing of the file's format."""

import re
from collections.abc import Iterable
from typing import Final

_BEGINNINGS: Final = re.compile(
    # Fill bytes may stand before any marker (ITU-T T.81, B.1.1.2); a zero behind 0xFF is coded data.
    rb"(?P<JPEG>\xff\xd8\xff+[\x01\xc0-\xfe])|(?P<PNG>\x89PNG\r\n\x1a\n)|(?P<TIFF>II[*+]\0|MM\0[*+])"
)
_EXIF_HEADS: Final = (b"Exif\0\0", b"eXIf")


def pictures_behind_the_first(data: bytes, *, besides: Iterable[range] = ()) -> list[str]:
    """Name what begins behind the first byte, such as `JPEG at byte 4711`. One picture alone gives an empty list.

    An Exif block is a TIFF structure: the first one's head is no picture, a second one's counts. `besides` are the
    places of the picture's own samples where they stand as they are, which may be anything.
    """
    found = []
    has_exif = False
    for match in _BEGINNINGS.finditer(data, 1):
        at = match.start()
        if match.lastgroup == "TIFF" and not has_exif and data[:at].endswith(_EXIF_HEADS):
            has_exif = True
        elif not any(at in place for place in besides):
            found.append(f"{match.lastgroup} at byte {at}")
    return found
