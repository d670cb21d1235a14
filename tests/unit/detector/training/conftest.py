"""Small data sets, drawn where they are needed."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

MakeDataset = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    """Write a YOLO folder: a grey picture for each `train/name`, and its label file."""

    def make(labels: Mapping[str, str]) -> Path:
        for name, text in labels.items():
            for kind in ("images", "labels"):
                (tmp_path / "data" / kind / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), (90, 90, 90)).save(tmp_path / "data" / "images" / f"{name}.jpg")
            (tmp_path / "data" / "labels" / f"{name}.txt").write_text(text)
        return tmp_path / "data"

    return make
