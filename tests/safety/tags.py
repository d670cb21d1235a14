"""What exiftool, a reader that knows nothing of us, finds in originals and in finished files."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

Tags = Mapping[str, Any]
"""The values of one file by `group:tag`."""

KINDS: Final = {
    "heading": r"GPS:GPS(ImgDirection|Track)|XMP-GPano:(Pose|InitialView)|XMP-exif:GPS(ImgDirection|Track)",
    "position": r"GPS:(?!GPS(ProcessingMethod|AreaInformation))|XMP-exif:GPS",
    "GPano": r"XMP-GPano:",
    "orientation": r"IFD0:Orientation$",
    "time": r"IFD0:ModifyDate|ExifIFD:(DateTimeOriginal|CreateDate|(SubSec|Offset)Time)|XMP-exif:DateTime",
    "camera": r"IFD0:(Make|Model)$"
    r"|ExifIFD:(ExposureTime|FNumber|ExposureProgram|ISO|FocalLength|Flash|MeteringMode|WhiteBalance|Lens(Make|Model|Info))",
    "rights": r"IFD0:Copyright",
    "density": r"JFIF:[XY]?Resolution",
}
"""What must stay. The first that fits counts."""
REBUILT_THUMBNAIL: Final = {
    *("IFD1:Compression", "IFD1:Orientation", "IFD1:XResolution", "IFD1:YResolution", "IFD1:ResolutionUnit"),
    *("IFD1:ThumbnailOffset", "IFD1:ThumbnailLength", "IFD1:ThumbnailImage"),
}
"""What a thumbnail that was made anew brings with it. Whether it shows the published picture is judged by its bytes."""
_SECOND_PICTURES: Final = re.compile(r"(IFD[1-9]|SubIFD\d*|PreviewIFD|MPF\d+|MPImage\d+|Trailer|JUMBF|CBOR):")
_OWN: Final = ("System:", "File:", "ExifTool:", "Composite:", "PNG:")
"""Groups that tell of the file itself and its coding, or are computed from others."""


def read(files: Sequence[Path]) -> dict[str, Tags]:
    """Read the tags of files, by the files' names."""
    command = ["exiftool", "-j", "-n", "-G1", "-a", "-u", *map(str, files)]
    answer = subprocess.run(command, capture_output=True, check=False, timeout=300)
    return {Path(tags.pop("SourceFile")).name: tags for tags in json.loads(answer.stdout)}


def profile(file: Path) -> bytes:
    """Return the bytes of a file's ICC profile, none without."""
    return subprocess.run(["exiftool", "-icc_profile", "-b", file], capture_output=True, check=True).stdout


def second_pictures(tags: Tags, *, besides: Collection[str] = ()) -> list[str]:
    """Name the tags of thumbnails, previews and other second pictures, and of anything else that holds raw bytes."""
    return [
        tag
        for tag, value in tags.items()
        if _SECOND_PICTURES.match(tag) or ("(Binary data" in str(value) and not tag.startswith("ICC"))
        if tag not in besides
    ]


def thumbnail(tags: Tags) -> range | None:
    """Where a file's Exif thumbnail stands, at which byte; None without one."""
    start, size = tags.get("IFD1:ThumbnailOffset"), tags.get("IFD1:ThumbnailLength")
    return None if start is None or size is None else range(start, start + size)


def kept(before: Tags, after: Tags) -> tuple[Counter[str], list[str]]:
    """Count the tags of each kind that must stay, and name those that did not, or not with the same value."""
    count: Counter[str] = Counter()
    lost = []
    for tag, value in before.items():
        kind = next((kind for kind, pattern in KINDS.items() if re.match(pattern, tag)), None)
        if kind is not None:
            count[kind] += 1
            lost += [] if after.get(tag) == value else [tag]
    return count, lost


def gone(before: Tags, after: Tags) -> Counter[str]:
    """Count the tags that are gone, by group."""
    return Counter(tag.partition(":")[0] for tag in before if tag not in after and not tag.startswith(_OWN))
