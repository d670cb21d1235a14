"""The CustomResourceDefinitions: the documents that teach a cluster what BlurJobs and BlurSchedules are."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from baas_crds.blurjob import GROUP, KIND, VERSION, BlurJob
from baas_crds.blurschedule import KIND as SCHEDULE_KIND
from baas_crds.blurschedule import BlurSchedule
from baas_crds.schema import CHANGEABLE, Schema, structural_schema

Column: TypeAlias = tuple[str, str, str, int]
"""Title, type, path, priority: a priority above 0 is shown by `-o wide` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """How a kind is called, and what lists of it show."""

    model: type[BlurJob] | type[BlurSchedule]
    kind: str
    short_name: str
    columns: tuple[Column, ...]
    is_scaled: bool

    @property
    def plural(self) -> str:
        """What the API server calls many of them."""
        return f"{self.kind.lower()}s"

    @property
    def name(self) -> str:
        """The name of the definition itself."""
        return f"{self.plural}.{GROUP}"


BLURJOBS = Definition(
    model=BlurJob,
    kind=KIND,
    short_name="bj",
    columns=(
        ("Phase", "string", ".status.phase", 0),
        ("Done", "integer", ".status.images.published", 0),
        ("Total", "integer", ".status.images.total", 0),
        ("Quarantined", "integer", ".status.images.quarantined", 0),
        ("Rate", "integer", ".status.imagesPerMinute", 1),
        ("ETA", "string", ".status.eta", 0),
        ("Age", "date", ".metadata.creationTimestamp", 0),
    ),
    is_scaled=True,
)
BLURSCHEDULES = Definition(
    model=BlurSchedule,
    kind=SCHEDULE_KIND,
    short_name="bsch",
    columns=(
        ("Schedule", "string", ".spec.schedule", 0),
        ("Time zone", "string", ".spec.timeZone", 0),
        ("Suspend", "boolean", ".spec.suspend", 0),
        ("Scheduled", "string", '.status.conditions[?(@.type=="Scheduled")].reason', 0),
        ("Active", "string", ".status.active[*].name", 0),
        ("Last start", "date", ".status.lastScheduleTime", 0),
        ("Last success", "date", ".status.lastSuccessfulTime", 0),
        ("Next start", "string", ".status.nextScheduleTime", 1),
        ("Age", "date", ".metadata.creationTimestamp", 0),
    ),
    is_scaled=False,
)
_HINTS = {
    "Done": "Images that are published.",
    "Rate": "Images per minute.",
    "ETA": "When the run is expected to end.",
    "Scheduled": "Whether BlurJobs are made when they are due, in one word.",
    "Active": "The latest BlurJob that is not over.",
    "Last success": "When a BlurJob last became complete.",
}
_SCALE = {
    "specReplicasPath": ".spec.parallelism",
    "statusReplicasPath": ".status.workers",
    "labelSelectorPath": ".status.selector",
}


def custom_resource_definition(of: Definition = BLURJOBS) -> dict[str, Any]:
    """Return the whole document, as `kubectl apply` takes it."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _explained(of)},
        "subresources": {"status": {}, **({"scale": _SCALE} if of.is_scaled else {})},
        "additionalPrinterColumns": [_column(*column) for column in of.columns],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": of.name},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": of.kind,
                "listKind": f"{of.kind}List",
                "plural": of.plural,
                "singular": of.kind.lower(),
                "shortNames": [of.short_name],
                "categories": ["all"],
            },
            "versions": [version],
        },
    }


def _column(title: str, type_: str, path: str, priority: int) -> dict[str, Any]:
    hint = {"description": _HINTS[title]} if title in _HINTS else {}
    wide = {"priority": priority} if priority else {}
    return {"name": title, "type": type_, "jsonPath": path} | hint | wide


def _explained(of: Definition) -> Schema:
    """Return a kind's schema with defaults, limits and what may change told in words, which `kubectl explain` shows."""
    schema = structural_schema(of.model)
    for name, field in schema["properties"]["spec"]["properties"].items():
        if of is BLURJOBS:
            _explain(field, "May change at any time." if name in CHANGEABLE else "Cannot change.")
        else:
            _explain(field)
    return schema


def _explain(field: Schema, last: str = "") -> None:
    words = [field.get("description"), limits(field), default_of(field), last]
    field["description"] = " ".join(word if word.endswith(".") else f"{word}." for word in words if word)
    below = field.get("items", field)
    for inner in below.get("properties", {}).values():
        _explain(inner)


def limits(field: Schema) -> str:
    """Say the range of a number in words; empty when there is none."""
    return f"{field['minimum']} to {field['maximum']}" if {"minimum", "maximum"} <= field.keys() else ""


def default_of(field: Schema) -> str:
    """Say the default of a plain value in words; empty when there is none that says something."""
    default = field.get("default")
    if default in (None, "") or isinstance(default, dict | list):
        return ""
    return f"Default: {str(default).lower() if isinstance(default, bool) else default}"
