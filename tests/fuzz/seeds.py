"""Files to begin from: small ones of every kind that is read, full of metadata. All are drawn and coded here."""

import itertools
import struct
import zlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import coded

PICTURE_PX: Final = (23, 17)

_EXIF: Final = files.exif(
    {files.MAKE: "Ladybug", files.ORIENTATION: [6], 0x010E: "my street"},
    taken={files.TAKEN: "2024:10:12 15:01:26", files.MAKER_NOTE: b"note" + files.jpeg(8, 8)},
    gps={1: "N", 2: [Fraction(52), Fraction(21), Fraction(212, 5)]},
    thumbnail=files.jpeg(8, 8),
    order=">",
)
_XMP: Final = files.xmp(
    'GPano:ProjectionType="equirectangular" GPano:PoseHeadingDegrees="303.14"',
    elements="<GPano:FullPanoWidthPixels>48</GPano:FullPanoWidthPixels>",
)
_ICC: Final = files.icc()
_PHOTOSHOP: Final = b"8BIM\4\x0c\0\0" + struct.pack(">IIII", 28, 1, 160, 120) + bytes(16)


def _full() -> dict[str, bytes]:
    """One file of each format with everything in it."""
    jpeg = files.with_segments(
        files.jpeg(*PICTURE_PX),
        (files.APP1, files.EXIF + _EXIF),
        (files.APP1, files.XMP + _XMP),
        (files.APP2, files.ICC + b"\2\2" + _ICC[100:]),
        (files.APP2, files.ICC + b"\1\2" + _ICC[:100]),
        (files.APP2, files.MPF + files.exif({0xB001: [2], 0xB002: bytes(32)})),
        (files.APP11, b"JP\0\1c2pa"),
        (files.APP13, b"Photoshop 3.0\0" + _PHOTOSHOP),
        (files.APP14, b"Adobe\0d\0\0\0\0\1"),
        (files.COM, b"my street"),
    )
    png = files.with_chunks(
        files.png(*PICTURE_PX),
        (b"gAMA", struct.pack(">I", 45455)),
        (b"sBIT", b"\x08\x08\x08"),
        (b"iCCP", b"my name\0\0" + zlib.compress(_ICC)),
        (b"eXIf", _EXIF),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(_XMP)),
        (b"tEXt", b"Author\0Ann"),
    )
    tags = ((700, 1, len(_XMP), _XMP, True), (34675, 7, None, _ICC, True), (34377, 1, None, _PHOTOSHOP, True))
    return {
        "full JPEG": jpeg + files.jpeg(8, 8),
        "full PNG": png + b"more",
        "full TIFF": files.tiff(order=">", description="my street", extratags=tags, compression="zlib"),
    }


def seeds() -> Mapping[str, bytes]:
    """Whole files by what is special about each."""
    return _full() | coded(*PICTURE_PX)


def write(folder: Path, heads: Sequence[bytes]) -> None:
    """Write the seeds as a corpus, each behind one of the heads in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    for (name, data), head in zip(seeds().items(), itertools.cycle(heads), strict=False):
        (folder / name.replace(" ", "-")).write_bytes(head + data)
