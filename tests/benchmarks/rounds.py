"""Run contestants in alternation, and say what came out: medians, spreads, and whether the aim was met."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


def alternate(contestants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Return what each contestant gave in each round; a first round warms up and does not count.

    Each round begins with another contestant, so that none is always the one after a certain other.
    """
    names = list(contestants)
    given: dict[str, list[T]] = {name: [] for name in names}
    for number in range(rounds + 1):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            result = contestants[name]()
            if number:
                given[name].append(result)
    return given


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Divide round by round: a machine that was busy in one round was so for both."""
    return [one / other for one, other in zip(numerators, denominators, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a benchmark's table."""

    what: str
    values: Sequence[float]
    """One for each round, in `unit`."""
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        """The value that half of the rounds reached."""
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the median reaches the aim; None without one."""
        if self.at_least is not None:
            return self.median >= self.at_least
        if self.at_most is not None:
            return self.median <= self.at_most
        return None

    @property
    def aim(self) -> str:
        """The aim as people write it, and what came of it; empty without one."""
        if self.is_met is None:
            return ""
        bound = f"≥ {number(self.at_least)}" if self.at_least is not None else f"≤ {number(self.at_most)}"
        return f"{bound} {self.unit}".rstrip() + ("" if self.is_met else " **missed**")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one benchmark found."""

    title: str
    findings: Sequence[Finding]
    notes: Sequence[str] = ()
    """Sentences about this run: how many pictures, which precision."""


def read_outcome(document: Mapping[str, Any]) -> Outcome:
    """Return what `dataclasses.asdict` made of an outcome."""
    findings = [Finding(**one) for one in document["findings"]]
    return Outcome(title=document["title"], findings=findings, notes=document["notes"])


def number(value: float | None) -> str:
    """Write a number with three digits that count."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.1g}"


def markdown(outcome: Outcome) -> str:
    """Return the outcome as a table with its notes."""
    rows = [
        f"| {one.what} | {number(one.median)} {one.unit} | {_spread(one)} | {one.aim} |".replace("  ", " ")
        for one in outcome.findings
    ]
    table = ["| | median | spread | aim |", "|---|--:|--:|---|", *rows]
    return "\n".join([*table, "", *(f"- {note}" for note in outcome.notes)]).rstrip() + "\n"


def aims(outcomes: Mapping[str, Outcome]) -> str:
    """Return all findings that have an aim as one table; `outcomes` by the names of their pages."""
    rows = [
        f"| [{name}](performance/{name}.md) | {one.what} | {number(one.median)} {one.unit}".rstrip() + f" | {one.aim} |"
        for name, outcome in outcomes.items()
        for one in outcome.findings
        if one.aim
    ]
    return "\n".join(["| | | median | aim |", "|---|---|--:|---|", *rows]) + "\n"


def _spread(finding: Finding) -> str:
    if len(finding.values) == 1:
        return "once"
    return f"{number(min(finding.values))} to {number(max(finding.values))}"
