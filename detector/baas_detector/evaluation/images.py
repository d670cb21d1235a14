"""What an evaluation says of single images. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from baas_detector.contract import DetectedClass
from baas_detector.evaluation.results import ImageLevel, ImageRow, JudgedObject
from baas_detector.evaluation.shares import share_of
from baas_detector.truth import LabelledImage


@dataclass(frozen=True, slots=True)
class Right:
    """Predictions of a class in an image, and how many of them are right; those on ignored labels are not counted."""

    predicted: int
    right: int


def image_rows(
    images: Sequence[LabelledImage],
    judged: Sequence[JudgedObject],
    right_in: Callable[[int, DetectedClass], Right] | None,
) -> Iterator[ImageRow]:
    """Give a row for each image and class of which it holds labels or predictions, in the images' order.

    `right_in` knows the predictions by an image's position; without it they are not known.
    """
    found: dict[tuple[str, DetectedClass], list[bool]] = {}
    for one in judged:
        found.setdefault((one.image, one.object_class), []).append(one.found)
    for position, image in enumerate(images):
        for object_class in DetectedClass:
            flags = found.get((image.name, object_class), [])
            seen = right_in(position, object_class) if right_in else None
            if flags or (seen and seen.predicted):
                yield ImageRow(
                    object_class=object_class,
                    image=image.name,
                    objects=len(flags),
                    found=sum(flags),
                    recall=share_of(sum(flags), len(flags)),
                    false_negative_rate=share_of(len(flags) - sum(flags), len(flags)),
                    predicted=seen.predicted if seen else None,
                    right=seen.right if seen else None,
                    precision=share_of(seen.right, seen.predicted) if seen else None,
                )


def image_levels(images: int, rows: Sequence[ImageRow]) -> Iterator[ImageLevel]:
    """Judge images as a whole, where predictions are known: holds it any object of a class, and was any predicted?"""
    for object_class in DetectedClass:
        here = [row for row in rows if row.object_class is object_class and row.predicted is not None]
        both = sum(row.objects > 0 and bool(row.predicted) for row in here)
        only_predicted = sum(row.objects == 0 for row in here)
        only_labelled = sum(not row.predicted for row in here)
        yield ImageLevel(
            object_class=object_class,
            true_positive=both,
            false_positive=only_predicted,
            false_negative=only_labelled,
            true_negative=images - both - only_predicted - only_labelled,
            precision=share_of(both, both + only_predicted),
            recall=share_of(both, both + only_labelled),
            false_negative_rate=share_of(only_labelled, both + only_labelled),
        )
