"""Measure predictions against the truth: the spine of an evaluation."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baas_crds.errors import ConfigurationError
from baas_detector.categories import Category
from baas_detector.contract import DetectedClass
from baas_detector.coverage import Group, Recall, Verdict, recalls, sized_groups, usual_groups, verdicts
from baas_detector.evaluation.area import AreaCounter
from baas_detector.evaluation.bias import flags_of, gaps, images_of, misses
from baas_detector.evaluation.images import image_levels, image_rows
from baas_detector.evaluation.intervals import image_interval
from baas_detector.evaluation.painting import PredictedBox
from baas_detector.evaluation.predictions import Source
from baas_detector.evaluation.results import JudgedObject, MaskedShare, RecallRow, Report
from baas_detector.evaluation.settings import Settings
from baas_detector.truth import LabelledImage, LabelledObject, load_truth

if TYPE_CHECKING:
    from baas_detector.evaluation.boxes import Matching


def evaluate(truth_file: Path, source: Source, settings: Settings) -> Report:
    """Compare every labelled object with what was predicted for its image.

    The order of the images changes nothing. Raises `ConfigurationError` for unusable files.
    """
    truth = load_truth(truth_file)
    images = sorted(truth.images, key=lambda image: image.name)
    groups = usual_groups(settings.sizes)
    areas = AreaCounter(groups, with_boxes=source.detections is not None)
    judged: list[tuple[LabelledImage, Verdict]] = []
    pairs: list[tuple[LabelledImage, Sequence[PredictedBox]]] = []
    without: list[str] = []
    masked: list[tuple[int, int]] = []
    for image in images:
        predicted = source.read(image)
        judged += [(image, one) for one in verdicts(predicted.mask if predicted else None, image.objects)]
        areas.add(image, predicted)
        pairs.append((image, (predicted.boxes if predicted else None) or ()))
        if predicted is None:
            without.append(image.name)
        else:
            masked.append((int(predicted.mask.sum()), predicted.mask.size))
    sizes = {each: sized_groups(each, settings.sizes[each]) for each in DetectedClass}
    objects = tuple(_judged(image, one, sizes[one.labelled.object_class], settings) for image, one in judged)
    size_names = [(each, group.name) for each in DetectedClass for group in sizes[each]]
    matching = _matching(pairs, settings) if source.detections else None
    rows = tuple(image_rows(images, objects, matching.right_in if matching else None))
    return Report(
        truth_digest=hashlib.sha256(truth_file.read_bytes()).hexdigest(),
        min_coverage=settings.min_coverage,
        predictions=source.kind,
        images=len(images),
        without_mask=tuple(without),
        ignored_objects=truth.ignored,
        objects_of_other_classes=dict(truth.other_classes),
        masked_share=_masked_share(masked),
        recall=tuple(_recall_rows([one for _, one in judged], objects, groups, settings)),
        area=tuple(areas.rows()),
        misses=tuple(misses(objects, size_names)),
        gaps=tuple(gaps(objects, size_names, seed=settings.seed)),
        detection=matching.detection() if matching else None,
        image_level=tuple(image_levels(len(images), rows)) if matching else (),
        per_image=rows,
        objects=objects,
    )


def _judged(image: LabelledImage, one: Verdict, groups: Iterable[Group], settings: Settings) -> JudgedObject:
    labelled = one.labelled
    *_, size = (group.name for group in groups if group.holds(labelled))
    category = labelled.category or Category(object_class=labelled.object_class)
    return JudgedObject(
        object_class=labelled.object_class,
        image=image.name,
        number=labelled.number if labelled.number is not None else "",
        category=category.path,
        size=size,
        crosses_seam=labelled.crosses_seam,
        covered=one.covered,
        found=one.covered >= settings.min_coverage,
    )


def _recall_rows(
    judged: Sequence[Verdict], objects: Sequence[JudgedObject], groups: Sequence[Group], settings: Settings
) -> Iterator[RecallRow]:
    counted: list[Recall] = recalls(judged, groups, min_coverage=settings.min_coverage)
    for group, one in zip(groups, counted, strict=True):
        members = [written for verdict, written in zip(judged, objects, strict=True) if _holds(group, verdict.labelled)]
        yield RecallRow(
            object_class=one.object_class,
            group=one.group,
            found=one.found,
            total=one.total,
            share=one.share,
            interval_95=one.interval(),
            interval_images_95=image_interval(flags_of(members), images_of(members), seed=settings.seed),
        )


def _holds(group: Group, labelled: LabelledObject) -> bool:
    return labelled.object_class is group.object_class and group.holds(labelled)


def _masked_share(masked: Sequence[tuple[int, int]]) -> MaskedShare:
    if not masked:
        return MaskedShare(mean=None, total=None)
    pixels, sizes = zip(*masked, strict=True)
    shares = [part / whole for part, whole in masked]
    return MaskedShare(mean=sum(shares) / len(shares), total=sum(pixels) / sum(sizes))


def _matching(pairs: Sequence[tuple[LabelledImage, Sequence[PredictedBox]]], settings: Settings) -> "Matching":
    try:
        # Masks alone are judged without COCO's library.
        from baas_detector.evaluation.boxes import Matching  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"Judging boxes needs {error.name}: install the extra `evaluation`.") from error
    return Matching(pairs, areas_px=settings.areas_px, max_detections=settings.max_detections)
