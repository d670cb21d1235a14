"""Real files: odd ones that cameras and fuzzers made, and panoramas; exiftool is the reader who knows nothing of us."""

import csv
import json
import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.facts import Inspection, Mask, Method
from baas_preprocess.inspection import inspect
from baas_preprocess.redact import redact
from baas_preprocess.scrub import scrub
from tests.safety.tags import REBUILT_THUMBNAIL
from tests.safety.thumbnails import colours, others, place_of, unlike

MAX_PIXELS: Final = 100_000_000

REASONS: Final = {
    "12-bit": {QuarantineReason.UNSUPPORTED},
    "arithmetic": {QuarantineReason.UNSUPPORTED},
    "lossless": {QuarantineReason.UNSUPPORTED},
    "cmyk": {QuarantineReason.UNSUPPORTED},
    "ycck": {QuarantineReason.UNSUPPORTED},
    "dnl": {QuarantineReason.UNSUPPORTED},
    "size-bomb": {QuarantineReason.TOO_LARGE},
    "text": {QuarantineReason.NOT_AN_IMAGE},
    "cut-last-rows": {QuarantineReason.TRUNCATED},
    "cut-progressive": {QuarantineReason.TRUNCATED},
    # Two fuzzed files: the data that is there breaks the format before the end is missing.
    "truncated": {QuarantineReason.DAMAGED},
    "damaged-but-decodes": {QuarantineReason.DAMAGED},
    "fuzz": {QuarantineReason.DAMAGED, QuarantineReason.NOT_AN_IMAGE},
    "corrupt": {
        QuarantineReason.EMPTY,
        QuarantineReason.DAMAGED,
        QuarantineReason.TRUNCATED,
        QuarantineReason.NOT_AN_IMAGE,
    },
    "xmp": {QuarantineReason.UNSUPPORTED},
}
"""Why files of a kind are refused, where they are."""

_CRASHTEST: Final = "damaged-but-decodes__image-rs__crashtest__images__imagetestsuite"
REFUSED_THOUGH_DECODABLE: Final = {
    "arithmetic__libjpeg-turbo__testimgari.jpg": "arithmetic coding",
    f"{_CRASHTEST}__8e5e74dbf9b68a322fbb9512db837329.jpg": "byte 325",
    "damaged-but-decodes__image-rs__reftest__images__progressive-missing-dc.jpg": "no picture data",
    "dnl__twelvemonkeys__jpeg__dnl-marker.jpg": "DNL",
    # It says YCCK of three components: libjpeg warns and guesses.
    "xmp__twelvemonkeys__jpeg__exif-jfif-app13-app14ycck-3channel.jpg": "three colour components",
}
ACCEPTED_THOUGH_NO_JPEG: Final = {"not-jpeg__image-rs__reftest__images__mozilla__jpg-size-6x6.jpg": "png"}

HIDDEN: Final = {
    "real-thumbnail-leak": "Exif thumbnail 512x384",
    "large-thumbnail": "Exif thumbnail 2",
    "thumbnail": "Exif thumbnail 160x120",
    "mpf": "MPF picture 2",
    "after-eoi": "bytes after the end",
}
"""What must be among the hidden pictures of every file of a kind."""


@cache
def judged(path: Path) -> Inspection | NotPublishable:
    try:
        return inspect(path.read_bytes(), max_pixels=MAX_PIXELS)
    except NotPublishable as refused:
        return refused


@pytest.fixture(scope="session")
def index(test_data: Path) -> list[dict[str, str]]:
    with (test_data / "jpeg" / "INDEX.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def test_every_odd_file_is_accepted_or_refused_for_the_right_reason(
    test_data: Path, index: list[dict[str, str]]
) -> None:
    wrong, table = [], Counter[str]()
    for row in index:
        kind, found = row["features"].split(";")[0], judged(test_data / "jpeg" / row["file"])
        if isinstance(found, NotPublishable):
            table[f"{kind}: {found.reason}"] += 1
            named = REFUSED_THOUGH_DECODABLE.get(row["file"], "") if row["expected"] == "ok" else "."
            is_right = found.reason in REASONS.get(kind, set()) and bool(named) and named in str(found)
        else:
            table[f"{kind}: accepted"] += 1
            is_right = row["expected"] == "ok" or ACCEPTED_THOUGH_NO_JPEG.get(row["file"]) == found.format
        if not is_right:
            wrong.append((row["file"], row["expected"], found))
    print(*(f"{count:3} {line}" for line, count in sorted(table.items())), sep="\n")
    assert not wrong


def test_size_and_sampling_are_those_that_other_readers_see(test_data: Path, index: list[dict[str, str]]) -> None:
    wrong = []
    for row in index:
        found = judged(test_data / "jpeg" / row["file"])
        features = row["features"].split("; ")
        if isinstance(found, Inspection) and row["expected"] == "ok":
            process, _, sampling = found.coding.partition(" ")
            size = (int(row["width"]), int(row["height"]))
            if (found.width_px, found.height_px) != size or process not in features or sampling not in features:
                wrong.append((row["file"], found, row["features"]))
    assert not wrong


@pytest.mark.parametrize("kind", HIDDEN)
def test_hidden_pictures_are_found_where_they_are_known_to_be(
    test_data: Path, index: list[dict[str, str]], kind: str
) -> None:
    found = [judged(test_data / "jpeg" / row["file"]) for row in index if row["features"].startswith(f"{kind};")]
    assert found
    assert all(
        isinstance(each, Inspection) and any(HIDDEN[kind] in name for name in each.hidden_images) for each in found
    )


def test_panoramas_wrap_and_show_what_hides_in_them(test_data: Path) -> None:
    truth = json.loads((test_data / "panoramas" / "annotations-coco.json").read_bytes())
    for image in truth["images"]:
        found = judged(test_data / "panoramas" / image["file_name"])
        assert isinstance(found, Inspection)
        features = set(image["features"])
        assert (found.width_px, found.height_px, found.wraps) == (image["width"], image["height"], True)
        assert found.coding == f"{'progressive' if 'progressive' in features else 'baseline'} " + (
            "4:4:4" if "444" in features else "4:2:0"
        )
        assert {"Exif", "GPS", "GPano"} <= set(found.metadata)
        assert ("Exif thumbnail 512x256" in found.hidden_images) == ("thumbnail" in features)
        assert ("JPEG 1440x720 after the end" in found.hidden_images) == ("mpf" in features)
        assert bool(found.hidden_images) == bool(features & {"thumbnail", "mpf"})


def written_anew(data: bytes, found: Inspection) -> bytes:
    """Redact nothing: code the picture again without loss and without metadata."""
    width, height = found.unit_px
    cells = np.full((-(-found.height_px // height), -(-found.width_px // width)), -1, np.int32)
    empty = Mask(unit_px=found.unit_px, width_px=found.width_px, height_px=found.height_px, cells=cells, cell_count=0)
    return redact(data, found, empty, Method.SOLID).data


@pytest.fixture(scope="session")
def scrubbed(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """All files that are accepted, scrubbed: original -> finished."""
    folder = tmp_path_factory.mktemp("scrubbed")
    finished = {}
    for path in sorted([*test_data.glob("jpeg/*.jp*g"), *test_data.glob("panoramas/*.jpg")]):
        found = judged(path)
        if isinstance(found, Inspection):
            data = path.read_bytes()
            finished[path] = folder / path.name
            finished[path].write_bytes(scrub(written_anew(data, found), data, found))
    return finished


def test_every_accepted_file_is_scrubbed_to_the_same_shape_and_one_picture(scrubbed: dict[Path, Path]) -> None:
    assert len(scrubbed) > 50
    for original, finished in scrubbed.items():
        data = finished.read_bytes()
        before, after = judged(original), inspect(data, max_pixels=MAX_PIXELS)
        assert isinstance(before, Inspection)
        assert others(data, after.hidden_images) == []
        for what in ("format", "width_px", "height_px", "orientation", "wraps", "unit_px", "coding"):
            assert getattr(after, what) == getattr(before, what), (original.name, what)
        assert scrub(data, data, after) == data
        # Coded data never holds these three bytes, so this counts the pictures as a carver of files would.
        thumbnails = sum(name.startswith("Exif thumbnail") for name in before.hidden_images)
        assert data.count(b"\xff\xd8\xff") == (1 + thumbnails if after.format == "jpeg" else 0), original.name


def test_the_thumbnail_that_showed_a_face_shows_the_blurred_picture_now(scrubbed: dict[Path, Path]) -> None:
    [(original, finished)] = [pair for pair in scrubbed.items() if pair[0].name.startswith("real-thumbnail-leak")]
    before, after = original.read_bytes(), finished.read_bytes()
    thumbnails = []
    for data in (before, after):
        place = place_of(data)
        assert place is not None
        thumbnails.append(data[place.start : place.stop])
    assert thumbnails[0] not in after
    size = (160, 120)
    published, old, new = colours(after, size), colours(thumbnails[0], size), colours(thumbnails[1])
    telling = np.abs(old - published).max(axis=2) > 30  # where the old one shows something else, the face among it
    assert telling.any()
    assert unlike(new[telling], published[telling]) < 10


def read_by_exiftool(paths: list[Path]) -> dict[str, dict[str, Any]]:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed: apt install libimage-exiftool-perl")
    arguments = ["exiftool", "-j", "-n", "-G1", "-a", "-u", "-api", "LargeFileSupport=1", *map(str, paths)]
    answer = subprocess.run(arguments, capture_output=True, check=False, timeout=300)
    return {Path(tags.pop("SourceFile")).name: tags for tags in json.loads(answer.stdout)}


PICTURES_OWN: Final = ("System:", "File:", "ExifTool:", "Composite:", "Adobe:", "PNG:")
"""Groups that tell of the file and its coding, and what exiftool computes from other groups."""
KEPT_WHOLE: Final = ("GPS:", "XMP-GPano:", "ICC_Profile:", "ICC-header:", "ICC-meas:", "ICC-view:", "ICC-chrm:")
FREE_TEXTS: Final = {"GPS:GPSProcessingMethod", "GPS:GPSAreaInformation"}
KEPT_TAGS: Final = {
    *("IFD0:Make", "IFD0:Model", "IFD0:Orientation", "IFD0:ModifyDate", "IFD0:Copyright"),
    *("ExifIFD:DateTimeOriginal", "ExifIFD:CreateDate", "ExifIFD:SubSecTimeOriginal", "ExifIFD:OffsetTimeOriginal"),
    *("ExifIFD:ExposureTime", "ExifIFD:FNumber", "ExifIFD:ISO", "ExifIFD:FocalLength", "ExifIFD:LensModel"),
    *("XMP-exif:GPSLatitude", "XMP-exif:GPSLongitude", "XMP-exif:DateTimeOriginal", "JFIF:XResolution"),
}
GROUPS_THAT_STAY: Final = {
    "JFIF",
    "IFD0",
    "ExifIFD",
    "InteropIFD",
    "GPS",
    "XMP-GPano",
    "XMP-exif",
    "XMP-exifEX",
    "XMP-tiff",
}
GROUPS_THAT_STAY |= {"XMP-xmp", "XMP-x", "XMP-photoshop", "ICC_Profile"}


def test_exiftool_reads_the_same_position_time_direction_and_camera(scrubbed: dict[Path, Path]) -> None:
    before, after = read_by_exiftool([*scrubbed]), read_by_exiftool([*scrubbed.values()])
    kept: Counter[str] = Counter()
    for name, tags in before.items():
        for tag, value in tags.items():
            if tag in KEPT_TAGS or (tag.startswith(KEPT_WHOLE) and tag not in FREE_TEXTS):
                kept[tag.partition(":")[0]] += 1
                assert after[name].get(tag) == value, (name, tag)
    assert kept["GPS"] > 100
    assert kept["XMP-GPano"] > 80


def test_exiftool_finds_nothing_else_and_no_old_picture(scrubbed: dict[Path, Path]) -> None:
    before, after = read_by_exiftool([*scrubbed]), read_by_exiftool([*scrubbed.values()])
    for name, tags in after.items():
        had_thumbnail = "IFD1:ThumbnailImage" in before[name]
        for tag, value in tags.items():
            if had_thumbnail and tag in REBUILT_THUMBNAIL:
                continue
            group = tag.partition(":")[0]
            assert group.startswith("ICC") or "(Binary data" not in str(value), (name, tag)
            if not tag.startswith(PICTURES_OWN):
                assert group in GROUPS_THAT_STAY or group.startswith("ICC"), (name, tag)
                assert group in {"JFIF", "XMP-x"} or before[name].get(tag) == value, (name, tag)
        assert "File:Comment" not in tags, name
        assert "ExifTool:Warning" not in tags, (name, tags["ExifTool:Warning"])
