"""Small checkpoints with the structure of real ones, small models made of them, and servers for them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baas_detector.building import build
from baas_detector.card import Target, Thresholds
from baas_detector.contract import DetectedClass
from baas_detector.weights import own_weights
from tests.waiting import PATIENCE_SECONDS

DETECTOR = Path(sys.executable).with_name("baas-detector")

Checkpoint = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def _ultralytics_writes_nowhere_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ |= {
        "YOLO_AUTOINSTALL": "false",
        "YOLO_OFFLINE": "true",
        "YOLO_VERBOSE": "false",
        "YOLO_CONFIG_DIR": str(tmp_path_factory.mktemp("ultralytics")),
    }


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Write an untrained checkpoint with the given class names: it exports in a moment and finds nothing sensible.

    `sure` is the bias of all scores. As it is, one candidate in a hundred scores above 0.05; at 0 boxes abound.
    """

    def write(*names: str, architecture: str = "yolov8", sure: float = -4.0) -> Path:
        import torch  # noqa: PLC0415 - only these tests need it
        from ultralytics.nn.tasks import DetectionModel, yaml_model_load  # noqa: PLC0415

        torch.manual_seed(0)
        structure: dict[str, Any] = yaml_model_load(f"{architecture}n.yaml")
        structure["scales"] = {"n": [0.33, 0.0625, 1024]}
        model: Any = DetectionModel(structure, nc=len(names), verbose=False)
        model.names = dict(enumerate(names))
        for layer in model.modules():
            if isinstance(layer, torch.nn.Conv2d) and layer.weight.requires_grad:  # else all answers were alike
                torch.nn.init.kaiming_normal_(layer.weight)
        for head in ("cv3", "one2one_cv3"):
            for level in getattr(model.model[-1], head, None) or ():
                torch.nn.init.normal_(level[-1].weight, std=20)
                torch.nn.init.constant_(level[-1].bias, sure)
        path = tmp_path_factory.mktemp("checkpoint") / "best.pt"
        torch.save({"model": model, "train_args": {}}, path)
        return path

    return write


@pytest.fixture(scope="session")
def small_repository(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that starts fast and finds far more than the 10 boxes that it can return."""
    folder = tmp_path_factory.mktemp("small") / "models"
    weights = own_weights(checkpoint("person", "licence_plate", sure=0.0), *DetectedClass)
    build(folder, [weights], Thresholds(max_det=10), target=Target.CPU, tensorrt=False, force=False)
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running `baas-detector serve`."""

    process: subprocess.Popen[str]
    announced: dict[str, str]


Serve = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Run `baas-detector serve` until the block ends."""

    @contextmanager
    def run(repository: Path, *options: str) -> Iterator[Served]:
        with subprocess.Popen(
            [DETECTOR, "serve", "--repository", repository, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            try:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                yield Served(process=process, announced=json.loads(line))
            finally:
                process.terminate()
                process.wait(PATIENCE_SECONDS)

    return run
