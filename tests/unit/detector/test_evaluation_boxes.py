"""Boxes with confidences: COCO's averages as pycocotools has them, and curves that can be worked out by hand."""

import contextlib
import io
import random
from collections.abc import Sequence
from typing import Any

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from baas_detector.contract import DetectedClass
from baas_detector.evaluation.boxes import Matching
from baas_detector.evaluation.painting import PredictedBox
from baas_detector.evaluation.results import CurvePoint
from baas_detector.evaluation.shares import f_score
from baas_detector.truth import LabelledImage, LabelledObject

WIDTH, HEIGHT = 1000, 500
PERSON, PLATE = DetectedClass.PERSON, DetectedClass.LICENCE_PLATE
Box = tuple[float, float, float, float]


def label(box: Box, object_class: DetectedClass = PERSON) -> LabelledObject:
    return LabelledObject(object_class=object_class, left=box[0], top=box[1], width=box[2], height=box[3])


def guess(box: Box, score: float, object_class: DetectedClass = PERSON) -> PredictedBox:
    return PredictedBox(object_class=object_class, left=box[0], top=box[1], width=box[2], height=box[3], score=score)


def image(name: str, objects: Sequence[LabelledObject], ignored: Sequence[LabelledObject] = ()) -> LabelledImage:
    return LabelledImage(name=name, width_px=WIDTH, height_px=HEIGHT, objects=tuple(objects), ignored=tuple(ignored))


def points(*pairs: tuple[LabelledImage, list[PredictedBox]]) -> dict[float, CurvePoint]:
    return {point.confidence: point for point in Matching(pairs).detection().curves[0].points}


ONE, TWO, FAR = (100, 100, 40, 80), (300, 100, 40, 80), (700, 300, 40, 80)


def test_a_curve_counts_what_is_right_and_wrong_from_each_confidence_on() -> None:
    found = points(
        (image("a", [label(ONE), label(TWO)]), [guess(ONE, 0.9), guess(FAR, 0.6), guess(ONE, 0.3)]),
        (image("b", [label(ONE)]), [guess(ONE, 0.5)]),
    )
    counted = {
        confidence: (found[confidence].right, found[confidence].wrong) for confidence in (0.0, 0.4, 0.5, 0.6, 0.9, 1.0)
    }
    # The second box on one label is wrong.
    assert counted == {0.0: (2, 2), 0.4: (2, 1), 0.5: (2, 1), 0.6: (1, 1), 0.9: (1, 0), 1.0: (0, 0)}
    at = found[0.5]
    assert (at.precision, at.recall, at.f1, at.f2, at.f05) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3))
    assert (found[1.0].precision, found[1.0].f1) == (None, 0)


@pytest.mark.parametrize(("beta", "value"), [(1, 0.6 / 1.15), (0.5, 0.375 / 0.5875), (2, 1.5 / 3.4)])
def test_f_weighs_recall_by_beta(beta: float, value: float) -> None:
    # (1 + beta²) · 0.3 / (beta² · 0.75 + 0.4)
    assert f_score(0.75, 0.4, beta) == pytest.approx(value)


def test_a_box_beside_the_seam_meets_the_label_across_it() -> None:
    across, beside = (980, 100, 50, 80), (0, 100, 30, 80)
    found = points((image("a", [label(across)]), [guess(beside, 0.9)]))
    assert found[0.5].right == 1  # 30 of 50 px: IoU 0.6


def test_a_prediction_on_an_object_too_small_to_judge_is_neither_right_nor_wrong() -> None:
    found = points((image("a", [label(ONE)], [label(TWO)]), [guess(ONE, 0.9), guess(TWO, 0.9)]))
    assert (found[0.5].right, found[0.5].wrong) == (1, 0)


def drawn(seed: int) -> list[tuple[LabelledImage, list[PredictedBox]]]:
    """Labels, and predictions that are off by up to a third or somewhere else; nothing at the seam."""
    chance = random.Random(seed)  # noqa: S311 - pictures, no secrets
    pairs = []
    for number in range(8):
        labels, guesses = [], []
        for _ in range(chance.randrange(6)):
            box = (chance.uniform(0, 700), chance.uniform(0, 250), chance.uniform(10, 150), chance.uniform(10, 200))
            each = chance.choice(list(DetectedClass))
            labels.append(label(box, each))
            if chance.random() < 0.8:
                off = chance.uniform(0, 0.3)
                guesses.append(
                    guess((box[0] + off * box[2], box[1], box[2], box[3] * (1 + off)), chance.random(), each)
                )
            if chance.random() < 0.4:
                guesses.append(guess((chance.uniform(0, 700), 10, 60, 90), chance.random(), each))
        pairs.append((image(f"{number}", labels), guesses))
    return pairs


def pycocotools_says(
    pairs: Sequence[tuple[LabelledImage, list[PredictedBox]]], object_class: DetectedClass, areas: list[list[float]]
) -> Any:
    def entry(one: LabelledObject | PredictedBox, number: int) -> dict[str, Any]:
        box = [one.left, one.top, one.width, one.height]
        return {"image_id": number, "category_id": one.object_class.number + 1, "bbox": box}

    truth = [entry(one, number) for number, (image, _) in enumerate(pairs) for one in image.objects]
    guesses = [entry(one, number) | {"score": one.score} for number, (_, of) in enumerate(pairs) for one in of]
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": number} for number in range(len(pairs))],
        "categories": [{"id": 1}, {"id": 2}],
        "annotations": [
            one | {"id": number, "iscrowd": 0, "area": one["bbox"][2] * one["bbox"][3]}
            for number, one in enumerate(truth, 1)
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(guesses), "bbox")
        evaluation.params.catIds = [object_class.number + 1]
        evaluation.params.areaRng = areas
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("object_class", DetectedClass)
def test_averages_are_those_of_pycocotools(seed: int, object_class: DetectedClass) -> None:
    pairs = drawn(seed)
    areas = (2000.0, 9000.0)
    spans: list[list[float]] = [[0, 1e10], [0, 2000], [2000, 9000], [9000, 1e10]]
    stats = [None if value == -1 else pytest.approx(value) for value in pycocotools_says(pairs, object_class, spans)]
    every, *sized = (
        row for row in Matching(pairs, areas_px=areas).detection().average if row.object_class is object_class
    )
    assert [every.average_precision, every.average_precision_50, every.average_precision_75] == stats[:3]
    assert [row.average_precision for row in sized] == stats[3:6]
    assert [every.average_recall[limit] for limit in (1, 10, 100)] == stats[6:9]
    assert [row.average_recall[100] for row in sized] == stats[9:12]


def test_without_any_prediction_nothing_is_found() -> None:
    detection = Matching([(image("a", [label(ONE)]), [])]).detection()
    assert (detection.average[0].average_precision, detection.average[0].average_recall[100]) == (0, 0)
    assert {point.recall for point in detection.curves[0].points} == {0}
    assert detection.curves[1].points == ()


def test_a_limit_counts_only_the_most_confident_predictions() -> None:
    pairs = [(image("a", [label(ONE), label(TWO), label(FAR)]), [guess(ONE, 0.9), guess(TWO, 0.8), guess(FAR, 0.7)])]
    average = Matching(pairs, max_detections=(1, 2)).detection().average[0]
    assert average.average_recall == {1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3)}
    assert Matching(pairs, max_detections=(1, 2)).detection().curves[0].points[0].right == 3
