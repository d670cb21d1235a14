"""The page's sums and distributions: counting only, no drawing."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_preprocess.report.content import ImageState, Report, ReportImage

CLASS_NAMES = {ObjectClass.PERSON: "persons", ObjectClass.LICENCE_PLATE: "licence plates"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the page says first."""

    states: Mapping[ImageState, int]
    reasons: Mapping[QuarantineReason, int]
    """Of the quarantined images, the most frequent first."""
    objects: Mapping[ObjectClass, int]
    masked_share: float | None
    """Of all pixels of published images, 0..1."""
    images_per_minute: float | None
    """Images that met their fate in `Report.seconds`, per minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts per bin, for one or more series that share the bins."""

    title: str
    unit: str
    """What is counted, in plural: `images`, `objects`."""
    bins: Sequence[str]
    series: Mapping[str, Sequence[int]]
    note: str
    """The same in one sentence, for those who do not see the drawing."""

    @property
    def highest(self) -> int:
        """The highest count, at least 1 so that it can divide."""
        return max(1, *(count for counts in self.series.values() for count in counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSeconds:
    """How long one step took, over all images that took it."""

    step: str
    median: float
    high: float
    """The 95th percentile."""


def sums(report: Report) -> Sums:
    """Add up a run."""
    states = Counter(image.state for image in report.images)
    reasons = Counter(image.reason for image in report.images if image.reason is not None)
    published = _published(report)
    measured = [(image.masked_share, image.width_px * image.height_px) for image in published
                if image.masked_share is not None and image.width_px and image.height_px]  # fmt: skip
    pixels = sum(size for _, size in measured)
    done = states[ImageState.PUBLISHED] + states[ImageState.QUARANTINED]
    return Sums(
        states={state: states[state] for state in ImageState},
        reasons=dict(reasons.most_common()),
        objects={kind: sum(image.objects[kind] for image in published) for kind in ObjectClass},
        masked_share=sum(share * size for share, size in measured) / pixels if pixels else None,
        images_per_minute=60 * done / report.seconds if report.seconds else None,
    )


def histograms(report: Report) -> Sequence[Histogram]:
    """Distributions over the published images and their objects."""
    published = _published(report)
    return (_objects_per_image(published), _scores(published), _masked_shares(published))


def step_seconds(images: Iterable[ReportImage]) -> Sequence[StepSeconds]:
    """Median and 95th percentile of each step's seconds, in the order of the steps."""
    seconds: dict[str, list[float]] = {}
    for image in images:
        for step, taken in image.seconds_per_step.items():
            seconds.setdefault(step, []).append(taken)
    return [
        StepSeconds(step=step, median=median(taken), high=float(np.quantile(taken, 0.95)))
        for step, taken in seconds.items()
    ]


def _objects_per_image(published: Sequence[ReportImage]) -> Histogram:
    numbers = {CLASS_NAMES[kind]: [image.objects[kind] for image in published] for kind in ObjectClass}
    return Histogram(
        title="Objects per image",
        unit="images",
        bins=("0", "1", "2", "3", "4", "5–9", "10–19", "20+"),
        series={name: _counts(found, (1, 2, 3, 4, 5, 10, 20)) for name, found in numbers.items()},
        note=_note({name: f"median {median(found):g}, most {max(found)}" for name, found in numbers.items() if found}),
    )


def _scores(published: Sequence[ReportImage]) -> Histogram:
    boxes = [box for image in published for box in image.boxes]
    scores = {CLASS_NAMES[kind]: [box.score for box in boxes if box.object_class is kind] for kind in ObjectClass}
    tenths = [tenth / 10 for tenth in range(10)]
    return Histogram(
        title="Detector's score per object",
        unit="objects",
        bins=[f"{tenth:.1f}" for tenth in tenths],
        series={name: _counts(found, tenths[1:]) for name, found in scores.items()},
        note=_note({name: f"median {median(found):.2f}" for name, found in scores.items() if found}),
    )


def _masked_shares(published: Sequence[ReportImage]) -> Histogram:
    shares = [image.masked_share for image in published if image.masked_share is not None]
    least = 1e-12  # sets pictures without any mask apart
    return Histogram(
        title="Masked share of the picture",
        unit="images",
        bins=("0", "< 1 %", "1–2", "2–5", "5–10", "10–20", "20+ %"),
        series={"images": _counts(shares, (least, 0.01, 0.02, 0.05, 0.1, 0.2))},
        note=_note({"images": f"median {median(shares):.1%}, most {max(shares):.1%}"} if shares else {}),
    )


def _published(report: Report) -> list[ReportImage]:
    return [image for image in report.images if image.state is ImageState.PUBLISHED]


def _counts(values: Iterable[float], edges: Sequence[float]) -> list[int]:
    """Count per bin: below the first edge, from each edge up to the next, from the last edge on."""
    found = Counter(bisect_right(edges, value) for value in values)
    return [found[index] for index in range(len(edges) + 1)]


def _note(words: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {said}" for name, said in words.items()) or "nothing to show"
