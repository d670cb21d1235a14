"""`--dry-run` says what each step will do, and where."""

from pathlib import Path

from baas_preprocess.steps.config import read_config
from baas_preprocess.steps.describing import described, ignored
from baas_preprocess.steps.flags import Step

from .written import written


def test_each_step_that_runs_is_told_with_its_places(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        steps={step.value: True for step in Step if step is not Step.DELETE_SOURCE},
        source={"panoramaApi": {"filters": {"tags": ["mission-bi"]}}},
        retrieve={"folder": "raw"},
        inspect={"report": "folders.csv"},
        qualityCheck={"sampleSize": 7},
        retrainingSample={"size": 9, "output": {"folder": "to-label"}},
        training={"file": "training.yml"},
        redaction={"method": "Pixelate", "cells": 4},
        verification={"mode": "Sample", "samplePercent": 8},
    )
    told = dict(described(read_config(file)))
    assert list(told) == [step for step in Step if step is not Step.DELETE_SOURCE]
    for step, words in {
        Step.RETRIEVE: ("tags=mission-bi", str(tmp_path / "raw")),
        Step.INSPECT: (str(tmp_path / "raw"), "folders.csv"),
        Step.DETECT: ("50 ‰", str(tmp_path / "raw")),
        Step.REDACT: ("Pixelate with 4 cells", str(tmp_path / "safe")),
        Step.VERIFY: ("8 % of the finished pictures",),
        Step.QUALITY_CHECK: ("7 finished pictures", str(tmp_path / "safe-quality-check")),
        Step.RETRAINING_SAMPLE: ("9 originals, which show people", str(tmp_path / "to-label")),
        Step.TRAIN: ("training.yml", "train, validate"),
    }.items():
        assert all(word in told[step] for word in words), told[step]


def test_deleting_originals_is_told_loudly(tmp_path: Path) -> None:
    told = dict(described(read_config(written(tmp_path, steps={"deleteSource": True}))))
    assert "IT IS GONE" in told[Step.DELETE_SOURCE]


def test_keys_for_pods_are_told_to_do_nothing_here(tmp_path: Path) -> None:
    assert ignored(read_config(written(tmp_path, parallelism=4, queueName="city", imagesInFlight=3))) == [
        "parallelism",
        "queueName",
    ]
