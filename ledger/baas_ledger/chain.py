"""The hash chain of a run's audit records: each names the digest of the one before it.

A record is one line of JSON, kept as the text that was digested. Whoever changes, removes or inserts one breaks every
link behind it, and cutting the last ones off leaves images with a fate that no record tells. Pure functions: what is
kept where, `audit.py` knows. After the idea of RFC 9162, without its tree: a run is read whole to be checked.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

START = "sha256:" + "0" * 64
"""What the first record of a run names as the one before it."""


class RecordKind(StrEnum):
    """What an audit record tells of an image."""

    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    EXCLUDED = "excluded"
    REOPENED = "reopened"
    """Its fate before does not count any more; it is to be done again."""
    CORRECTED = "corrected"
    """More was redacted in the published picture."""
    SOURCE_DELETED = "source-deleted"
    """A receipt: the original was deleted after its output had been read back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as it is kept."""

    number: int
    """1, 2, 3 … within its run."""
    image_id: int
    kind: str
    body: str
    digest: str
    signature: str | None
    """Of the digest's text; Ed25519 in base64."""

    @property
    def facts(self) -> dict[str, Any]:
        """What the body says. Raises `ValueError` when it is no JSON object."""
        try:
            facts = json.loads(self.body)
        except RecursionError:
            raise ValueError("too deep") from None
        if not isinstance(facts, dict):
            raise ValueError("not a JSON object")
        return facts


def body_of(facts: Mapping[str, object]) -> str:
    """Return facts as the one text that is digested: keys sorted, no spaces. Raises `ValueError` for NaN."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of_body(body: str) -> str:
    """Return `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"


def broken_link(record: Record, *, run_id: str, number: int, previous: str) -> str | None:
    """Say why a record is not the run's `number`-th, behind the one of digest `previous`; None when it is."""
    if record.number != number:
        return f"record {number} is missing: the next one is number {record.number}"
    if digest_of_body(record.body) != record.digest:
        return f"record {number} was changed: its text does not have the digest that is kept beside it"
    try:
        facts, kind = record.facts, RecordKind(record.kind)
    except ValueError as error:
        return f"record {number} cannot be read: {error}"
    if facts.get("previous") != previous:
        return f"record {number} does not follow the one before it: a record was changed, removed or put in between"
    if (facts.get("run"), facts.get("number"), facts.get("kind")) != (run_id, number, kind):
        return f"record {number} belongs to another run or place"
    return None
