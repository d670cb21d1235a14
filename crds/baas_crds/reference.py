"""The page docs/reference/blurjob.md, from the same schema that the cluster gets."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from baas_crds.blurjob import GROUP, KIND, VERSION
from baas_crds.codes import QuarantineReason
from baas_crds.conditions import ConditionType
from baas_crds.crd import BLURJOBS, default_of, limits
from baas_crds.schema import CHANGEABLE, Schema, structural_schema
from baas_crds.status import Phase

_INTRODUCTION = f"""# {KIND}

<!-- Generated from crds/baas_crds by `python -m baas_crds`. Change the models, not this file. -->

`apiVersion: {GROUP}/{VERSION}`, `kind: {KIND}`, short name `bj`. What is marked *required* must be given;
everything else has the default shown, or is unset. `kubectl explain blurjob.spec` tells the same on the command line.
BlurJobs to start from are in [examples](../../examples); `blurjob-all-fields.yaml` shows every field. To have them made
at set times: [BlurSchedule](blurschedule.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A BlurJob, a change of one, or a BlurSchedule, that is refused."""

    what: str
    """The mistake, for people."""
    change: dict[str, Any]
    """A merge patch on an example (RFC 7386)."""
    sentence: str
    """What the answer must hold."""
    example: str = "minimal"
    """examples/blurjob-<this>.yaml; of a schedule examples/blurschedule.yaml."""


def reference_page(created: Sequence[Refusal], changed: Sequence[Refusal]) -> str:
    """Return the page, with what is refused when a BlurJob is created and when it is changed."""
    fields = structural_schema()["properties"]
    changeable = ", ".join(f"`{name}`" for name in fields["spec"]["properties"] if name in CHANGEABLE)
    parts = [
        _INTRODUCTION,
        f"May change while the run goes on: {changeable}. Everything else is fixed when the BlurJob is created.",
        *sections("spec", fields["spec"], {}),
        *sections("status", fields["status"], {}),
        "### Columns of `kubectl get blurjobs`",
        table(
            ("Column", "Field"),
            [(title, f"`{path}`{' (`-o wide`)' * wide}") for title, _, path, wide in BLURJOBS.columns],
        ),
        "### Phases",
        table(("Phase", "Meaning"), [(f"`{phase}`", phase.meaning) for phase in Phase]),
        "### Conditions",
        table(("Condition", "Meaning when `True`"), [(f"`{type_}`", type_.meaning) for type_ in ConditionType]),
        "### Reasons of quarantine",
        table(("Reason", "Meaning"), [(f"`{reason}`", reason.explanation) for reason in QuarantineReason]),
        "## What is refused, and why",
        "The API server refuses these when they are applied; commands that read a BlurJob from a file answer the same.",
        refusals(created),
        "And these changes of a BlurJob that exists:",
        refusals(changed),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def sections(path: str, schema: Schema, seen: dict[str, str]) -> Iterator[str]:
    """Describe an object and, below it, each object within it that was not described before."""
    rows = []
    inner = []
    for name, field in schema["properties"].items():
        below = field.get("items", field)
        place = f"{path}.{name}" + "[]" * ("items" in field)
        link = ""
        if "properties" in below:
            known = seen.setdefault(str(below["properties"]), place)
            link = f" See [{known}](#{_anchor(known)})."
            if known == place:
                inner.append((place, below))
        default = "*required*" if name in schema.get("required", ()) else default_of(field).removeprefix("Default: ")
        rows.append((f"`{name}`", _type(field), default, field.get("description", "") + link))
    yield f"{'###' if '.' in path else '##'} {path}"
    yield table(("Field", "Type", "Default", "Meaning"), rows)
    if rules := [rule for rule in schema.get("x-kubernetes-validations", ()) if "oldSelf" not in rule["rule"]]:
        yield "Rules:\n\n" + "\n".join(f"- {rule['message']}" for rule in rules)
    for place, below in inner:
        yield from sections(place, below, seen)


def _type(field: Schema) -> str:
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "items" in field:
        return f"list of {_type(field['items'])}s"
    if "additionalProperties" in field:
        return f"map to {_type(field['additionalProperties'])}"
    if "anyOf" in field:
        return "amount"
    if field.get("format") == "date-time":
        return "time"
    return " ".join(word for word in (field["type"], limits(field)) if word)


def refusals(refused: Sequence[Refusal]) -> str:
    """Return a table of mistakes with their answers."""
    rows = [
        (refusal.what, "<br>".join(f"`{line}`" for line in _leaves(refusal.change)), refusal.sentence)
        for refusal in refused
    ]
    return table(("Mistake", "Such as", "Answer"), rows)


def _leaves(change: Any, path: str = "") -> Iterator[str]:
    """Say a merge patch in lines such as `spec.redaction.cells: 40`."""
    if isinstance(change, dict) and change:
        for name, value in change.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(change, list) and change and isinstance(change[0], dict):
        for place, value in enumerate(change):
            yield from _leaves(value, f"{path}[{place}]")
    else:
        yield f"{path}: {'(left out)' if change is None else json.dumps(change)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _anchor(heading: str) -> str:
    return "".join(letter for letter in heading.lower() if letter.isalnum() or letter in "-_")
