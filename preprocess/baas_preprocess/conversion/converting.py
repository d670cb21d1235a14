"""Make a `config.yml` of the earlier service's. Nothing is guessed: what has no meaning here is told."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import yaml

from baas_preprocess.conversion.findings import Draft, Finding, Verdict, dropped, leaves, to_decide
from baas_preprocess.conversion.meanings import MEANINGS
from baas_preprocess.conversion.places import DECIDE, Datastores, read_database, read_places
from baas_preprocess.steps.config import UNDECIDED

_CUSTOMER = re.compile(r"^(inference_pipeline)\.customers\[(\d+)\]\.")
_SECTIONS = ("name", "steps", "source", "output", "qualityCheck", "parallelism", "machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The file that was made, and what became of each key."""

    document: Mapping[str, Any]
    findings: tuple[Finding, ...]
    """In the order of the earlier file; behind them, what that does not say."""

    @property
    def decisions(self) -> list[Finding]:
        """What somebody must decide."""
        return [finding for finding in self.findings if finding.verdict is Verdict.DECIDE]


def convert(earlier: Mapping[str, Any], datastores: Datastores) -> Converted:
    """Convert a file. Each of its keys is in the findings, once, and each decision in the document's `undecided`."""
    there = dict(leaves(earlier))
    order = {key: place for place, key in enumerate(there)}
    as_said = {_lifted(key): key for key in there if not _is_anothers(key)}
    given = {key: there[said] for key, said in as_said.items()}
    draft = Draft({"steps": {"detect": True, "redact": True, "verify": True}})
    findings = [*read_places(given, datastores, draft), *read_database(given, draft)]
    findings += [_meant(key, value, draft) for key, value in given.items()]
    findings = [replace(finding, key=as_said.get(finding.key, finding.key)) for finding in findings]
    findings += [_of_another(key) for key in there if key not in as_said.values()]
    findings += list(_unsaid(draft))
    findings.sort(key=lambda finding: order.get(finding.key, len(order)))
    undecided = [f"{one.key}: {one.sentence}" for one in findings if one.verdict is Verdict.DECIDE]
    document = {section: draft.document[section] for section in _SECTIONS if section in draft.document}
    return Converted(document=({UNDECIDED: undecided} if undecided else {}) | document, findings=tuple(findings))


def yaml_text(converted: Converted, title: str) -> str:
    """Return the file's text; what must be decided stands at its top. `title` says of which file it was made."""
    head = [f"# Made of {title} by `baas convert-config`."]
    if converted.decisions:
        head.append(f"# It is refused until you have decided each of these, struck it out, and replaced each {DECIDE}.")
    # A comment ends with its line, and YAML takes no control characters.
    lines = [" ".join("".join(one if one.isprintable() else " " for one in line).split()) for line in head]
    body = yaml.safe_dump(dict(converted.document), sort_keys=False, allow_unicode=True)
    return "\n".join([*lines, body])


def _lifted(key: str) -> str:
    """In 2023 there was a section for each customer: what the first one's says counts for the file."""
    return _CUSTOMER.sub(r"\1.", key).replace("inference_pipeline.name", "inference_pipeline.customer_name")


def _is_anothers(key: str) -> bool:
    section = _CUSTOMER.match(key)
    return section is not None and section[2] != "0"


def _of_another(key: str) -> Finding:
    if key.endswith("].name"):
        return to_decide(key, "name: a file is for one customer; convert a copy of the file for each of the others")
    return dropped(key, "another section says the same, or it is another customer's")


def _meant(key: str, value: Any, draft: Draft) -> Finding:
    meaning = next((meaning for pattern, meaning in MEANINGS if fnmatchcase(key, pattern)), None)
    if meaning is None and value in (None, {}, []):
        return dropped(key, "it was empty")
    if meaning is None:
        return to_decide(key, "no version of the earlier service that is known had this key: look whether it matters")
    return meaning(key, value, draft)


def _unsaid(draft: Draft) -> Iterator[Finding]:
    if "name" not in draft.document:
        draft.put("name", DECIDE)
        yield to_decide("name", "the file names no customer: call the run something")
