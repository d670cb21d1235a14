"""Small picture files with the metadata that a test needs. Every picture is drawn here."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, ImageDraw

from baas_preprocess.container.jpeg import FRAMES, SOS, walk

JFIF, EXIF, ICC, MPF = b"JFIF\0", b"Exif\0\0", b"ICC_PROFILE\0", b"MPF\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
APP0, APP1, APP2, APP11, APP13, APP14, COM = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE, 0xFE

MAKE, ORIENTATION, EXIF_IFD, GPS_IFD, MAKER_NOTE, TAKEN = 0x010F, 0x0112, 0x8769, 0x8825, 0x927C, 0x9003
THUMBNAIL_AT, THUMBNAIL_BYTES = 0x0201, 0x0202


def picture(width: int = 48, height: int = 32, mode: str = "RGB") -> Image.Image:
    """Draw circles on a ramp."""
    drawn = Image.linear_gradient("L").resize((width, height)).convert(mode)
    ImageDraw.Draw(drawn).ellipse(
        (width // 4, height // 4, width // 2, height // 2), fill=128 if mode == "L" else "red"
    )
    return drawn


def jpeg(width: int = 48, height: int = 32, *, mode: str = "RGB", **options: Any) -> bytes:
    """Code a JPEG that holds JFIF and the picture, and nothing else."""
    written = BytesIO()
    picture(width, height, mode).save(written, "JPEG", **({"quality": 80} | options))
    return written.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    """Code one JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def with_segments(file: bytes, *segments: tuple[int, bytes]) -> bytes:
    """Put segments behind the JFIF segment of a JPEG."""
    end = 4 + struct.unpack_from(">H", file, 4)[0]
    return file[:end] + b"".join(segment(marker, payload) for marker, payload in segments) + file[end:]


def without_jfif(file: bytes) -> bytes:
    """Take away the JFIF segment that a JPEG begins with."""
    return file[:2] + file[4 + struct.unpack_from(">H", file, 4)[0] :]


def with_components_called(file: bytes, numbers: bytes) -> bytes:
    """Rename the components of a JPEG in its frame header and in the headers of its scans, in their order."""
    renamed = bytearray(file)
    names: dict[int, int] = {}
    for part in walk(file).segments:
        if part.marker in FRAMES:
            for n, number in enumerate(numbers):
                names[file[part.start + 10 + 3 * n]] = number
                renamed[part.start + 10 + 3 * n] = number
        elif part.marker == SOS:
            for at in range(part.start + 5, part.start + 5 + 2 * file[part.start + 4], 2):
                renamed[at] = names[file[at]]
    return bytes(renamed)


def with_frame(
    *, marker: int = 0xC0, precision: int = 8, size: tuple[int, int] = (32, 48), factors: bytes = b""
) -> bytes:
    """Change the frame header of a JPEG; `factors` are the sampling factors of its components."""
    data = jpeg(mode="L" if len(factors) == 1 else "RGB" if len(factors) in {0, 3} else "CMYK")
    at = data.index(b"\xff\xc0")
    count = data[at + 9]
    components = b"".join(
        bytes([data[at + 10 + 3 * n], factors[n] if factors else data[at + 11 + 3 * n], data[at + 12 + 3 * n]])
        for n in range(count)
    )
    frame = bytes([precision]) + struct.pack(">HH", *size) + bytes([count]) + components
    return data[:at] + segment(marker, frame) + data[at + 4 + len(frame) :]


def jpeg_with_coefficient(size: int) -> bytes:
    """A grey JPEG of one block: level 0, and one coefficient of the greatest value that has so many bits."""
    bits = "0" + "0" + "1" * size + "10"  # level: no difference; coefficient; end of block
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    return b"".join(
        [
            b"\xff\xd8",
            segment(0xDB, b"\0" + b"\1" * 64),
            segment(0xC0, bytes([8, 0, 8, 0, 8, 1, 1, 0x11, 0])),
            segment(0xC4, b"\x00" + bytes([1, *[0] * 15]) + b"\0"),
            segment(0xC4, b"\x10" + bytes([1, 1, *[0] * 14]) + bytes([size, 0])),
            segment(0xDA, bytes([1, 1, 0, 0, 63, 0])),
            scan,
            b"\xff\xd9",
        ]
    )


Value = bytes | Sequence[int] | Sequence[Fraction] | str
Tags = Mapping[int, Value]


def _entry(value: Value, order: str) -> tuple[int, int, bytes]:
    if isinstance(value, str):
        return 2, len(value) + 1, value.encode() + b"\0"
    if isinstance(value, bytes):
        return 7, len(value), value
    if isinstance(value[0], Fraction):
        return 5, len(value), b"".join(struct.pack(f"{order}II", *each.as_integer_ratio()) for each in value)
    return 4, len(value), struct.pack(f"{order}{len(value)}I", *value)


def directory(tags: Tags, at: int, order: str, following: int = 0) -> bytes:
    """Code a TIFF directory to stand at offset `at`: text, opaque bytes, fractions, or whole numbers of 32 bits."""
    rows, heap = b"", b""
    heap_at = at + 6 + 12 * len(tags)
    for tag, value in sorted(tags.items()):
        kind, count, coded = _entry(value, order)
        if len(coded) > 4:
            place = struct.pack(f"{order}I", heap_at + len(heap))
            heap += coded + bytes(len(coded) % 2)
        else:
            place = coded.ljust(4, b"\0")
        rows += struct.pack(f"{order}HHI", tag, kind, count) + place
    return struct.pack(f"{order}H", len(tags)) + rows + struct.pack(f"{order}I", following) + heap


def exif(
    main: Tags, *, taken: Tags | None = None, gps: Tags | None = None, thumbnail: bytes = b"", order: str = "<"
) -> bytes:
    """Code an Exif block: its main directory, the Exif and GPS directories, and a thumbnail in a second one."""
    first = dict(main)
    parts = [b"II*\0" if order == "<" else b"MM\0*", struct.pack(f"{order}I", 8)]
    # The main directory's length does not depend on where it points to, so it is coded twice.
    first |= {EXIF_IFD: [0]} if taken is not None else {}
    first |= {GPS_IFD: [0]} if gps is not None else {}
    at = 8 + len(directory(first, 8, order))
    others = b""
    for pointer, tags in ((EXIF_IFD, taken), (GPS_IFD, gps)):
        if tags is not None:
            first[pointer] = [at + len(others)]
            others += directory(tags, at + len(others), order)
    following = 0
    if thumbnail:
        following = at + len(others)
        size = len(directory({THUMBNAIL_AT: [0], THUMBNAIL_BYTES: [0]}, 0, order))
        where = {THUMBNAIL_AT: [following + size], THUMBNAIL_BYTES: [len(thumbnail)]}
        others += directory(where, following, order) + thumbnail
    return b"".join([*parts, directory(first, 8, order, following), others])


def xmp(properties: str, *, namespaces: str = "", elements: str = "") -> bytes:
    """Write an XMP packet around attributes and elements."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        f' xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {namespaces} {properties}>{elements}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


_POINT = b"XYZ " + bytes(16)
_GAMMA = b"curv" + struct.pack(">4xIH", 1, 0x0233)
RGB_TAGS = [
    *((name, _POINT) for name in (b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ")),
    *((name, _GAMMA) for name in (b"rTRC", b"gTRC", b"bTRC")),
]
GREY_TAGS = [(b"wtpt", _POINT), (b"kTRC", _GAMMA)]


def icc(space: bytes = b"RGB ", *more: tuple[bytes, bytes], tags: list[tuple[bytes, bytes]] | None = None) -> bytes:
    """Code a colour profile of the usual tags, and more."""
    usual = GREY_TAGS if space == b"GRAY" else RGB_TAGS
    listed = [*(usual if tags is None else tags), *more]
    at = 132 + 12 * len(listed)
    table, body = b"", b""
    places: dict[bytes, int] = {}
    for name, data in listed:
        if data not in places:
            places[data] = at + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    head = struct.pack(">I", at + len(body)) + bytes(12) + space + bytes(16) + b"acsp" + bytes(88)
    return head + struct.pack(">I", len(listed)) + table + body


def png(width: int = 48, height: int = 32, *, mode: str = "RGB") -> bytes:
    """Code a PNG that holds the picture and nothing else."""
    written = BytesIO()
    picture(width, height, mode).save(written, "PNG")
    return written.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Code one PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(file: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Put chunks behind a PNG's IHDR."""
    return file[:33] + b"".join(chunk(kind, data) for kind, data in chunks) + file[33:]


def tiff(samples: npt.NDArray[Any] | None = None, *, order: str = "<", pages: int = 1, **options: Any) -> bytes:
    """Code a TIFF that holds the picture, or these samples, and besides only what tifffile's `options` add."""
    written = BytesIO()
    with tifffile.TiffWriter(written, byteorder=order, bigtiff=options.pop("bigtiff", False)) as file:
        for _ in range(pages):
            pixels = np.asarray(picture()) if samples is None else samples
            file.write(pixels, **({"metadata": None, "software": False} | options))
    return written.getvalue()
