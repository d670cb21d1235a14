"""Make what the Helm chart repeats: the schema and the table of its values, and the definitions of its kinds.

    python hack/chart/generate.py [--check]

values.yaml is the source of the first two. A key whose comment begins with `--` is a value; a key without such a
comment is a group of them, and groups take no other keys. crds/blurjobs.yaml and crds/blurschedules.yaml are the source
of the last, the first also of what values of workers may be.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from baas_crds.parts import DNS_SUBDOMAIN
from baas_crds.pods import OURS, RESERVED_ENV, LabelValue

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "blurring-as-a-service"
CRD = ROOT / "crds" / "blurjobs.yaml"
SCHEDULE_CRD = ROOT / "crds" / "blurschedules.yaml"

_AMOUNTS = {"type": "object", "additionalProperties": {"$ref": "#/definitions/quantity"}}


DEFINITIONS: dict[str, Any] = {
    "name": {"type": "string", "maxLength": 253, "pattern": f"^{DNS_SUBDOMAIN}$"},
    "labels": {"type": "object", "additionalProperties": TypeAdapter(LabelValue).json_schema()},
    "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    "object": {"type": "object"},
    "objects": {"type": "array", "items": {"type": "object"}},
    "quantity": {
        "type": ["string", "integer", "number"],
        "pattern": r"^[0-9]+(\.[0-9]+)?([KMGTPE]i|[numkMGTPE]|[eE][0-9]+)?$",
    },
    "resources": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "requests": _AMOUNTS,
            "limits": _AMOUNTS,
            "claims": {"type": "array", "items": {"type": "object"}},
        },
    },
    "env": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "value": {"type": "string"},
                "valueFrom": {"type": "object"},
            },
        },
    },
    "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "clientId": {"type": "string", "pattern": "^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$"},
}
"""Shapes that values share, by the name that `@schema {"$ref": "#/definitions/NAME"}` uses."""


def worker_definitions(crd: str) -> dict[str, Any]:
    """Return the shapes of what is given to workers: those of a BlurJob's podTemplate, closed.

    The operator reads both with the same models: what they refuse must not get as far as the operator's start.
    """
    fields = yaml.safe_load(crd)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    names = ("labels", "annotations", "nodeSelector", "tolerations", "resources", "env")
    shapes = {name: _closed(fields["podTemplate"]["properties"][name]) for name in names}
    # What the definition of BlurJobs says in CEL.
    for name in ("labels", "annotations"):
        shapes[name]["propertyNames"] = {"not": {"pattern": f"^{OURS}"}}
    variable = shapes["env"]["items"]
    variable["not"] = {"required": ["value", "valueFrom"]}
    variable["properties"]["name"] |= {
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
        "not": {"pattern": f"^({'|'.join(RESERVED_ENV)})"},
    }
    variable["properties"]["valueFrom"] |= {"minProperties": 1, "maxProperties": 1}
    return {f"worker{name[0].upper()}{name[1:]}": shape for name, shape in shapes.items()}


def _closed(schema: Any) -> Any:
    """Return a structural schema as plain JSON Schema in which objects take no other keys."""
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: {name: _closed(below) for name, below in value.items()} if key == "properties" else _closed(value)
        for key, value in schema.items()
        if key not in ("description", "default", "format") and not key.startswith("x-kubernetes-")
    }
    return kept | ({"additionalProperties": False} if "properties" in kept else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key of values.yaml: a value, or a group with entries of its own."""

    path: tuple[str, ...]
    text: str
    is_value: bool
    default: Any
    extra: dict[str, Any]
    entries: "tuple[Entry, ...]" = ()


def read_entries(text: str) -> tuple[Entry, ...]:
    """Read values.yaml with its comments. Raises ValueError for a key that is neither value nor group."""
    return tuple(_entries(yaml.compose(text, Loader=yaml.SafeLoader), text.splitlines(), ()))


def _entries(mapping: yaml.MappingNode, lines: list[str], above: tuple[str, ...]) -> Iterator[Entry]:
    for key, node in mapping.value:
        path = (*above, key.value)
        words, extra = _comment(lines, key.start_mark.line)
        is_value = words[:1] == ["--"]
        default = yaml.safe_load(yaml.serialize(node))
        if not is_value and not isinstance(node, yaml.MappingNode):
            raise ValueError(f"{'.'.join(path)} needs a paragraph that begins with --")
        below = () if is_value else tuple(_entries(node, lines, path))
        text = " ".join(words[1:] if is_value else words)
        yield Entry(path=path, text=text, is_value=is_value, default=default, extra=extra, entries=below)


def _comment(lines: list[str], line: int) -> tuple[list[str], dict[str, Any]]:
    """Return the words of the comment right above a line, and what its `@schema` says."""
    first = line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    words: list[str] = []
    extra: dict[str, Any] = {}
    for comment in (found.lstrip().removeprefix("#").strip() for found in lines[first:line]):
        if comment.startswith("@schema "):
            extra = json.loads(comment.removeprefix("@schema "))
        else:
            words += comment.split()
    return words, extra


def schema_of(entries: tuple[Entry, ...], crd: str) -> dict[str, Any]:
    """Return values.schema.json: nothing but the values is allowed, and `global` for charts above this one."""
    own = {entry.path[-1]: _schema(entry) for entry in entries}
    above = {"global": {"type": "object", "description": "Values of a chart that contains this one; not used."}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
        "properties": own | above,
        "definitions": DEFINITIONS | worker_definitions(crd),
    }


_TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


def _schema(entry: Entry) -> dict[str, Any]:
    text = {"description": entry.text} if entry.text else {}
    if not entry.is_value:
        properties = {below.path[-1]: _schema(below) for below in entry.entries}
        return text | {"type": "object", "additionalProperties": False, "properties": properties}
    default = {"default": entry.default}
    if "$ref" in entry.extra:  # draft 7 looks at nothing beside it
        return text | default | {"allOf": [entry.extra]}
    return text | default | {"type": _TYPES[type(entry.default)]} | entry.extra


BEGIN, END = "<!-- values: made from values.yaml -->\n", "<!-- end of values -->\n"


def readme_of(readme: str, entries: tuple[Entry, ...]) -> str:
    """Return the README with the tables of values between its two marks."""
    head, rest = readme.split(BEGIN)
    _, tail = rest.split(END)
    general = [entry for entry in entries if entry.is_value]
    sections = [("General", [], general)]
    sections += [(entry.path[0], _texts(entry), _values(entry)) for entry in entries if not entry.is_value]
    return head + BEGIN + "\n" + "\n".join(_section(*section) for section in sections) + "\n" + END + tail


def _values(group: Entry) -> list[Entry]:
    return [value for entry in group.entries for value in ([entry] if entry.is_value else _values(entry))]


def _texts(group: Entry) -> list[str]:
    own = [group.text if len(group.path) == 1 else f"`{'.'.join(group.path)}`: {group.text}"] if group.text else []
    return own + [text for entry in group.entries if not entry.is_value for text in _texts(entry)]


def _section(title: str, texts: list[str], values: list[Entry]) -> str:
    head = [
        f"### {title}",
        *(line for text in texts for line in ("", text)),
        "",
        "| Value | Default | What it does |",
        "|---|---|---|",
    ]
    rows = [f"| `{'.'.join(value.path)}` | `{_default(value)}` | {_escaped(value.text)} |" for value in values]
    return "\n".join([*head, *rows]) + "\n"


def _default(value: Entry) -> str:
    return value.default if value.default and isinstance(value.default, str) else json.dumps(value.default)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def crd_template(path: Path) -> str:
    """Return a definition as a template: on request only, labelled, and kept at uninstallation."""
    header, document = path.read_text(encoding="utf-8").split("\n", 1)
    name = f"metadata:\n  name: {path.stem}.blurring.amsterdam.nl\n"
    if document.count(name) != 1 or not header.startswith("#"):
        raise ValueError(f"{path} does not look as expected: a comment, then the definition with {name!r} once")
    added = (
        "  labels:\n"
        '    {{- include "baas.labels" (dict "root" $ "component" "crd") | nindent 4 }}\n'
        "  {{- if .Values.crds.keep }}\n"
        "  annotations:\n"
        "    helm.sh/resource-policy: keep\n"
        "  {{- end }}\n"
    )
    quoted = document.replace("{{", '{{ "{{" }}')
    comment = f"{{{{- /* Made from crds/{path.name} by hack/chart/generate.py. Change neither here. */}}}}\n"
    return comment + "{{- if .Values.crds.enabled }}\n" + quoted.replace(name, name + added) + "{{- end }}\n"


def generated() -> dict[Path, str]:
    """Return the right content of every generated file."""
    entries = read_entries((CHART / "values.yaml").read_text(encoding="utf-8"))
    readme = CHART / "README.md"
    crd = CRD.read_text(encoding="utf-8")
    return {
        CHART / "values.schema.json": json.dumps(schema_of(entries, crd), indent=2, ensure_ascii=False) + "\n",
        readme: readme_of(readme.read_text(encoding="utf-8"), entries),
        CHART / "templates" / "crd-blurjobs.yaml": crd_template(CRD),
        CHART / "templates" / "crd-blurschedules.yaml": crd_template(SCHEDULE_CRD),
    }


def main() -> None:
    """Write the files, or with --check name those that are stale and exit with 1."""
    files = generated()
    if sys.argv[1:] == ["--check"]:
        stale = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run hack/chart/generate.py and commit what it writes.")
        sys.exit(1 if stale else 0)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
