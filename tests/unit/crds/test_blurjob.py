"""What the models accept and refuse, without an API server."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from baas_crds.blurjob import MAX_NAME_LENGTH, BlurJobSpec, Confidence, Detector, Redaction, RedactionMethod
from baas_crds.errors import ConfigurationError
from baas_crds.places import Output, Source, Volume
from baas_crds.reading import read_blurjob, read_spec
from baas_crds.reference import Refusal
from baas_crds.schema import structural_schema
from tests.blurjobs import EXAMPLES, documents, example, refusals, refused, with_change


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_accepted(path: Path) -> None:
    for document in documents(path):
        assert read_blurjob(document).metadata.name == document["metadata"]["name"]


@pytest.mark.parametrize("refusal", refusals("created"))
def test_a_bad_spec_is_refused_with_the_sentence(refusal: Refusal) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_blurjob(refused(refusal))
    assert refusal.sentence in str(error.value)


def test_at_least_thirty_mistakes_are_known() -> None:
    assert len(refusals("created")) >= 30


def test_every_rule_is_broken_by_a_row_of_the_table() -> None:
    sentences = [parameter.values[0].sentence for kind in ("created", "changed") for parameter in refusals(kind)]
    unbroken = [rule for rule in _rules(structural_schema()) if not any(known in rule for known in sentences)]
    # The twin of the rule about timestampAfter.
    assert unbroken == ["timestampBefore is a date such as 2026-01-31"]


def _rules(schema: dict[str, Any]) -> list[str]:
    below = [*schema.get("properties", {}).values(), *(schema[key] for key in ("items",) if key in schema)]
    own = [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]
    return own + [sentence for inner in below for sentence in _rules(inner)]


def test_every_field_stands_in_the_example_of_all_fields() -> None:
    shown = {line for document in documents(_all_fields()) for line in _paths(document["spec"])}
    assert set(_fields(structural_schema()["properties"]["spec"])) - shown == {
        # Described, and shown on the source: the same fields once more.
        *(
            f"{output}.azureBlob.{field}"
            for output in ("output", "qualityCheck.output")
            for field in (
                "prefix",
                "connectionStringSecret",
                "connectionStringSecret.name",
                "connectionStringSecret.key",
            )
        ),
        # The source's volume is shown in examples/blurjob-volume.yaml.
        "source.volume",
        "source.volume.claimName",
        "source.volume.path",
    }


def _all_fields() -> Path:
    return next(path for path in EXAMPLES if path.stem == "blurjob-all-fields")


def _fields(schema: dict[str, Any], path: str = "") -> list[str]:
    fields = []
    for name, field in schema.get("properties", {}).items():
        fields += [path + name, *_fields(field.get("items", field), f"{path}{name}.")]
    return fields


def _paths(value: Any, path: str = "") -> list[str]:
    if isinstance(value, list):
        return [line for entry in value for line in _paths(entry, path)]
    if not isinstance(value, dict):
        return []
    return [line for name, below in value.items() for line in (path + name, *_paths(below, f"{path}{name}."))]


def test_the_least_spec_has_the_documented_defaults() -> None:
    spec = read_spec(example("minimal")["spec"])
    assert spec == BlurJobSpec(
        source=Source(volume=Volume(claim_name="panoramas", path="raw")),
        output=Output(volume=Volume(claim_name="panoramas", path="safe")),
    )
    assert (spec.parallelism, spec.max_quarantined_percent, spec.max_attempts_per_image) == (1, 1, 5)
    assert spec.redaction == Redaction(method=RedactionMethod.FILL, cells=6, padding_percent=10)


def test_a_document_that_was_read_is_written_the_same() -> None:
    for document in documents(_all_fields()):
        spec = read_spec(document["spec"])
        assert read_spec(spec.as_document()) == spec
        assert with_change(spec.as_document(), document["spec"]) == spec.as_document() | {
            # Amounts may be written as numbers or as text, and are kept as text.
            "podTemplate": with_change(spec.as_document()["podTemplate"], document["spec"].get("podTemplate", {}))
        }


def test_scores_and_shares_are_fractions_of_one() -> None:
    assert Confidence(person=50, licence_plate=10).as_scores() == {"person": 0.05, "licence_plate": 0.01}
    assert Redaction(padding_percent=10).padding_share == 0.1


@pytest.mark.parametrize(
    ("url", "address", "encrypted"),
    [
        (None, None, False),
        ("grpc://triton:8001", "triton:8001", False),
        ("grpcs://t.example.net:443", "t.example.net:443", True),
    ],
)
def test_tritons_address_is_taken_from_its_url(url: str | None, address: str | None, encrypted: bool) -> None:
    detector = Detector(triton_url=url)
    assert (detector.triton_address, detector.uses_tls) == (address, encrypted)


def test_a_spec_cannot_be_changed_in_place() -> None:
    spec = read_spec(example("minimal")["spec"])
    with pytest.raises(ValidationError, match="frozen"):
        spec.parallelism = 3


def test_python_names_are_refused_in_documents() -> None:
    document = example("minimal")["spec"] | {"images_in_flight": 2}
    with pytest.raises(ConfigurationError, match=r'unknown field "spec\.images_in_flight"'):
        read_spec(document)


def test_every_problem_is_told_at_once() -> None:
    change = {"redaction": {"cells": 40}, "parallelism": 0, "colour": "red"}
    with pytest.raises(ConfigurationError) as error:
        read_spec(with_change(example("minimal")["spec"], change))
    assert len(str(error.value).splitlines()) == 3


def test_a_refusal_shows_no_token() -> None:
    url = "https://myaccount.blob.core.windows.net?sig=verysecret"
    change = {
        "source": {"azureBlob": {"accountUrl": url}},
        "podTemplate": {"env": [{"name": "BAAS_X", "value": "verysecret"}]},
    }
    with pytest.raises(ConfigurationError) as error:
        read_spec(with_change(example("azure")["spec"], change))
    assert "accountUrl is the account's Blob endpoint alone" in str(error.value)
    assert "verysecret" not in str(error.value)


@pytest.mark.parametrize(
    ("source", "output", "nested"),
    [
        ("raw", "safe", False),
        ("raw", "raw-safe", False),
        ("2026/raw", "2026/safe", False),
        ("raw", "raw", True),
        ("raw", "raw/safe", True),
        ("raw/2026", "raw", True),
        ("", "safe", True),
        ("raw", "", True),
    ],
)
def test_output_and_source_may_be_neighbours_but_not_nested(source: str, output: str, nested: bool) -> None:
    change = {"source": {"volume": {"path": source}}, "output": {"volume": {"path": output}}}
    document = with_change(example("minimal")["spec"], change)
    if nested:
        with pytest.raises(ConfigurationError, match="output must lie outside source"):
            read_spec(document)
    else:
        assert read_spec(document).output.volume == Volume(claim_name="panoramas", path=output)


def test_the_longest_name_leaves_room_for_the_pods_names() -> None:
    job = example("minimal")
    name = "a" * MAX_NAME_LENGTH
    assert read_blurjob(with_change(job, {"metadata": {"name": name}})).metadata.name == name
    assert MAX_NAME_LENGTH + len("-work-99999") == 63
