"""Settings reach Ultralytics under names that it knows, and the commands stay quick."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from baas_crds.codes import ExitCode
from baas_detector.cli import main
from baas_detector.training.augmentation import Augmentation
from baas_detector.training.settings import Training
from baas_detector.training.yolo import arguments


def told(**settings: object) -> dict[str, object]:
    return arguments(Training.model_validate(settings), Path("/run"))


@pytest.fixture(scope="module")
def known() -> set[str]:
    code = "import json; from ultralytics.utils import DEFAULT_CFG_DICT; print(json.dumps(list(DEFAULT_CFG_DICT)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_each_name_is_one_of_ultralytics(known: set[str]) -> None:
    every = told(freeze=10, optimizer="SGD", learning_rate=0.1)

    assert set(every) | set(Augmentation.model_fields) <= known


def test_what_decides_what_is_learned_is_passed_on() -> None:
    passed = told(
        image_size_px=640, epochs=3, patience=2, batch=8, optimizer="AdamW", learning_rate=0.001, freeze=10,
        class_weight_power=0.5, seed=7, deterministic=False,
    )  # fmt: skip

    assert passed == {
        "project": "/run", "name": "train", "exist_ok": True, "plots": False, "amp": False,
        "imgsz": 640, "epochs": 3, "patience": 2, "batch": 8, "optimizer": "AdamW", "lr0": 0.001, "freeze": 10,
        "cls_pw": 0.5, "seed": 7, "deterministic": False,
    }  # fmt: skip


def test_no_layer_is_frozen_and_no_rate_is_set_unless_asked_for() -> None:
    assert not {"freeze", "lr0"} & set(told())


def test_half_precision_is_the_kind_that_fetches_no_network() -> None:
    assert told(precision="bf16")["amp"] == "bf16"


@pytest.mark.parametrize("command", ["select", "train", "validate", "export", "register"])
def test_help_shows_an_example(command: str) -> None:
    shown = CliRunner().invoke(main, [command, "--help"])

    assert shown.exit_code == ExitCode.DONE
    assert f"    baas-detector {command} " in shown.output


def test_the_steps_are_planned_without_heavy_libraries() -> None:
    heavy = {"torch", "ultralytics", "onnx", "azure.ai.ml", "azure.storage.blob"}
    modules = "baas_detector.training.runs, baas_detector.training.registering, baas_detector.training.yolo"
    code = f"import sys, {modules}; sys.exit(bool({heavy} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
