"""Total blurred area (TBA), as the earlier service measured it: predicted pixels over labelled pixels. Pure.

For each class and size: the union of all predicted boxes, of whatever class, over the union of the labelled ones. It
also counts only boxes of the same class, and only the upper half of the labelled persons, where the heads are. What is
predicted outside of a group's pixels is a false positive of that group, though it may lie on an object of another one:
recall is what this is for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from baas_detector.contract import DetectedClass
from baas_detector.coverage import Group, MaskPixels
from baas_detector.evaluation.painting import Predicted, paint, painted
from baas_detector.evaluation.results import AreaRow
from baas_detector.evaluation.shares import share_of
from baas_detector.truth import LabelledImage, LabelledObject

Part: TypeAlias = Literal["whole", "upper half"]
By: TypeAlias = Literal["any class", "same class"]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels of one image, or of several."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0

    def __add__(self, other: "Pixels") -> "Pixels":
        return Pixels(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
        )


@dataclass(frozen=True, slots=True)
class _Key:
    object_class: DetectedClass
    group: str
    part: Part
    predicted: By


class AreaCounter:
    """Adds up images, one after the other: no more than a few masks are held at once."""

    def __init__(self, groups: Iterable[Group], *, with_boxes: bool) -> None:
        self._groups = tuple(groups)
        self._with_boxes = with_boxes
        self._sums: dict[_Key, Pixels] = defaultdict(Pixels)

    def add(self, image: LabelledImage, predicted: Predicted | None) -> None:
        """Count an image; without a prediction all its labelled pixels are false negatives."""
        for by, mask_of in self._masks(image, predicted):
            for group in self._groups:
                mask = mask_of[group.object_class]
                members = [one for one in image.objects if one.object_class is group.object_class and group.holds(one)]
                for part in _parts(group.object_class):
                    self._sums[_Key(group.object_class, group.name, part, by)] += count(members, part, mask)

    def rows(self) -> Iterator[AreaRow]:
        """Return the sums in the order of the groups, those of groups without any labelled pixel left out."""
        for key, pixels in self._sums.items():
            labelled = pixels.true_positive + pixels.false_negative
            precision = share_of(pixels.true_positive, pixels.true_positive + pixels.false_positive)
            if labelled:
                yield AreaRow(
                    object_class=key.object_class,
                    group=key.group,
                    part=key.part,
                    predicted=key.predicted,
                    true_positive_px=pixels.true_positive,
                    false_positive_px=pixels.false_positive,
                    false_negative_px=pixels.false_negative,
                    precision=precision,
                    recall=pixels.true_positive / labelled,
                    f1=share_of(2 * pixels.true_positive, pixels.true_positive + labelled + pixels.false_positive),
                )

    def _masks(
        self, image: LabelledImage, predicted: Predicted | None
    ) -> Iterator[tuple[By, Mapping[DetectedClass, MaskPixels]]]:
        nothing = np.zeros((image.height_px, image.width_px), np.bool_)
        yield "any class", dict.fromkeys(DetectedClass, nothing if predicted is None else predicted.mask)
        if self._with_boxes:
            boxes = predicted.boxes if predicted is not None and predicted.boxes is not None else ()
            yield (
                "same class",
                {
                    each: painted((box for box in boxes if box.object_class is each), image.width_px, image.height_px)
                    for each in DetectedClass
                },
            )


def count(members: Iterable[LabelledObject], part: Part, mask: MaskPixels) -> Pixels:
    """Compare a mask with the union of labelled boxes: no pixel counts twice, however many boxes hold it."""
    seen = [replace(one, height=one.height / 2) if part == "upper half" else one for one in members]
    predicted = int(np.count_nonzero(mask))
    if not seen:
        return Pixels(0, predicted, 0)
    # Only the rows that hold labels: a panorama has millions of pixels, and each group looks at them.
    first = max(0, int(min(one.top for one in seen)) - 1)
    band = mask[first : int(max(one.top + one.height for one in seen)) + 2]
    labelled = np.zeros_like(band)
    for one in seen:
        paint(labelled, one.left, one.top, one.width, one.height, above=first)
    both = int(np.count_nonzero(labelled & band))
    return Pixels(both, predicted - both, int(np.count_nonzero(labelled)) - both)


def _parts(object_class: DetectedClass) -> tuple[Part, ...]:
    return ("whole", "upper half") if object_class is DetectedClass.PERSON else ("whole",)
