"""A finished file is published only when every check of a stranger holds."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess import libjpeg, raster
from baas_preprocess.facts import ImageFormat, Inspection, Mask, Method, Redacted
from baas_preprocess.libjpeg import Blocks, Output
from baas_preprocess.mask import mask
from baas_preprocess.redact import redact
from baas_preprocess.verify import verify
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
