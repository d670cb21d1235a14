"""The CustomResourceDefinition: the document that teaches a cluster what a BlurJob is."""

from typing import Any

from baas_crds.blurjob import GROUP, KIND, VERSION
from baas_crds.schema import CHANGEABLE, Schema, structural_schema

# (title, type, path, priority): a priority above 0 is shown by `-o wide` only.
COLUMNS = (
    ("Phase", "string", ".status.phase", 0),
    ("Done", "integer", ".status.images.published", 0),
    ("Total", "integer", ".status.images.total", 0),
    ("Quarantined", "integer", ".status.images.quarantined", 0),
    ("Rate", "integer", ".status.imagesPerMinute", 1),
    ("ETA", "string", ".status.eta", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)
_HINTS = {
    "Done": "Images that are published.",
    "Rate": "Images per minute.",
    "ETA": "When the run is expected to end.",
}


def custom_resource_definition() -> dict[str, Any]:
    """Return the whole document, as `kubectl apply` takes it."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _explained(structural_schema())},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.parallelism",
                "statusReplicasPath": ".status.workers",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [_column(*column) for column in COLUMNS],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"blurjobs.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": "blurjobs",
                "singular": "blurjob",
                "shortNames": ["bj"],
                "categories": ["all"],
            },
            "versions": [version],
        },
    }


def _column(title: str, type_: str, path: str, priority: int) -> dict[str, Any]:
    hint = {"description": _HINTS[title]} if title in _HINTS else {}
    wide = {"priority": priority} if priority else {}
    return {"name": title, "type": type_, "jsonPath": path} | hint | wide


def _explained(schema: Schema) -> Schema:
    """Say defaults, limits and what may change in the descriptions: `kubectl explain` shows nothing else."""
    spec = schema["properties"]["spec"]
    for name, field in spec["properties"].items():
        _explain(field, "May change at any time." if name in CHANGEABLE else "Cannot change.")
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
