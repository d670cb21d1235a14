"""TIFF files (TIFF 6.0): one page of strips or tiles, how it is coded, and the file written anew.

What stays besides the picture: the same tags, XMP properties and ICC profile as in a JPEG.
"""

from dataclasses import dataclass
from typing import Final

from baas_preprocess.container import exif, photoshop, tiff
from baas_preprocess.container.metadata import Blocks, Metadata, gathered
from baas_preprocess.container.refusals import Malformed, damaged, truncated, unsupported
from baas_preprocess.container.tiff import LONG, ByteOrder, Directory, Entry, Tree

BIG_TIFF: Final = (b"II+\0", b"MM\0+")

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANES = 254, 256, 257, 258, 259, 262, 277, 284
_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS = 273, 279, 324, 325
_SAMPLE_FORMAT, _XMP, _PHOTOSHOP, _ICC = 339, 700, 34377, 34675
_BYTE, _UNDEFINED = 1, 7
_PICTURE_TAGS: Final = frozenset(
    {
        *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANES, _SAMPLE_FORMAT),
        *(266, 278, 317, 338),  # fill order, rows of a strip, predictor, meaning of a fourth sample
        *(_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS, 322, 323),
    }
)
_BLOCK_TAGS: Final = frozenset({_XMP, _ICC, _PHOTOSHOP, exif.SUB_IFDS, _SUBFILE})
_COLOURS: Final = {1: "grey", 2: "RGB"}
_LOSSLESS: Final = frozenset({1, 5, 8, 32946, 32773})


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffFile:
    """The one page of a file, and what else it holds."""

    order: ByteOrder
    page: Directory

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The whole numbers of one of the page's tags; empty without."""
        return tiff.numbers(self.page, tag, self.order)

    def number(self, tag: int, default: int = 0) -> int:
        """The first of `numbers`."""
        return next(iter(self.numbers(tag)), default)

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height)."""
        return self.number(_WIDTH), self.number(_HEIGHT)


def walk(data: bytes) -> TiffFile:
    """Find the page and its picture data.

    Raises `NotPublishable`: Truncated when data lies behind the file's end, Damaged when tags that every page has are
    missing, Unsupported for several pages.
    """
    if data[:4] in BIG_TIFF:
        raise unsupported("BigTIFF", "Convert it to a TIFF below 4 GB")
    if len(data) < 8:
        raise truncated(f"it has only {len(data)} bytes")
    try:
        order, offset = tiff.read_header(data)
        if offset >= len(data):
            raise truncated(f"its first directory should stand at byte {offset} of {len(data)}")
        first, *others = tiff.read_chain(data, offset, order)
    except Malformed as error:
        raise damaged(str(error)) from error
    if others:
        raise unsupported(f"a TIFF of {len(others) + 1} pages", "Save each page as a file of its own")
    if tiff.numbers(first, _SUBFILE, order)[:1] not in {(), (0,)}:
        raise unsupported("a TIFF whose first page is a preview, as in raw camera files")
    file = TiffFile(order=order, page=first)
    width_px, height_px = file.size_px
    if not width_px or not height_px:
        raise damaged("its first page has no width or no height")
    _places(data, file)
    return file


def _places(data: bytes, file: TiffFile) -> list[range]:
    """Where the strips or tiles lie."""
    kinds = ((_STRIP_OFFSETS, _STRIP_LENGTHS), (_TILE_OFFSETS, _TILE_LENGTHS))
    found = [pair for pair in kinds if file.numbers(pair[0])]
    if len(found) != 1:
        raise damaged("its first page has neither strips nor tiles, or both")
    starts, lengths = (file.numbers(tag) for tag in found[0])
    if len(starts) != len(lengths):
        raise damaged(f"its first page has {len(starts)} pieces of data, but {len(lengths)} lengths of pieces")
    places = [range(start, start + length) for start, length in zip(starts, lengths, strict=True)]
    end = max(place.stop for place in places)
    if end > len(data):
        raise truncated(f"its picture data should end at byte {end}, the file ends at {len(data)}")
    return places


def checked_coding(file: TiffFile) -> str:
    """Name the coding, such as `8-bit RGB`.

    Raises `NotPublishable` for other than grey or RGB of 8 or 16 bits, pixel by pixel, without loss.
    """
    colour = _COLOURS.get(file.number(_PHOTOMETRIC, -1))
    compression = file.number(_COMPRESSION, 1)
    depths, formats, samples = file.numbers(_BITS) or (1,), file.numbers(_SAMPLE_FORMAT), file.number(_SAMPLES, 1)
    if colour is None:
        raise unsupported(f"a TIFF of the colour model {file.number(_PHOTOMETRIC, -1)} (1, grey, and 2, RGB, are)")
    if compression not in _LOSSLESS:
        raise unsupported(f"a TIFF of compression {compression} (none, LZW, Deflate and PackBits are)")
    if set(depths) not in ({8}, {16}) or set(formats) - {1}:
        raise unsupported(f"a TIFF with samples of {max(depths)} bits, or other than whole numbers")
    plain = 3 if colour == "RGB" else 1
    if samples not in {plain, plain + 1}:
        raise unsupported(f"a TIFF with {samples} samples for each {colour} pixel")
    if samples > 1 and file.number(_PLANES, 1) != 1:
        raise unsupported("a TIFF with a separate plane for each colour")
    return f"{depths[0]}-bit {colour}{' with alpha' if samples > plain else ''}"


def metadata_of(data: bytes, file: TiffFile) -> Metadata:
    """Read all metadata of a TIFF that `walk` accepted."""
    packet, profile = file.page.get(_XMP), file.page.get(_ICC)
    kinds: list[str] = []
    hidden = ["pictures in sub-directories"] if exif.SUB_IFDS in file.page else []
    if resources := file.page.get(_PHOTOSHOP):
        found_kinds, found_hidden = photoshop.described(resources.value)
        kinds += found_kinds
        hidden += found_hidden
    blocks = Blocks(exif=data, xmp=packet.value if packet else None, icc=profile.value if profile else None)
    hidden += exif.pictures_in_values(exif.read(data), _PICTURE_TAGS)
    return gathered(blocks, kinds=kinds, hidden=hidden, ignored_tags=_PICTURE_TAGS | _BLOCK_TAGS)


def with_metadata(redacted: bytes, metadata: Metadata) -> bytes:
    """Return the redacted picture with the tags that stay, and no others, in the byte order that its coder chose."""
    file = walk(redacted)
    starts_tag = _STRIP_OFFSETS if _STRIP_OFFSETS in file.page else _TILE_OFFSETS
    pieces = bytearray(8)
    starts = []
    for place in _places(redacted, file):
        starts.append(len(pieces))
        pieces += redacted[place.start : place.stop]
        pieces += bytes(len(pieces) % 2)
    entries = {tag: entry for tag, entry in file.page.items() if tag in _PICTURE_TAGS}
    entries[starts_tag] = tiff.entry_of(starts_tag, LONG, starts, file.order)
    kept = metadata.kept()
    for tag, kind, block in ((_XMP, _BYTE, kept.xmp), (_ICC, _UNDEFINED, kept.icc)):
        if block:
            entries[tag] = Entry(tag=tag, kind=kind, count=len(block), value=block)
    tags = exif.kept(metadata.exif, file.order) if metadata.exif else Tree(entries=())
    tree = Tree(entries=(*tags.entries, *entries.values()), children=tags.children)
    pieces[:8] = tiff.header(file.order, len(pieces))
    return bytes(pieces) + tiff.coded(tree, file.order, len(pieces))
