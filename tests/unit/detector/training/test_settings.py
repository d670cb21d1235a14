"""`config.yml` is read with a sentence for each mistake."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from baas_crds.errors import ConfigurationError
from baas_detector.card import CloserLook
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


def test_the_closer_look_of_the_example_is_the_default_one() -> None:
    commented = re.findall(r"^  # ((?:vehicles|closer_look): .*)$", EXAMPLE.read_text(), re.MULTILINE)

    export = parsed(export=yaml.safe_load("\n".join(commented))).export

    assert export is not None
    assert export.vehicles == "persons"
    assert export.thresholds.closer_look == CloserLook()


def test_a_closer_look_can_be_tuned_and_left_out() -> None:
    tuned = parsed(export={"vehicles": "vehicles.pt", "closer_look": {"most": 8, "margin": 2}}).export
    without = parsed(export={"closer_look": None}).export

    assert tuned is not None
    assert tuned.vehicles == "/there/vehicles.pt"
    assert tuned.thresholds.closer_look == CloserLook(most=8, margin=2.0)
    assert without is not None
    assert without.thresholds.closer_look is None


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
        (
            {"train": {"class_weight_power": 0.5, "class_weights": {"licence_plate": 2}}},
            r"^config.yml: train: class_weights and class_weight_power both say how much a class counts: keep one",
        ),
        (
            {"train": {"class_weights": {"licence_plate": 0}}},
            r"train.class_weights.licence_plate is 0\. Input should be gr",
        ),
        (
            {"train": {"class_weights": {"car": 2}}},
            r"train.class_weights.car.\[key\] is 'car'\. .*'person' or 'licence_p",
        ),
        ({"train": {"class_weights": {}}}, r"train.class_weights is {}"),
        ({"train": {"image_weights": {"by": ["income"]}}}, r"train.image_weights.by.0 is 'income'"),
        ({"steps": {"export": True}}, r"steps.export is true, so the file needs a part `export:`"),
        ({"steps": {"register": True}}, r"steps.register is true, so the file needs a part `register:`"),
        ({"steps": {"tran": True}}, r"steps.tran is unknown"),
        (
            {"export": {"closer_look": {"most": 8}}},
            r"^config.yml: export: closer_look has no effect without vehicles: name `persons`, or a checkpoint",
        ),
        (
            {"export": {"vehicles": "persons", "closer_look": None}},
            r"^config.yml: export: vehicles has no effect with closer_look: null: leave one of them out$",
        ),
        (
            {"export": {"vehicles": "persons", "closer_look": {"side_px": 100}}},
            r"export.closer_look.side_px is 100\. Input should be a multiple of 32",
        ),
        ({"export": {"vehicles": "persons", "closer_look": {"moost": 8}}}, r"export.closer_look.moost is unknown"),
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


def test_only_some_of_the_steps_that_are_on_may_run() -> None:
    config = parsed(steps={"train": True, "validate": False, "export": True}, export={})
    assert config.only(["train", "validate"]).steps == parsed(steps={"train": True, "validate": False}).steps
    with pytest.raises(ConfigurationError, match="switches on none of evaluate, gate"):
        config.only(["evaluate", "gate"])
