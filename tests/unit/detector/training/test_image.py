"""The image of the training is too large to be built in tests: its parts are looked at instead."""

import re
import subprocess
import tomllib

import pytest
import yaml

from tests.blurjobs import ROOT

DOCKERFILE = (ROOT / "images" / "training" / "Dockerfile").read_text()
COPIED = [name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()]
INSTALLED = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / "training.txt").read_text(), re.MULTILINE))


def test_what_is_copied_is_there() -> None:
    assert [name for name in COPIED if not (ROOT / name).exists()] == []


def test_it_holds_each_room_but_those_that_serve() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = {path.split("/")[0] for path in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}

    assert rooms - set(COPIED) == {"api", "operator"}


@pytest.mark.parametrize(
    "package", ["torch", "ultralytics", "azure-ai-ml", "pycocotools", "nvidia-pytriton", "openvino"]
)
def test_each_step_has_what_it_needs(package: str) -> None:
    assert package in INSTALLED


def test_open_cv_is_there_once() -> None:
    assert {name for name in INSTALLED if name.startswith("opencv")} == {"opencv-python-headless"}


def test_both_commands_stay_in_it() -> None:
    assert "RUN images/install ours baas-detector baas\n" in DOCKERFILE
    assert 'ENTRYPOINT ["baas-detector"]' in DOCKERFILE


def test_nobody_builds_it_by_the_way() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "--always-make", "images", "e2e"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert "images/operator" in planned
    assert "training" not in re.sub(r"requirements/\S+", "", planned)


def test_the_examples_use_it() -> None:
    job = yaml.safe_load((ROOT / "examples" / "train-job.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    azure = yaml.safe_load((ROOT / "examples" / "azureml" / "train-job.yml").read_text())
    title = re.search(r'image.title="(.+)"', DOCKERFILE)

    assert title is not None
    assert container["image"].split("/")[1].split(":")[0] == title[1]
    assert azure["environment"]["image"] == container["image"]
