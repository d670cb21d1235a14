"""The BlurJob that a file stands for is one that the cluster accepts, and does the same."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from baas_crds.blurjob import DeleteSource, VerificationMode
from baas_crds.errors import ConfigurationError
from baas_crds.reading import read_blurjob
from baas_preprocess.steps.blurjobs import blurjob_of
from baas_preprocess.steps.config import read_config
from baas_preprocess.steps.flags import Step
from baas_preprocess.steps.redacting import recipe_of

from .test_flags import ANY
from .written import written

RAW = {"accountUrl": "https://myaccount.blob.core.windows.net", "container": "panoramas", "prefix": "2026/raw"}
IN_AZURE: dict[str, Any] = {
    "source": {"azureBlob": RAW},
    "output": {"azureBlob": RAW | {"container": "panoramas-safe"}},
}


def test_the_blurjob_has_what_the_steps_say(tmp_path: Path) -> None:
    steps = {"storeDetections": True, "qualityCheck": True, "deleteSource": True}
    file = written(tmp_path, steps=steps, qualityCheck={"sampleSize": 20}, parallelism=4, **IN_AZURE)
    job = read_blurjob(blurjob_of(read_config(file)).document)
    assert job.metadata.name == "street"
    assert job.spec.output.write_detections
    assert job.spec.quality_check is not None
    assert job.spec.quality_check.sample_size == 20
    assert job.spec.retention.delete_source is DeleteSource.AFTER_VERIFIED
    assert job.spec.parallelism == 4


def test_both_ways_redact_alike(tmp_path: Path) -> None:
    """The recipe decides the bytes: a run here and a BlurJob have the same."""
    sections = {"redaction": {"method": "Blur", "cells": 3}, "detector": {"confidencePermille": {"person": 200}}}
    config = read_config(written(tmp_path, steps={"verify": False}, **sections, **IN_AZURE))
    assert read_blurjob(blurjob_of(config).document).spec == config.spec
    assert recipe_of(config).second_look_percent == 0
    assert read_blurjob(blurjob_of(config).document).spec.verification.mode is VerificationMode.OFF


@given(ANY)
def test_whatever_the_steps_the_blurjob_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, said: dict[str, bool]
) -> None:
    file = written(
        tmp_path_factory.mktemp("any"),
        steps=said | {"redact": True},
        retrieve={"folder": "copies"},
        qualityCheck={"sampleSize": 3},
        retrainingSample={"size": 3, "output": {"azureBlob": RAW | {"container": "to-label"}}},
        training={"file": "training.yml"},
        **IN_AZURE,
    )
    try:
        config = read_config(file)
    except ConfigurationError:
        return
    spec = read_blurjob(blurjob_of(config).document).spec
    assert spec == config.spec
    assert (spec.verification.mode is VerificationMode.OFF) == (Step.VERIFY not in config.steps)
    assert (spec.retention.delete_source is DeleteSource.NEVER) == (Step.DELETE_SOURCE not in config.steps)
    assert (spec.retraining_sample is None) == (Step.RETRAINING_SAMPLE not in config.steps)


def test_the_exclude_list_travels_as_names(tmp_path: Path) -> None:
    (tmp_path / "exclude.csv").write_text("filename,why\nb.jpg,objection\na/c.jpg,\n")
    source = {"azureBlob": RAW, "excludeList": {"file": "exclude.csv"}}
    job = read_blurjob(blurjob_of(read_config(written(tmp_path, **IN_AZURE | {"source": source}))).document)
    assert job.spec.source.exclude_list is not None
    assert job.spec.source.exclude_list.names == ("a/c.jpg", "b.jpg")


def test_a_long_exclude_list_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    (tmp_path / "exclude.txt").write_text("\n".join(f"{number}.jpg" for number in range(1_001)))
    source = {"azureBlob": RAW, "excludeList": {"file": "exclude.txt"}}
    with pytest.raises(ConfigurationError, match="kubectl create configmap"):
        blurjob_of(read_config(written(tmp_path, **IN_AZURE | {"source": source})))


def test_steps_that_no_blurjob_has_are_told(tmp_path: Path) -> None:
    file = written(tmp_path, steps={"inspect": True, "train": True}, training={"file": "t.yml"}, **IN_AZURE)
    assert [sentence.split(":")[0] for sentence in blurjob_of(read_config(file)).left_out] == [
        "steps.inspect",
        "steps.train",
    ]


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({}, "output.folder is on this machine, where no pod sees it"),
        (
            {
                "steps": {"retrainingSample": True},
                "retrainingSample": {"size": 3, "output": {"folder": "to-label"}},
                **IN_AZURE,
            },
            "retrainingSample.output.folder is on this machine",
        ),
        ({"steps": {"redact": False, "inspect": True}}, "a BlurJob always redacts"),
    ],
)
def test_what_no_pod_can_do_is_refused(sections: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        blurjob_of(read_config(written(tmp_path, **sections)))
