"""Which models pass the gate, which fail, and what the person who waits for it is told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass
from baas_detector.coverage import clopper_pearson
from baas_detector.evaluation.results import JudgedObject, MaskedShare, RecallRow, Report
from baas_detector.gate.judging import Check, judge
from baas_detector.gate.policy import Policy, load_policy
from baas_detector.gate_command import gate

ROOT = Path(__file__).parents[3]
PERSON, PLATE = DetectedClass.PERSON, DetectedClass.LICENCE_PLATE
SIZES = {PERSON: ("all", "under 50 px high", "50 and more px high", "at the seam"), PLATE: ("all",)}


def judged(found: bool, category: str = "person", **more: Any) -> JudgedObject:
    number = more.pop("number")
    facts = {
        "object_class": PLATE if "plate" in category else PERSON,
        "image": f"{number}.jpg",
        "category": category,
        "size": "all" if "plate" in category else "50 and more px high",
        "crosses_seam": False,
    }
    return JudgedObject(number=number, covered=float(found), found=found, **(facts | more))


def some(*counts: tuple[int, int, str], **more: Any) -> list[JudgedObject]:
    """Objects by (found, total, category), each in an image of its own."""
    flags = [(number < found, category) for found, total, category in counts for number in range(total)]
    return [judged(found, category, number=number, **more) for number, (found, category) in enumerate(flags)]


def report(objects: Sequence[JudgedObject], **more: Any) -> Report:
    rows = [
        RecallRow(
            object_class=each,
            group=size,
            found=0,
            total=0,
            share=None,
            interval_95=clopper_pearson(0, 0),
            interval_images_95=None,
        )
        for each, sizes in SIZES.items()
        for size in sizes
    ]
    facts: dict[str, Any] = {
        "truth_digest": "0" * 64,
        "min_coverage": 0.8,
        "predictions": "masks",
        "images": 1,
        "without_mask": (),
        "ignored_objects": 0,
        "objects_of_other_classes": {},
        "masked_share": MaskedShare(mean=0.02, total=0.02),
        "recall": rows,
        "area": (),
        "misses": (),
        "gaps": (),
        "detection": None,
        "image_level": (),
        "per_image": (),
    }
    return Report.model_validate({**facts, "objects": objects, **more})


def checks(rules: dict[str, Any], objects: Sequence[JudgedObject], before: Sequence[JudgedObject] = ()) -> list[Check]:
    production = report(before) if before else None
    return judge(Policy.model_validate(rules), report(objects), production)


def test_a_lower_bound_asks_for_proof_not_for_luck() -> None:
    rule = {"recall": [{"class": "person", "lower_bound": 0.9, "measured": 0.9}]}
    # All of 20: the exact interval begins at 0.025^(1/20) = 83.2 %. All of 36: at 90.3 %.
    few = checks(rule, some((20, 20, "person")))
    assert [(one.passed, one.found) for one in few] == [(True, "100.0% (20 of 20)"), (False, "83.2% (20 of 20)")]
    assert few[1].reason == "even without a miss 20 objects prove no more than 83.2%"
    assert [one.passed for one in checks(rule, some((36, 36, "person")))] == [True, True]


def test_a_lower_bound_knows_that_objects_of_one_image_are_not_independent() -> None:
    rule = {"recall": [{"class": "person", "lower_bound": 0.85}]}
    apart = some((190, 200, "person"))
    assert checks(rule, apart)[0].passed
    # The ten missed stand in one of two images, where 90 were found: a resample may have that one twice.
    together = [one.model_copy(update={"image": str(position // 100)}) for position, one in enumerate(apart)]
    assert (checks(rule, together)[0].found, checks(rule, apart)[0].found) == (
        "90.0% (190 of 200)",
        f"{clopper_pearson(190, 200)[0]:.1%} (190 of 200)",
    )


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"class": "person"}, "62.5% (5 of 8)"),
        ({"class": "license plate"}, "50.0% (1 of 2)"),
        ({"class": "person", "where": {"age": "child"}}, "75.0% (3 of 4)"),
        ({"class": "person", "where": {"age": "child", "sex": "woman"}}, "50.0% (1 of 2)"),
        ({"class": "person", "where": {"aid": "wheelchair"}}, "50.0% (1 of 2)"),
        ({"class": "person", "where": {"aid": "none"}}, "66.7% (4 of 6)"),
        ({"class": "licence_plate", "where": {"origin": "foreign"}}, "50.0% (1 of 2)"),
    ],
)
def test_a_rule_is_about_those_whom_it_names(rule: dict[str, Any], found: str) -> None:
    objects = some(
        (2, 2, "man/child"),
        (1, 2, "woman/child/dark"),
        (1, 2, "man/elder/light/wheelchair"),
        (1, 2, "person"),
        (1, 2, "licence_plate/foreign"),
    )
    assert [one.found for one in checks({"recall": [rule | {"measured": 0.5}]}, objects)] == [found]


def test_sizes_and_the_seam_are_chosen_by_name() -> None:
    objects = [
        judged(True, number=1, size="under 50 px high"),
        judged(False, number=2, crosses_seam=True),
        judged(True, number=3),
    ]
    for size, found in (("under 50 px high", "1 of 1"), ("50 and more px high", "1 of 2"), ("at the seam", "0 of 1")):
        (one,) = checks({"recall": [{"class": "person", "size": size, "measured": 0.5}]}, objects)
        assert found in one.found


def test_a_group_of_which_nothing_is_known_fails() -> None:
    rules = {
        "recall": [{"class": "person", "where": {"skin": "dark"}, "measured": 0, "lower_bound": 0}],
        "gaps": [{"class": "person", "attribute": "skin", "measured": 1}],
        "regression": [{"class": "person", "where": {"skin": "dark"}, "largest_drop": 1}],
    }
    told = checks(rules, some((5, 5, "man")), some((5, 5, "man")))
    assert [one.passed for one in told] == [False] * 4
    assert all("nothing is known" in one.reason for one in told)


def test_a_gap_between_any_two_groups_fails_and_names_who_is_found_less() -> None:
    objects = some((100, 100, "man/child/light"), (99, 100, "man/child/medium"), (90, 100, "man/child/dark"))
    told = checks({"gaps": [{"class": "person", "attribute": "skin", "measured": 0.05}]}, objects)
    assert [(one.rule, one.passed, one.reason) for one in told] == [
        ("person: skin light and medium: gap", True, ""),
        ("person: skin light and dark: gap", False, "dark is found less"),
        ("person: skin medium and dark: gap", False, "dark is found less"),
    ]


def test_an_upper_bound_of_a_gap_asks_for_proof() -> None:
    rule = {"gaps": [{"class": "person", "attribute": "sex", "measured": 0.1, "upper_bound": 0.1}]}
    assert [one.passed for one in checks(rule, some((10, 10, "man"), (10, 10, "woman")))] == [True, False]
    assert [one.passed for one in checks(rule, some((100, 100, "man"), (100, 100, "woman")))] == [True, True]


def test_groups_that_are_too_small_are_not_compared() -> None:
    rule = {"gaps": [{"class": "person", "attribute": "skin", "measured": 0, "least_objects": 50}]}
    told = checks(rule, some((60, 60, "man/adult/light"), (60, 60, "man/adult/dark"), (0, 9, "man/adult/medium")))
    assert [(one.rule, one.passed) for one in told] == [("person: skin light and dark: gap", True)]


def test_on_the_same_objects_only_those_count_that_one_model_alone_found() -> None:
    rule = {"regression": [{"class": "person", "largest_drop": 0.05, "alpha": 0.05}]}
    before = some((95, 100, "person"))
    # Lost are 4 of 95; the test says (1/2)^4 = 0.0625: it may be chance.
    told = checks(rule, some((91, 100, "person")), before)
    assert [(one.passed, one.found) for one in told] == [(True, "4.0%"), (True, "p 0.062")]
    # Lost are 5: (1/2)^5 = 0.03125.
    told = checks(rule, some((90, 100, "person")), before)
    assert [(one.passed, one.found) for one in told] == [(True, "5.0%"), (False, "p 0.031")]
    assert "5 lost, 0 gained" in told[1].reason
    # Better is no regression.
    assert all(one.passed for one in checks(rule, some((100, 100, "person")), before))


def test_on_other_objects_intervals_are_compared() -> None:
    rule = {"regression": [{"class": "person", "alpha": 0.05}]}
    (one,) = checks(rule, some((90, 100, "person")), some((190, 200, "person")))
    assert (one.passed, one.rule) == (True, "person: against production, intervals")
    (one,) = checks(rule, some((80, 100, "person")), some((190, 200, "person")))
    assert not one.passed
    assert "80 of 100 now, 190 of 200 in production" in one.reason


def test_a_model_that_masks_everything_fails() -> None:
    policy = Policy.model_validate({"masked_share": {"at_most": 0.03}})
    for masked, passes in ((0.02, True), (1.0, False), (None, False)):
        told = judge(policy, report([], masked_share=MaskedShare(mean=masked, total=masked)), None)
        assert [one.passed for one in told] == [passes]


@pytest.mark.parametrize(
    ("policy", "more", "sentence"),
    [
        (
            {"recall": [{"class": "person", "measured": 1}], "min_coverage": 0.9},
            {},
            "Evaluate again with --min-coverage 0.9",
        ),
        ({"recall": [{"class": "person", "measured": 1}], "truth_digest": "1" * 64}, {}, "Evaluate with that truth"),
        (
            {"recall": [{"class": "person", "measured": 1, "size": "tiny"}]},
            {},
            "size 'tiny', the report does not; it has: all",
        ),
        ({"regression": [{"class": "person", "largest_drop": 0}]}, {}, "give --production"),
    ],
)
def test_what_does_not_belong_together_is_not_judged(policy: Any, more: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        judge(Policy.model_validate(policy), report(some((1, 1, "person")), **more), None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Input should be a valid dictionary"),
        ("{}", "it has no rule, so every model would pass"),
        ("recall: [{class: person}]", "recall.0: give lower_bound or measured"),
        ("recall: [{class: person, lowerbound: 0.9}]", "recall.0.lowerbound: there is no such field"),
        ("recall: [{class: person, measured: 95}]", "recall.0.measured: Input should be less than or equal to 1"),
        ("recall: [{class: cat, measured: 1}]", "recall.0.class: Input should be 'person' or 'licence_plate'"),
        (
            "recall: [{class: person, measured: 1, where: {age: old}}]",
            "age 'old' is not known; use child, adult, elder",
        ),
        (
            "recall: [{class: licence_plate, measured: 1, where: {age: child}}]",
            "licence_plate has no age; it has origin",
        ),
        ("gaps: [{class: person, attribute: origin, measured: 0}]", "person has no origin"),
        ("recall: [", "cannot be read"),
    ],
)
def test_a_mistake_in_a_policy_is_told_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as told:
        load_policy(file)
    assert sentence in str(told.value)


def test_the_example_is_a_policy_of_every_kind_of_rule() -> None:
    policy = load_policy(ROOT / "examples" / "gate-policy.yaml")
    assert all((policy.recall, policy.gaps, policy.regression, policy.masked_share))


@pytest.mark.parametrize(("found", "code", "line"), [(10, 0, "The model passes."), (9, 3, "1 of 1 limits are not met")])
def test_the_command_ends_with_0_or_3(tmp_path: Path, found: int, code: int, line: str) -> None:
    policy, candidate = tmp_path / "policy.yaml", tmp_path / "report.json"
    policy.write_text(yaml.safe_dump({"recall": [{"class": "person", "measured": 1.0}]}))
    candidate.write_text(report(some((found, 10, "person"))).model_dump_json())
    shown = CliRunner().invoke(gate, ["--policy", str(policy), str(candidate)])
    assert (shown.exit_code, line in shown.output) == (code, True)


def test_a_file_that_is_no_report_is_told_as_such(tmp_path: Path) -> None:
    policy, candidate = tmp_path / "policy.yaml", tmp_path / "report.json"
    policy.write_text(yaml.safe_dump({"recall": [{"class": "person", "measured": 1.0}]}))
    candidate.write_text('{"min_coverage": 0.8}')
    shown = CliRunner().invoke(gate, ["--policy", str(policy), str(candidate)])
    assert isinstance(shown.exception, ConfigurationError)
    assert "is no report of `baas-detector evaluate --json`" in str(shown.exception)
