"""The examples of jobs are what Kubernetes and Azure ML take."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient

from baas_crds.errors import ConfigurationError
from baas_detector.cli import main
from baas_detector.training.azure import read_workspace
from tests.blurjobs import ROOT

EXAMPLES = ROOT / "examples"
JOB = yaml.safe_load((EXAMPLES / "train-job.yaml").read_text())
AZURE_JOB = EXAMPLES / "azureml" / "train-job.yml"


def test_every_field_of_the_kubernetes_job_is_one_of_its_api() -> None:
    with ApiClient() as client:
        read = client.deserialize(json.dumps(JOB), "V1Job", "application/json")
        # What the API does not know is lost on the way through its types.
        assert client.sanitize_for_serialization(read) == JOB


def test_each_volume_is_mounted_and_each_mount_has_its_volume() -> None:
    pod = JOB["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def options_of(arguments: list[str]) -> set[str]:
    return {match.group() for argument in arguments if (match := re.match(r"--[a-z-]+", argument))}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(JOB["spec"]["template"]["spec"]["containers"][0]["args"], id="Kubernetes"),
        pytest.param(shlex.split(yaml.safe_load(AZURE_JOB.read_text())["command"])[1:], id="Azure ML"),
    ],
)
def test_the_jobs_give_options_that_the_command_has(arguments: list[str]) -> None:
    command = main.commands[arguments[0]]
    known = {option for parameter in command.params for option in parameter.opts}

    assert options_of(arguments) == {"--data", "--output"}
    assert options_of(arguments) <= known


def test_azure_ml_takes_the_job() -> None:
    # In a process of its own: the library warns when it is imported.
    code = (
        "import sys; from pathlib import Path; from baas_detector.training.azure import load_job; "
        "job = load_job(Path(sys.argv[1])); print(job._validate().passed, sorted(job.inputs), sorted(job.outputs))"
    )
    done = subprocess.run([sys.executable, "-c", code, AZURE_JOB], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "True ['data'] ['runs']"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"type": "command"}, "is no job that Azure ML takes"),
        ({"type": "command", "command": "true", "compute": "azureml:a", "environment": "e", "colour": 1}, "colour"),
        (None, "is missing"),
    ],
)
def test_a_job_that_azure_ml_does_not_take_is_told(tmp_path: Path, document: Any, sentence: str) -> None:
    (tmp_path / "config.json").write_text((EXAMPLES / "azureml" / "config.json").read_text())
    (tmp_path / "config.yml").write_text("name: run\ndata: {path: data}\n")
    if document is not None:
        (tmp_path / "train-job.yml").write_text(yaml.safe_dump(document))

    detector = Path(sys.executable).with_name("baas-detector")
    command = [detector, "train", tmp_path / "config.yml", "--submit-azure-ml", tmp_path / "config.json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 2
    assert sentence in done.stderr
    assert "train-job.yml" in done.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"subscription_id": "s"}', "has no resource_group and no workspace_name"),
        ("[]", "has no subscription_id"),
        ("{", "is not JSON"),
    ],
)
def test_a_workspace_file_with_gaps_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "config.json").write_text(text)

    with pytest.raises(ConfigurationError, match=sentence):
        read_workspace(tmp_path / "config.json")


def test_the_examples_workspace_is_read() -> None:
    assert read_workspace(EXAMPLES / "azureml" / "config.json").workspace_name == "my-workspace"
