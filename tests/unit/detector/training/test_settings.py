"""`config.yml` is read with a sentence for each mistake."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from baas_crds.errors import ConfigurationError
from baas_detector.training.settings import TrainingConfig, parse_config, read_config
from tests.blurjobs import ROOT

EXAMPLE = ROOT / "examples" / "config.example.yml"


def parsed(**document: Any) -> TrainingConfig:
    return parse_config({"name": "run", "data": {"path": "d"}} | document, source="config.yml", folder=Path("/there"))


def test_the_example_is_read_and_shows_the_defaults() -> None:
    config = read_config(EXAMPLE)

    shown = config.train.model_dump(exclude={"augmentation", "image_weights"})
    default = parsed().train.model_dump(exclude={"augmentation", "image_weights"})
    assert shown == default
    assert config.steps == parsed().steps
    assert config.export is not None
    assert config.export.thresholds == parsed(export={}).export.thresholds  # type: ignore[union-attr]
    assert config.augmentation().arguments()["close_mosaic"] == 10


def test_the_example_shows_every_setting() -> None:
    text = EXAMPLE.read_text()
    parts = [
        TrainingConfig,
        *(type(part) for part in vars(read_config(EXAMPLE)).values() if isinstance(part, BaseModel)),
    ]

    missing = [
        f"{part.__name__}.{name}"
        for part in parts
        for name, field in part.model_fields.items()
        if f"{field.alias or name}:" not in text
    ]

    assert missing == []


def test_paths_are_told_from_the_files_folder() -> None:
    config = parsed(
        data={"path": "pictures"},
        output="/runs",
        export={},
        register={"to": "registry"},
        train={"augmentation": "a.json"},
    )

    assert config.data.path == Path("/there/pictures")
    assert config.folder == Path("/runs/run")
    assert config.repository == Path("/runs/run/models")
    assert config.train.augmentation == Path("/there/a.json")
    assert parsed().folder == Path("/there/runs/run")
    assert config.register_ is not None
    assert config.register_.to == "/there/registry"


@pytest.mark.parametrize(
    ("to", "read"),
    [
        ("https://account.blob.core.windows.net/models", "https://account.blob.core.windows.net/models"),
        ("azureml:azureml/config.json", "azureml:/there/azureml/config.json"),
        ("/models", "/models"),
    ],
)
def test_only_files_addresses_are_told_from_the_folder(to: str, read: str) -> None:
    register = parsed(register={"to": to}).register_
    assert register is not None
    assert register.to == read


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"train": {"epochs": 0}}, r"^config.yml: train.epochs is 0\. Input should be greater than or equal to 1$"),
        ({"train": {"epoch": 3}}, r"^config.yml: train.epoch is unknown"),
        ({"data": {}}, r"^config.yml: data.path is missing$"),
        ({"train": {"image_size_px": 100}}, r"train.image_size_px is 100\. Input should be a multiple of 32"),
        ({"train": {"device": "gpu"}}, r"train.device is 'gpu'"),
        ({"train": {"learning_rate": 0.1}}, r"^config.yml: train: learning_rate has no effect with optimizer auto"),
        ({"train": {"image_weights": {"by": ["income"]}}}, r"train.image_weights.by.0 is 'income'"),
        ({"steps": {"export": True}}, r"steps.export is true, so the file needs a part `export:`"),
        ({"steps": {"register": True}}, r"steps.register is true, so the file needs a part `register:`"),
        ({"steps": {"tran": True}}, r"steps.tran is unknown"),
        ({"export": {"tensorrt": True}}, r"export: tensorrt needs target: gpu"),
        ({"name": "../elsewhere"}, r"^config.yml: name is '../elsewhere'"),
        ({"register": {"to": "x", "name": "A/B"}}, r"register.name is 'A/B'"),
    ],
)
def test_a_mistake_is_named_with_its_field(document: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        parsed(**document)


def test_each_mistake_has_its_line() -> None:
    with pytest.raises(ConfigurationError) as told:
        parsed(train={"epochs": 0, "batch": 0, "momentum": 1})

    assert len(str(told.value).splitlines()) == 3


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "name: [", "\xff"])
def test_a_file_that_is_no_mapping_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigurationError, match=r"config\.yml"):
        read_config(path)
