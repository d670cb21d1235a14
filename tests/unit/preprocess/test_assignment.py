"""What a pod reads from a mounted BlurJob."""

import json
from pathlib import Path
from typing import Any

import pytest

from baas_crds.errors import ConfigurationError
from baas_preprocess.assignment import Assignment, read_assignment, selection_of
from baas_preprocess.pod_settings import PodSettings
from baas_preprocess.recipe import Recipe
from baas_preprocess.settings import read_settings
from tests.blurjobs import example

SETTINGS = PodSettings.model_validate(
    {"BAAS_LEDGER": "postgresql://host/database", "BAAS_TRITON": "grpc://triton:8001"}
)


def mounted(folder: Path, **spec: Any) -> Path:
    document = example("azure")
    document["metadata"] |= {"namespace": "panoramas", "uid": "an-id"}
    document["spec"] |= spec
    file = folder / "blurjob.json"
    file.write_text(json.dumps(document))
    return file


def read(folder: Path, **spec: Any) -> Assignment:
    return read_assignment(mounted(folder, **spec))


def test_a_blurjob_without_wishes_gives_the_bytes_of_baas_blur_without_options(tmp_path: Path) -> None:
    assert read(tmp_path).recipe.digest == read_settings({}).recipe.digest == Recipe().digest


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        ({"redaction": {"method": "Blur"}}, {"method": "blur"}),
        ({"redaction": {"cells": 3}}, {"cells": 3}),
        ({"verification": {"mode": "Off"}}, {"verification": "off"}),
        ({"verification": {"mode": "Sample"}}, {"verification": "sample"}),
        (
            {"verification": {"mode": "Sample", "samplePercent": 7}},
            {"verification": "sample", "sample_percent": 7},
        ),
        ({"redaction": {"paddingPercent": 25}}, {"padding": 0.25}),
        ({"detector": {"confidencePermille": {"person": 300}}}, {"confidence": "person=0.3"}),
        ({"detector": {"confidencePermille": {"licencePlate": 123}}}, {"confidence": "licence_plate=0.123"}),
    ],
)
def test_a_wish_gives_the_bytes_of_the_option_of_baas_blur(
    spec: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    wished = read(tmp_path, **spec).recipe
    assert wished.digest == read_settings(options).recipe.digest != Recipe().digest


def test_the_run_is_the_blurjobs_uid_and_tells_what_decides_its_outputs(tmp_path: Path) -> None:
    secret = {"env": [{"name": "PROXY", "value": "http://user:password@proxy"}]}
    assignment = read(tmp_path, podTemplate=secret)
    configuration = assignment.configuration("3")
    assert (assignment.uid, configuration["blurjob"], configuration["model_version"]) == (
        "an-id",
        "panoramas/amsterdam-2026",
        "3",
    )
    assert set(configuration) == {
        "blurjob", "model_version", "source", "output", "detector", "redaction", "verification",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "not: json", "[]", "null", "{}", '{"metadata": null}', '{"metadata": {"name": "x"}}'],
)
def test_what_is_no_blurjob_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"job\.json is no BlurJob with a uid, as JSON"):
        read_assignment(tmp_path / "job.json")


def test_names_come_from_the_spec_or_from_the_mounted_list(tmp_path: Path) -> None:
    source = example("azure")["spec"]["source"]
    named = read(tmp_path, source={**source, "include": ["2026/*"], "excludeList": {"names": ["a.jpg"]}})
    selection = selection_of(named, SETTINGS)
    assert (selection.include, selection.exclude, selection.exclude_list) == (("2026/*",), ("*/test/*",), {"a.jpg"})

    listed = read(tmp_path, source={**source, "excludeList": {"configMap": {"name": "objections"}}})
    (tmp_path / "exclude.csv").write_text("a.jpg\nb.jpg\n")
    settings = SETTINGS.model_copy(update={"exclude_folder": tmp_path})
    assert selection_of(listed, settings).exclude_list == {"a.jpg", "b.jpg"}


def test_the_part_of_the_source_comes_from_the_spec(tmp_path: Path) -> None:
    source, digest = example("azure")["spec"]["source"], f"sha256:{'0' * 64}"
    assert not selection_of(read(tmp_path), SETTINGS).is_partial
    part = selection_of(read(tmp_path, source={**source, "samplePercent": 5, "redoModel": digest}), SETTINGS)
    assert (part.sample_percent, part.redo_model, part.keep_earlier) == (5, digest, False)
    assert selection_of(read(tmp_path, source={**source, "keepEarlier": True}), SETTINGS).keep_earlier


def test_a_list_that_is_not_mounted_is_an_error_and_excludes_nothing_silently(tmp_path: Path) -> None:
    source = example("azure")["spec"]["source"]
    listed = read(tmp_path, source={**source, "excludeList": {"configMap": {"name": "objections"}}})
    with pytest.raises(ConfigurationError, match=r"spec\.source\.excludeList\.configMap .* cannot be read"):
        selection_of(listed, SETTINGS.model_copy(update={"exclude_folder": tmp_path}))
