"""Hold examples/azure against Microsoft's own description of each resource, and each module against how it is called.

    pip install pycep-parser && git clone --depth 1 https://github.com/Azure/bicep-types-az
    python hack/azure/check_types.py bicep-types-az

It finds what Bicep's compiler finds of that: types and API versions that there are not, unknown, read-only and missing
properties, values of another kind or that are not among those allowed, modules that are not called as they are written.
It evaluates nothing: a value that is computed is taken for right.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycep import BicepParser

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "azure"
REQUIRED, READ_ONLY = 1, 2
OF_BICEP = frozenset({"parent", "scope", "dependsOn"})
IMPLIED = frozenset({"type", "apiVersion"})
"""Bicep says these itself."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Types:
    """One file of types: a list, in which `#/7` is the eighth."""

    all: list[Document]

    def of(self, reference: Document) -> Document:
        return self.all[int(reference["$ref"].removeprefix("#/"))]

    def problems(self, value: object, of: Document, where: str, names: frozenset[str]) -> Iterator[str]:
        """Say what of a value is not as its type has it. Names stand for what only a deployment knows."""
        kind = of["$type"]
        if _is_computed(value, names) or kind in {"AnyType", "BuiltInType"}:
            return
        if kind == "UnionType":
            # A list that Microsoft may lengthen has any string, too. Here only what is known now is right.
            options = [self.of(one) for one in of["elements"] if self.of(one)["$type"] != "StringType"]
            if all(list(self.problems(value, one, where, names)) for one in options):
                yield f"{where} is {value!r}; expected one of {', '.join(str(one.get('value')) for one in options)}"
        elif kind == "ArrayType":
            yield from self._of_list(value, of, where, names)
        elif kind in {"ObjectType", "DiscriminatedObjectType"}:
            yield from self._of_object(value, of, where, names)
        elif not _is_plain(value, of):
            yield f"{where} is {value!r}; expected {of.get('value', kind.removesuffix('Type').lower())}"

    def _of_list(self, value: object, of: Document, where: str, names: frozenset[str]) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{where} is {value!r}; expected a list"
            return
        for number, one in enumerate(value):
            yield from self.problems(one, self.of(of["itemType"]), f"{where}[{number}]", names)

    def _of_object(self, value: object, of: Document, where: str, names: frozenset[str]) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where} is {value!r}; expected an object"
            return
        known = dict(of.get("properties") or of["baseProperties"])
        if of["$type"] == "DiscriminatedObjectType":
            known |= self.of(of["elements"][value[of["discriminator"]]])["properties"]
        for name in value.keys() - known.keys() - OF_BICEP:
            if "additionalProperties" not in of:
                yield f"{where}.{name} is no property of {of['name']}"
        for name, about in known.items():
            if name in value and about["flags"] & READ_ONLY and name not in IMPLIED:
                yield f"{where}.{name} is read-only"
            elif name in value:
                yield from self.problems(value[name], self.of(about["type"]), f"{where}.{name}", names)
            elif about["flags"] & REQUIRED and name not in IMPLIED:
                yield f"{where}.{name} is missing"


def _is_computed(value: object, names: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return bool(value.keys() & {"operator", "function"})
    return isinstance(value, str) and (value in names or "${" in value)


def _is_plain(value: object, of: Document) -> bool:
    match of["$type"]:
        case "StringLiteralType":
            return value == of["value"]
        case "StringType":
            return isinstance(value, str) and of.get("minLength", 0) <= len(value) <= of.get("maxLength", 1 << 20)
        case "IntegerType":
            return type(value) is int and of.get("minValue", value) <= value <= of.get("maxValue", value)
        case "BooleanType":
            return type(value) is bool
        case _:
            return False


def _checked(path: Path, types: dict[str, Types]) -> Iterator[str]:
    found = BicepParser().parse(file_path=path)
    names = {name for part in ("parameters", "variables", "resources", "modules") for name in found.get(part, {})}
    for label, resource in found.get("resources", {}).items():
        name, config = f"{resource['type']}@{resource['api_version']}", resource["config"]
        loop = config.get("loop_type")
        inside = frozenset(names | (set(map(str, loop["detail"].values())) if loop else set()))
        where = f"{path.name}: {label}"
        if name not in types:
            yield f"{where}: there is no type {name}"
            continue
        described = next(one for one in types[name].all if one.get("name") == name and "body" in one)
        body = types[name].of(described["body"])
        yield from types[name].problems(config["config"] if loop else config, body, where, inside)
    for label, module in found.get("modules", {}).items():
        wanted = BicepParser().parse(file_path=path.parent / module["detail"]["path"])["parameters"]
        needed = {name for name, about in wanted.items() if about["default"] is None}
        given = module["config"]["params"].keys()
        if wrong := (given - wanted.keys()) | (needed - given):
            yield f"{path.name}: module {label} is called with other parameters than it has: {', '.join(sorted(wrong))}"


def _read_types(folder: Path) -> dict[str, Types]:
    files = ((path, path.read_text(encoding="utf-8")) for path in folder.rglob("types.json"))
    return {
        one["name"]: types
        for _, text in files
        for types in [Types(json.loads(text))]
        for one in types.all
        if one["$type"] == "ResourceType"
    }


def main() -> int:
    """Print what is wrong, one problem a line."""
    types = _read_types(Path(sys.argv[1]))
    files = sorted(EXAMPLE.rglob("*.bicep"))
    problems = [problem for path in files for problem in _checked(path, types)]
    print("\n".join(problems) or f"{len(files)} files are as {len(types):,} types have them.")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
