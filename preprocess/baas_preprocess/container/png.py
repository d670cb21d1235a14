"""The chunks of a PNG file (PNG specification, third edition), from signature to IEND and behind it."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from baas_preprocess.container.refusals import Malformed, damaged, truncated, unsupported

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS: Final = 200_000
"""An encoder that writes 4 KB of data a chunk reaches it at 800 MB."""
_CRITICAL: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_ANIMATION: Final = frozenset({b"acTL", b"fcTL", b"fdAT"})
_COLOURS: Final = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}

_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk, whose checksum was right."""

    kind: bytes
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The content of IHDR."""

    width_px: int
    height_px: int
    depth: int
    colour: int
    is_interlaced: bool


def walk(data: bytes) -> tuple[tuple[Chunk, ...], int]:
    """Return the chunks up to and with IEND, and the offset behind it.

    Raises `NotPublishable`: Truncated when the file ends earlier, Damaged when order, length or checksum are wrong,
    Unsupported for animations and unknown critical chunks.
    """
    chunks: list[Chunk] = []
    position = len(SIGNATURE)
    while not chunks or chunks[-1].kind != b"IEND":
        if len(chunks) > MAX_CHUNKS:
            raise damaged(f"it has more than {MAX_CHUNKS} chunks")
        chunk = _chunk_at(data, position)
        position += 12 + len(chunk.data)
        chunks.append(chunk)
    _check_order(chunks)
    return tuple(chunks), position


def _chunk_at(data: bytes, position: int) -> Chunk:
    head = data[position : position + 8]
    size = int.from_bytes(head[:4], "big")
    kind = head[4:]
    end = position + 12 + size
    if len(head) < 8 or end > len(data):
        raise truncated(f"the chunk at byte {position} reaches beyond the file's {len(data)} bytes")
    if not kind.isalpha():
        raise damaged(f"the chunk at byte {position} has no valid type")
    content = data[position + 8 : end - 4]
    if zlib.crc32(content, zlib.crc32(kind)) != int.from_bytes(data[end - 4 : end], "big"):
        raise damaged(f"the checksum of the chunk {kind.decode('ascii')} at byte {position} is wrong")
    return Chunk(kind=kind, data=content)


def _check_order(chunks: list[Chunk]) -> None:
    kinds = [chunk.kind for chunk in chunks]
    if _ANIMATION & set(kinds):
        raise unsupported("an animated PNG", "Convert it to a single picture first")
    unknown = next((kind for kind in kinds if not kind[0] & 0x20 and kind not in _CRITICAL), None)
    if unknown:
        raise unsupported(f"a PNG with the critical chunk {unknown.decode('ascii')}")
    first, count = (kinds.index(b"IDAT"), kinds.count(b"IDAT")) if b"IDAT" in kinds else (0, 0)
    if kinds[0] != b"IHDR" or kinds.count(b"IHDR") != 1 or kinds.count(b"PLTE") > 1:
        raise damaged("its chunks do not begin with one IHDR, or it has several palettes")
    if count == 0 or set(kinds[first : first + count]) != {b"IDAT"}:
        raise damaged("its picture data (IDAT) is missing or not in one piece")


def header_of(chunks: tuple[Chunk, ...]) -> Header:
    """Read IHDR. Raises `NotPublishable` when its values are not those of a PNG."""
    content = chunks[0].data
    if len(content) != 13:
        raise damaged(f"IHDR has {len(content)} bytes; 13 are expected")
    width_px, height_px, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", content)
    if (
        not width_px
        or not height_px
        or depth not in _DEPTHS.get(colour, ())
        or compression
        or filtering
        or interlace > 1
    ):
        raise damaged("IHDR has values that no PNG has")
    return Header(width_px=width_px, height_px=height_px, depth=depth, colour=colour, is_interlaced=interlace == 1)


def coding_of(header: Header) -> str:
    """Name the coding, such as `8-bit RGB`."""
    name = f"{header.depth}-bit {_COLOURS[header.colour]}"
    return f"{name}, interlaced" if header.is_interlaced else name


def inflated(compressed: bytes, limit: int) -> bytes:
    """Decompress at most `limit` bytes. Raises `Malformed` when there are more, or when the data is not whole."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(compressed, limit + 1)
    except zlib.error as error:
        raise Malformed("compressed data cannot be read") from error
    if len(content) > limit or not stream.eof:
        raise Malformed(f"compressed data is incomplete, or longer than {limit} bytes")
    return content


def assembled(chunks: Iterable[Chunk]) -> bytes:
    """A whole file of these chunks."""
    parts = [SIGNATURE]
    for chunk in chunks:
        checksum = zlib.crc32(chunk.data, zlib.crc32(chunk.kind))
        parts += [len(chunk.data).to_bytes(4, "big"), chunk.kind, chunk.data, checksum.to_bytes(4, "big")]
    return b"".join(parts)
