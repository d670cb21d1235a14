"""The generated files: fresh, structural, bounded, and readable by `kubectl explain`."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from baas_crds.__main__ import CRD, PAGE, REFUSED, SCHEDULE_CRD, SCHEDULE_PAGE, main
from baas_crds.codes import ExitCode
from baas_crds.crd import BLURSCHEDULES, custom_resource_definition
from baas_crds.schema import CHANGEABLE, Schema
from tests.blurjobs import ROOT

VERSION = custom_resource_definition()["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
OF_SCHEDULES = custom_resource_definition(BLURSCHEDULES)["spec"]["versions"][0]


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every node of a schema with its path."""
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from nodes(below, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


NODES = [
    (path, node)
    for schema in (SCHEMA, OF_SCHEDULES["schema"]["openAPIV3Schema"])
    for path, node in nodes(schema)
    if path.startswith((".spec", ".status"))
]


def test_the_checked_in_files_are_fresh() -> None:
    result = CliRunner().invoke(main, ["--check", "--root", str(ROOT)])
    assert (result.exit_code, result.output) == (ExitCode.DONE, "")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder with only what the generator reads."""
    (tmp_path / "crds").mkdir()
    shutil.copy(ROOT / REFUSED, tmp_path / REFUSED)
    return tmp_path


def test_the_command_writes_the_checked_in_files(repository: Path) -> None:
    assert CliRunner().invoke(main, ["--root", str(repository)]).exit_code == ExitCode.DONE
    for path in (CRD, SCHEDULE_CRD, PAGE, SCHEDULE_PAGE):
        assert (repository / path).read_text() == (ROOT / path).read_text()


def test_a_stale_file_is_shown_and_left_alone(repository: Path) -> None:
    CliRunner().invoke(main, ["--root", str(repository)])
    stale = (repository / CRD).read_text().replace("shortNames", "nicknames")
    (repository / CRD).write_text(stale)
    result = CliRunner().invoke(main, ["--check", "--root", str(repository)])
    assert result.exit_code == 1
    assert "-    nicknames:\n+    shortNames:\n" in result.stdout
    assert "run `python -m baas_crds`" in result.stderr
    assert (repository / CRD).read_text() == stale


def test_outside_the_repository_the_command_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--root", str(tmp_path)])
    assert result.exit_code == ExitCode.CONFIGURATION
    assert "name it with --root" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["$ref", "$defs", "title", "const", "allOf", "oneOf", "not", "uniqueItems"])
def test_the_schema_is_structural(word: str) -> None:
    assert [path for path, node in NODES if word in node] == []


def test_every_node_has_one_type() -> None:
    untyped = [path for path, node in NODES if "type" not in node]
    assert untyped == [path for path, node in NODES if node.get("x-kubernetes-int-or-string")]


def test_nothing_may_be_null() -> None:
    assert [
        path for path, node in NODES if node.get("nullable") or ("default" in node and node["default"] is None)
    ] == []


def test_every_list_text_and_map_is_bounded() -> None:
    limits = {"array": "maxItems", "string": "maxLength"}
    unbounded = [
        path
        for path, node in NODES
        if (limit := limits.get(node.get("type", ""))) and limit not in node and "enum" not in node
        and node.get("format") != "date-time"
    ]  # fmt: skip
    unbounded += [path for path, node in NODES if "additionalProperties" in node and "maxProperties" not in node]
    assert unbounded == []


def test_every_number_of_the_spec_is_bounded_and_whole() -> None:
    numbers = [(path, node) for path, node in NODES if node.get("type") in {"number", "integer"}]
    assert [path for path, node in numbers if node["type"] == "number"] == []
    assert [
        path
        for path, node in numbers
        if path.startswith(".spec") and "enum" not in node and not {"minimum", "maximum"} <= node.keys()
    ] == []


def test_only_affinity_is_unchecked() -> None:
    unchecked = [path for path, node in NODES if node.get("x-kubernetes-preserve-unknown-fields")]
    assert unchecked == [".spec.podTemplate.affinity", ".spec.blurJobTemplate.spec.podTemplate.affinity"]


def test_every_list_says_how_it_is_merged() -> None:
    kinds = {path: node.get("x-kubernetes-list-type") for path, node in NODES if node.get("type") == "array"}
    assert None not in kinds.values()
    assert kinds[".status.conditions"] == kinds[".spec.podTemplate.env"] == "map"


def test_every_rule_has_a_sentence() -> None:
    rules = [rule for _, node in nodes(SCHEMA) for rule in node.get("x-kubernetes-validations", ())]
    assert len(rules) >= 30
    assert all(len(rule["message"].split()) >= 5 for rule in rules)


def test_every_field_is_either_fixed_or_changeable() -> None:
    spec = SCHEMA["properties"]["spec"]
    fixed = {rule["fieldPath"][1:] for rule in spec["x-kubernetes-validations"] if "oldSelf" in rule["rule"]}
    assert fixed | CHANGEABLE == set(spec["properties"])
    assert not fixed & CHANGEABLE


def test_every_field_is_described() -> None:
    assert [path for path, node in NODES if not path.endswith(("[]", "{}")) and not node.get("description")] == []


def test_descriptions_tell_default_range_and_what_may_change() -> None:
    fields = SCHEMA["properties"]["spec"]["properties"]
    assert fields["parallelism"]["description"].endswith("1 to 1000. Default: 1. May change at any time.")
    assert fields["imagesPerClaim"]["description"].endswith("1 to 1000. Default: 10. Cannot change.")
    assert "Default: Fill." in fields["redaction"]["properties"]["method"]["description"]


def test_paths_of_columns_and_scale_exist() -> None:
    scale = VERSION["subresources"]["scale"]
    paths = [column["jsonPath"] for column in VERSION["additionalPrinterColumns"]] + list(scale.values())
    known = {path for path, _ in NODES} | {".metadata.creationTimestamp"}
    assert set(paths) <= known


def test_paths_of_a_schedules_columns_exist() -> None:
    paths = [re.sub(r"\[[^]]*\]", "[]", column["jsonPath"]) for column in OF_SCHEDULES["additionalPrinterColumns"]]
    assert set(paths) <= {path for path, _ in NODES} | {".metadata.creationTimestamp"}


def test_the_columns_tell_the_story() -> None:
    columns = {column["name"]: column.get("priority", 0) for column in VERSION["additionalPrinterColumns"]}
    assert columns == {"Phase": 0, "Done": 0, "Total": 0, "Quarantined": 0, "Rate": 1, "ETA": 0, "Age": 0}


def test_the_file_is_what_the_function_returns() -> None:
    document: Any = yaml.safe_load((ROOT / CRD).read_text())
    assert document == custom_resource_definition()


def test_the_page_names_every_field_and_every_refusal() -> None:
    page = (ROOT / PAGE).read_text() + (ROOT / SCHEDULE_PAGE).read_text()
    for path, node in NODES:
        for name in node.get("properties", {}):
            assert f"| `{name}` |" in page, path
    for entries in yaml.safe_load((ROOT / REFUSED).read_text()).values():
        assert all(f"| {entry['what']} |" in page for entry in entries)
