"""Two models on the same objects: what each finds, and whether the difference is more than chance."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_detector.comparison.comparing import compare
from baas_detector.comparison.results import Comparison, GroupRow
from baas_detector.contract import DetectedClass
from baas_detector.coverage import clopper_pearson
from baas_detector.evaluation.intervals import mcnemar, newcombe_paired
from baas_detector.evaluation.results import JudgedObject, MaskedShare, MissRow, RecallRow, Report

PERSON, PLATE = DetectedClass.PERSON, DetectedClass.LICENCE_PLATE
SMALL, LARGE = "under 50 px high", "50 and more px high"
GROUPS = {PERSON: ("all", SMALL, LARGE, "at the seam"), PLATE: ("all",)}


def judged(number: int, found: bool, **more: Any) -> JudgedObject:
    facts: dict[str, Any] = {
        "object_class": PERSON,
        "image": f"{number}.jpg",
        "category": "person",
        "size": LARGE,
        "crosses_seam": False,
        "covered": 0.9 if found else 0.3,
    }
    return JudgedObject(number=number, found=found, **(facts | more))


def report(objects: Sequence[JudgedObject], masked: float | None = 0.02, **more: Any) -> Report:
    nothing = {"found": 0, "total": 0, "share": None, "interval_95": (0, 1), "interval_images_95": None}
    values = [("age", "child"), ("age", "elder"), ("category", "man")]
    facts: dict[str, Any] = {
        "truth_digest": "0" * 64,
        "min_coverage": 0.8,
        "predictions": "masks",
        "images": 3,
        "without_mask": (),
        "ignored_objects": 0,
        "objects_of_other_classes": {},
        "masked_share": MaskedShare(mean=masked, total=masked),
        "recall": [
            RecallRow.model_validate({"class": each, "group": group, **nothing})
            for each, groups in GROUPS.items()
            for group in groups
        ],
        "area": (),
        "misses": [
            MissRow.model_validate(
                {"class": PERSON, "attribute": name, "value": value, "size": "all", "missed": 0, "total": 1, "rate": 0}
                | {"interval_95": (0, 1)}
            )
            for name, value in values
        ],
        "gaps": (),
        "detection": None,
        "image_level": (),
        "per_image": (),
    }
    return Report.model_validate({**facts, "objects": objects, **more})


def compared(a: Sequence[JudgedObject], b: Sequence[JudgedObject]) -> Comparison:
    return compare(("old", report(a)), ("new", report(b, masked=0.03)), seed=0)


def row(found: Comparison, value: str) -> GroupRow:
    (one,) = (one for one in found.groups if one.value == value and one.object_class is PERSON)
    return one


def outcomes(both: int, only_a: int, only_b: int, neither: int) -> tuple[list[JudgedObject], list[JudgedObject]]:
    flags = [(True, True)] * both + [(True, False)] * only_a + [(False, True)] * only_b + [(False, False)] * neither
    return [judged(number, a) for number, (a, _) in enumerate(flags)], [
        judged(number, b) for number, (_, b) in enumerate(flags)
    ]


def test_each_object_is_compared_with_itself() -> None:
    a, b = outcomes(80, 2, 10, 8)
    one = row(compared(a, b[::-1]), "all")
    assert (one.a.found, one.b.found, one.total, one.only_a, one.only_b) == (82, 90, 100, 2, 10)
    assert one.a.interval_95 == pytest.approx(clopper_pearson(82, 100))
    assert one.difference == pytest.approx(0.08)
    assert one.interval_95[0] < 0.08 < one.interval_95[1]
    # Of 12 coins, 2 or fewer heads or tails: 2 (1 + 12 + 66) / 4096.
    assert one.p_value == pytest.approx(158 / 4096)


def test_what_only_one_finds_is_listed() -> None:
    a, b = outcomes(1, 1, 1, 1)
    listed = [(one.image, one.found_by, one.covered_a, one.covered_b) for one in compared(a, b).one_sided]
    assert listed == [("1.jpg", "A", 0.9, 0.3), ("2.jpg", "B", 0.3, 0.9)]


def test_groups_are_sizes_the_seam_and_what_annotators_said() -> None:
    facts: list[dict[str, Any]] = [
        {"size": SMALL, "category": "man/child"},
        {"crosses_seam": True, "category": "woman/child"},
        {"category": "man/elder"},
    ]
    found = compared(
        [judged(number, True, **more) for number, more in enumerate(facts)],
        [judged(number, number != 1, **more) for number, more in enumerate(facts)],
    )
    counts = {(one.attribute, one.value): (one.total, one.only_a) for one in found.groups if one.object_class is PERSON}
    assert counts == {
        ("size", "all"): (3, 1),
        ("size", SMALL): (1, 0),
        ("size", LARGE): (2, 1),
        ("size", "at the seam"): (1, 1),
        ("age", "child"): (2, 1),
        ("age", "elder"): (1, 0),
    }


def test_a_class_without_objects_has_a_row_that_says_so() -> None:
    (plates,) = (one for one in compared([judged(1, True)], [judged(1, True)]).groups if one.object_class is PLATE)
    assert (plates.total, plates.difference, plates.a.share, plates.p_value) == (0, None, None, 1)
    assert plates.interval_95 == (-1, 1)


def test_what_more_is_masked_is_told() -> None:
    assert compared([judged(1, True)], [judged(1, True)]).masked_difference == pytest.approx(0.01)
    blind = compare(("a", report([judged(1, False)], masked=None)), ("b", report([judged(1, True)])), seed=0)
    assert blind.masked_difference is None


def test_p_values_are_adjusted_for_all_rows() -> None:
    found = compared(*outcomes(50, 0, 8, 0))
    assert all(one.p_adjusted >= one.p_value for one in found.groups)
    assert row(found, "all").p_adjusted > row(found, "all").p_value


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"truth_digest": "1" * 64}, "the truth"),
        ({"min_coverage": 0.5}, "the coverage"),
        ({"predictions": "detections"}, "what covers is masks for A and detections for B"),
        ({"recall": ()}, "the size groups"),
    ],
)
def test_reports_that_were_not_made_alike_are_not_compared(more: dict[str, Any], what: str) -> None:
    objects = [judged(1, True)]
    with pytest.raises(ConfigurationError, match=f"measured differently: {what}"):
        compare(("a", report(objects)), ("b", report(objects, **more)), seed=0)


def test_reports_of_other_objects_are_not_compared() -> None:
    with pytest.raises(ConfigurationError, match="judge different objects"):
        compared([judged(1, True)], [judged(2, True)])


any_counts = st.tuples(*[st.integers(0, 30)] * 4).filter(any)


@given(any_counts)
def test_who_is_a_and_who_is_b_only_turns_the_signs(counts: tuple[int, int, int, int]) -> None:
    both, only_a, only_b, neither = counts
    low, high = newcombe_paired(both, only_a, only_b, neither)
    assert newcombe_paired(both, only_b, only_a, neither) == pytest.approx((-high, -low))
    assert low <= (only_a - only_b) / sum(counts) <= high
    assert mcnemar(only_a, only_b, alternative="two-sided") == mcnemar(only_b, only_a, alternative="two-sided")


def test_the_paired_interval_is_that_of_the_literature() -> None:
    # Airway responsiveness before and after a transplantation (Bentur et al. 2009), with this interval in M. W.
    # Fagerland, S. Lydersen, P. Laake, Statistics in Medicine 33 (2014), 2850-2875.
    assert newcombe_paired(1, 1, 7, 12) == pytest.approx((-0.507, -0.026), abs=0.0005)


@pytest.mark.parametrize("shares", [(0.9, 0.02, 0.06, 0.02), (0.5, 0.2, 0.1, 0.2), (0.97, 0.01, 0.01, 0.01)])
def test_the_paired_interval_holds_the_true_difference_about_as_often_as_it_says(shares: tuple[float, ...]) -> None:
    draws = np.random.default_rng(1).multinomial(60, shares, size=400)
    intervals = [newcombe_paired(*map(int, draw)) for draw in draws]
    true = shares[1] - shares[2]
    assert np.mean([low <= true <= high for low, high in intervals]) >= 0.93


def test_mcnemar_s_test_counts_coins() -> None:
    for lost, gained in itertools.product(range(4), repeat=2):
        heads = sum(sum(coins) >= lost for coins in itertools.product((0, 1), repeat=lost + gained))
        assert mcnemar(lost, gained, alternative="greater") == pytest.approx(heads / 2 ** (lost + gained))
