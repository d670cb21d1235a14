"""How much of what is labelled a redaction covers: plain arithmetic on boxes and masks.

An object counts as found when a large enough share of its box is masked. Groups are named conditions on objects, so
that recall by size, place or any later attribute is one more line in a list.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest  # type: ignore[import-untyped]

from baas_detector.contract import DetectedClass
from baas_detector.truth import LabelledObject

MaskPixels = npt.NDArray[np.bool_]
"""(height, width), True where the picture is redacted."""

ALL, SEAM = "all", "at the seam"
"""Names of groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Where the size groups of a class begin, ascending: persons by height, plates by width."""

    edges: tuple[float, ...]
    """Pixels, or shares of the picture's height or width (0..1)."""
    of_picture: bool = False
    """Whether the edges are shares."""


USUAL_SIZES = {
    DetectedClass.PERSON: Sizes(edges=(24, 50, 100, 200, 400)),
    DetectedClass.LICENCE_PLATE: Sizes(edges=(10, 16, 30, 60, 120)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A labelled object and the share of its box that is masked, 0..1."""

    labelled: LabelledObject
    covered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Objects of one class that have something in common."""

    object_class: DetectedClass
    name: str
    holds: Callable[[LabelledObject], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """How many objects of a group were found."""

    object_class: DetectedClass
    group: str
    found: int
    total: int

    @property
    def share(self) -> float | None:
        """None when the group is empty."""
        return self.found / self.total if self.total else None

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the Clopper-Pearson interval: it holds the true share at least this often. Without objects (0, 1)."""
        return clopper_pearson(self.found, self.total, confidence)


def clopper_pearson(hits: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval (0..1) that holds the true share at least this often. Without any trial (0, 1)."""
    if not total:
        return 0.0, 1.0
    exact = binomtest(hits, total).proportion_ci(confidence, method="exact")
    return float(exact.low), float(exact.high)


def covered_share(mask: MaskPixels, labelled: LabelledObject) -> float:
    """Return the masked share of a box's area, 0..1.

    Pixels that the box cuts count by the part inside it; what lies beyond the right edge goes on at the left one; what
    lies above or below the picture counts as uncovered.
    """
    columns, across = _pixels(labelled.left, labelled.width)
    rows, down = _pixels(labelled.top, labelled.height)
    inside = (rows >= 0) & (rows < mask.shape[0])
    seen = mask[rows[inside]].take(columns, axis=1, mode="wrap")
    return min(1.0, float(down[inside] @ seen @ across) / (labelled.width * labelled.height))


def _pixels(start: float, length: float) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.float64]]:
    """Return the pixels that an interval touches and how much of each lies in it."""
    pixels = np.arange(int(np.floor(start)), int(np.ceil(start + length)))
    return pixels, np.minimum(pixels + 1, start + length) - np.maximum(pixels, start)


def verdicts(mask: MaskPixels | None, objects: Iterable[LabelledObject]) -> list[Verdict]:
    """Judge the objects of one image; without a mask nothing of it was redacted."""
    return [Verdict(labelled=one, covered=0.0 if mask is None else covered_share(mask, one)) for one in objects]


def usual_groups(sizes: Mapping[DetectedClass, Sizes] = USUAL_SIZES) -> list[Group]:
    """Return all of a class, its sizes, and those that the seam cuts."""
    groups: list[Group] = []
    for object_class in DetectedClass:
        groups += sized_groups(object_class, sizes[object_class])
        groups.append(Group(object_class=object_class, name=SEAM, holds=lambda one: one.crosses_seam))
    return groups


def sized_groups(object_class: DetectedClass, sizes: Sizes) -> list[Group]:
    """Return all of a class, then its sizes: each object is in the first group and in one of the others."""
    edges = (0, *sizes.edges, float("inf"))
    return [
        Group(object_class=object_class, name=ALL, holds=lambda _: True),
        *(_size_group(object_class, low, high, of_picture=sizes.of_picture) for low, high in pairwise(edges)),
    ]


def _size_group(object_class: DetectedClass, low: float, high: float, *, of_picture: bool) -> Group:
    scale, unit = (100, "% of the picture") if of_picture else (1, "px")
    measure = f"{unit} {'high' if object_class is DetectedClass.PERSON else 'wide'}"
    first, last = f"{low * scale:g}", f"{high * scale:g}"
    span = f"under {last}" if low == 0 else f"{first} and more" if high == float("inf") else f"{first} to {last}"

    def holds(one: LabelledObject) -> bool:
        return low <= (one.size_share if of_picture else one.size_px) < high

    return Group(object_class=object_class, name=f"{span} {measure}", holds=holds)


def recalls(judged: Sequence[Verdict], groups: Iterable[Group], *, min_coverage: float) -> list[Recall]:
    """Count what was found in each group; groups may overlap and may be empty."""
    results = []
    for group in groups:
        members = [
            one for one in judged if one.labelled.object_class is group.object_class and group.holds(one.labelled)
        ]
        found = sum(one.covered >= min_coverage for one in members)
        results.append(Recall(object_class=group.object_class, group=group.name, found=found, total=len(members)))
    return results
