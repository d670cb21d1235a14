"""What counts as found, and how sure that is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass
from baas_detector.coverage import Recall, Verdict, covered_share, recalls, usual_groups
from baas_detector.evaluate_command import evaluate as evaluate_command
from baas_detector.evaluation import evaluate
from baas_detector.evaluation.predictions import Source
from baas_detector.evaluation.settings import Settings
from baas_detector.truth import LabelledObject, read_truth

WIDTH, HEIGHT = 40, 20
PERSON, PLATE = DetectedClass.PERSON, DetectedClass.LICENCE_PLATE

masks = arrays(np.bool_, (HEIGHT, WIDTH))


def labelled(
    left: float, top: float, width: float, height: float, *, object_class: DetectedClass = PERSON
) -> LabelledObject:
    return LabelledObject(
        object_class=object_class, left=left, top=top, width=width, height=height, crosses_seam=left + width > WIDTH
    )


@st.composite
def boxes(draw: st.DrawFn) -> LabelledObject:
    left = draw(st.floats(0, WIDTH - 0.5))
    top = draw(st.floats(0, HEIGHT - 0.5))
    return labelled(left, top, draw(st.floats(0.25, WIDTH)), draw(st.floats(0.25, HEIGHT - top)))


def truth_of(*objects: dict[str, Any], **image: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "west/a.jpg", "width": WIDTH, "height": HEIGHT} | image],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "license_plate"}, {"id": 3, "name": "car"}],
        "annotations": [{"id": k, "image_id": 1, "category_id": 1} | one for k, one in enumerate(objects, 1)],
    }


def save_mask(folder: Path, mask: np.ndarray[Any, Any], name: str = "west/a.jpg.png") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)


@pytest.mark.parametrize(
    ("box", "share"),
    [
        pytest.param(labelled(4, 4, 8, 4), 0.5, id="the left half of the box is masked"),
        pytest.param(labelled(0, 0, 8, 8), 1.0, id="all of the box is masked"),
        pytest.param(labelled(20, 4, 8, 4), 0.0, id="nothing of the box is masked"),
        pytest.param(labelled(7.5, 0, 1, 1), 0.5, id="half of a pixel counts as half"),
        pytest.param(labelled(36, 0, 12, 8), 8 / 12, id="what crosses the seam goes on at the left edge"),
        pytest.param(labelled(0, 18, 8, 2.5), 0.8, id="what lies below the picture is not covered"),
    ],
)
def test_the_covered_share_is_the_masked_part_of_the_box(box: LabelledObject, share: float) -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[:, :8] = True
    assert covered_share(mask, box) == pytest.approx(share)


@given(masks, masks, boxes())
def test_more_mask_never_covers_less(one: Any, more: Any, box: LabelledObject) -> None:
    assert covered_share(one, box) <= covered_share(one | more, box) + 1e-9


@given(masks, boxes())
def test_a_box_on_the_seam_is_covered_like_its_two_halves(mask: Any, box: LabelledObject) -> None:
    inside = min(box.width, WIDTH - box.left)
    right = replace(box, width=inside)
    whole = covered_share(mask, box) * box.width
    rest = box.width - inside
    left = covered_share(mask, replace(box, left=0, width=rest)) * rest if rest > 0 else 0
    assert whole == pytest.approx(covered_share(mask, right) * inside + left, abs=1e-6)


@given(masks, boxes(), st.integers(0, WIDTH - 1))
def test_turning_the_panorama_changes_nothing(mask: Any, box: LabelledObject, turn: int) -> None:
    turned = replace(box, left=(box.left + turn) % WIDTH)
    assert covered_share(np.roll(mask, turn, axis=1), turned) == pytest.approx(covered_share(mask, box), abs=1e-6)


def test_recall_is_counted_by_class_by_size_and_at_the_seam() -> None:
    judged = [
        Verdict(labelled=labelled(0, 0, 5, 24), covered=0.8),
        Verdict(labelled=labelled(0, 0, 5, 49.9), covered=0.79),
        Verdict(labelled=labelled(38, 0, 5, 500), covered=1.0),
        Verdict(labelled=labelled(0, 0, 30, 5, object_class=PLATE), covered=0.0),
    ]
    counted = {
        (one.object_class, one.group): (one.found, one.total)
        for one in recalls(judged, usual_groups(), min_coverage=0.8)
        if one.total
    }
    assert counted == {
        (PERSON, "all"): (2, 3),
        (PERSON, "24 to 50 px high"): (1, 2),
        (PERSON, "400 and more px high"): (1, 1),
        (PERSON, "at the seam"): (1, 1),
        (PLATE, "all"): (0, 1),
        (PLATE, "30 to 60 px wide"): (0, 1),
    }


@pytest.mark.parametrize(
    ("found", "total", "low", "high"),
    [
        pytest.param(10, 10, 0.6915, 1.0, id="ten of ten still allow 69 percent"),
        pytest.param(0, 10, 0.0, 0.3085, id="none of ten still allows 31 percent"),
        pytest.param(9, 11, 0.4822, 0.9772, id="nine of eleven"),
        pytest.param(0, 0, 0.0, 1.0, id="nothing measured allows everything"),
    ],
)
def test_the_interval_is_the_exact_one_of_clopper_and_pearson(found: int, total: int, low: float, high: float) -> None:
    recall = Recall(object_class=PERSON, group="all", found=found, total=total)
    assert recall.interval() == pytest.approx((low, high), abs=1e-4)


def test_objects_too_small_to_judge_and_other_classes_are_left_out_and_counted() -> None:
    truth = read_truth(
        truth_of(
            {"bbox": [0, 0, 4, 8]},
            {"bbox": [0, 0, 4, 8], "ignore": True},
            {"bbox": [0, 0, 4, 8], "category_id": 3},
        )
    )
    assert (len(truth.images[0].objects), truth.ignored, truth.other_classes) == (1, 1, {"car": 1})


def test_an_object_keeps_what_the_annotator_said_of_it() -> None:
    document = truth_of({"bbox": [0, 0, 4, 8], "id": 7})
    document["categories"][0]["name"] = "woman/elder/dark"
    (found,) = read_truth(document).images[0].objects
    assert found.category is not None
    assert (found.number, found.category.path, found.size_share) == (7, "woman/elder/dark", 0.4)


def test_both_spellings_of_licence_plate_are_plates() -> None:
    for name in ("licence_plate", "license_plate"):
        document = truth_of({"bbox": [0, 0, 4, 8], "category_id": 2})
        document["categories"][1]["name"] = name
        assert read_truth(document).images[0].objects[0].object_class is PLATE


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        pytest.param(truth_of({"bbox": [0.1, 0.2, 0.3, 0.4]}), "looks normalised", id="normalised boxes"),
        pytest.param(truth_of({"bbox": [10, 10, 0, 5]}), "does not lie in its picture", id="an empty box"),
        pytest.param(truth_of({"bbox": [WIDTH, 1, 5, 5]}), "does not lie in its picture", id="beyond the right edge"),
        pytest.param(truth_of({"bbox": [1, 1, 5, HEIGHT]}), "does not lie in its picture", id="below the picture"),
        pytest.param(truth_of({"bbox": [0, 0, 4]}), "no COCO file", id="a box of three numbers"),
        pytest.param(truth_of({"bbox": [0, 0, 4, 8], "image_id": 7}), "no COCO file", id="an unknown image"),
        pytest.param(truth_of(file_name="../a.jpg"), "a relative path", id="a name that leads outside"),
        pytest.param(
            truth_of({"bbox": [0, 0, 4, 8], "id": 5}, {"bbox": [0, 0, 4, 8], "id": 5}),
            "annotation 5 more than once",
            id="one annotation twice",
        ),
        pytest.param([], "no COCO file", id="another document"),
    ],
)
def test_a_truth_that_could_hide_a_miss_is_refused(document: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        read_truth(document)


def test_a_mask_is_found_under_the_images_name_and_compared(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(truth_of({"bbox": [0, 0, 4, 8]}, {"bbox": [20, 0, 4, 8], "category_id": 2})))
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[:, :5] = True
    save_mask(tmp_path, mask)
    result = evaluate(truth, Source(masks=tmp_path), Settings())
    found = {one.object_class: (one.found, one.total) for one in result.recall if one.group == "all"}
    assert found == {PERSON: (1, 1), PLATE: (0, 1)}
    assert (result.masked_share.mean, result.masked_share.total) == (0.125, 0.125)


def test_an_image_without_a_mask_counts_as_missed_and_is_named(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(truth_of({"bbox": [0, 0, 4, 8]})))
    arguments = ["--truth", str(truth), "--masks", str(tmp_path)]
    shown = CliRunner().invoke(evaluate_command, arguments)
    assert shown.exit_code == 0
    assert "no mask, so all their objects count as missed: west/a.jpg" in shown.output
    document = json.loads(CliRunner().invoke(evaluate_command, [*arguments, "--json"]).output)
    assert document["without_mask"] == ["west/a.jpg"]
    assert document["recall"][0] == {
        "class": "person",
        "group": "all",
        "found": 0,
        "total": 1,
        "share": 0.0,
        "interval_95": [0.0, 0.975],
        "interval_images_95": None,
    }


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        pytest.param(Image.new("L", (WIDTH + 1, HEIGHT)), "is L 41 x 20; it should be", id="another size"),
        pytest.param(Image.new("RGB", (WIDTH, HEIGHT)), "is RGB 40 x 20; it should be", id="in colour"),
        pytest.param(Image.new("L", (WIDTH, HEIGHT), 7), "values other than 0 and 255", id="shades of grey"),
    ],
)
def test_a_picture_that_is_no_mask_is_refused(tmp_path: Path, picture: Image.Image, sentence: str) -> None:
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(truth_of({"bbox": [0, 0, 4, 8]})))
    (tmp_path / "west").mkdir()
    picture.save(tmp_path / "west" / "a.jpg.png")
    with pytest.raises(ConfigurationError, match=sentence):
        evaluate(truth, Source(masks=tmp_path), Settings())
