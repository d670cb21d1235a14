"""What is wrong with annotations is found, named and, on request, left out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_detector.annotations import azureml, coco, yolo
from baas_detector.annotations.checking import check, without_bad
from baas_detector.annotations.findings import Kind
from baas_detector.annotations.model import Format, Size
from baas_detector.annotations.reporting import report

PANORAMA = {"id": 1, "file_name": "pano.jpg", "width": 2000, "height": 1000}
PHOTO = {"id": 2, "file_name": "photo.jpg", "width": 640, "height": 480}
CATEGORIES = [
    {"id": 1, "name": "person"},
    {"id": 2, "name": "license plate/dutch"},
    {"id": 3, "name": "licence_plate/dutch"},
    {"id": 4, "name": "man/giant"},
    {"id": 5, "name": "car"},
]
GOOD = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [100, 500, 50, 100]}


def document(*annotations: dict[str, Any], images: tuple[dict[str, Any], ...] = (PANORAMA, PHOTO)) -> dict[str, Any]:
    return {"images": list(images), "annotations": list(annotations), "categories": CATEGORIES}


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        ({"bbox": [1, 2, 3]}, Kind.NO_BOX, "annotation 2 of pano.jpg has the box [1, 2, 3]; four finite numbers"),
        ({"bbox": None}, Kind.NO_BOX, "has the box None"),
        ({"bbox": [1, 2, 3, float("nan")]}, Kind.NO_BOX, "nan"),
        ({"bbox": [1, 2, 3, True]}, Kind.NO_BOX, "True"),
        ({"bbox": [1, 2, 3, 0]}, Kind.ZERO_SIZE, "no area"),
        ({"bbox": [1, 2, -3, 5]}, Kind.ZERO_SIZE, "no area"),
        ({"bbox": [-1, 2, 30, 5]}, Kind.OUT_OF_RANGE, "does not lie in its picture of 2000 x 1000"),
        ({"bbox": [2000, 2, 30, 5]}, Kind.OUT_OF_RANGE, "[2000.0, 2.0, 30.0, 5.0]"),
        ({"bbox": [1, 990, 30, 11]}, Kind.OUT_OF_RANGE, "annotation 2 of pano.jpg"),
        ({"bbox": [635, 2, 30, 5], "image_id": 2}, Kind.OUT_OF_RANGE, "640 x 480"),
        ({"bbox": [1, 2, 501, 5]}, Kind.HUGE, "too large for an object"),
        ({"bbox": [1, 2, 400, 700]}, Kind.HUGE, "too large for an object"),
        ({"bbox": [0, 0, 640, 480], "image_id": 2}, Kind.HUGE, "too large for an object"),
        ({"bbox": [1, 2, 0.5, 5]}, Kind.TINY, "less than a pixel"),
        ({"bbox": GOOD["bbox"]}, Kind.SAME_BOX, "has the box and category of another one"),
        ({"id": 1}, Kind.DUPLICATE_ID, "annotation 1 of pano.jpg has an id that another annotation has"),
        ({"image_id": 77}, Kind.NO_PICTURE, "annotation 2 belongs to image 77, which is not in the file"),
        ({"image_id": None}, Kind.NO_PICTURE, "image None"),
        ({"category_id": 77}, Kind.NO_CATEGORY, "has the category 77, which is not in the file"),
        ({"category_id": 4}, Kind.UNKNOWN_CATEGORY, "'man/giant' is not known"),
        ({"segmentation": {"counts": "", "size": [1, 1]}}, Kind.BITMAP, "bitmap"),
    ],
)
def test_each_fault_of_an_annotation_is_named(changes: dict[str, Any], kind: Kind, sentence: str) -> None:
    other = {"id": 2, "image_id": 1, "category_id": 1, "bbox": [300, 500, 50, 100]} | changes
    read = coco.read(document(GOOD, other), sizes={})
    (found,) = check(read)

    assert found.kind is kind
    assert sentence in found.sentence
    kept, left_out = without_bad(read)
    assert [one.kind for one in left_out] == [kind] * kind.drops
    assert len(kept.annotations) == 2 - kind.drops
    assert not any(one.kind.stops for one in check(kept))


@pytest.mark.parametrize(
    "bbox",
    [
        [1900, 500, 300, 100],  # across the seam
        [0, 0, 500, 250],
        [1500, -0.4, 20, 20],  # rounded outwards
        [1990, 980, 20, 20.4],
    ],
)
def test_what_is_right_is_not_reported(bbox: list[float]) -> None:
    assert check(coco.read(document(GOOD | {"bbox": bbox}), sizes={})) == ()


def test_a_person_may_fill_nearly_all_of_a_photo() -> None:
    assert check(coco.read(document(GOOD | {"image_id": 2, "bbox": [0, 0, 620, 480]}), sizes={})) == ()


@pytest.mark.parametrize(
    ("second", "kind", "left"),
    [
        (PHOTO | {"id": 1}, Kind.DUPLICATE_ID, []),
        (PHOTO | {"file_name": "pano.jpg"}, Kind.DUPLICATE_NAME, [1]),
        (PHOTO | {"file_name": "../photo.jpg"}, Kind.UNUSABLE_NAME, [1]),
        (PHOTO | {"width": 0}, Kind.NO_SIZE, [1]),
        ({"id": 2, "file_name": "photo.jpg"}, Kind.NO_SIZE, [1]),
    ],
)
def test_with_an_image_go_its_annotations(second: dict[str, Any], kind: Kind, left: list[int]) -> None:
    other = {"id": 2, "image_id": second["id"], "category_id": 1, "bbox": [300, 300, 50, 100]}
    read = coco.read(document(GOOD, other, images=(PANORAMA, second)), sizes={})

    assert kind in {one.kind for one in check(read) if one.kind.stops}
    kept, left_out = without_bad(read)
    assert [one.number for one in kept.annotations] == left
    assert len(left_out) == 3 - len(left)
    assert [image.name for image in kept.images] == ["pano.jpg"]
    assert check(kept) == ()


def test_both_spellings_of_licence_plate_are_one_category() -> None:
    one, other = GOOD | {"category_id": 2}, GOOD | {"id": 2, "category_id": 3, "bbox": [5, 5, 9, 9]}
    read = coco.read(document(one, other), sizes={})

    assert {read.categories[annotation.category] for annotation in read.annotations} == {"licence_plate/dutch"}
    assert list(read.categories.values()).count("licence_plate/dutch") == 1
    (plates,) = report(read, Format.COCO).categories
    assert (plates.object_class, plates.objects) == ("licence_plate", 2)
    assert [line.split()[0] for line in yolo.write(read).texts["labels/pano.txt"].splitlines()] == ["1", "1"]


def test_the_report_counts_areas_empty_images_and_seam_boxes() -> None:
    across = {"id": 7, "image_id": 1, "category_id": 1, "bbox": [1990, 500, 20, 30]}
    told = report(coco.read(document(GOOD, across), sizes={}), Format.COCO).document()

    assert told["empty_images"] == ["photo.jpg"]
    assert told["seam_boxes"] == ["annotation 7 of pano.jpg"]
    assert told["categories"] == [
        {
            "category": "person",
            "class": "person",
            "objects": 2,
            "area_px2": {"smallest": 600.0, "median": 2800.0, "largest": 5000.0},
            "median_width_px": 35.0,
            "median_height_px": 65.0,
        }
    ]


def test_a_size_that_the_export_does_not_say_is_the_pictures() -> None:
    image = {"id": 1, "file_name": "folder/pano.jpg"}
    shares = GOOD | {"bbox": [0.05, 0.5, 0.025, 0.1]}
    export = document(shares, images=(image,))

    assert azureml.read(export, sizes={}).annotations == ()
    (one,) = azureml.read(export, sizes={"folder/pano.jpg": Size(width_px=2000, height_px=1000)}).annotations
    assert [one.box.left, one.box.top, one.box.width, one.box.height] == GOOD["bbox"]


def test_polygons_are_scaled_with_their_box() -> None:
    outlined = GOOD | {"segmentation": [[100, 500, 150, 500, 150, 600]], "area": 2500}
    read = coco.read(document(outlined), sizes={})
    export = azureml.write(read)

    assert export["annotations"][0]["segmentation"] == [[0.05, 0.5, 0.075, 0.5, 0.075, 0.6]]
    assert export["annotations"][0]["area"] == pytest.approx(2500 / 2_000_000)
    assert azureml.read(export, sizes={}).annotations == read.annotations


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["1", "a.jpg", "person", ""])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.just("id"), inner))
entry = st.dictionaries(
    st.sampled_from(["id", "image_id", "category_id", "bbox", "area", "segmentation", "file_name", "width", "name"]),
    values | st.just(1) | st.lists(st.floats(), min_size=4, max_size=4),
)
complete = entry.map(lambda one: {"id": 1, "image_id": 1, "category_id": 1, "file_name": "a.jpg", "name": "man"} | one)
sized = complete.map(lambda one: one | {"width": 20, "height": 10})


@given(
    st.fixed_dictionaries(
        {
            "images": st.lists(sized | complete | values, max_size=3),
            "annotations": st.lists(complete | values, max_size=3),
            "categories": st.lists(complete | values, max_size=2),
        }
    ),
    st.booleans(),
)
def test_whatever_stands_in_a_file_is_read_or_refused(broken: dict[str, Any], normalised: bool) -> None:
    try:
        read = coco.read(broken, sizes={}, normalised=normalised)
    except ConfigurationError:
        return
    kept, _ = without_bad(read)
    assert not any(one.kind.stops for one in report(kept, Format.COCO).findings)
    for write in (coco.write, azureml.write, yolo.write):
        write(kept)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ([], "no list `images`"),
        ({"images": []}, "no list `annotations`"),
        (document() | {"annotations": [{"image_id": 1}]}, "annotations[0] has no `id`"),
        (document(images=({"id": 1},)), "images[0] (id 1) has no `file_name`"),
        (document() | {"categories": [{"id": 1}]}, "categories[0] (id 1) has no `name`"),
        (document() | {"categories": CATEGORIES + CATEGORIES[:1]}, "Two categories have the id 1"),
    ],
)
def test_what_is_no_coco_file_is_refused_with_the_entry(broken: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        coco.read(broken, sizes={})

    assert sentence in str(refused.value)
