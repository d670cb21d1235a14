"""What a run left is trusted only as it was left, and only what may be known goes with a model."""

from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError
from baas_detector.training import runs
from baas_detector.training.files import write_json
from baas_detector.training.settings import TrainingConfig, parse_config
from baas_detector.weights import digest_of


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    return parse_config({"name": "run", "data": {"path": "data"}}, source="config.yml", folder=tmp_path)


def trained(config: TrainingConfig) -> Path:
    weights = config.folder / "train" / "weights" / "best.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    write_json(config.folder / runs.TRAINED, {"weights": "train/weights/best.pt", "digest": digest_of(b"weights")})
    return weights


def test_without_a_finished_training_there_is_nothing_to_go_on_with(config: TrainingConfig) -> None:
    (config.folder / "train" / "weights").mkdir(parents=True)
    (config.folder / "train" / "weights" / "best.pt").write_bytes(b"half trained")

    with pytest.raises(ConfigurationError, match="holds no finished training: run the step `train` first"):
        runs.bundle(config, "person-plate")


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_a_checkpoint_that_is_not_what_was_trained_is_refused(config: TrainingConfig, harm: str) -> None:
    weights = trained(config)
    if harm == "changed":
        weights.write_bytes(b"others")
    else:
        weights.unlink()

    with pytest.raises(ConfigurationError, match="is not what was trained"):
        runs.bundle(config, "person-plate")


def test_what_annotators_saw_of_single_people_does_not_go_with_a_model(config: TrainingConfig) -> None:
    trained(config)
    for name in (runs.RUN, runs.PICTURES, runs.VALIDATION, runs.SUMMARY, runs.REPORT):
        write_json(config.folder / name, {})

    files = runs.bundle(config, "person-plate").files

    assert sorted(files) == [
        "evaluation/summary.json",
        "pictures.json",
        "run.json",
        "trained.json",
        "validation.json",
        "weights.pt",
    ]
