"""A report as tables of text, which Markdown and the HTML page both show. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from baas_detector.contract import DetectedClass
from baas_detector.coverage import ALL
from baas_detector.evaluation.bias import CATEGORY
from baas_detector.evaluation.results import Curve, MissRow, Report

NOTHING = "-"
_BOTH = "95 % intervals: by objects (exact), and by resampling images, whose objects are not independent."


@dataclass(frozen=True, slots=True)
class Table:
    """One table; every row has as many cells as there are headings."""

    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report) -> list[Table]:
    """Return all tables that have rows, in reading order."""
    every = [
        _recall(report),
        _areas(report),
        *_misses(report),
        _gaps(report),
        _averages(report),
        _best(report),
        _image_levels(report),
        _images(report),
    ]
    return [table for table in every if table.rows]


def remarks(report: Report) -> list[str]:
    """Return what stands under the tables: the price, and what was left out."""
    lines = [f"{report.images} images"]
    if report.masked_share.mean is not None and report.masked_share.total is not None:
        lines.append(
            f"masked: {report.masked_share.mean:.2%} of an image on average, "
            f"{report.masked_share.total:.2%} of all pixels"
        )
    if report.ignored_objects:
        lines.append(f"left out: {report.ignored_objects} objects marked as too small to judge")
    if report.objects_of_other_classes:
        others = ", ".join(f"{name} {count}" for name, count in sorted(report.objects_of_other_classes.items()))
        lines.append(f"left out: objects of other classes ({others})")
    if report.without_mask:
        missing = "no mask" if report.predictions == "masks" else f"no {report.predictions}"
        lines.append(f"{missing}, so all their objects count as missed: {', '.join(report.without_mask)}")
    return lines


def percent(share: float | None) -> str:
    """Return a share as text."""
    return NOTHING if share is None else f"{share:.1%}"


def span(interval: tuple[float, float] | None) -> str:
    """Return an interval as text."""
    return NOTHING if interval is None else f"{interval[0]:.1%} to {interval[1]:.1%}"


def _recall(report: Report) -> Table:
    return Table(
        f"Objects whose box is covered at least {report.min_coverage:.0%}",
        _BOTH,
        ("class", "group", "found", "of", "recall", "by objects", "by images"),
        tuple(
            (
                str(row.object_class),
                row.group,
                str(row.found),
                str(row.total),
                percent(row.share),
                span(row.interval_95),
                span(row.interval_images_95),
            )
            for row in report.recall
            if row.total or row.group == ALL
        ),
    )


def _areas(report: Report) -> Table:
    return Table(
        "Total blurred area (TBA)",
        "Pixels. What is predicted outside of a group's labels lowers its precision, though it may lie on others.",
        ("class", "group", "part", "predicted", "labelled px", "precision", "recall", "F1"),
        tuple(
            (
                str(row.object_class),
                row.group,
                row.part,
                row.predicted,
                str(row.true_positive_px + row.false_negative_px),
                percent(row.precision),
                percent(row.recall),
                percent(row.f1),
            )
            for row in report.area
        ),
    )


def _misses(report: Report) -> Iterator[Table]:
    for object_class in DetectedClass:
        rows = [row for row in report.misses if row.object_class is object_class]
        sizes = tuple(dict.fromkeys(row.size for row in rows))
        # Sizes come in the order in which groups had them first: bring them into that of the recall.
        order = [row.group for row in report.recall if row.object_class is object_class]
        sizes = tuple(sorted(sizes, key=order.index))
        for title, chosen in (
            ("groups", [row for row in rows if row.attribute != CATEGORY]),
            ("categories, each level with those below it", [row for row in rows if row.attribute == CATEGORY]),
        ):
            yield Table(
                f"False-negative rates of {object_class}: {title}",
                "Missed of all, and the 95 % interval (Clopper-Pearson) of all sizes together.",
                ("by", "value", "rate", "interval", *sizes),
                tuple(_miss_cells(chosen, sizes)),
            )


def _miss_cells(rows: Iterable[MissRow], sizes: Sequence[str]) -> Iterator[tuple[str, ...]]:
    groups: dict[tuple[str, str], dict[str, MissRow]] = {}
    for row in rows:
        groups.setdefault((row.attribute, row.value), {})[row.size] = row
    for (attribute, value), by_size in groups.items():
        counts = [by_size.get(size) for size in sizes]
        cells = [f"{one.missed} / {one.total}" if one else NOTHING for one in counts]
        yield (attribute, value, percent(by_size[ALL].rate), span(by_size[ALL].interval_95), *cells)


def _gaps(report: Report) -> Table:
    return Table(
        "Gaps in recall between groups",
        "Recall of the first less that of the second. Intervals: Newcombe's by objects, and by resampling images; p of "
        "Fisher's exact test, and adjusted for all comparisons together. Of small groups nothing is proven.",
        ("class", "size", "by", "first", "second", "recalls", "gap", "by objects", "by images", "p", "adjusted"),
        tuple(
            (
                str(row.object_class),
                row.size,
                row.attribute,
                row.value,
                row.other,
                f"{row.found} / {row.total} and {row.other_found} / {row.other_total}",
                f"{row.gap:+.1%}",
                span(row.interval_95),
                span(row.interval_images_95),
                f"{row.p_value:.3f}",
                f"{row.p_adjusted:.3f}",
            )
            for row in report.gaps
        ),
    )


def _averages(report: Report) -> Table:
    limits = report.detection.max_detections if report.detection else ()
    return Table(
        "COCO",
        f"Average precision with at most {limits[-1] if limits else 0} predictions in an image, over IoU 0.50 to 0.95 "
        "and at two of them; average recall (AR) by the most predictions in an image.",
        ("class", "area", "objects", "AP", "AP50", "AP75", *(f"AR {limit}" for limit in limits)),
        tuple(
            (
                str(row.object_class),
                row.area,
                str(row.objects),
                percent(row.average_precision),
                percent(row.average_precision_50),
                percent(row.average_precision_75),
                *(percent(row.average_recall[limit]) for limit in limits),
            )
            for row in (report.detection.average if report.detection else ())
        ),
    )


def _best(report: Report) -> Table:
    return Table(
        "Confidence at which F is best",
        "Predictions matched with labels at IoU 0.5. F2 counts recall more than precision, F0.5 less.",
        ("class", "measure", "confidence", "value", "precision", "recall"),
        tuple(row for curve in (report.detection.curves if report.detection else ()) for row in _best_rows(curve)),
    )


def _best_rows(curve: Curve) -> Iterator[tuple[str, ...]]:
    for name, of in (("F1", "f1"), ("F0.5", "f05"), ("F2", "f2")):
        if curve.points:
            # The lowest confidence of equal ones: it finds the most.
            best = max(curve.points, key=lambda point: (getattr(point, of), -point.confidence))
            yield (
                str(curve.object_class),
                name,
                f"{best.confidence:.2f}",
                percent(getattr(best, of)),
                percent(best.precision),
                percent(best.recall),
            )


def _image_levels(report: Report) -> Table:
    return Table(
        "Images as a whole",
        "Holds an image any such object, and was any predicted?",
        ("class", "both", "only predicted", "only labelled", "neither", "precision", "recall", "false-negative rate"),
        tuple(
            (
                str(row.object_class),
                str(row.true_positive),
                str(row.false_positive),
                str(row.false_negative),
                str(row.true_negative),
                percent(row.precision),
                percent(row.recall),
                percent(row.false_negative_rate),
            )
            for row in report.image_level
        ),
    )


def _images(report: Report) -> Table:
    def known(value: int | None) -> str:
        return NOTHING if value is None else str(value)

    return Table(
        "Images",
        "Found by coverage; predictions are right where they meet a label at IoU 0.5.",
        ("image", "class", "found", "of", "recall", "false-negative rate", "right", "predicted", "precision"),
        tuple(
            (
                row.image,
                str(row.object_class),
                str(row.found),
                str(row.objects),
                percent(row.recall),
                percent(row.false_negative_rate),
                known(row.right),
                known(row.predicted),
                percent(row.precision),
            )
            for row in report.per_image
        ),
    )
