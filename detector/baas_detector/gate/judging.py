"""Judge a report by a policy. Pure: what passes and fails, and why, follows from the documents alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from baas_crds.errors import ConfigurationError
from baas_detector.coverage import ALL, SEAM, clopper_pearson
from baas_detector.evaluation.bias import category_of, flags_of, gaps_of, images_of
from baas_detector.evaluation.intervals import image_interval
from baas_detector.evaluation.results import GapRow, JudgedObject, Report
from baas_detector.gate.policy import GapRule, Policy, RecallRule, Selection
from baas_detector.gate.regression import Drop, drop

_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One limit of a policy, and how the model does."""

    rule: str
    wanted: str
    found: str
    passed: bool
    reason: str = ""
    """Why it failed, or what else to know."""


def judge(policy: Policy, report: Report, production: Report | None) -> list[Check]:
    """Return a check for every limit, in the policy's order.

    Raises `ConfigurationError` when policy and reports do not belong together: then nothing can be judged.
    """
    _require_fit(policy, report)
    if policy.regression and production is None:
        raise ConfigurationError("The policy has rules on regression: give --production, the report of that model.")
    checks = [check for rule in policy.recall for check in _recall_checks(rule, report)]
    checks += [check for gap_rule in policy.gaps for check in _gap_checks(gap_rule, report)]
    if production is not None:
        _require_alike(report, production)
        for regression in policy.regression:
            one = drop(selected(report, regression), selected(production, regression), alpha=regression.alpha)
            checks += _drop_checks(f"{regression}: against production", one, regression.largest_drop, regression.alpha)
    if policy.masked_share is not None:
        checks.append(_masked_check(report.masked_share.total, policy.masked_share.at_most))
    return checks


def selected(report: Report, selection: Selection) -> list[JudgedObject]:
    """Return the objects that a rule is about. Raises `ConfigurationError` when no such size is in the report."""
    _require_size(report, selection)
    return [one for one in report.objects if _is_selected(one, selection)]


def _is_selected(one: JudgedObject, selection: Selection) -> bool:
    if one.object_class is not selection.object_class:
        return False
    if selection.size == SEAM:
        return one.crosses_seam and _has_values(one, selection)
    return selection.size in (ALL, one.size) and _has_values(one, selection)


def _has_values(one: JudgedObject, selection: Selection) -> bool:
    category = category_of(one)
    return all(value in category.values_of(attribute) for attribute, value in selection.where.items())


def _require_size(report: Report, rule: Selection | GapRule) -> None:
    sizes = [row.group for row in report.recall if row.object_class is rule.object_class]
    if rule.size not in sizes:
        raise ConfigurationError(
            f"The policy speaks of {rule.object_class} of the size {rule.size!r}, the report does not; it has: "
            f"{', '.join(sizes)}. Correct the policy, or evaluate with its sizes."
        )


def _require_fit(policy: Policy, report: Report) -> None:
    if report.min_coverage < policy.min_coverage:
        raise ConfigurationError(
            f"The report takes objects for found that are covered {report.min_coverage:.0%}; the policy asks for "
            f"{policy.min_coverage:.0%}. Evaluate again with --min-coverage {policy.min_coverage:g}."
        )
    if policy.truth_digest not in (None, report.truth_digest):
        raise ConfigurationError(
            f"The report was made with a truth of the digest {report.truth_digest}; the policy asks for "
            f"{policy.truth_digest}. Evaluate with that truth."
        )


def _require_alike(report: Report, production: Report) -> None:
    if report.min_coverage != production.min_coverage:
        raise ConfigurationError(
            f"The reports take objects for found at different coverage, {report.min_coverage:g} and, in production, "
            f"{production.min_coverage:g}. Evaluate both alike."
        )


def _recall_checks(rule: RecallRule, report: Report) -> Iterator[Check]:
    members = selected(report, rule)
    found, total = sum(one.found for one in members), len(members)
    low, _ = clopper_pearson(found, total)
    by_images = image_interval(flags_of(members), images_of(members), seed=_SEED)
    low = min(low, by_images[0]) if by_images else low
    share = found / total if total else 0.0
    nothing = "" if total else "no such object in the truth: nothing is known"
    if rule.measured is not None:
        passed = total > 0 and share >= rule.measured
        yield Check(
            rule=f"{rule}: recall",
            wanted=f"at least {rule.measured:.1%}",
            found=f"{share:.1%} ({found} of {total})" if total else "none",
            passed=passed,
            reason=nothing or ("" if passed else f"{total - found} missed"),
        )
    if rule.lower_bound is not None:
        passed = total > 0 and low >= rule.lower_bound
        few = f"even without a miss {total} objects prove no more than {clopper_pearson(total, total)[0]:.1%}"
        hopeless = total > 0 and clopper_pearson(total, total)[0] < rule.lower_bound
        yield Check(
            rule=f"{rule}: lower bound of recall",
            wanted=f"at least {rule.lower_bound:.1%}",
            found=f"{low:.1%} ({found} of {total})" if total else "none",
            passed=passed,
            reason=nothing or ("" if passed else few if hopeless else f"{total - found} missed"),
        )


def _gap_checks(rule: GapRule, report: Report) -> Iterator[Check]:
    _require_size(report, rule)
    name = ", ".join([str(rule.object_class), *([] if rule.size == ALL else [rule.size])])
    compared = 0
    for gap in gaps_of(report.objects, rule.object_class, rule.size, rule.attribute, seed=_SEED):
        pair = f"{name}: {rule.attribute} {gap.value} and {gap.other}"
        if min(gap.total, gap.other_total) < rule.least_objects:
            continue
        compared += 1
        yield from _pair_checks(pair, gap, rule)
    if not compared:
        yield Check(
            rule=f"{name}: gap by {rule.attribute}",
            wanted=f"two groups of {rule.least_objects} objects or more",
            found="none to compare",
            passed=False,
            reason="of these groups nothing is known: label more of them",
        )


def _pair_checks(pair: str, gap: GapRow, rule: GapRule) -> Iterator[Check]:
    counts = f"{gap.found} of {gap.total} and {gap.other_found} of {gap.other_total}, p {gap.p_value:.3f}"
    worse = gap.other if gap.gap > 0 else gap.value
    if rule.measured is not None:
        passed = abs(gap.gap) <= rule.measured
        yield Check(
            rule=f"{pair}: gap",
            wanted=f"at most {rule.measured:.1%}",
            found=f"{abs(gap.gap):.1%} ({counts})",
            passed=passed,
            reason="" if passed else f"{worse} is found less",
        )
    if rule.upper_bound is not None:
        ends = [*gap.interval_95, *(gap.interval_images_95 or ())]
        farthest = max(abs(end) for end in ends)
        passed = farthest <= rule.upper_bound
        yield Check(
            rule=f"{pair}: upper bound of the gap",
            wanted=f"at most {rule.upper_bound:.1%}",
            found=f"{farthest:.1%} ({counts})",
            passed=passed,
            reason="" if passed else "a larger gap cannot be excluded",
        )


def _drop_checks(name: str, one: Drop | None, largest_drop: float | None, alpha: float | None) -> Iterator[Check]:
    if one is None:
        yield Check(
            rule=name,
            wanted="objects in both reports",
            found="none",
            passed=False,
            reason="no such object in the truth: nothing is known",
        )
        return
    if largest_drop is not None:
        yield Check(
            rule=f"{name}, drop",
            wanted=f"at most {largest_drop:.1%}",
            found=f"{one.share:.1%}",
            passed=one.share <= largest_drop,
            reason=one.counts,
        )
    if alpha is not None:
        yield Check(
            rule=f"{name}, {one.test}",
            wanted=f"not worse at the level {alpha:g}",
            found=one.finding,
            passed=not one.is_worse,
            reason=one.counts,
        )


def _masked_check(masked: float | None, at_most: float) -> Check:
    return Check(
        rule="masked share of all pixels",
        wanted=f"at most {at_most:.1%}",
        found="unknown" if masked is None else f"{masked:.2%}",
        passed=masked is not None and masked <= at_most,
        reason="there is no prediction at all" if masked is None else "",
    )


def verdict(checks: Sequence[Check]) -> bool:
    """Return whether the model passes: all checks did."""
    return all(check.passed for check in checks)
