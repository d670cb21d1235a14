"""Which of the formats a file is in, and the metadata of any of them."""

from typing import Final

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.container import jpeg, jpeg_metadata, png, png_metadata, tiff_file
from baas_preprocess.container.metadata import Metadata
from baas_preprocess.container.refusals import truncated
from baas_preprocess.facts import ImageFormat

_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", ImageFormat.JPEG),
    (png.SIGNATURE, ImageFormat.PNG),
    (b"II*\0", ImageFormat.TIFF),
    (b"MM\0*", ImageFormat.TIFF),
    *((magic, ImageFormat.TIFF) for magic in tiff_file.BIG_TIFF),
)
_OTHER_BEGINNINGS: Final = (
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP"),
    (0, b"%PDF", "a PDF"),
    (8, b"WEBP", "a WebP picture"),
    (4, b"ftyp", "an HEIF or AVIF picture, or a film"),
    (4, b"jP  ", "a JPEG 2000 picture"),
)


def format_of(data: bytes) -> ImageFormat:
    """The format by the first bytes, whatever a file's name says. Raises `NotPublishable` for all others."""
    if not data:
        raise NotPublishable(QuarantineReason.EMPTY, "The file has no bytes. Copy it again from its source.")
    for beginning, found in _BEGINNINGS:
        if data.startswith(beginning):
            return found
        if beginning.startswith(data):
            raise truncated(f"it has only {len(data)} bytes")
    other = next((name for at, magic, name in _OTHER_BEGINNINGS if data[at : at + len(magic)] == magic), None)
    raise NotPublishable(
        QuarantineReason.NOT_AN_IMAGE,
        f"The file's content is {other or 'no picture that we know'}. Only JPEG, PNG and TIFF can be published.",
    )


def metadata_of(data: bytes) -> Metadata:
    """Read what a file says besides its picture. Raises `NotPublishable` when its structure is broken."""
    match format_of(data):
        case ImageFormat.JPEG:
            return jpeg_metadata.metadata_of(data, jpeg.walk(data))
        case ImageFormat.PNG:
            return png_metadata.metadata_of(data, *png.walk(data))
        case ImageFormat.TIFF:
            return tiff_file.metadata_of(data, tiff_file.walk(data))
