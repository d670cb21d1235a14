"""From pydantic's JSON schema to the structural schema that Kubernetes takes.

A structural schema has no `$ref`, no `title`, no `additionalProperties: false`, and says `null` by leaving a field
out. Source: Kubernetes, "Extend the API with CustomResourceDefinitions", section "Specifying a structural schema".
"""

from collections.abc import Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from baas_crds.blurjob import BlurJob, BlurJobSpec
from baas_crds.blurschedule import BlurSchedule

Schema = dict[str, Any]

# So that a person who reads the file finds what a field means before what is in it.
_FIRST = {"description": 0, "type": 1, "format": 2, "default": 3}

CHANGEABLE = frozenset(map(to_camel, BlurJobSpec.CHANGEABLE))
"""The fields of the spec, as in YAML, that may change after creation."""


def structural_schema(kind: type[BlurJob] | type[BlurSchedule] = BlurJob) -> Schema:
    """Return the schema of a whole object of a kind, with defaults, limits, rules and descriptions."""
    whole = kind.model_json_schema()
    schema = _structural(whole, whole["$defs"])
    # Kubernetes knows these itself, and refuses a schema that says more about them.
    schema["properties"] |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    schema["properties"]["metadata"] = {"type": "object"}
    schema["required"] = ["spec"]
    if kind is BlurJob:  # a schedule may change at any time: its BlurJobs stay as they were made
        spec = schema["properties"]["spec"]
        fixed = [_fixed(name, spec) for name in spec["properties"] if name not in CHANGEABLE]
        spec["x-kubernetes-validations"] += fixed
    return schema


def _fixed(name: str, spec: Schema) -> Schema:
    always_there = name in spec["required"] or "default" in spec["properties"][name]
    same = f"self.{name} == oldSelf.{name}"
    return {
        "rule": same if always_there else f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {same})",
        "message": f"{name} cannot change: delete this BlurJob and apply a new one; "
        "with source.onlyNew images that were finished with the same settings are not done again",
        "fieldPath": f".{name}",
    }


def _structural(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return one node of the schema, and all below it, as Kubernetes wants them."""
    node = _flattened(node, definitions)
    schema = {key: value for key, value in node.items() if key not in {"title", "$defs", "additionalProperties"}}
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    if "default" in schema:
        schema["default"] = _without_nulls(schema["default"])
    if "properties" in schema:
        schema["properties"] = {name: _structural(below, definitions) for name, below in schema["properties"].items()}
    if "items" in schema:
        schema["items"] = _structural(schema["items"], definitions)
    values = node.get("additionalProperties")
    if values is True:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    elif values:
        schema["additionalProperties"] = _structural(values, definitions)
    if schema.get("type") == "integer":
        schema["format"] = "int32" if schema.get("maximum", 2**63) < 2**31 else "int64"
    return dict(sorted(schema.items(), key=lambda item: _FIRST.get(item[0], len(_FIRST))))


def _flattened(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Resolve `$ref` and `X or null` at the top of a node; what stands beside them, such as a description, wins.

    An unset field is left out in Kubernetes, never null.
    """
    if "$ref" in node:
        inner = definitions[node["$ref"].rsplit("/", 1)[-1]]
    elif {"type": "null"} in node.get("anyOf", ()):
        (inner,) = (choice for choice in node["anyOf"] if choice != {"type": "null"})
    else:
        return node
    beside = {key: value for key, value in node.items() if key not in {"$ref", "anyOf"} and value is not None}
    return _flattened(inner | beside, definitions)


def _without_nulls(default: Any) -> Any:
    if not isinstance(default, dict):
        return default
    return {name: _without_nulls(value) for name, value in default.items() if value is not None}
