"""What came of an attack: counts with what chance alone would give. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from baas_detector.coverage import clopper_pearson


class Attack(StrEnum):
    """What the attacker tried."""

    FIND = "find"
    """The detector looks for persons and plates again."""
    READ = "read"
    """A plate's text is looked for among many, each rendered and redacted the same way."""
    MATCH = "match"
    """A person is looked for among many, each redacted the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How often one attack on one redaction succeeded."""

    attack: Attack
    redaction: str
    """As on the command line: `pixelate:6`."""
    group: str
    """Of whom or what: `300 px wide`, `person`."""
    condition: str
    """What the attacker has or tries: `same picture`, `another picture`, `richardson-lucy`."""
    rank: int | None
    """The true one is among so many guesses; None where nothing is ranked."""
    hits: int
    total: int
    chance: float | None
    """The share that guessing without looking would hit; None where there is no such thing."""

    @classmethod
    def joined(cls, results: Sequence["Result"]) -> "Result":
        """Count results of one kind together. At least one is needed."""
        return replace(results[0], hits=sum(one.hits for one in results), total=sum(one.total for one in results))

    @property
    def share(self) -> float:
        return self.hits / self.total if self.total else 0.0

    def interval(self) -> tuple[float, float]:
        """Return the 95 % Clopper-Pearson interval: it holds the true share at least this often."""
        return clopper_pearson(self.hits, self.total)

    @property
    def is_at_chance(self) -> bool | None:
        """Whether the interval holds what guessing gives; None where there is no such thing."""
        if self.chance is None:
            return None
        low, high = self.interval()
        return low <= self.chance <= high

    def document(self) -> dict[str, Any]:
        """Return it as plain data, for `--json`."""
        return {
            **asdict(self),
            "share": self.share,
            "interval_95": list(self.interval()),
            "is_at_chance": self.is_at_chance,
        }
