"""What an evaluation says of areas, groups and images: cases whose numbers can be worked out by hand, and laws."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass
from baas_detector.coverage import Sizes
from baas_detector.evaluation import evaluate
from baas_detector.evaluation.area import count
from baas_detector.evaluation.intervals import fisher, image_gap_interval, image_interval, newcombe
from baas_detector.evaluation.painting import PredictedBox, painted
from baas_detector.evaluation.predictions import Source
from baas_detector.evaluation.results import Report
from baas_detector.evaluation.settings import Settings
from baas_detector.truth import LabelledObject

WIDTH, HEIGHT = 100, 50
PERSON, PLATE = DetectedClass.PERSON, DetectedClass.LICENCE_PLATE
Labels = dict[str, list[tuple[str, tuple[float, float, float, float]]]]
"""By image: category and box (left, top, width, height) in pixels."""
Boxes = dict[str, list[tuple[str, float, tuple[float, float, float, float]]]]
"""By image: class, score and box in pixels."""


def measured(folder: Path, labels: Labels, boxes: Boxes, chosen: Settings | None = None) -> Report:
    names = sorted({category for of in labels.values() for category, _ in of})
    truth = folder / "truth.json"
    numbered = [(image, category, box) for image, of in labels.items() for category, box in of]
    truth.write_text(
        json.dumps(
            {
                "images": [{"id": one, "file_name": one, "width": WIDTH, "height": HEIGHT} for one in labels],
                "categories": [{"id": one, "name": one} for one in names],
                "annotations": [
                    {"id": number, "image_id": image, "category_id": category, "bbox": box}
                    for number, (image, category, box) in enumerate(numbered)
                ],
            }
        )
    )
    for image, found in boxes.items():
        write_detections(folder, image, found)
    return evaluate(truth, Source(detections=folder), chosen or Settings())


def write_detections(folder: Path, image: str, found: list[Any], **more: Any) -> None:
    shares = [
        {"class": name, "score": score, "box": [left / WIDTH, top / HEIGHT, width / WIDTH, height / HEIGHT]}
        for name, score, (left, top, width, height) in found
    ]
    document = {"image": image, "width": WIDTH, "height": HEIGHT, "objects": shares, "corrections": []} | more
    (folder / f"{image}.json").write_text(json.dumps(document))


def areas(report: Report, group: str = "all") -> dict[tuple[str, str, str], tuple[int, int, int]]:
    return {
        (row.object_class, row.part, row.predicted): (
            row.true_positive_px,
            row.false_positive_px,
            row.false_negative_px,
        )
        for row in report.area
        if row.group == group
    }


def test_total_blurred_area_takes_all_boxes_together_and_counts_each_pixel_once(tmp_path: Path) -> None:
    labels: Labels = {
        "a": [("person", (10, 10, 10, 20)), ("man", (15, 10, 10, 20)), ("licence_plate", (50, 40, 10, 5))]
    }
    # Persons: columns 10 to 25, rows 10 to 30, 300 px. The plate's box lies on their upper half: it counts, too.
    boxes: Boxes = {
        "a": [
            ("person", 0.9, (10, 20, 15, 10)),
            ("person", 0.8, (10, 20, 15, 10)),
            ("licence_plate", 0.9, (10, 10, 30, 10)),
        ]
    }
    report = measured(tmp_path, labels, boxes)
    assert areas(report) == {
        ("person", "whole", "any class"): (300, 150, 0),
        ("person", "upper half", "any class"): (150, 300, 0),
        ("licence_plate", "whole", "any class"): (0, 450, 50),
        ("person", "whole", "same class"): (150, 0, 150),
        ("person", "upper half", "same class"): (0, 150, 150),
        ("licence_plate", "whole", "same class"): (0, 300, 50),
    }
    (row,) = (
        row
        for row in report.area
        if (row.object_class, row.part, row.predicted, row.group) == (PERSON, "whole", "any class", "all")
    )
    assert (row.precision, row.recall, row.f1) == pytest.approx((300 / 450, 1.0, 0.8))


def test_a_box_across_the_seam_covers_a_label_across_the_seam(tmp_path: Path) -> None:
    report = measured(
        tmp_path,
        {"a": [("person", (90, 10, 20, 30))]},
        {"a": [("person", 0.9, (90, 10, 20, 15)), ("person", 0.5, (0, 25, 10, 15))]},
    )
    # 20 x 15 px of the first, and the right half of the rest, which begins at the left edge
    assert areas(report)["person", "whole", "any class"] == (450, 0, 150)
    assert [(one.covered, one.crosses_seam) for one in report.objects] == [(0.75, True)]
    assert [(row.found, row.total) for row in report.recall if row.group == "at the seam"] == [(0, 1), (0, 0)]


def test_sizes_may_be_shares_of_the_picture(tmp_path: Path) -> None:
    sizes = {PERSON: Sizes(edges=(0.2, 0.5), of_picture=True), PLATE: Sizes(edges=(0.1,), of_picture=True)}
    labels: Labels = {"a": [("person", (0, 0, 5, 10)), ("person", (0, 0, 5, 25)), ("licence_plate", (0, 0, 9, 5))]}
    report = measured(tmp_path, labels, {"a": []}, Settings(sizes=sizes))
    assert [one.size for one in report.objects] == [
        "20 to 50 % of the picture high",
        "50 and more % of the picture high",
        "under 10 % of the picture wide",
    ]


def test_who_was_missed_is_counted_at_every_level_and_in_every_group(tmp_path: Path) -> None:
    box, elsewhere = (10.0, 10.0, 10.0, 30.0), (60.0, 10.0, 10.0, 30.0)
    labels: Labels = {
        "a": [("man/child/light", box), ("man/child/unknown", elsewhere)],
        "b": [("woman/child/dark/wheelchair", elsewhere), ("licence_plate/dutch", box)],
    }
    found = ("person", 0.9, box)
    report = measured(tmp_path, labels, {"a": [found], "b": [found]})
    counted = {(row.attribute, row.value): (row.missed, row.total) for row in report.misses if row.size == "all"}
    assert counted == {
        ("sex", "man"): (1, 2),
        ("sex", "woman"): (1, 1),
        ("age", "child"): (2, 3),
        ("skin", "light"): (0, 1),
        ("skin", "dark"): (1, 1),
        ("skin", "unknown"): (1, 1),
        ("aid", "none"): (1, 2),
        ("aid", "wheelchair"): (1, 1),
        ("origin", "dutch"): (0, 1),
        ("category", "man"): (1, 2),
        ("category", "man/child"): (1, 2),
        ("category", "man/child/light"): (0, 1),
        ("category", "man/child/unknown"): (1, 1),
        ("category", "woman"): (1, 1),
        ("category", "woman/child"): (1, 1),
        ("category", "woman/child/dark"): (1, 1),
        ("category", "woman/child/dark/wheelchair"): (1, 1),
        ("category", "licence_plate"): (0, 1),
        ("category", "licence_plate/dutch"): (0, 1),
    }
    assert {(row.value, row.other): row.gap for row in report.gaps if row.size == "all"} == {
        ("man", "woman"): 0.5,
        ("light", "dark"): 1.0,
        ("none", "wheelchair"): 0.5,
    }


def test_no_gap_is_measured_to_those_of_whom_nothing_is_known(tmp_path: Path) -> None:
    labels: Labels = {"a": [("man", (0, 0, 5, 30)), ("unknown", (20, 0, 5, 30)), ("person", (40, 0, 5, 30))]}
    report = measured(tmp_path, labels, {"a": []})
    assert report.gaps == ()
    # Nor are all persons told to be without aids where no annotator named any.
    assert {row.attribute for row in report.misses} == {"sex", "category"}


def test_an_image_without_detections_counts_as_missed(tmp_path: Path) -> None:
    box = (10.0, 10.0, 10.0, 30.0)
    labels: Labels = {"a": [("person", box)], "b": [("person", box)], "c": []}
    report = measured(tmp_path, labels, {"a": [("person", 0.9, box)], "c": [("person", 0.9, box)]})
    assert report.without_mask == ("b",)
    assert [(one.image, one.objects, one.found, one.predicted, one.right) for one in report.per_image] == [
        ("a", 1, 1, 1, 1),
        ("b", 1, 0, 0, 0),
        ("c", 0, 0, 1, 0),
    ]
    level = report.image_level[0]
    assert (level.true_positive, level.false_positive, level.false_negative, level.true_negative) == (1, 1, 1, 0)
    assert (level.precision, level.recall, level.false_negative_rate) == (0.5, 0.5, 0.5)


def test_masks_say_what_is_covered_where_both_are_given(tmp_path: Path) -> None:
    box = (10.0, 10.0, 10.0, 30.0)
    measured(tmp_path, {"a": [("person", box)]}, {"a": [("person", 0.9, box)]})
    Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / "a.png")
    report = evaluate(tmp_path / "truth.json", Source(masks=tmp_path, detections=tmp_path), Settings())
    assert (report.recall[0].found, report.per_image[0].right, report.masked_share.total) == (0, 1, 0.0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"width": 99}, "of a picture of 99 x 50, the truth of one of 100 x 50"),
        ({"objects": [{"class": "cat", "score": 1, "box": [0, 0, 1, 1]}]}, "objects.0.class"),
        ({"objects": [{"class": "person", "score": 2, "box": [0, 0, 1, 1]}]}, "objects.0.score"),
        ({"objects": [{"class": "person", "score": 1, "box": [10, 10, 20, 20]}]}, "objects.0.box.0"),
    ],
)
def test_detections_that_could_mislead_are_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    measured(tmp_path, {"a": []}, {"a": []})
    write_detections(tmp_path, "a", [], **change)
    with pytest.raises(ConfigurationError, match=sentence):
        evaluate(tmp_path / "truth.json", Source(detections=tmp_path), Settings())


def test_newcombes_interval_is_that_of_his_paper() -> None:
    # Newcombe 1998, table II, method 10: 56/70 less 48/80, and 10/10 less 0/10
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert newcombe(10, 10, 0, 10) == pytest.approx((0.6075, 1.0), abs=1e-4)


def test_the_test_of_a_gap_is_fishers() -> None:
    # The lady tasting tea: 3 of 4 against 1 of 4; p = (16 + 1 + 16 + 1) / 70
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)


def test_objects_of_one_image_count_as_one_draw_when_images_are_resampled() -> None:
    found = np.array([True] * 50 + [False] * 50)
    images = np.array(["a"] * 50 + ["b"] * 50)
    # Two images, one all found, one all missed: a resample has both, or one of them twice.
    assert image_interval(found, images, seed=0) == (0.0, 1.0)
    assert image_interval(found[:50], images[:50], seed=0) is None
    low, high = image_interval(found, np.arange(100).astype(str), seed=0) or (0, 0)
    assert (low, high) == pytest.approx((0.4, 0.6), abs=0.03)


def test_a_gap_within_every_image_is_sure_when_images_are_resampled() -> None:
    images = np.array([str(number) for number in range(20)])
    one, other = np.ones(20, bool), np.zeros(20, bool)
    assert image_gap_interval([one, other], [images, images], seed=0) == (1.0, 1.0)


sides = st.integers(3, 40)
spots = st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), sides, sides)
predicted = st.lists(
    st.builds(
        lambda spot, each, score: PredictedBox(
            object_class=each,
            left=spot[0],
            top=spot[1],
            width=spot[2],
            height=min(spot[3], HEIGHT - spot[1]),
            score=score,
        ),
        spots,
        st.sampled_from(DetectedClass),
        st.floats(0, 1),
    ),
    max_size=6,
)


@given(predicted)
def test_a_union_has_the_pixels_of_each_box_and_none_twice(boxes: list[PredictedBox]) -> None:
    pixels = {
        (x % WIDTH, y)
        for box in boxes
        for x in range(int(box.left), int(box.left + box.width))
        for y in range(int(box.top), int(box.top + box.height))
    }
    mask = painted(boxes, WIDTH, HEIGHT)
    assert {(int(x), int(y)) for y, x in np.argwhere(mask)} == pixels
    assert (painted([*boxes, *boxes], WIDTH, HEIGHT) == mask).all()


CATEGORIES = ("person", "man/child", "woman/adult/dark", "unknown", "licence_plate/foreign", "woman/elder/cane")


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("abc"),
        st.tuples(st.lists(st.tuples(st.sampled_from(CATEGORIES), spots), max_size=4), predicted),
        min_size=1,
    ),
    st.randoms(use_true_random=False),
)
def test_rates_are_shares_and_the_order_of_images_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, content: Any, chance: random.Random
) -> None:
    labels: Labels = {
        image: [(name, (x, y, width, min(height, HEIGHT - y))) for name, (x, y, width, height) in of]
        for image, (of, _) in content.items()
    }
    boxes: Boxes = {
        image: [(str(one.object_class), one.score, (one.left, one.top, one.width, one.height)) for one in of]
        for image, (_, of) in content.items()
    }
    # A report's model holds every share to 0..1: that one is made at all is the first law.
    report = measured(tmp_path_factory.mktemp("some"), labels, boxes)
    assert all(row.found <= row.total for row in report.recall)
    order = list(labels)
    chance.shuffle(order)
    turned = measured(tmp_path_factory.mktemp("turned"), {image: labels[image] for image in order}, boxes)
    ignored = {"truth_digest", "objects"}
    assert turned.model_dump(exclude=ignored) == report.model_dump(exclude=ignored)


def test_made_up_boxes_on_all_levels_of_the_tree(test_data: Path, tmp_path: Path) -> None:
    truth = test_data / "bias-example.json"
    document = json.loads(truth.read_text())
    names = {entry["id"]: entry["name"] for entry in document["categories"]}
    for image in document["images"]:
        # Found are all persons that are no adults, and no plate.
        found = [
            {"class": "person", "score": 0.5, "box": [x / 8000, y / 4000, width / 8000, height / 4000]}
            for entry in document["annotations"]
            for x, y, width, height in [entry["bbox"]]
            for path in [names[entry["category_id"]]]
            if entry["image_id"] == image["id"] and "licence_plate" not in path and "adult" not in path
        ]
        sizes = {"width": image["width"], "height": image["height"]}
        (tmp_path / f"{image['file_name']}.json").write_text(json.dumps(sizes | {"objects": found}))
    report = evaluate(truth, Source(detections=tmp_path), Settings())
    counted = {(row.attribute, row.value): (row.missed, row.total) for row in report.misses if row.size == "all"}
    paths = [names[entry["category_id"]] for entry in document["annotations"]]
    for value in ("child", "adult", "elder"):
        total = sum(f"/{value}" in path for path in paths)
        assert counted["age", value] == (total if value == "adult" else 0, total)
    plates = sum("licence_plate" in path for path in paths)
    assert counted["category", "licence_plate"] == (plates, plates)
    for path in set(paths):
        below = [one for one in paths if one == path or one.startswith(f"{path}/")]
        assert counted["category", path][1] == len(below)


@given(st.lists(spots, min_size=1, max_size=4), st.data())
def test_the_area_of_a_group_is_that_of_its_union(places: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    fraction = st.floats(0, 0.99)
    members = [
        LabelledObject(
            object_class=PERSON,
            left=x + data.draw(fraction),
            top=y + data.draw(fraction),
            width=width,
            height=max(0.1, min(height, HEIGHT - y - 1)),
        )
        for x, y, width, height in places
    ]
    boxes = [
        PredictedBox(object_class=PERSON, left=m.left, top=m.top, width=m.width, height=m.height, score=1)
        for m in members
    ]
    union = painted(boxes, WIDTH, HEIGHT)
    pixels = count(members, "whole", union)
    assert (pixels.true_positive, pixels.false_positive, pixels.false_negative) == (union.sum(), 0, 0)
