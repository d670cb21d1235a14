"""What needs boxes with confidences: COCO's average precision and recall, and curves. pycocotools does the matching.

Boxes lie on a panorama's circle: one that crosses the seam meets one that was found on the other side of it.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from baas_detector.contract import DetectedClass
from baas_detector.evaluation.images import Right
from baas_detector.evaluation.painting import PredictedBox
from baas_detector.evaluation.results import Curve, CurvePoint, Detection, PrecisionRow
from baas_detector.evaluation.settings import USUAL_AREAS_PX, USUAL_MAX_DETECTIONS
from baas_detector.evaluation.shares import f_score, share_of
from baas_detector.truth import LabelledImage

Pairs: TypeAlias = Sequence[tuple[LabelledImage, Sequence[PredictedBox]]]

_NO_LIMIT_PX = 1e10
_CONFIDENCES = np.arange(0, 101) / 100
_IOU_50, _IOU_75 = 0, 5
"""Positions in COCO's thresholds 0.50, 0.55 … 0.95."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Predictions of one class, matched at IoU 0.5; those on labels that are left out are neither right nor wrong."""

    objects: int
    scores: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]


class Matching:
    """COCO's matching of all images, done once. Takes seconds for a thousand images."""

    def __init__(
        self,
        pairs: Pairs,
        *,
        areas_px: Sequence[float] = USUAL_AREAS_PX,
        max_detections: Sequence[int] = USUAL_MAX_DETECTIONS,
    ) -> None:
        self._pairs = pairs
        self._edges = (0, *areas_px, _NO_LIMIT_PX)
        self._max_detections = tuple(sorted(set(max_detections)))
        most = max((len(boxes) for _, boxes in pairs), default=0)
        self._evaluation = _Evaluation(pairs)
        params = self._evaluation.params
        params.areaRng = [[0, _NO_LIMIT_PX], *(list(span) for span in zip(self._edges, self._edges[1:], strict=False))]
        params.areaRngLbl = [f"area {number}" for number in range(len(params.areaRng))]
        # The last one bounds what is matched at all: curves and images count every prediction.
        params.maxDets = sorted({*self._max_detections, max(most, 1)})
        # It prints how long each step took.
        with contextlib.redirect_stdout(io.StringIO()):
            self._evaluation.evaluate()
            self._evaluation.accumulate()

    def detection(self) -> Detection:
        """Return averages by class and area, and curves by class."""
        return Detection(
            max_detections=self._max_detections,
            average=tuple(self._averages()),
            curves=tuple(curve(each, self.of_class(each)) for each in DetectedClass),
        )

    def of_image(self, position: int, object_class: DetectedClass) -> Matches:
        """Return the matches in one image, by its position in the pairs."""
        areas = len(self._evaluation.params.areaRng)
        found = self._evaluation.evalImgs[object_class.number * areas * len(self._pairs) + position]
        if found is None:
            return Matches(objects=0, scores=np.zeros(0), right=np.zeros(0, np.bool_))
        counted = ~np.asarray(found["dtIgnore"], np.bool_)[_IOU_50]
        return Matches(
            objects=int(np.count_nonzero(np.asarray(found["gtIgnore"]) == 0)),
            scores=np.asarray(found["dtScores"], np.float64)[counted],
            right=(np.asarray(found["dtMatches"])[_IOU_50] > 0)[counted],
        )

    def right_in(self, position: int, object_class: DetectedClass) -> Right:
        """Return how many predictions of a class one image has, and how many of them are right."""
        matches = self.of_image(position, object_class)
        return Right(len(matches.scores), int(matches.right.sum()))

    def of_class(self, object_class: DetectedClass) -> Matches:
        """Return the matches in all images."""
        every = [self.of_image(position, object_class) for position in range(len(self._pairs))]
        return Matches(
            objects=sum(one.objects for one in every),
            scores=np.concatenate([np.zeros(0), *(one.scores for one in every)]),
            right=np.concatenate([np.zeros(0, np.bool_), *(one.right for one in every)]),
        )

    def _averages(self) -> Iterator[PrecisionRow]:
        # (IoU, recall, class, area, maxDets) and (IoU, class, area, maxDets); -1 where there is nothing to find
        precision, recall = self._evaluation.eval["precision"], self._evaluation.eval["recall"]
        limits = list(self._evaluation.params.maxDets)
        last = limits.index(self._max_detections[-1])
        for object_class in DetectedClass:
            for area, (low, high) in enumerate(self._evaluation.params.areaRng):
                seen = precision[:, :, object_class.number, area, last]
                yield PrecisionRow(
                    object_class=object_class,
                    area=_span(low, high),
                    objects=self._objects(object_class, low, high),
                    average_precision=_mean(seen),
                    average_precision_50=_mean(seen[_IOU_50]),
                    average_precision_75=_mean(seen[_IOU_75]),
                    average_recall={
                        limit: _mean(recall[:, object_class.number, area, limits.index(limit)])
                        for limit in self._max_detections
                    },
                )

    def _objects(self, object_class: DetectedClass, low: float, high: float) -> int:
        return sum(
            one.object_class is object_class and low <= one.width * one.height <= high
            for image, _ in self._pairs
            for one in image.objects
        )


def curve(object_class: DetectedClass, matches: Matches) -> Curve:
    """Return precision, recall and F of all predictions from each hundredth of confidence on."""
    points = []
    for confidence in _CONFIDENCES if matches.objects else ():
        kept = matches.scores >= confidence
        right = int(np.count_nonzero(matches.right & kept))
        predicted = int(np.count_nonzero(kept))
        precision, recall = share_of(right, predicted), right / matches.objects
        points.append(
            CurvePoint(
                confidence=float(confidence),
                right=right,
                wrong=predicted - right,
                precision=precision,
                recall=recall,
                f1=f_score(precision, recall, 1),
                f05=f_score(precision, recall, 0.5),
                f2=f_score(precision, recall, 2),
            )
        )
    return Curve(object_class=object_class, objects=matches.objects, points=tuple(points))


class _Evaluation(COCOeval):  # type: ignore[misc]
    """COCO's own, but for boxes on a circle."""

    def __init__(self, pairs: Pairs) -> None:
        truth, predictions = [], []
        for number, (image, boxes) in enumerate(pairs, 1):
            labelled = [(one, 0) for one in image.objects] + [(one, 1) for one in image.ignored]
            # COCO knows objects that are left out by the flag of crowds only.
            truth += [_entry(one, number) | {"iscrowd": left_out} for one, left_out in labelled]
            predictions += [_entry(box, number) | {"iscrowd": 0, "score": box.score} for box in boxes]
        self._widths = {number: image.width_px for number, (image, _) in enumerate(pairs, 1)}
        super().__init__(self._coco(truth), self._coco(predictions), iouType="bbox")

    def computeIoU(self, imgId: int, catId: int) -> Any:  # noqa: N802, N803 - COCO's names
        """Return (predictions, labels), as COCO does: predictions by falling score, at most as many as are matched."""
        labels, boxes = self._gts[imgId, catId], self._dts[imgId, catId]
        if not labels or not boxes:
            return []
        by_score = np.argsort([-box["score"] for box in boxes], kind="mergesort")[: self.params.maxDets[-1]]
        placed = np.array([boxes[position]["bbox"] for position in by_score])
        turns = [placed + np.array([turn * self._widths[imgId], 0, 0, 0]) for turn in (-1, 0, 1)]
        wanted, left_out = [label["bbox"] for label in labels], [int(label["iscrowd"]) for label in labels]
        return np.maximum.reduce([coco_mask.iou(turned, np.array(wanted), left_out) for turned in turns])

    def _coco(self, entries: Sequence[Mapping[str, Any]]) -> COCO:
        coco = COCO()
        coco.dataset = {
            "images": [{"id": number} for number in self._widths],
            "categories": [{"id": each.number + 1, "name": str(each)} for each in DetectedClass],
            # From 1 on: COCO takes a match with annotation 0 for none.
            "annotations": [{**entry, "id": number} for number, entry in enumerate(entries, 1)],
        }
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
        return coco


def _entry(box: Any, image: int) -> dict[str, Any]:
    return {
        "image_id": image,
        "category_id": box.object_class.number + 1,
        "bbox": [box.left, box.top, box.width, box.height],
        "area": box.width * box.height,
    }


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    known = values[values > -1]
    return float(known.mean()) if known.size else None


def _span(low: float, high: float) -> str:
    if low == 0 and high == _NO_LIMIT_PX:
        return "all"
    if high == _NO_LIMIT_PX:
        return f"{low:g} px² and more"
    return f"under {high:g} px²" if low == 0 else f"{low:g} to {high:g} px²"
