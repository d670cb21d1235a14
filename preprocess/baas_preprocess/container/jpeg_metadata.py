"""The metadata segments of a JPEG: found, named, and written anew."""

import struct
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from baas_preprocess.container import exif, icc, photoshop, pictures, tiff
from baas_preprocess.container.jpeg import APP, COM, PICTURE, Jpeg, Segment, assembled, coded
from baas_preprocess.container.metadata import Blocks, Metadata, gathered
from baas_preprocess.container.refusals import Malformed

_APP0, _APP1, _APP2, _APP11, _APP13, _APP14 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE
_XMP_HEAD: Final = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF_HEAD: Final = b"Exif\0\0"
_SIGNATURES: Final = (
    (_APP0, b"JFIF\0", "JFIF"),
    (_APP0, b"JFXX\0", "JFIF extension"),
    (_APP1, b"Exif\0", "Exif"),
    (_APP1, _XMP_HEAD, "XMP"),
    (_APP1, b"http://ns.adobe.com/xmp/extension/\0", "extended XMP"),
    (_APP2, b"ICC_PROFILE\0", "ICC"),
    (_APP2, b"MPF\0", "MPF"),
    (_APP2, b"FPXR\0", "FlashPix"),
    (_APP11, b"JP", "JUMBF"),
    (_APP13, b"Photoshop 3.0\0", "Photoshop resources"),
    (_APP14, b"Adobe", "Adobe"),
)
_READ_AS_BLOCKS: Final = frozenset({"Exif", "XMP", "ICC", "Photoshop resources"})
_MP_ENTRIES: Final = 0xB002


def adobe_transform(jpeg: Jpeg) -> int | None:
    """The colour transform that the Adobe segment tells: 0 none, 1 YCbCr, 2 YCCK. None without such a segment."""
    found = [segment.payload[11] for segment in jpeg.segments if _is_adobe(segment)]
    return found[-1] if found else None


def _is_adobe(segment: Segment) -> bool:
    return segment.marker == _APP14 and segment.payload.startswith(b"Adobe") and len(segment.payload) >= 12


def is_jfif(segment: Segment) -> bool:
    """Whether it is the JFIF segment, long enough for decoders to take it as such."""
    return name_of(segment) == "JFIF" and len(segment.payload) >= 14


def name_of(segment: Segment) -> str | None:
    """What a segment holds, None for those that belong to the picture itself."""
    for marker, head, name in _SIGNATURES:
        if segment.marker == marker and segment.payload.startswith(head):
            return name
    if segment.marker == COM:
        return "comment"
    if segment.marker in APP:
        return f"APP{segment.marker - APP.start}"
    return None if segment.marker in PICTURE else f"segment {segment.marker:#04x}"


def metadata_of(data: bytes, jpeg: Jpeg) -> Metadata:
    """Read all metadata of a JPEG that `walk` accepted."""
    payloads: dict[str, list[bytes]] = defaultdict(list)
    for segment in jpeg.segments:
        name = name_of(segment)
        if name is not None:
            payloads[name].append(segment.payload)
    resources = b"".join(payload[14:] for payload in payloads["Photoshop resources"])
    kinds, hidden = photoshop.described(resources) if resources else ([], [])
    kinds += [name for name, found in payloads.items() if found and name not in _READ_AS_BLOCKS]
    for name, found in payloads.items():
        hidden += _hidden(name, found)
    hidden += _behind(data[jpeg.end :])
    blocks = Blocks(
        exif=payloads["Exif"][0][len(_EXIF_HEAD) :] if payloads["Exif"] else None,
        xmp=payloads["XMP"][0][len(_XMP_HEAD) :] if payloads["XMP"] else None,
        icc=icc.joined(payloads["ICC"]) if payloads["ICC"] else None,
    )
    return gathered(blocks, kinds=kinds, hidden=hidden)


def _hidden(name: str, payloads: list[bytes]) -> list[str]:
    """Describe the pictures in all segments of one name.

    The first segment is read by its reader. Repeated ones are only searched for how files begin, since they never stay,
    and a hostile file could hold thousands.
    """
    reader = _READERS.get(name)
    found = reader(payloads[0]) if reader and payloads else []
    rest = payloads[1:] if reader else payloads
    return found + [f"{picture} in {name}" for payload in rest for picture in pictures.inside(payload)]


def _in_exif(payload: bytes) -> list[str]:
    return exif.hidden(payload[len(_EXIF_HEAD) :])


def _in_jfif(payload: bytes) -> list[str]:
    return [f"JFIF thumbnail {payload[12]}x{payload[13]}"] if len(payload) >= 14 and any(payload[12:14]) else []


def _in_jumbf(payload: bytes) -> list[str]:
    return ["content credentials (C2PA)" if b"c2pa" in payload else "JUMBF boxes"]


def _in_mpf(payload: bytes) -> list[str]:
    """Describe the second and further pictures that a multi-picture index lists (CIPA DC-007, 5.2.3)."""
    block = payload[len(b"MPF\0") :]
    try:
        order, offset = tiff.read_header(block)
        index, _ = tiff.read_directory(block, offset, order)
    except Malformed:
        return ["unreadable list of further pictures (MPF)"]
    entry = index.get(_MP_ENTRIES)
    rows = entry.value[: len(entry.value) // 16 * 16] if entry else b""
    sizes = [size for _, size, _, _, _ in struct.iter_unpack(f"{order}IIIHH", rows)]
    return [f"MPF picture {number}, {size} bytes" for number, size in enumerate(sizes[1:], start=2)]


_READERS: Final[Mapping[str, Callable[[bytes], list[str]]]] = {
    "Exif": _in_exif,
    "JFIF": _in_jfif,
    "JFIF extension": lambda _: ["JFIF extension thumbnail"],
    "extended XMP": lambda _: ["extended XMP"],
    "MPF": _in_mpf,
    "JUMBF": _in_jumbf,
    # Searched where they are read.
    "XMP": lambda _: [],
    "ICC": lambda _: [],
    "Photoshop resources": lambda _: [],
}


def _behind(rest: bytes) -> list[str]:
    """Describe what lies behind the end of the picture."""
    if not rest:
        return []
    found = [f"{picture} after the end" for picture in pictures.inside(rest)]
    return [*found, f"{len(rest)} bytes after the end"]


def with_metadata(redacted: bytes, jpeg: Jpeg, blocks: Blocks, density: bytes | None) -> bytes:
    """Return `redacted` with these blocks and no other metadata.

    Its JFIF and Adobe segments stay as the coder wrote them, since decoders take the meaning of the colours from them;
    `density` (unit and two numbers, five bytes) replaces the one in JFIF.
    """
    own = {name_of(segment): segment for segment in jpeg.segments}  # the last of each name, as decoders take them
    parts: list[bytes | memoryview] = []
    if (jfif := own.get("JFIF")) and is_jfif(jfif):
        shown = density if density and not pictures.begins_in(density) else jfif.payload[7:12]
        parts.append(coded(_APP0, jfif.payload[:7] + shown + b"\0\0"))
    if blocks.exif:
        parts.append(coded(_APP1, _EXIF_HEAD + blocks.exif))
    if blocks.xmp:
        parts.append(coded(_APP1, _XMP_HEAD + blocks.xmp))
    if blocks.icc:
        parts.append(coded(_APP2, icc.segment(blocks.icc)))
    if (adobe := own.get("Adobe")) and _is_adobe(adobe):
        parts.append(coded(_APP14, adobe.payload[:12]))
    view = memoryview(redacted)
    parts += [view[segment.start : segment.end] for segment in jpeg.segments if name_of(segment) is None]
    return assembled(parts)


def density_of(jpeg: Jpeg) -> bytes | None:
    """The pixel density of the JFIF segment: unit, across, down. None without JFIF."""
    return next((segment.payload[7:12] for segment in reversed(jpeg.segments) if is_jfif(segment)), None)
