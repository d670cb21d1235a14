"""A finished file is published only when every check of a stranger holds."""

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess import libjpeg, raster
from baas_preprocess.container import exif
from baas_preprocess.facts import ImageFormat, Inspection, Mask, Method, Redacted
from baas_preprocess.libjpeg import Blocks, Output
from baas_preprocess.mask import mask
from baas_preprocess.redact import redact
from baas_preprocess.scrub import scrub
from baas_preprocess.thumbnail import thumbnail_of
from baas_preprocess.verify import REBUILT_THUMBNAIL, verify
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import coded, inspected, jpeg, png, region, street

FILES = coded()
REGIONS = [region(40, 20, 120, 70), region(100, 50, 130, 90), region(170, 0, 190, 93)]


def finished(
    data: bytes, method: Method = Method.PIXELATE, *, wraps: bool = False
) -> tuple[Inspection, Mask, Redacted]:
    source = replace(inspected(data), wraps=wraps)
    made = mask(REGIONS, source, padding=0.1, cells=4)
    return source, made, redact(data, source, made, method)


def failure(file: bytes, source: Inspection, made: Mask, redacted: Redacted, **found: Any) -> str:
    with pytest.raises(NotPublishable) as refused:
        verify(
            file,
            found=replace(inspected(file), wraps=source.wraps, **found),
            source=source,
            mask=made,
            redacted=redacted,
        )
    assert refused.value.reason == QuarantineReason.VERIFICATION_FAILED
    return str(refused.value)


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in FILES.items()])
@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("wraps", [False, True])
def test_what_redaction_made_passes(data: bytes, method: Method, wraps: bool) -> None:
    source, made, redacted = finished(data, method, wraps=wraps)
    verify(
        redacted.data, found=replace(inspected(redacted.data), wraps=wraps), source=source, mask=made, redacted=redacted
    )


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in FILES.items()])
def test_the_original_does_not_pass(data: bytes) -> None:
    source, made, redacted = finished(data)
    assert "more inside of the mask than" in failure(data, source, made, redacted)


def on_block(component: int, row: int, column: int, coefficient: int) -> Callable[[int, int, Blocks], None]:
    def change(at_component: int, at_row: int, blocks: Blocks) -> None:
        if (at_component, at_row) == (component, row):
            blocks[column, coefficient] += 1

    return change


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        pytest.param((0, 0, 0, 0), "differs from the original outside", id="a level outside"),
        pytest.param((2, 5, 0, 63), "differs from the original outside", id="the finest chroma detail outside"),
        pytest.param((0, 6, 10, 1), "more inside of the mask than", id="a detail inside"),
        pytest.param((1, 3, 5, 63), "more inside of the mask than", id="the finest chroma detail inside"),
        pytest.param((0, 6, 10, 0), "more inside of the mask than", id="a level inside"),
    ],
)
def test_one_changed_coefficient_of_a_jpeg_is_found(
    method: Method, place: tuple[int, int, int, int], sentence: str
) -> None:
    source, made, redacted = finished(FILES["JPEG 4:2:0"], method)
    (changed,) = libjpeg.edit(redacted.data, Output(on_block(*place)))
    assert sentence in failure(changed, source, made, redacted)


@pytest.mark.parametrize("name", ["JPEG 4:4:4", "JPEG 4:2:0", "progressive JPEG 4:2:2"])
@pytest.mark.parametrize("numbers", [b"RGB", b"\3\2\1", b"\0\1\2"])
@pytest.mark.parametrize("is_jfif", [True, False])
def test_components_of_other_names_are_found(name: str, numbers: bytes, is_jfif: bool) -> None:
    """Viewers that go by the names would show other colours, even where each coefficient is the same."""
    source, made, redacted = finished(FILES[name])
    file = redacted.data if is_jfif else files.without_jfif(redacted.data)
    verify(file, found=inspected(file), source=source, mask=made, redacted=redacted)
    renamed = files.with_components_called(file, numbers)
    assert "differs from the original outside" in failure(renamed, source, made, redacted)


@pytest.mark.parametrize("numbers", [b"\1\2\3", b"BGR"])
def test_components_of_other_names_than_rgb_are_found(numbers: bytes) -> None:
    source, made, redacted = finished(FILES["JPEG of RGB components"])
    renamed = files.with_components_called(redacted.data, numbers)
    assert "differs from the original outside" in failure(renamed, source, made, redacted)


@pytest.mark.parametrize("name", ["PNG of 16 bits", "TIFF", "grey PNG"])
@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        pytest.param((0, 0), "differs from the original outside", id="outside"),
        pytest.param((45, 80), "more inside of the mask than", id="inside"),
    ],
)
def test_one_changed_sample_is_found(name: str, method: Method, place: tuple[int, int], sentence: str) -> None:
    source, made, redacted = finished(FILES[name], method)
    picture = raster.read(redacted.data, source.format)
    samples = picture.samples.copy()
    samples[(*place, 0)] ^= 1
    assert sentence in failure(raster.write(picture.with_samples(samples)), source, made, redacted)


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        ({"hidden_images": ("Exif thumbnail 160x120",)}, "still holds Exif thumbnail 160x120"),
        ({"orientation": 6}, "orientation 6, the original has 1"),
        ({"width_px": 188}, "width_px 188"),
        ({"unit_px": (8, 8)}, "unit_px"),
        ({"format": ImageFormat.PNG}, "format png"),
        ({"wraps": True}, "wraps True"),
    ],
)
def test_another_shape_and_hidden_pictures_are_found(seen: dict[str, Any], sentence: str) -> None:
    source, made, redacted = finished(FILES["JPEG 4:2:0"])
    with pytest.raises(NotPublishable, match=sentence.replace("(", r"\(")):
        verify(
            redacted.data, found=replace(inspected(redacted.data), **seen), source=source, mask=made, redacted=redacted
        )


def with_exif(data: bytes, exif: bytes) -> bytes:
    return files.with_segments(data, (files.APP1, files.EXIF + exif))


def test_a_thumbnail_of_the_finished_picture_itself_is_no_hidden_picture() -> None:
    source, made, redacted = finished(FILES["JPEG 4:2:0"])
    file = scrub(redacted.data, with_exif(FILES["JPEG 4:2:0"], files.exif({}, thumbnail=files.jpeg(8, 8))), source)
    found = inspected(file)
    assert found.hidden_images == ("Exif thumbnail 160x80",)
    proven = verify(file, found=found, source=source, mask=made, redacted=redacted)
    assert proven == replace(found, hidden_images=(), metadata=(*found.metadata, REBUILT_THUMBNAIL))


def block_of(thumbnail: bytes, second: bytes = b"") -> bytes:
    """An Exif block as `scrub` writes it, but for its thumbnail or a second one in a third directory."""
    own = exif.coded(exif.read(files.exif({files.ORIENTATION: [1]})), thumbnail)
    assert own is not None
    if not second:
        return own
    at = len(own) + len(own) % 2
    third = files.directory({0x0201: [at + 30], 0x0202: [len(second)]}, at, "<")
    chained = bytearray(own.ljust(at, b"\0") + third + second)
    # Behind the header and one row of the first directory stands the pointer to the second, which has seven rows.
    (start,) = struct.unpack_from("<I", own, 22)
    struct.pack_into("<I", chained, start + 2 + 7 * 12, at)
    return bytes(chained)


def strange_files(picture: bytes) -> dict[str, bytes]:
    """Finished files with a thumbnail, by what is wrong with each."""
    own = thumbnail_of(picture)
    other = thumbnail_of(FILES["JPEG 4:2:0"])
    safe = with_exif(picture, block_of(own))
    (slow,) = libjpeg.edit(own, Output(progressive=True))
    mended = bytearray(block_of(own))
    mended[-2:] = b"\0\0"
    return {
        "the original's thumbnail": with_exif(picture, block_of(other)),
        "one of another size": with_exif(picture, block_of(files.jpeg(16, 8))),
        "the same picture coded otherwise": with_exif(picture, block_of(slow)),
        "one that is cut off": with_exif(picture, bytes(mended)),
        "a second one of the same size": with_exif(picture, block_of(own, other)),
        "the same one twice": with_exif(picture, block_of(own, own)),
        "something behind it": with_exif(picture, block_of(own) + b"more"),
        "another picture behind it": with_exif(picture, block_of(own) + files.jpeg(8, 8)),
        "a maker's note beside it": with_exif(
            picture, files.exif({files.ORIENTATION: [1]}, taken={files.MAKER_NOTE: files.jpeg(8, 8)}, thumbnail=own)
        ),
        "a second block": with_exif(safe, block_of(other)),
        "a comment": files.with_segments(safe, (files.COM, b"my street")),
        "a picture behind the end": safe + files.jpeg(8, 8),
        "a JFIF thumbnail": safe[:2] + files.segment(files.APP0, safe[6:18] + b"\1\1abc") + safe[20:],
    }


@pytest.mark.parametrize("name", strange_files(FILES["grey JPEG"]))
def test_any_other_thumbnail_and_anything_beside_it_is_found(name: str) -> None:
    source, made, redacted = finished(FILES["JPEG 4:2:0"])
    safe = with_exif(redacted.data, block_of(thumbnail_of(redacted.data)))
    verify(safe, found=inspected(safe), source=source, mask=made, redacted=redacted)
    file = strange_files(redacted.data)[name]
    said = failure(file, source, made, redacted)
    assert "still holds" in said
    assert "Exif thumbnail" in said


def test_a_damaged_file_is_found() -> None:
    for name in ("JPEG 4:2:0", "PNG", "TIFF with Deflate and a predictor"):
        source, made, redacted = finished(FILES[name])
        with pytest.raises(NotPublishable, match="cannot be read"):
            verify(redacted.data[:-30], found=source, source=source, mask=made, redacted=redacted)


def test_another_picture_is_found() -> None:
    for file, name in ((jpeg(street(seed=1)), "JPEG 4:2:0"), (png(street(seed=1)), "PNG")):
        source, made, redacted = finished(FILES[name])
        other = redact(file, source, made, Method.PIXELATE)
        assert "differs from the original outside" in failure(other.data, source, made, redacted)


def test_a_smaller_mask_than_agreed_is_found() -> None:
    data = FILES["JPEG 4:2:0"]
    source, made, redacted = finished(data)
    less = mask(REGIONS[:1], source, padding=0.1, cells=4)
    file = redact(data, source, less, Method.PIXELATE)
    assert "more inside of the mask than" in failure(file.data, source, made, redacted)


def test_finer_cells_than_agreed_are_found() -> None:
    data = FILES["JPEG 4:4:4"]
    source, made, redacted = finished(data)
    finer = replace(
        made,
        cells=np.where(made.covered, np.arange(made.cells.size).reshape(made.cells.shape), -1).astype(np.int32),
        cell_count=made.cells.size,
    )
    file = redact(data, source, finer, Method.PIXELATE)
    assert "more inside of the mask than" in failure(file.data, source, made, redacted)


@pytest.mark.parametrize("name", ["JPEG 4:2:0", "PNG", "grey TIFF of 16 bits"])
@pytest.mark.parametrize("method", [Method.FILL, Method.SOLID])
@pytest.mark.parametrize("other", Method)
def test_another_method_than_agreed_is_found(name: str, method: Method, other: Method) -> None:
    if other is method:
        return
    source, made, agreed = finished(FILES[name], method)
    _, _, redacted = finished(FILES[name], other)
    assert f"more inside of the mask than {method} leaves" in failure(redacted.data, source, made, agreed)


def test_real_panoramas_pass_with_their_labelled_boxes(test_data: Path) -> None:
    labels = json.loads((test_data / "panoramas/annotations-coco.json").read_text())
    for picture in (
        next(picture for picture in labels["images"] if feature in picture["features"])
        for feature in ("mpf", "progressive", "444")
    ):
        data = (test_data / "panoramas" / picture["file_name"]).read_bytes()
        source = inspected(data)
        boxes = [label["bbox"] for label in labels["annotations"] if label["image_id"] == picture["id"]]
        regions = [region(x, y, x + width, y + height) for x, y, width, height in boxes]
        made = mask(regions, source, padding=0.1, cells=6)
        for method in (Method.BLUR, Method.FILL):
            redacted = redact(data, source, made, method)
            verify(
                redacted.data,
                found=replace(inspected(redacted.data), wraps=source.wraps),
                source=source,
                mask=made,
                redacted=redacted,
            )
