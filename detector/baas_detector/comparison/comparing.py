"""Compare what two models found of the same objects. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from scipy.stats import false_discovery_control  # type: ignore[import-untyped]

from baas_crds.errors import ConfigurationError
from baas_detector.comparison.results import Comparison, Found, GroupRow, OneSided, Side
from baas_detector.contract import DetectedClass
from baas_detector.coverage import ALL, SEAM, clopper_pearson
from baas_detector.evaluation.bias import CATEGORY, category_of, flags_of, images_of, values_of
from baas_detector.evaluation.intervals import (
    Flags,
    Images,
    image_gap_interval,
    image_interval,
    mcnemar,
    newcombe_paired,
)
from baas_detector.evaluation.pairing import in_pairs
from baas_detector.evaluation.results import JudgedObject, Report

SIZE = "size"
"""Stands where an attribute stands, for all of a class, its sizes, and those at the seam."""
Pair = tuple[JudgedObject, JudgedObject]
Basis = Literal["masks", "detections"]


def basis_of(report: Report) -> Basis:
    """Return what says in a report that an object is covered: masks, where there are any."""
    return "detections" if report.predictions == "detections" else "masks"


def compare(a: tuple[str, Report], b: tuple[str, Report], *, seed: int) -> Comparison:
    """Compare two reports, each with its name. `seed` is that of the resampling of images.

    Raises `ConfigurationError` when they were not made alike, on the same truth.
    """
    one, other = a[1], b[1]
    _require_alike(one, other)
    pairs = in_pairs(one.objects, other.objects)
    if pairs is None:
        raise ConfigurationError("The reports judge different objects of one truth. Evaluate both again.")
    rows = [_row(group, members, seed) for group, members in _groups(one, pairs)]
    adjusted = false_discovery_control([row.p_value for row in rows], method="by")
    totals = one.masked_share.total, other.masked_share.total
    return Comparison(
        truth_digest=one.truth_digest,
        min_coverage=one.min_coverage,
        basis=basis_of(one),
        images=one.images,
        a=_side(*a),
        b=_side(*b),
        masked_difference=None if totals[0] is None or totals[1] is None else totals[1] - totals[0],
        groups=tuple(
            row.model_copy(update={"p_adjusted": min(1.0, float(value))})
            for row, value in zip(rows, adjusted, strict=True)
        ),
        one_sided=tuple(_one_sided(pairs)),
    )


def _require_alike(one: Report, other: Report) -> None:
    differences = {
        "the truth": (one.truth_digest[:12], other.truth_digest[:12]),
        "the coverage from which on an object counts as found": (one.min_coverage, other.min_coverage),
        "what covers": (basis_of(one), basis_of(other)),
        "the size groups": tuple([row.group for row in each.recall] for each in (one, other)),
    }
    for what, (here, there) in differences.items():
        if here != there:
            raise ConfigurationError(
                f"A and B were measured differently: {what} is {here} for A and {there} for B. Evaluate both alike."
            )


def _side(source: str, report: Report) -> Side:
    return Side(source=source, masked_share=report.masked_share, without_mask=report.without_mask)


Group = tuple[DetectedClass, str, str]
"""Class, attribute, value."""


def _groups(report: Report, pairs: Sequence[Pair]) -> Iterator[tuple[Group, list[Pair]]]:
    """Give the groups that the report has, with their objects; of those without objects only all of a class."""
    for row in report.recall:
        members = [pair for pair in pairs if pair[0].object_class is row.object_class and _is_sized(pair[0], row.group)]
        if members or row.group == ALL:
            yield (row.object_class, SIZE, row.group), members
    for miss in report.misses:
        if miss.size == ALL and miss.attribute != CATEGORY:
            members = [
                pair
                for pair in pairs
                if pair[0].object_class is miss.object_class
                and miss.value in values_of(category_of(pair[0]), miss.attribute)
            ]
            yield (miss.object_class, miss.attribute, miss.value), members


def _is_sized(one: JudgedObject, group: str) -> bool:
    return one.crosses_seam if group == SEAM else group in (ALL, one.size)


def _row(group: Group, pairs: Sequence[Pair], seed: int) -> GroupRow:
    object_class, attribute, value = group
    a, b, images = (
        flags_of(one for one, _ in pairs),
        flags_of(one for _, one in pairs),
        images_of(one for one, _ in pairs),
    )
    only_a, only_b, both = int((a & ~b).sum()), int((b & ~a).sum()), int((a & b).sum())
    total = len(pairs)
    return GroupRow(
        object_class=object_class,
        attribute=attribute,
        value=value,
        total=total,
        a=_found(a, images, seed),
        b=_found(b, images, seed),
        only_a=only_a,
        only_b=only_b,
        difference=(only_b - only_a) / total if total else None,
        interval_95=newcombe_paired(both, only_b, only_a, total - both - only_a - only_b) if total else (-1.0, 1.0),
        interval_images_95=image_gap_interval([b, a], [images, images], seed=seed),
        p_value=(p_value := mcnemar(only_a, only_b, alternative="two-sided")),
        p_adjusted=p_value,
    )


def _found(flags: Flags, images: Images, seed: int) -> Found:
    found, total = int(flags.sum()), len(flags)
    return Found(
        found=found,
        share=found / total if total else None,
        interval_95=clopper_pearson(found, total),
        interval_images_95=image_interval(flags, images, seed=seed),
    )


def _one_sided(pairs: Iterable[Pair]) -> Iterator[OneSided]:
    for a, b in pairs:
        if a.found != b.found:
            yield OneSided(
                object_class=a.object_class,
                image=a.image,
                number=a.number,
                category=a.category,
                size=a.size,
                found_by="A" if a.found else "B",
                covered_a=a.covered,
                covered_b=b.covered,
            )
