"""XMP packets (ISO 16684-1): what they say about the geometry, and a new packet with what stays.

A property stays when its namespace and name are on the list and its value is a number, a time or one of a few words;
only the makes and models of camera and lens are free texts. Lists, structures and embedded pictures are not copied but
left behind: the packet is written anew.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml.ElementTree import fromstring

from baas_preprocess.container.refusals import Malformed

MAX_PACKET_BYTES: Final = 1_000_000
"""Of a packet that is read. A JPEG segment holds 65 KB; PNG and TIFF set no limit."""
MAX_VALUE_CHARS: Final = 64
"""Of a value that stays."""
MAX_KEPT_BYTES: Final = 60_000
"""Of the new packet, which must fit into one JPEG segment."""

GPANO: Final = "http://ns.google.com/photos/1.0/panorama/"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The properties of one namespace that stay."""

    prefix: str
    names: frozenset[str]


def _schema(prefix: str, names: str) -> Schema:
    return Schema(prefix=prefix, names=frozenset(names.split()))


SCHEMAS: Final[Mapping[str, Schema]] = {
    GPANO: _schema(
        "GPano",
        "UsePanoramaViewer ProjectionType PoseHeadingDegrees PosePitchDegrees "
        "PoseRollDegrees InitialViewHeadingDegrees InitialViewPitchDegrees InitialViewRollDegrees "
        "InitialHorizontalFOVDegrees InitialVerticalFOVDegrees InitialCameraDolly FirstPhotoDate LastPhotoDate "
        "SourcePhotosCount ExposureLockUsed CroppedAreaImageWidthPixels CroppedAreaImageHeightPixels "
        "CroppedAreaLeftPixels CroppedAreaTopPixels FullPanoWidthPixels FullPanoHeightPixels "
        "LargestValidInteriorRectLeft LargestValidInteriorRectTop LargestValidInteriorRectWidth "
        "LargestValidInteriorRectHeight",
    ),
    "http://ns.adobe.com/exif/1.0/": _schema(
        "exif",
        "ExifVersion ColorSpace PixelXDimension PixelYDimension DateTime DateTimeOriginal DateTimeDigitized "
        "ExposureTime FNumber ExposureProgram ShutterSpeedValue ApertureValue BrightnessValue ExposureBiasValue "
        "MaxApertureValue SubjectDistance MeteringMode LightSource FocalLength FocalLengthIn35mmFilm ExposureMode "
        "WhiteBalance DigitalZoomRatio SceneCaptureType GPSVersionID GPSLatitude GPSLongitude GPSAltitudeRef "
        "GPSAltitude GPSTimeStamp GPSSatellites GPSStatus GPSMeasureMode GPSDOP GPSSpeedRef GPSSpeed GPSTrackRef "
        "GPSTrack GPSImgDirectionRef GPSImgDirection GPSMapDatum GPSDifferential GPSHPositioningError",
    ),
    "http://cipa.jp/exif/1.0/": _schema(
        "exifEX", "LensMake LensModel PhotographicSensitivity SensitivityType OffsetTime OffsetTimeOriginal"
    ),
    "http://ns.adobe.com/tiff/1.0/": _schema(
        "tiff", "Make Model Orientation ImageWidth ImageLength XResolution YResolution ResolutionUnit DateTime"
    ),
    "http://ns.adobe.com/xap/1.0/": _schema("xmp", "CreateDate ModifyDate"),
    "http://ns.adobe.com/photoshop/1.0/": _schema("photoshop", "DateCreated"),
    "http://pix4d.com/camera/1.0/": _schema(
        "Camera", "Yaw Pitch Roll GPSXYAccuracy GPSZAccuracy HorizCS VertCS ModelType PrincipalPoint"
    ),
}

_FREE_TEXTS: Final = frozenset({"Make", "Model", "LensMake", "LensModel"})
# Numbers and times as XMP writes them (Part 2, 3.2: `52,21.70N`, `2024-10-12T15:01:26Z`), with two letters at most.
_PLAIN: Final = re.compile(
    r"[0-9.,:;/+ -]*[AEKMNSTVWZe]?[0-9.,:;/+ -]*[ENSWZ]?"
    r"|(?i:true|false|equirectangular|cylindrical|spherical|perspective|fisheye|sRGB"
    r"|WGS[- ]?84|ETRS[- ]?89|EPSG:[0-9]{4,6}|ellipsoidal)"
)

_PICTURES: Final = {
    b"http://ns.adobe.com/xap/1.0/g/img/": "XMP thumbnail",
    b"http://ns.google.com/photos/1.0/depthmap/": "depth map in XMP (GDepth)",
    b"http://ns.google.com/photos/1.0/image/": "picture in XMP (GImage)",
    b"http://ns.google.com/photos/1.0/container/": "list of further pictures in XMP (Container)",
}
# The first bytes of a JPEG and of a PNG in base64.
_BASE64_PICTURE: Final = re.compile(rb"/9j/[2-4]|iVBORw0KGgo")
_RETURN: Final = {"\r": "&#13;"}
"""A reader would take a bare one for the end of a line (XML 1.0, 2.11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property that may stay. Written as attribute or as element, as some readers look for one form only."""

    namespace: str
    name: str
    value: str
    is_attribute: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What of a packet may stay, each property once."""

    properties: tuple[Property, ...]
    has_others: bool
    """There are properties that will not stay."""

    @property
    def panorama(self) -> dict[str, str]:
        """The GPano properties by name; empty without any."""
        return {each.name: each.value for each in self.properties if each.namespace == GPANO}


def read(packet: bytes) -> Packet:
    """Read a packet. Raises `Malformed`; any document type declaration counts as malformed, as XMP has none."""
    if len(packet) > MAX_PACKET_BYTES:
        raise Malformed(f"the XMP packet is longer than {MAX_PACKET_BYTES} bytes")
    try:
        root: Element = fromstring(packet.strip(b"\0 \t\r\n"), forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        raise Malformed("the XMP packet is not well-formed XML") from error
    found: dict[tuple[str, str], Property] = {}
    has_others = False
    for name, value, is_attribute in _pairs(root):
        each = _listed(name, value, is_attribute)
        if each is None:
            has_others = True
        else:
            found.setdefault((each.namespace, each.name), each)
    properties = tuple(found.values())
    if len(coded(properties)) > MAX_KEPT_BYTES:
        raise Malformed("the texts in the XMP packet are longer than any real ones")
    return Packet(properties=properties, has_others=has_others)


def _pairs(root: Element) -> Iterator[tuple[str, str, bool]]:
    """Yield (`{namespace}name`, text, written as attribute?) of every property; structured ones have an empty text."""
    for rdf in root.iter(f"{{{_RDF}}}RDF"):
        for description in rdf.findall(f"{{{_RDF}}}Description"):
            for name, value in description.items():
                if not name.startswith(f"{{{_RDF}}}"):
                    yield name, value, True
            for child in description:
                yield child.tag, "" if len(child) else child.text or "", False


def _listed(name: str, value: str, is_attribute: bool) -> Property | None:
    namespace, _, local_name = name[1:].partition("}")
    schema = SCHEMAS.get(namespace)
    if schema is None or local_name not in schema.names or not value.strip() or len(value) > MAX_VALUE_CHARS:
        return None
    if local_name not in _FREE_TEXTS and not _PLAIN.fullmatch(value.strip()):
        return None
    return Property(namespace=namespace, name=local_name, value=value, is_attribute=is_attribute)


def kinds(packet: Packet) -> list[str]:
    """Name what a packet holds."""
    found = ["XMP"]
    if packet.panorama:
        found.append("GPano")
    return [*found, "other XMP properties"] if packet.has_others else found


def coded(properties: tuple[Property, ...]) -> bytes:
    """A packet with these properties, under the usual prefixes."""
    spaces = {_RDF: "rdf"} | {each.namespace: SCHEMAS[each.namespace].prefix for each in properties}
    declared = "".join(f' xmlns:{prefix}="{space}"' for space, prefix in spaces.items())
    attributes, elements = "", ""
    for each in properties:
        name = f"{spaces[each.namespace]}:{each.name}"
        if each.is_attribute:
            attributes += f"\n   {name}={quoteattr(each.value)}"
        else:
            elements += f"\n   <{name}>{escape(each.value, _RETURN)}</{name}>"
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF{declared}>\n'
        f'  <rdf:Description rdf:about=""{attributes}>{elements}\n  </rdf:Description>\n'
        ' </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="r"?>'
    ).encode()


def hidden(packet: bytes) -> list[str]:
    """Describe pictures in a packet by the namespaces made for them, and by what a picture in base64 begins with."""
    found = [name for namespace, name in _PICTURES.items() if namespace in packet]
    return found or (["picture in XMP"] if _BASE64_PICTURE.search(packet) else [])
