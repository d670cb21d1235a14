"""For whom it works: false-negative rates by category and size, and the gaps between groups. Pure.

Groups come from annotators' categories only. An object counts in each level of its category, and in its sex, age, skin
and so on, whatever the rest of its path says.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import false_discovery_control  # type: ignore[import-untyped]

from baas_detector.categories import ATTRIBUTES, NO_AID, UNKNOWN, VALUES, Attribute, Category, read_category
from baas_detector.contract import DetectedClass
from baas_detector.coverage import ALL, clopper_pearson
from baas_detector.evaluation.intervals import Flags, Images, fisher, image_gap_interval, newcombe
from baas_detector.evaluation.results import GapRow, JudgedObject, MissRow

CATEGORY = "category"
"""Stands where an attribute stands, for the levels of the tree of categories."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Objects of one class, at one size, in one group of people or plates."""

    object_class: DetectedClass
    size: str
    """A size group's name, or `all`."""
    attribute: str
    """An `Attribute`, or `category`."""
    value: str

    def of(self, objects: Iterable[JudgedObject]) -> list[JudgedObject]:
        """Return the objects that are in it."""
        return [
            one
            for one in objects
            if one.object_class is self.object_class
            and self.size in (ALL, one.size)
            and self.value in values_of(category_of(one), self.attribute)
        ]


def category_of(one: JudgedObject) -> Category:
    """Return what the annotator said of an object. Raises `ConfigurationError` for an unknown path."""
    return read_category(one.category) or Category(object_class=one.object_class)


def values_of(category: Category, attribute: str) -> tuple[str, ...]:
    """Return the groups of an attribute that a category is in; for `category` all of its levels."""
    return category.levels if attribute == CATEGORY else category.values_of(Attribute(attribute))


def known_values(attribute: Attribute) -> tuple[str, ...]:
    """Return the values between which gaps are measured: `unknown` is nobody's group, without an aid is one."""
    values = tuple(value for value in VALUES[attribute] if value != UNKNOWN)
    return (NO_AID, *values) if attribute is Attribute.AID else values


def misses(objects: Sequence[JudgedObject], sizes: Sequence[tuple[DetectedClass, str]]) -> Iterator[MissRow]:
    """Count the missed of each group at each size; groups without objects are left out.

    `sizes` are class and name of all size groups, `all` among them, in the order of the rows.
    """
    for object_class in DetectedClass:
        present = Counter(
            (name, value)
            for one in objects
            if one.object_class is object_class
            for name in (*ATTRIBUTES[object_class], CATEGORY)
            for value in values_of(category_of(one), name)
        )
        if not any(attribute == Attribute.AID and value != NO_AID for attribute, value in present):
            # Nobody asked about aids: all persons once more.
            present.pop((Attribute.AID, NO_AID), None)
        for attribute, value in sorted(present, key=_rank):
            for size in (name for each, name in sizes if each is object_class):
                members = Slice(object_class, size, attribute, value).of(objects)
                if members:
                    yield _miss_row(members, size, attribute, value)


def gaps(objects: Sequence[JudgedObject], sizes: Sequence[tuple[DetectedClass, str]], *, seed: int) -> list[GapRow]:
    """Compare each two groups of an attribute at each size. Objects of which it is `unknown` belong to no group.

    The p-values are adjusted for all comparisons together: among many, some are small by chance.
    """
    rows = [
        row
        for object_class, size in sizes
        for attribute in ATTRIBUTES[object_class]
        for row in gaps_of(objects, object_class, size, attribute, seed=seed)
    ]
    adjusted = false_discovery_control([row.p_value for row in rows], method="by") if rows else ()
    return [
        row.model_copy(update={"p_adjusted": min(1.0, float(value))}) for row, value in zip(rows, adjusted, strict=True)
    ]


def gaps_of(
    objects: Sequence[JudgedObject], object_class: DetectedClass, size: str, attribute: Attribute, *, seed: int
) -> Iterator[GapRow]:
    """Compare each two groups of one attribute that hold objects; p-values are not adjusted."""
    groups = {
        value: members
        for value in known_values(attribute)
        if (members := Slice(object_class, size, attribute, value).of(objects))
    }
    for (value, one), (other_value, other) in combinations(groups.items(), 2):
        counts = (sum(each.found for each in one), len(one), sum(each.found for each in other), len(other))
        p_value = fisher(*counts)
        yield GapRow(
            object_class=object_class,
            attribute=attribute,
            size=size,
            value=value,
            other=other_value,
            found=counts[0],
            total=counts[1],
            other_found=counts[2],
            other_total=counts[3],
            gap=counts[0] / counts[1] - counts[2] / counts[3],
            interval_95=newcombe(*counts),
            interval_images_95=image_gap_interval(
                [flags_of(one), flags_of(other)], [images_of(one), images_of(other)], seed=seed
            ),
            p_value=p_value,
            p_adjusted=p_value,
        )


def flags_of(objects: Iterable[JudgedObject]) -> Flags:
    """(objects,): found or not."""
    return np.array([one.found for one in objects], np.bool_)


def images_of(objects: Iterable[JudgedObject]) -> Images:
    """(objects,): the image that each lies in."""
    return np.array([one.image for one in objects], np.str_)


def _rank(group: tuple[str, str]) -> tuple[int, int, str]:
    """Attributes and their values as they are defined, then the tree by name."""
    attribute, value = group
    if attribute == CATEGORY:
        return len(Attribute), 0, value
    values = (NO_AID, *VALUES[Attribute(attribute)])
    return list(Attribute).index(Attribute(attribute)), values.index(value), value


def _miss_row(members: Sequence[JudgedObject], size: str, attribute: str, value: str) -> MissRow:
    missed = sum(not one.found for one in members)
    return MissRow(
        object_class=members[0].object_class,
        attribute=attribute,
        value=value,
        size=size,
        missed=missed,
        total=len(members),
        rate=missed / len(members),
        interval_95=clopper_pearson(missed, len(members)),
    )
