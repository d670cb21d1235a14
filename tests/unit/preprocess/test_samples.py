"""Sample panoramas: what is promised to those who try things on them."""

import io
import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError
from baas_preprocess.facts import ImageFormat
from baas_preprocess.inspection import inspect
from baas_preprocess.samples import TRUTH, generate
from baas_preprocess.samples.bodies import Body
from baas_preprocess.samples.cars import Car, render
from baas_preprocess.samples.container import VARIANTS, Shot, Variant, encode
from baas_preprocess.samples.layout import Plan, plan
from baas_preprocess.samples.photos import PALE_COAT, check_photos
from baas_preprocess.samples.placing import Walker, hidden_share, is_complete, visible_plates
from baas_preprocess.samples.scene import Props, make_props, paint
from baas_preprocess.samples.sphere import Canvas, Extent, View, corners_of, facing

WIDTH, HEIGHT = 8000, 4000
COUNT = 2


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generated panoramas with their truth."""
    folder = tmp_path_factory.mktemp("samples")
    done: list[Path] = []
    assert generate(folder, count=COUNT, seed=5, on_done=done.append) == done
    assert len(done) == COUNT
    return folder


@pytest.fixture(scope="module")
def truth(samples: Path) -> Any:
    return json.loads((samples / TRUTH).read_text())


@pytest.fixture(scope="module")
def props() -> Props:
    return make_props(np.random.default_rng(0))


def boxes(truth: Any, object_class: ObjectClass, *, image: int | None = None) -> list[dict[str, Any]]:
    category = next(one["id"] for one in truth["categories"] if one["name"] == object_class)
    return [
        one
        for one in truth["annotations"]
        if one["category_id"] == category and (image is None or one["image_id"] == image)
    ]


def test_the_same_seed_gives_the_same_bytes_whatever_the_count(samples: Path, tmp_path: Path) -> None:
    (path,) = generate(tmp_path, count=1, seed=5)
    assert path.read_bytes() == (samples / path.name).read_bytes()


def test_a_sample_is_a_full_panorama_that_hides_a_thumbnail_as_camera_files_do(samples: Path) -> None:
    for path in sorted(samples.glob("*.jpg")):
        found = inspect(path.read_bytes(), max_pixels=WIDTH * HEIGHT)
        assert (found.format, found.width_px, found.height_px, found.wraps) == (ImageFormat.JPEG, WIDTH, HEIGHT, True)
        assert "4:2:0" in found.coding
        assert {"GPS", "GPano"} <= set(found.metadata)
        assert any("thumbnail 512x256" in one for one in found.hidden_images)


def test_each_panorama_has_a_person_and_a_plate_on_the_seam(truth: Any) -> None:
    for image in truth["images"]:
        for object_class in ObjectClass:
            cut = [one for one in boxes(truth, object_class, image=image["id"]) if one["seam"]]
            assert cut, f"no {object_class} on the seam of {image['file_name']}"
            assert all(one["bbox"][0] < WIDTH < one["bbox"][0] + one["bbox"][2] for one in cut)


def test_persons_and_plates_come_in_many_sizes(truth: Any) -> None:
    heights = [one["bbox"][3] for one in boxes(truth, ObjectClass.PERSON)]
    widths = [one["bbox"][2] for one in boxes(truth, ObjectClass.LICENCE_PLATE)]
    for low, high in ((24, 50), (50, 100), (100, 200), (200, 400), (400, 700)):
        assert any(low <= height < high for height in heights), (low, high, sorted(heights))
    for low, high in ((16, 30), (30, 60), (60, 250)):
        assert any(low <= width < high for width in widths), (low, high, sorted(widths))


def test_every_box_of_the_truth_lies_in_its_picture_and_counts(truth: Any) -> None:
    for one in truth["annotations"]:
        left, top, width, height = one["bbox"]
        assert 0 <= left < WIDTH
        assert 0 <= top < top + height <= HEIGHT
        assert width > 0
        assert one["seam"] == (left + width > WIDTH)
        assert one["ignore"] is False


def test_the_truth_of_a_plate_frames_the_plate(samples: Path, truth: Any) -> None:
    """Its blue band, which nothing else on a car has, begins where the box begins and nowhere in front of it."""
    widest = max(boxes(truth, ObjectClass.LICENCE_PLATE, image=1), key=lambda one: one["bbox"][2])
    left, top, width, height = (round(value) for value in widest["bbox"])
    with Image.open(samples / "panorama_0001.jpg") as picture:
        pixels = np.asarray(picture).astype(int)
    columns = np.arange(left - width, left + width) % WIDTH
    patch = pixels[top + height // 3 : top + 2 * height // 3].take(columns, axis=1).mean(axis=0)
    bluish = np.flatnonzero(patch[:, 2] - patch[:, 0] > 60)
    assert abs(int(bluish[0]) - width) <= max(3, width // 20)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
def test_every_way_of_writing_a_file_keeps_picture_place_and_thumbnail(variant: Variant) -> None:
    gradient = np.linspace(0, 255, 512 * 256, dtype=np.uint8).reshape(256, 512)
    shot = Shot(taken_at=datetime(2024, 5, 14, tzinfo=UTC), latitude=52.373, longitude=-4.9, heading=271.5)
    data = encode(np.dstack([gradient] * 3), shot, variant)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (512, 256)
        assert np.abs(np.asarray(picture.convert("L")).astype(int) - gradient).max() < 8
        assert bool(picture.info.get("progressive")) == variant.progressive
        exif = picture.getexif()
        assert (exif[ExifTags.Base.Make], exif[ExifTags.Base.Model]) == ("Blurring-as-a-Service", "sample")
        assert exif.endian == variant.byte_order
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        degrees, minutes, seconds = (float(value) for value in place[ExifTags.GPS.GPSLongitude])
        assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(4.9, abs=1e-5)
        assert place[ExifTags.GPS.GPSLongitudeRef] == "W"
        second = exif.get_ifd(ExifTags.IFD.IFD1)
    start = data.index(b"Exif\0\0") + 6 + second[ExifTags.Base.JpegIFOffset]
    with Image.open(io.BytesIO(data[start : start + second[ExifTags.Base.JpegIFByteCount]])) as thumbnail:
        assert thumbnail.size == (512, 256)
    assert (b"\xff\xdd" in data) == bool(variant.restart_rows)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_every_scene_has_both_on_the_seam_and_no_car_without_its_plate(seed: int) -> None:
    scene = plan(np.random.default_rng(seed), width_px=WIDTH, height_px=HEIGHT)
    cars = [thing for thing in scene.things if isinstance(thing, Car)]
    plates = [scene.view.extent(corners_of(mount)) for car in cars for mount in visible_plates(scene.view, car)]
    people = [scene.view.extent(corners_of(thing.upright)) for thing in scene.things if isinstance(thing, Walker)]
    assert any(extent.left < WIDTH < extent.right for extent in plates)
    assert any(extent.left < WIDTH < extent.right for extent in people)
    assert all(is_complete(scene.view, car) for car in cars)
    assert len(people) >= 6
    assert len(plates) >= 4


def test_the_truth_of_a_person_behind_a_car_ends_where_the_car_begins(props: Props) -> None:
    view = View(width_px=2000, height_px=1000, yaw=0)
    person = Walker(person=PALE_COAT, x=0, z=12, height=1.8, mirrored=False, coat=None, trousers=None)
    car = Car(x=0, z=8, heading=0, body=Body.HATCHBACK, paint=(200, 200, 200))
    whole, behind = (
        next(
            one.extent
            for one in paint(Plan(view=view, things=things), props, np.random.default_rng(0))[1]
            if one.object_class is ObjectClass.PERSON
        )
        for things in ((person,), (person, car))
    )
    _, _, roof = render(car, view)
    assert whole.top == behind.top
    assert whole.bottom > roof + 10
    assert behind.bottom == pytest.approx(roof, abs=3)


@given(st.floats(-math.pi, math.pi), st.floats(-math.pi, math.pi), st.floats(2, 90))
def test_turning_the_camera_moves_a_thing_along_and_changes_nothing_else(
    yaw: float, azimuth: float, away: float
) -> None:
    thing = corners_of(facing(away * math.sin(azimuth), away * math.cos(azimuth), width=0.8, bottom=0, top=1.8))
    ahead = View(width_px=WIDTH, height_px=HEIGHT, yaw=azimuth).extent(thing)
    turned = View(width_px=WIDTH, height_px=HEIGHT, yaw=yaw).extent(thing)
    assert 0 <= turned.left < WIDTH
    assert (turned.width, turned.top, turned.bottom) == pytest.approx((ahead.width, ahead.top, ahead.bottom), abs=1e-6)
    middle = (turned.left + turned.right) / 2
    expected = (azimuth - yaw) / (2 * math.pi) * WIDTH + WIDTH / 2
    assert (middle - expected + WIDTH / 2) % WIDTH == pytest.approx(WIDTH / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("near", "share"),
    [
        pytest.param(Extent(left=10, right=20, top=0, bottom=10), 0.5, id="the right half"),
        pytest.param(Extent(left=90, right=115, top=0, bottom=10), 0.75, id="across the seam"),
        pytest.param(Extent(left=30, right=40, top=0, bottom=10), 0.0, id="beside it"),
        pytest.param(Extent(left=0, right=20, top=20, bottom=30), 0.0, id="below it"),
    ],
)
def test_what_is_nearer_hides_what_lies_behind_it(near: Extent, share: float) -> None:
    assert hidden_share(near, Extent(left=0, right=20, top=0, bottom=10), 100) == pytest.approx(share)


def test_a_picture_that_crosses_the_seam_goes_on_at_the_other_edge() -> None:
    canvas = Canvas(view=View(width_px=100, height_px=50, yaw=0))
    canvas.compose(np.full((4, 10, 4), 255, np.uint8), 95, 20, owner=3)
    covered = np.flatnonzero(canvas.picture[21, :, 0])
    assert covered.tolist() == [0, 1, 2, 3, 4, 95, 96, 97, 98, 99]
    assert np.array_equal(canvas.owner > 0, canvas.picture[..., 0] > 0)


def test_without_the_package_that_carries_the_photos_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_photos()
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(ConfigurationError, match="extra model_export"):
        generate(tmp_path / "new", count=1)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written to"):
        generate(tmp_path / "file" / "in", count=1)
