"""`config.yml` is read whole, or refused with a sentence that names file and key."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.blurjob import BlurJobSpec, DeleteSource, VerificationMode
from baas_crds.errors import ConfigurationError
from baas_preprocess.steps.config import FURTHER, Sections, read_config
from baas_preprocess.steps.flags import Step
from baas_preprocess.steps.keys import suggestion, unknown_keys
from baas_preprocess.steps.machine import check_here, settings_of
from tests.blurjobs import ROOT

from .written import SMALLEST, written

EXAMPLE = ROOT / "config.example.yml"
BLOB = {"azureBlob": {"accountUrl": "https://myaccount.blob.core.windows.net", "container": "panoramas"}}


def refusal(file: Path) -> str:
    """What reading the file is refused with."""
    with pytest.raises(ConfigurationError) as refused:
        read_config(file)
    return str(refused.value)


def test_the_example_is_read_and_its_comments_tell_the_defaults(tmp_path: Path) -> None:
    config, smallest = read_config(EXAMPLE), read_config(written(tmp_path))
    assert config.spec is not None
    assert smallest.spec is not None
    assert (config.spec.detector, config.spec.redaction, config.spec.verification) == (
        smallest.spec.detector,
        smallest.spec.redaction,
        smallest.spec.verification,
    )
    assert config.sections.machine == smallest.sections.machine
    assert config.spec.images_in_flight == smallest.spec.images_in_flight
    assert config.spec.max_attempts_per_image == smallest.spec.max_attempts_per_image


def test_the_example_shows_every_step_and_section() -> None:
    document = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert list(document["steps"]) == [step.value for step in Step]
    assert {field.alias or name for name, field in Sections.model_fields.items()} <= set(document)
    for step in (Step.QUALITY_CHECK, Step.RETRAINING_SAMPLE):
        assert step in document


def test_steps_decide_what_a_blurjob_says_in_its_spec(tmp_path: Path) -> None:
    sections: dict[str, Any] = {"qualityCheck": {"sampleSize": 5}, "verification": {"mode": "Sample"}}
    off = read_config(written(tmp_path, steps={"verify": False}, **sections)).spec
    assert off is not None
    assert off.verification.mode is VerificationMode.OFF
    assert off.quality_check is None
    assert not off.output.write_detections
    on = read_config(written(tmp_path, steps={"qualityCheck": True, "storeDetections": True}, **sections)).spec
    assert on is not None
    assert on.verification.mode is VerificationMode.SAMPLE
    assert on.quality_check is not None
    assert on.output.write_detections


def test_originals_are_deleted_only_by_a_step(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, steps={"deleteSource": True}))
    assert config.spec is not None
    assert config.spec.retention.delete_source is DeleteSource.AFTER_VERIFIED


def test_a_file_without_redaction_needs_no_output_and_one_that_only_trains_no_source(tmp_path: Path) -> None:
    counted = read_config(written(tmp_path, steps={"redact": False, "inspect": True}, output=None))
    assert counted.steps == (Step.INSPECT,)
    only = {"redact": False, "train": True}
    trained = read_config(written(tmp_path, steps=only, source=None, output=None, training={"file": "t.yml"}))
    assert trained.spec is None


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"soruce": {}}, "soruce is no key that means anything: did you mean source?"),
        ({"quality_check": {}}, "quality_check is no key that means anything: did you mean qualityCheck?"),
        ({"source": {"foldr": "raw"}}, "source.foldr is no key that means anything: did you mean folder?"),
        ({"machine": {"tritn": "x"}}, "machine.tritn is no key that means anything: did you mean triton?"),
        ({"steps": {"store_detections": True}}, "did you mean storeDetections?"),
        ({"undecided": ["parallelism: how many?"]}, "undecided: parallelism: how many?"),
        ({"undecided": True}, "undecided: True"),
        ({"customer": "dataoffice"}, "this is a file of the earlier service: `baas convert-config`"),
        ({"source": None}, "source is missing: steps.redact reads pictures"),
        ({"output": None}, "output is missing: steps.redact publishes pictures"),
        ({"steps": {"qualityCheck": True}}, "qualityCheck is missing"),
        ({"steps": {"train": True}}, "training is missing"),
        ({"steps": {"retrieve": True}}, "retrieve is missing"),
        ({"steps": {"redact": "yes"}}, "steps.redact: Input should be a valid boolean"),
        ({"source": {"folder": "raw"} | BLOB}, "source has folder and azureBlob: one place only"),
        ({"source": {"folder": ""}}, "source.folder should be the path of a folder"),
        ({"source": {"folder": "a\0b"}}, "embedded null byte"),
        ({"output": "safe"}, "output: Invalid value"),
        ({"verification": "Off", "steps": {"verify": False}}, "verification: Invalid value"),
        ({"output": {"folder": "raw/safe"}}, "output must lie outside source"),
        ({"output": {"folder": "safe", "writeDetections": True}}, "output.writeDetections: steps.storeDetections"),
        ({"retention": {"deleteSource": "AfterVerified"}}, "retention: steps.deleteSource says that here"),
        ({"verification": {"mode": "Off"}}, "verification.mode is Off, and steps.verify is on"),
        (
            {"steps": {"deleteSource": True}, "source": {"panoramaApi": {}}},
            "steps.deleteSource is not possible with source.panoramaApi",
        ),
        (
            {"steps": {"deleteSource": True}, "verification": {"mode": "Sample"}},
            "steps.deleteSource needs verification.mode Redetect",
        ),
        (
            {"source": {"folder": "raw", "excludeList": {"file": "x.csv", "names": ["a"]}}},
            "source.excludeList needs exactly one of file, names",
        ),
        ({"redaction": {"cells": 40}}, "redaction.cells: Invalid value"),
        ({"name": "Street.2026"}, "name: String should match pattern"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(sections: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    file = written(tmp_path, **sections)
    lines = refusal(file).splitlines()
    assert all(line.startswith(f"{file}: ") for line in lines)
    assert any(sentence in line for line in lines), lines


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("steps: {verify: true}\nsteps: {verify: false}\n", "steps stands there twice"),
        ("- a list\n", "holds no keys with values"),
        ("a: [\n", "is not YAML"),
        ("? [1]\n: 2\n", "is not YAML"),
        ("name: 2026-13-45\n", "is not YAML: month must be in 1..12"),
        pytest.param("name: " + "[" * 3000, "is not YAML", id="deep"),
    ],
)
def test_what_is_no_mapping_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text(text)
    assert sentence in refusal(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / "none.yml")


def test_a_ledger_that_is_wrong_is_not_repeated(tmp_path: Path) -> None:
    """It may hold a password."""
    assert "secret" not in refusal(written(tmp_path, machine={"ledger": ["secret"]}))


def test_paths_count_from_the_file_whatever_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    file = written(tmp_path / "there", machine={"modelRepository": "models", "auditKey": "a.pem"})
    monkeypatch.chdir(tmp_path)
    config = read_config(file.relative_to(tmp_path))
    assert config.spec is not None
    assert config.spec.source.volume is not None
    assert config.spec.source.volume.path == str(tmp_path / "there" / "raw").lstrip("/")
    assert settings_of(config).model_repository.resolve() == tmp_path / "there" / "models"


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"source": {"volume": {"claimName": "city"}}}, "source.volume: machine.volumes does not say where city is"),
        (
            {"source": {"volume": {"claimName": "city"}}, "machine": {"volumes": {"city": "."}}},
            "output .* lies in source",
        ),
        ({"source": {"folder": "raw", "redoModel": f"sha256:{'0' * 64}"}}, "source.redoModel is for BlurJobs"),
        ({"source": {"folder": "raw", "excludeList": {"configMap": {"name": "x"}}}}, "configMap is in a cluster"),
        ({"output": {"folder": "link/safe"}}, "output must lie outside source"),
        (
            {"steps": {"retrieve": True}, "retrieve": {"folder": "safe/raw"}, "source": {"panoramaApi": {}}},
            "retrieve.folder .* lies in output",
        ),
        ({"steps": {"retrieve": True}, "retrieve": {"folder": "copies"}}, "where source is already: switch it off"),
    ],
)
def test_what_this_machine_cannot_do_is_told(sections: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "raw")
    with pytest.raises(ConfigurationError, match=sentence):
        check_here(read_config(written(tmp_path, **sections)))


@given(st.sampled_from(sorted(BlurJobSpec.model_json_schema()["properties"])), st.data())
def test_a_slip_in_a_key_is_told_with_the_key_that_was_meant(key: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(key) - 1))
    slip = key[:place] + key[place + 1 :]
    known = [field.alias or name for name, field in BlurJobSpec.model_fields.items()]
    assert slip in known or f"did you mean {key}?" in suggestion(slip, known)


def test_a_file_with_known_keys_only_has_no_unknown_ones() -> None:
    spec = {name: value for name, value in SMALLEST.items() if name != "name"}
    assert list(unknown_keys({"source": BLOB, "output": BLOB}, BlurJobSpec, FURTHER)) == []
    assert list(unknown_keys(spec, BlurJobSpec, FURTHER)) != []  # folders are translated before
