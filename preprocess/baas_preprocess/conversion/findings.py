"""What became of each key of an earlier file, and the file that is being made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What became of a key."""

    CARRIED = "carried over"
    DROPPED = "dropped"
    DECIDE = "needs your decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of one key. Values are told only where they are no secrets."""

    key: str
    verdict: Verdict
    sentence: str
    """Where it went, why it did not, or what is to be decided."""


@dataclass(slots=True)
class Draft:
    """The file that is being made: keys with dots stand for sections."""

    document: dict[str, Any] = field(default_factory=dict)

    def put(self, key: str, value: object) -> None:
        """Set a key, such as `steps.redact`."""
        *sections, last = key.split(".")
        place = self.document
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value


def carried(key: str, to: str, why: str = "") -> Finding:
    """Tell that a key stands at `to` now."""
    return Finding(key=key, verdict=Verdict.CARRIED, sentence=f"{to}{why and f': {why}'}")


def dropped(key: str, why: str) -> Finding:
    """Tell that a key means nothing here."""
    return Finding(key=key, verdict=Verdict.DROPPED, sentence=why)


def to_decide(key: str, what: str) -> Finding:
    """Tell that somebody must decide."""
    return Finding(key=key, verdict=Verdict.DECIDE, sentence=what)


def leaves(document: Mapping[Any, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    """Give each key that holds a value, with its sections in front; lists of sections are gone through."""
    for key, value in document.items():
        path = f"{where}.{key}" if where else str(key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, path)
        elif isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
            for place, entry in enumerate(value):
                yield from leaves(entry, f"{path}[{place}]")
        else:
            yield path, value
