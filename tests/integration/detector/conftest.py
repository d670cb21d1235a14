"""Small checkpoints with the structure of real ones: they export and run in a moment and find nothing sensible."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ |= {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false"}

Checkpoint = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def _ultralytics_writes_nowhere_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["YOLO_CONFIG_DIR"] = str(tmp_path_factory.mktemp("ultralytics"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """Write an untrained checkpoint with the given class names.

    `sure` is the bias of all class scores: at 0 every candidate scores about one half, so that boxes abound.
    """

    def write(*names: str, file: str = "best.pt", architecture: str = "yolov8", sure: float = -4.0) -> Path:
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
                torch.nn.init.constant_(level[-1].bias, sure)
        torch.save({"model": model, "train_args": {}}, tmp_path / file)
        return tmp_path / file

    return write
