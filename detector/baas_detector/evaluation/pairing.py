"""The same labelled objects in two reports. Pure."""

from collections.abc import Iterable

from baas_detector.evaluation.results import JudgedObject


def in_pairs(
    ones: Iterable[JudgedObject], others: Iterable[JudgedObject]
) -> list[tuple[JudgedObject, JudgedObject]] | None:
    """Return what became of each object in one report and in another, None when they judge different objects."""
    here, there = ({_key(one): one for one in sorted(of, key=_key)} for of in (ones, others))
    return list(zip(here.values(), there.values(), strict=True)) if here.keys() == there.keys() else None


def _key(one: JudgedObject) -> tuple[str, str, str]:
    return one.image, str(one.number), one.object_class
