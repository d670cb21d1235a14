"""Figures of a report, as SVG. The same report gives the same bytes."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from baas_detector.coverage import ALL
from baas_detector.evaluation.bias import CATEGORY
from baas_detector.evaluation.results import Curve, Report

_ROW_INCHES = 0.28


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure."""

    title: str
    svg: bytes


def plots(report: Report) -> list[Plot]:
    """Draw recall by group, false-negative rates, gaps and the curves, each where there is something to draw."""
    style = mpl.rc_context(
        {
            # Ids in the file follow from its content, not from chance.
            "svg.hashsalt": "evaluation",
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
        }
    )
    with style:
        return list(_plots(report))


def _plots(report: Report) -> Iterator[Plot]:
    recall = [
        (f"{row.object_class}, {row.group} ({row.total})", row.share, row.interval_95)
        for row in report.recall
        if row.share is not None
    ]
    missed = [
        (f"{row.object_class}, {row.attribute} {row.value} ({row.total})", row.rate, row.interval_95)
        for row in report.misses
        if row.size == ALL and row.attribute != CATEGORY
    ]
    gaps = [
        (f"{row.attribute}: {row.value} less {row.other} ({row.total}, {row.other_total})", row.gap, row.interval_95)
        for row in report.gaps
        if row.size == ALL
    ]
    for title, rows, limits in (
        ("Recall with 95 % intervals", recall, (0, 1)),
        ("False-negative rates with 95 % intervals", missed, (0, 1)),
        ("Gaps in recall with 95 % intervals", gaps, (-1, 1)),
    ):
        if rows:
            yield Plot(title, _svg(_ranges(rows, limits)))
    for curve in report.detection.curves if report.detection else ():
        if curve.points:
            yield Plot(f"Precision and recall of {curve.object_class}", _svg(_precision_recall(curve)))
            yield Plot(f"F over confidence of {curve.object_class}", _svg(_f_scores(curve)))


def _ranges(rows: Sequence[tuple[str, float, tuple[float, float]]], limits: tuple[float, float]) -> Figure:
    figure, axes = _figure(9, 1 + _ROW_INCHES * len(rows))
    for position, (_, value, (low, high)) in enumerate(rows):
        axes.plot([low, high], [position, position], color="#7c8ba1", linewidth=4, solid_capstyle="butt")
        axes.plot([value], [position], marker="o", color="#14385f")
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    margin = 0.02 * (limits[1] - limits[0])
    axes.set_xlim(limits[0] - margin, limits[1] + margin)
    axes.xaxis.set_major_formatter("{x:.0%}")
    return figure


def _precision_recall(curve: Curve) -> Figure:
    figure, axes = _figure(6, 4)
    known = [(point.recall, point.precision) for point in curve.points if point.precision is not None]
    axes.plot([recall for recall, _ in known], [precision for _, precision in known], marker=".", color="#14385f")
    _shares(axes, "recall", "precision")
    return figure


def _f_scores(curve: Curve) -> Figure:
    figure, axes = _figure(6, 4)
    confidence = [point.confidence for point in curve.points]
    for name, values in (
        ("F1", [point.f1 for point in curve.points]),
        ("F0.5", [point.f05 for point in curve.points]),
        ("F2", [point.f2 for point in curve.points]),
        ("recall", [point.recall for point in curve.points]),
    ):
        axes.plot(confidence, values, label=name)
    axes.legend(loc="lower left")
    _shares(axes, "confidence", "F")
    return figure


def _shares(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()
