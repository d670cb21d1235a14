"""The one second picture that a published JPEG may hold: a thumbnail of itself. Judged by exiftool and Pillow."""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ExifTags import IFD, Base

from tests.safety.coefficients import Covered

Colours = npt.NDArray[np.int16]
"""(height, width, 3): RGB."""

EXIF: Final = b"Exif\0\0"
MOST_UNLIKE: Final = 10.0
"""Of 255 levels. What is coded again, and coarser, differs by 1 to 7; another picture by 15 and more."""


def place_of(data: bytes) -> range | None:
    """Where the second directory of a JPEG's Exif block says that its thumbnail stands. None without one."""
    if not data.startswith(b"\xff\xd8"):
        return None
    with Image.open(io.BytesIO(data)) as picture:
        second = picture.getexif().get_ifd(IFD.IFD1)
    if Base.JpegIFOffset not in second:
        return None
    start = data.index(EXIF) + len(EXIF) + second[Base.JpegIFOffset]
    return range(start, start + second[Base.JpegIFByteCount])


def read(file: Path) -> bytes:
    """The bytes of a file's Exif thumbnail, as exiftool takes them out; none without one."""
    return subprocess.run(["exiftool", "-ThumbnailImage", "-b", file], capture_output=True, check=True).stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How far thumbnails differ from the published picture, made as small as the new one: 0 to 255."""

    from_published: float
    """The new one, everywhere."""
    new_inside: float
    """The new one, inside of the mask."""
    old_inside: float
    """The original's, inside of the mask."""

    @property
    def old_shows_more(self) -> bool:
        """Whether the original's shows something there that the published picture does not."""
        return self.old_inside > MOST_UNLIKE


def compared(original: Path, finished: Path, covered: Covered) -> Compared:
    """Compare the thumbnails of both files with what the finished one shows. The mask may be empty."""
    new = colours(read(finished))
    height, width, _ = new.shape
    size = (width, height)
    published, old = colours(finished, size), colours(read(original), size)
    inside = covered_by(covered, size)
    parts = [unlike(one[inside], published[inside]) if inside.any() else 0.0 for one in (new, old)]
    return Compared(from_published=unlike(new, published), new_inside=parts[0], old_inside=parts[1])


def others(data: bytes, hidden: tuple[str, ...]) -> list[str]:
    """Of the names of pictures that hide in a file: all but that of a thumbnail which shows what the file shows."""
    place = place_of(data)
    if place is None:
        return list(hidden)
    inside = data[place.start : place.stop]
    shown = colours(inside)
    height, width, _ = shown.shape
    is_own = is_one_jpeg(inside) and unlike(shown, colours(data, (width, height))) < MOST_UNLIKE
    return [name for name in hidden if not is_own or name != f"Exif thumbnail {width}x{height}"]


def is_one_jpeg(data: bytes) -> bool:
    """Whether these bytes are a JPEG from the first to the last, with nothing behind it and none inside."""
    is_whole = data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")
    return is_whole and data.count(b"\xff\xd8") == data.count(b"\xff\xd9") == 1


def colours(data: bytes | Path, size: tuple[int, int] | None = None) -> Colours:
    """Decode a picture as it is stored; with a size (width, height), made as small as that."""
    with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as picture:
        shown = picture.convert("RGB")
    return np.asarray(shown.resize(size, Image.Resampling.BILINEAR) if size else shown, np.int16)


def covered_by(covered: Covered, size: tuple[int, int]) -> Covered:
    """(height, width) of that size: true where the mask covers most of what the pixel shows."""
    return np.asarray(Image.fromarray(covered).convert("L").resize(size, Image.Resampling.BOX)) > 200


def unlike(one: Colours, other: Colours) -> float:
    """How far two pictures, or parts of them, differ on average: 0 to 255."""
    return float(np.abs(one - other).mean())
