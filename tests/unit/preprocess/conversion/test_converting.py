"""An earlier `config.yml` becomes one of this service, and each of its keys is told."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_crds.places import AzureBlob
from baas_ledger.engine import parsed
from baas_preprocess.conversion.converting import Converted, convert, yaml_text
from baas_preprocess.conversion.findings import Finding, Verdict, leaves
from baas_preprocess.conversion.meanings import MEANINGS
from baas_preprocess.conversion.places import datastore_of
from baas_preprocess.steps.config import read_config

ACCOUNT = "https://myaccount.blob.core.windows.net"
STORES = {
    name: AzureBlob.model_validate({"accountUrl": ACCOUNT, "container": container})
    for name, container in {"in": "raw", "in_again": "raw", "out": "safe", "else": "else"}.items()
}
CLIENT = "00000000-0000-4000-8000-000000000000"
EARLIER: dict[str, Any] = {
    "customer": "Data Office",
    "aml_experiment_details": {"compute_name": "gpu", "env_name": "e", "env_version": 53, "src_dir": "."},
    "pre_inference_pipeline": {
        "datastore_input": "in",
        "datastore_input_path": "2024-10-23_09_03_18",
        "datastore_output": "in",
        "inputs": {"number_of_batches": 4, "exclude_list_file": ""},
    },
    "inference_pipeline": {
        "model_params": {"batch_size": 4, "img_size": 2048},
        "inputs": {"datastore_path": "in_again", "inference_data_rel_path": "."},
        "outputs": {"datastore_path": "out", "output_rel_path": "2023/blurred", "labels_subfolder": ""},
        "sahi_params": {"slice_height": 2048},
        "target_classes": [],
        "sensitive_classes": [1, 0],
        "sensitive_classes_conf": None,
        "output_image_size": None,
        "save_detection_images": True,
        "save_detection_labels": True,
        "use_sahi": False,
        "database_parameters": {
            "db_hostname": "db.postgres.database.azure.com",
            "db_username": "aml-compute",
            "db_name": "blur",
            "client_id": CLIENT,
        },
    },
    "sampling_parameters": {"quality_check_sample_size": 10, "conf_score_threshold": 0.0005},
    "logging": {"loglevel_own": "INFO", "ai_instrumentation_key": "InstrumentationKey=secret"},
}
"""A file of the newest version, in which nothing is to be decided."""


def told(converted: Converted) -> dict[str, Finding]:
    return {finding.key: finding for finding in converted.findings}


def changed(section: str, **values: Any) -> dict[str, Any]:
    return EARLIER | {section: EARLIER[section] | values}


def test_a_whole_file_is_carried_over_and_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converted = convert(EARLIER, STORES)
    assert converted.decisions == []
    file = tmp_path / "config.yml"
    file.write_text(yaml_text(converted, "earlier.yml"))
    config = read_config(file)
    assert config.sections.name == "data-office"
    assert [step.value for step in config.steps] == ["detect", "redact", "verify", "storeDetections", "qualityCheck"]
    ledger = config.sections.machine.ledger
    assert ledger == f"postgresql://aml-compute@db.postgres.database.azure.com/blur?auth=entra&client_id={CLIENT}"
    monkeypatch.setenv("PGSSLROOTCERT", "authorities.pem")
    assert parsed(ledger).query["sslmode"] == "verify-full"
    spec = config.spec
    assert spec is not None
    assert spec.parallelism == 4
    assert spec.source.azure_blob is not None
    assert (spec.source.azure_blob.container, spec.source.azure_blob.prefix) == ("raw", "2024-10-23_09_03_18")
    # Earlier outputs lay in the folders that their originals had in the container.
    assert spec.output.azure_blob is not None
    assert (spec.output.azure_blob.container, spec.output.azure_blob.prefix) == (
        "safe",
        "2023/blurred/2024-10-23_09_03_18",
    )
    assert spec.quality_check is not None
    assert spec.quality_check.sample_size == 10


@pytest.mark.parametrize(
    ("document", "key", "words"),
    [
        (changed("inference_pipeline", model_params={"conf": 0.01}), "inference_pipeline.model_params.conf", "0.01"),
        (
            changed("inference_pipeline", sensitive_classes_conf=0.2),
            "inference_pipeline.sensitive_classes_conf",
            "another model",
        ),
        (
            changed("inference_pipeline", model_parameters={"conf_thres": 0.001}),
            "inference_pipeline.model_parameters.conf_thres",
            "confidencePermille",
        ),
        (changed("inference_pipeline", model_name="m"), "inference_pipeline.model_name", "modelDigest"),
        (changed("inference_pipeline", sensitive_classes=[0]), "inference_pipeline.sensitive_classes", "both"),
        (changed("inference_pipeline", sensitive_classes=[0, 1, 4]), "inference_pipeline.sensitive_classes", "[4]"),
        (changed("inference_pipeline", target_classes=[2]), "inference_pipeline.target_classes", "other objects"),
        (changed("inference_pipeline", save_all_images=False), "inference_pipeline.save_all_images", "published"),
        (changed("inference_pipeline", output_image_size=[2, 1]), "inference_pipeline.output_image_size", "size"),
        (
            changed("inference_pipeline", inputs={"datastore_path": "else"}),
            "inference_pipeline.inputs.datastore_path",
            "another place",
        ),
        (changed("sampling_parameters", sampling_ratio=1), "sampling_parameters.sampling_ratio", "retrainingSample"),
        (
            changed("pre_inference_pipeline", inputs={"exclude_list_file": "x.csv"}),
            "pre_inference_pipeline.inputs.exclude_list_file",
            "copy it beside",
        ),
        (EARLIER | {"inference": 3}, "inference", "no version"),
        (EARLIER | {"move_data_pipeline": {"customers": ["other"]}}, "move_data_pipeline.customers", "one customer"),
    ],
)
def test_what_somebody_must_decide_is_told_and_refused_until_it_is_struck_out(
    document: dict[str, Any], key: str, words: str, tmp_path: Path
) -> None:
    converted = convert(document, STORES)
    assert [finding.key for finding in converted.decisions] == [key]
    assert words in converted.decisions[0].sentence
    file = tmp_path / "config.yml"
    file.write_text(yaml_text(converted, "earlier.yml"))
    with pytest.raises(ConfigurationError) as refused:
        read_config(file)
    assert str(refused.value).startswith(f"{file}: undecided: {key}: {converted.decisions[0].sentence}")
    made = yaml.safe_load(file.read_text())
    del made["undecided"]
    file.write_text(yaml.safe_dump(made))
    assert read_config(file).sections.name == "data-office"


def test_each_decision_is_asked_for_until_the_last_is_struck_out(tmp_path: Path) -> None:
    further = {"save_all_images": False, "sensitive_classes": [0], "model_name": "m", "model_params": {"conf": 0.01}}
    made = dict(convert(changed("inference_pipeline", **further), STORES).document)
    file = tmp_path / "config.yml"
    for left in (4, 3, 2, 1):
        assert len(made["undecided"]) == left
        file.write_text(yaml.safe_dump(made))
        with pytest.raises(ConfigurationError) as refused:
            read_config(file)
        assert len(str(refused.value).splitlines()) == left
        made["undecided"] = made["undecided"][1:]
    file.write_text(yaml.safe_dump(made))
    assert read_config(file).sections.name == "data-office"


def test_a_datastore_that_nobody_named_is_refused_until_it_is_decided(tmp_path: Path) -> None:
    converted = convert(EARLIER, {})
    assert {finding.key for finding in converted.decisions} == {
        "pre_inference_pipeline.datastore_input",
        "inference_pipeline.inputs.datastore_path",
        "inference_pipeline.outputs.datastore_path",
    }
    file = tmp_path / "config.yml"
    file.write_text(yaml_text(converted, "earlier.yml"))
    assert "--datastore in=https://" in file.read_text()
    with pytest.raises(ConfigurationError, match=r"source\.azureBlob"):
        read_config(file)


def test_addresses_of_azure_ml_and_folders_of_dates_are_read() -> None:
    """As in the summer of 2023."""
    root = "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/{}/paths/{}"
    converted = convert(
        {
            "workload_distribution_pipeline": {
                "inputs": {"data_folder": root.format("in", "some/where/"), "date_folders": ["2023-08-08"]}
            },
            "inference_pipeline": {"customer_name": "c", "outputs": {"results_path": root.format("out", "blurred")}},
        },
        STORES,
    )
    assert converted.decisions == []
    assert converted.document["source"] == {
        "azureBlob": {"accountUrl": ACCOUNT, "container": "raw", "prefix": "some/where"},
        "include": ["2023-08-08/*"],
    }
    assert converted.document["output"]["azureBlob"]["prefix"] == "blurred/some/where"


def test_a_section_for_each_customer_counts_for_the_first_one() -> None:
    """As in the spring of 2023."""
    root = "azureml://datastores/{}/paths/"
    sections = [
        {
            "name": name,
            "inputs": {"root_folder": root.format("in")},
            "outputs": {"results_path": root.format("out")},
            "model_parameters": {"save_txt": name == "one", "imgsz": 4000},
        }
        for name in ("one", "two")
    ]
    converted = convert({"inference_pipeline": {"customers": sections}}, STORES)
    assert (converted.document["name"], converted.document["steps"]["storeDetections"]) == ("one", True)
    assert [finding.key for finding in converted.decisions] == ["inference_pipeline.customers[1].name"]
    assert {finding.key for finding in converted.findings} == {
        key for key, _ in leaves({"inference_pipeline": {"customers": sections}})
    }


def test_an_empty_output_datastore_means_that_of_the_input() -> None:
    outputs = {"datastore_path": "", "output_rel_path": "blurred"}
    converted = convert(changed("inference_pipeline", outputs=outputs), STORES)
    assert converted.document["output"]["azureBlob"]["container"] == "raw"


def test_nothing_of_a_secret_is_told() -> None:
    converted = convert(EARLIER | {"wandb": {"api_key": "secret"}}, STORES)
    assert "secret" not in yaml_text(converted, "earlier.yml") + "".join(one.sentence for one in converted.findings)
    assert told(converted)["wandb.api_key"].verdict is Verdict.DROPPED


WORDS = sorted({part for pattern, _ in MEANINGS for part in pattern.replace("*", "x").split(".")} | {"new", "sizes"})
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(WORDS), ANYTHING, max_size=6))
def test_every_key_of_whatever_file_is_told_once_and_no_threshold_is_taken_over(document: dict[str, Any]) -> None:
    converted = convert(document, STORES)
    keys = [finding.key for finding in converted.findings]
    assert len(keys) == len(set(keys))
    assert {key for key, _ in leaves(document)} <= set(keys)
    assert "detector" not in converted.document
    assert yaml.safe_load(yaml_text(converted, "earlier.yml")) == converted.document


@pytest.mark.parametrize("text", ["in", "in=http", "in=https://myaccount.blob.core.windows.net", "in=https://a/UPPER"])
def test_an_address_of_a_datastore_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--datastore"):
        datastore_of(text)


@pytest.mark.parametrize("address", [f"{ACCOUNT}/raw?sig=secret", "https://user:secret@a.net/raw"])
def test_a_token_in_a_datastores_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigurationError, match="no token") as refused:
        datastore_of(f"in={address}")
    assert "secret" not in str(refused.value)


def test_a_datastore_may_be_a_folder_of_a_container() -> None:
    name, place = datastore_of(f"in={ACCOUNT}/raw/city")
    assert (name, place.container, place.prefix) == ("in", "raw", "city")
