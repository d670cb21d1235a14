"""The file around the pixels: JPEG with Exif, GPS, a thumbnail and the GPano packet, as survey cameras write it."""

import io
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from baas_preprocess.facts import Pixels

_QUALITY = 92
_THUMBNAIL_PX = (512, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One of the ways in which cameras write the same picture."""

    name: str
    byte_order: Literal["<", ">"] = "<"
    """Of the Exif numbers: little-endian or big-endian."""
    progressive: bool = False
    restart_rows: int = 0
    """A restart marker after so many rows of blocks; 0 for none."""


VARIANTS = (
    Variant(name="baseline"),
    Variant(name="progressive", progressive=True),
    Variant(name="big-endian-exif", byte_order=">"),
    Variant(name="restart", restart_rows=1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """When and where a picture pretends to be taken; degrees."""

    taken_at: datetime
    latitude: float
    longitude: float
    heading: float


def encode(picture: Pixels, shot: Shot, variant: Variant) -> bytes:
    """Return the JPEG. Its Exif thumbnail shows the same picture, as it is."""
    image = Image.fromarray(picture)
    height, width = picture.shape[:2]
    file = io.BytesIO()
    image.save(
        file,
        "JPEG",
        quality=_QUALITY,
        subsampling="4:2:0",
        progressive=variant.progressive,
        restart_marker_rows=variant.restart_rows,
        exif=_exif(shot, _thumbnail(image), variant.byte_order),
        xmp=_xmp(width, height, shot),
    )
    return file.getvalue()


def _thumbnail(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.resize(_THUMBNAIL_PX, Image.Resampling.BOX).save(file, "JPEG", quality=75)
    return file.getvalue()


def _exif(shot: Shot, thumbnail: bytes, byte_order: Literal["<", ">"]) -> bytes:
    """Return Exif with a second directory that points to the thumbnail, which Pillow does not write by itself."""
    taken = shot.taken_at.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif.endian = byte_order
    exif[ExifTags.Base.Make] = "Blurring-as-a-Service"
    exif[ExifTags.Base.Model] = "sample"
    exif[ExifTags.Base.Orientation] = 1
    exif[ExifTags.Base.DateTime] = taken
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: taken}
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N" if shot.latitude >= 0 else "S",
        ExifTags.GPS.GPSLatitude: _sexagesimal(shot.latitude),
        ExifTags.GPS.GPSLongitudeRef: "E" if shot.longitude >= 0 else "W",
        ExifTags.GPS.GPSLongitude: _sexagesimal(shot.longitude),
        ExifTags.GPS.GPSImgDirectionRef: "T",
        ExifTags.GPS.GPSImgDirection: IFDRational(round(shot.heading * 100), 100),
    }
    # Exif 2.3, chapter 4.5.2: header, directory 0, ..., directory 1, thumbnail; offsets count from the header.
    identifier, tiff = 6, bytearray(exif.tobytes())
    tiff_size = len(tiff) - identifier
    second = ImageFileDirectory_v2(ifh=bytes(tiff[identifier : identifier + 8]))
    second[ExifTags.Base.Compression] = 6
    second[ExifTags.Base.JpegIFOffset] = 0
    second[ExifTags.Base.JpegIFByteCount] = len(thumbnail)
    second[ExifTags.Base.JpegIFOffset] = tiff_size + len(second.tobytes(tiff_size))
    (entries,) = struct.unpack_from(byte_order + "H", tiff, identifier + 8)
    struct.pack_into(byte_order + "L", tiff, identifier + 8 + 2 + 12 * entries, tiff_size)
    return bytes(tiff) + second.tobytes(tiff_size) + thumbnail


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Return degrees, minutes and seconds to a hundredth, all positive."""
    hundredths = round(abs(degrees) * 3600 * 100)
    minutes, seconds = divmod(hundredths, 6000)
    whole, minutes = divmod(minutes, 60)
    return IFDRational(whole), IFDRational(minutes), IFDRational(seconds, 100)


def _xmp(width: int, height: int, shot: Shot) -> bytes:
    """Return the packet that tells viewers: a full sphere (Google's Photo Sphere XMP metadata)."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"
 GPano:UsePanoramaViewer="True" GPano:ProjectionType="equirectangular"
 GPano:FullPanoWidthPixels="{width}" GPano:FullPanoHeightPixels="{height}"
 GPano:CroppedAreaImageWidthPixels="{width}" GPano:CroppedAreaImageHeightPixels="{height}"
 GPano:CroppedAreaLeftPixels="0" GPano:CroppedAreaTopPixels="0"
 GPano:PoseHeadingDegrees="{shot.heading:.2f}"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
