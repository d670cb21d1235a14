"""The ancillary chunks of a PNG: found, named, and written anew."""

import zlib
from typing import Final

from baas_preprocess.container import exif, icc, pictures, xmp
from baas_preprocess.container.metadata import Blocks, Metadata, gathered
from baas_preprocess.container.png import Chunk, assembled, inflated
from baas_preprocess.container.refusals import Malformed

_PICTURE: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"})
_PLAIN: Final = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9}
"""Chunks that stay as they are, if they have this many bytes."""
_BY_COLOUR: Final = frozenset({b"sBIT", b"bKGD"})
"""At most 6 bytes, which mean something for one colour type only: they stay while that is the same."""
_GREY: Final = frozenset({0, 4})
_XMP_HEAD: Final = b"XML:com.adobe.xmp\0"
_NAMES: Final = {
    b"tEXt": "text",
    b"zTXt": "text",
    b"iTXt": "text",
    b"tIME": "time of change",
    b"caBX": "content credentials (C2PA)",
}


def metadata_of(data: bytes, chunks: tuple[Chunk, ...], end: int) -> Metadata:
    """Read all metadata of a PNG that `walk` accepted; `end` is the offset behind IEND."""
    kinds, hidden = [], []
    for chunk in chunks:
        if chunk.kind in _PICTURE | {b"eXIf", b"iCCP"} or _is_xmp(chunk):
            continue
        kinds.append(_NAMES.get(chunk.kind, f"chunk {chunk.kind.decode('ascii')}"))
        if chunk.kind == b"caBX":
            hidden.append(_NAMES[chunk.kind])
        hidden += [f"{picture} in chunk {chunk.kind.decode('ascii')}" for picture in pictures.inside(chunk.data)]
    exif_block = _first(chunks, b"eXIf")
    if exif_block is not None:
        hidden += exif.hidden(exif_block)
    if end < len(data):
        hidden += [f"{picture} after the end" for picture in pictures.inside(data[end:])]
        hidden.append(f"{len(data) - end} bytes after the end")
    blocks = Blocks(exif=exif_block, xmp=_xmp_of(chunks), icc=_icc_of(chunks))
    return gathered(blocks, kinds=kinds, hidden=hidden)


def _first(chunks: tuple[Chunk, ...], kind: bytes) -> bytes | None:
    return next((chunk.data for chunk in chunks if chunk.kind == kind), None)


def _is_xmp(chunk: Chunk) -> bool:
    return chunk.kind == b"iTXt" and chunk.data.startswith(_XMP_HEAD)


def _xmp_of(chunks: tuple[Chunk, ...]) -> bytes | None:
    """The first packet: keyword, compression flag and method, language, translated keyword, text."""
    content = next((chunk.data[len(_XMP_HEAD) :] for chunk in chunks if _is_xmp(chunk)), None)
    if content is None:
        return None
    text = content[2:].split(b"\0", 2)[-1]
    try:
        return inflated(text, xmp.MAX_PACKET_BYTES) if content[:1] == b"\1" else text
    except Malformed:
        return b""


def _icc_of(chunks: tuple[Chunk, ...]) -> bytes | None:
    """The profile: name, compression method, compressed profile."""
    content = _first(chunks, b"iCCP")
    if content is None:
        return None
    try:
        return inflated(content.partition(b"\0")[2][1:], icc.MAX_BYTES)
    except Malformed:
        return b""


def with_metadata(redacted: tuple[Chunk, ...], original: tuple[Chunk, ...], blocks: Blocks) -> bytes:
    """Return the redacted picture with these blocks and the original's plain chunks, and no other metadata."""
    header, palette = redacted[0], [chunk for chunk in redacted if chunk.kind == b"PLTE"]
    same_colours = header.data[8:10] == original[0].data[8:10]
    plain = {chunk.kind: chunk for chunk in reversed(original) if _stays(chunk, same_colours=same_colours)}
    before_palette = [plain[kind] for kind in (b"gAMA", b"cHRM", b"sRGB", b"sBIT") if kind in plain]
    if blocks.icc and icc.is_grey(blocks.icc) == (header.data[9] in _GREY):
        # The profile's name is free text; the profile itself is what counts.
        before_palette.append(Chunk(kind=b"iCCP", data=b"ICC\0\0" + zlib.compress(blocks.icc)))
    behind_palette = [plain[kind] for kind in (b"bKGD", b"pHYs") if kind in plain]
    if blocks.exif:
        behind_palette.append(Chunk(kind=b"eXIf", data=blocks.exif))
    if blocks.xmp:
        behind_palette.append(Chunk(kind=b"iTXt", data=_XMP_HEAD + bytes(4) + blocks.xmp))
    transparency = [chunk for chunk in redacted if chunk.kind == b"tRNS"]
    picture = [chunk for chunk in redacted if chunk.kind in {b"IDAT", b"IEND"}]
    return assembled([header, *before_palette, *palette, *transparency, *behind_palette, *picture])


def _stays(chunk: Chunk, *, same_colours: bool) -> bool:
    if chunk.kind in _BY_COLOUR:
        is_listed = same_colours and len(chunk.data) <= 6
    else:
        is_listed = len(chunk.data) == _PLAIN.get(chunk.kind)
    return is_listed and not pictures.begins_in(chunk.data)
