"""Exif blocks (CIPA DC-008, Exif 2.32): which tags stay, which pictures hide in a block, and a new thumbnail in it.

A tag stays when it is on a list, has the form that the standard gives it, and is short: position, direction, time,
exposure, lens, camera, geometry and rights (`exif_tags.py`).

The reader is our own (`tiff.py`), since the well-kept ones fail here: Pillow re-writes text and fractions instead of
keeping their bytes, piexif changes the byte order, tifftools never returns from a directory that points to itself.
"""

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from baas_preprocess.container import pictures, tiff
from baas_preprocess.container.exif_tags import EXIF_TAGS, GPS_TAGS, INTEROP_TAGS, MAIN_TAGS, ORIENTATION, Form
from baas_preprocess.container.refusals import Malformed
from baas_preprocess.container.tiff import ByteOrder, Directory, Entry, Tree

SUB_IFDS: Final = 0x014A
EXIF: Final = 0x8769
GPS: Final = 0x8825
INTEROP: Final = 0xA005

MAX_BLOCK_BYTES: Final = 0xFFFF - 2 - len(b"Exif\0\0")
"""What a JPEG's segment holds besides its length and its name."""
MAX_VALUE_BYTES: Final = 256
"""Of a value that stays: the longest on the list are short texts. No picture fits."""

_NAMES: Final = {
    0x001B: "GPS processing method",
    0x001C: "GPS area",
    0x010E: "description",
    0x0131: "software",
    0x013B: "artist",
    0x02BC: "XMP in Exif",
    0x83BB: "IPTC",
    0x8649: "Photoshop resources",
    0x927C: "MakerNote",
    0x9286: "user comment",
    0x9C9B: "Windows title",
    0x9C9C: "Windows comment",
    0x9C9D: "Windows author",
    0x9C9E: "Windows keywords",
    0x9C9F: "Windows subject",
    0xA420: "picture's unique number",
    0xA430: "camera owner",
    0xA431: "camera serial number",
    0xA435: "lens serial number",
}
_POINTERS: Final = frozenset({EXIF, GPS, INTEROP})
_WIDTH, _HEIGHT = 0x0100, 0x0101
_COMPRESSION, _OLD_JPEG = 0x0103, 6
_RESOLUTIONS, _RESOLUTION_UNIT, _INCH, _DPI = (0x011A, 0x011B), 0x0128, 2, 72
_STRIP_OFFSETS, _STRIP_LENGTHS = 0x0111, 0x0117
_JPEG_START, _JPEG_LENGTH = 0x0201, 0x0202


@dataclass(frozen=True, slots=True, kw_only=True)
class Exif:
    """The directories of one picture's Exif block. What could not be read is empty."""

    order: ByteOrder
    main: Directory
    exif: Directory
    gps: Directory
    interop: Directory
    has_thumbnail: bool
    """The second directory points to a JPEG."""

    @property
    def orientation(self) -> int:
        """1 to 8; 1 when absent or out of range."""
        values = tiff.numbers(self.main, ORIENTATION, self.order)
        return values[0] if values and 1 <= values[0] <= 8 else 1


def read(data: bytes) -> Exif:
    """Read the block of the first picture. Raises `Malformed` when its first directory cannot be read."""
    order, offset = tiff.read_header(data)
    main, *others = tiff.read_chain(data, offset, order)
    thumbnail = _thumbnail(others[0], order) if others else None
    exif = _pointed_to(data, main, EXIF, order)
    return Exif(
        order=order,
        main=main,
        exif=exif,
        gps=_pointed_to(data, main, GPS, order),
        interop=_pointed_to(data, exif, INTEROP, order),
        has_thumbnail=thumbnail is not None and data[thumbnail.start :].startswith(b"\xff\xd8"),
    )


def _pointed_to(data: bytes, directory: Directory, tag: int, order: ByteOrder) -> Directory:
    offsets = tiff.numbers(directory, tag, order)
    try:
        return tiff.read_directory(data, offsets[0], order)[0] if offsets else {}
    except Malformed:
        return {}


def kept(exif: Exif, order: ByteOrder) -> Tree:
    """The tags that stay, in a byte order: their values are untouched when it is the block's own.

    Values are written one behind the other, and harmless ones could make a picture together: then only the orientation
    stays, written anew.
    """
    interop = Tree(entries=_allowed(exif.interop, INTEROP_TAGS, exif.order, order))
    inner = Tree(
        entries=_allowed(exif.exif, EXIF_TAGS, exif.order, order), children={INTEROP: interop} if interop else {}
    )
    gps = Tree(entries=_allowed(exif.gps, GPS_TAGS, exif.order, order))
    tree = Tree(
        entries=_allowed(exif.main, MAIN_TAGS, exif.order, order),
        children={tag: tree for tag, tree in ((EXIF, inner), (GPS, gps)) if tree},
    )
    return _orientation_alone(exif, order) if pictures.begins_in(tiff.coded(tree, order, 8)) else tree


def _orientation_alone(exif: Exif, order: ByteOrder) -> Tree:
    return Tree(entries=(tiff.entry_of(ORIENTATION, tiff.SHORT, [exif.orientation], order),))


def _allowed(directory: Directory, forms: Mapping[int, Form], order: ByteOrder, wanted: ByteOrder) -> tuple[Entry, ...]:
    return tuple(tiff.in_order(entry, order, wanted) for entry in directory.values() if _stays(entry, forms))


def _stays(entry: Entry, forms: Mapping[int, Form]) -> bool:
    form = forms.get(entry.tag)
    is_small = len(entry.value) <= MAX_VALUE_BYTES and not pictures.inside(entry.value)
    return form is not None and form.fits(entry) and is_small


def coded(exif: Exif, thumbnail: bytes | None = None) -> bytes | None:
    """A block of the tags that stay, as stands in a JPEG and in a PNG's eXIf chunk. None when none do.

    A `thumbnail`, coded as JPEG, goes behind them with a directory of its own, or is left out where the block would be
    longer than `MAX_BLOCK_BYTES`.
    """
    order = exif.order
    tree = kept(exif, order)
    if thumbnail is not None:
        # TIFF knows no directory without entries.
        block = _before_thumbnail(exif, tree or _orientation_alone(exif, order), len(thumbnail)) + thumbnail
        if len(block) <= MAX_BLOCK_BYTES:
            return block
    return tiff.header(order, 8) + tiff.coded(tree, order, 8) if tree else None


def _before_thumbnail(exif: Exif, tree: Tree, size: int) -> bytes:
    """All that stands before a thumbnail of `size` bytes: the tags that stay, and its own directory.

    The orientation is the picture's again: the thumbnail is turned as little as the picture (Exif 2.32, 4.6.4).
    """
    order = exif.order
    density = struct.pack(f"{order}II", _DPI, 1)

    def second(start: int) -> Tree:
        shorts = ((_COMPRESSION, _OLD_JPEG), (ORIENTATION, exif.orientation), (_RESOLUTION_UNIT, _INCH))
        return Tree(
            entries=(
                *(tiff.entry_of(tag, tiff.SHORT, [number], order) for tag, number in shorts),
                *(tiff.Entry(tag=tag, kind=tiff.RATIONAL, count=1, value=density) for tag in _RESOLUTIONS),
                tiff.entry_of(_JPEG_START, tiff.LONG, [start], order),
                tiff.entry_of(_JPEG_LENGTH, tiff.LONG, [size], order),
            )
        )

    first_end = 8 + len(tiff.coded(tree, order, 8))
    start = first_end + len(tiff.coded(second(0), order, first_end))
    first = tiff.coded(tree, order, 8, following=first_end)
    return tiff.header(order, 8) + first + tiff.coded(second(start), order, first_end)


def kinds(exif: Exif, ignored_tags: Collection[int] = ()) -> list[str]:
    """Name what a block holds: `Exif`, `GPS`, and each kind of tag that will not stay."""
    found: list[str] = []
    lists = ((exif.main, MAIN_TAGS), (exif.exif, EXIF_TAGS), (exif.gps, GPS_TAGS), (exif.interop, INTEROP_TAGS))
    for directory, forms in lists:
        for entry in directory.values():
            if _stays(entry, forms):
                found.append("GPS" if directory is exif.gps else "Exif")
            elif entry.tag in forms:
                found.append("unusual Exif values")
            elif entry.tag not in _POINTERS and entry.tag not in ignored_tags:
                found.append(_NAMES.get(entry.tag, "other Exif tags"))
    return found


def pictures_in_values(exif: Exif, ignored_tags: Collection[int]) -> list[str]:
    """Describe the pictures that single tags hold, such as a maker's note."""
    values = (
        e for directory in (exif.main, exif.exif, exif.gps) for e in directory.values() if e.tag not in ignored_tags
    )
    return [f"{picture} in tag {entry.tag:#06x}" for entry in values for picture in pictures.inside(entry.value)]


def hidden(data: bytes) -> list[str]:
    """Describe the pictures in a JPEG's or PNG's Exif block: thumbnails, previews, those in a maker's note."""
    found: list[str] = []
    thumbnails: list[range] = []
    try:
        order, offset = tiff.read_header(data)
        first, *others = tiff.read_chain(data, offset, order)
    except Malformed:
        first, others = {}, []
    for directory in others:
        where = _thumbnail(directory, order)
        if where is not None:
            found.append(f"Exif thumbnail {_thumbnail_size(data, directory, order, where)}")
            thumbnails.append(where)
    if SUB_IFDS in first:
        found.append("pictures in Exif sub-directories")
    strays = [start for start in pictures.starts(data) if not any(start in where for where in thumbnails)]
    return found + [f"JPEG {pictures.jpeg_size(data, start)} inside the Exif block" for start in strays]


def _thumbnail(directory: Directory, order: ByteOrder) -> range | None:
    """Where the directory's picture lies: coded as JPEG, or in strips of plain samples."""
    for start_tag, length_tag in ((_JPEG_START, _JPEG_LENGTH), (_STRIP_OFFSETS, _STRIP_LENGTHS)):
        starts, lengths = tiff.numbers(directory, start_tag, order), tiff.numbers(directory, length_tag, order)
        if starts:
            return range(starts[0], starts[0] + sum(lengths))
    return None


def _thumbnail_size(data: bytes, directory: Directory, order: ByteOrder, where: range) -> str:
    if data[where.start : where.start + 2] == b"\xff\xd8":
        return pictures.jpeg_size(data, where.start)
    width, height = tiff.numbers(directory, _WIDTH, order), tiff.numbers(directory, _HEIGHT, order)
    return f"{width[0]}x{height[0]}" if width and height else "of unknown size"
