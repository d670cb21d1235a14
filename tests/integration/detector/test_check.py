"""`baas-detector check` against real servers: the expected model and others."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as client
from click.testing import CliRunner, Result

from baas_crds.codes import ExitCode
from baas_detector.building import build
from baas_detector.card import Target, Thresholds
from baas_detector.cli import main
from baas_detector.contract import DetectedClass
from baas_detector.repository import open_repository
from baas_detector.server import Ports, running
from baas_detector.weights import own_weights
from baas_preprocess.detect import TritonDetector
from tests.waiting import PATIENCE_SECONDS

from .conftest import Checkpoint, Serve


def check(address: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["check", "--triton", address, *options])


def test_the_expected_model_is_described_with_its_digest_and_latency(triton: str, model_repository: Path) -> None:
    checked = check(triton, "--json", "--tiles", "1")

    found = json.loads(checked.stdout)
    assert checked.exit_code == ExitCode.DONE
    assert found["parameters"]["model_digest"] == open_repository(model_repository).card.digest
    assert found["tensors"] == {
        "TILES": "UINT8 [-1, -1, -1, 3]",
        "BOXES": "FP32 [-1, 1000, 6]",
        "COUNT": "INT32 [-1, 1]",
    }
    assert found["latency_seconds"] > 0


def test_two_versions_beside_each_other_are_told_apart_and_each_can_be_asked_for(
    checkpoint: Checkpoint, tmp_path: Path, serve: Serve
) -> None:
    weights = [own_weights(checkpoint("person", "licence_plate", sure=0.0), *DetectedClass)]
    for version, score_floor in ((1, 0.05), (2, 0.2)):
        thresholds = Thresholds(score_floor=score_floor, max_det=300)
        options: dict[str, Any] = {"target": Target.CPU, "tensorrt": False, "force": False, "version": version}
        repository = build(tmp_path, weights, thresholds, **options)
    digests = {version: card.digest for version, card in repository.versions.items()}
    with serve(tmp_path) as served:
        found = json.loads(check(served.announced["grpc"], "--json", "--tiles", "1").stdout)
        table = check(served.announced["grpc"], "--tiles", "1").stdout
        models = {}
        for version in ("1", "2", None):
            with TritonDetector(served.announced["grpc"], version=version) as detector:
                models[version] = detector.model
                assert len(detector.detect([np.zeros((64, 64, 3), np.uint8)])) == 1
    assert found["digests"] == {str(version): digest for version, digest in digests.items()}
    assert {"version 1", "version 2"} <= set(re.findall(r"version \d", table))
    assert (models["1"].digest, models["1"].score_floor) == (digests[1], 0.05)
    assert (models["2"].digest, models["2"].score_floor) == (digests[2], 0.2)
    assert models[None] == models["2"]
    assert served.announced["model_digest"] == digests[2]


def test_people_get_a_table(small_repository: Path, serve: Serve) -> None:
    with serve(small_repository) as served:
        checked = check(served.announced["grpc"], "--tiles", "1")

    assert checked.exit_code == ExitCode.DONE
    assert "person_plate at 127.0.0.1" in checked.stdout
    assert "ready" in checked.stdout


CONFIG = """\
name: "person_plate"
backend: "python"
max_batch_size: 8
input { name: "IMAGES" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] }
output { name: "BOXES" data_type: TYPE_FP32 dims: [ 300, 6 ] }
output { name: "COUNT" data_type: TYPE_INT64 dims: [ 1 ] }
parameters { key: "max_det" value { string_value: "1000" } }
"""

MODEL = dedent("""\
    class TritonPythonModel:
        def execute(self, requests):
            raise NotImplementedError
    """)


@contextmanager
def another_model(folder: Path) -> Iterator[str]:
    (folder / "person_plate" / "1").mkdir(parents=True)
    (folder / "person_plate" / "config.pbtxt").write_text(CONFIG)
    (folder / "person_plate" / "1" / "model.py").write_text(MODEL)
    with running(folder, Ports(), None, ready_seconds=PATIENCE_SECONDS) as server:
        yield f"127.0.0.1:{server.ports.grpc}"


def test_a_model_of_the_same_name_with_another_contract_is_refused_with_all_its_deviations(tmp_path: Path) -> None:
    with another_model(tmp_path) as address:
        checked = check(address)

    assert checked.exit_code == ExitCode.CONFIGURATION
    assert checked.stdout == ""
    for deviation in (
        "parameter model_digest is missing",
        "it has no input TILES",
        "it has an unknown input IMAGES",
        "its output BOXES is FP32 [-1, 300, 6]; expected FP32 [-1, 1000, 6]",
        "its output COUNT is INT64 [-1, 1]; expected INT32 [-1, 1]",
    ):
        assert deviation in checked.stderr


def test_a_server_whose_model_is_gone_is_told_apart_from_one_that_never_had_it(
    small_repository: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_repository, tmp_path, dirs_exist_ok=True)
    with running(tmp_path, Ports(), None, ready_seconds=PATIENCE_SECONDS) as server:
        address = f"127.0.0.1:{server.ports.grpc}"
        with client.InferenceServerClient(address) as triton:
            triton.unload_model("person_plate")
        unloaded = check(address)
        shutil.rmtree(tmp_path / "person_plate")
        removed = check(address)

    assert unloaded.exit_code == ExitCode.UNREACHABLE
    assert "has the model person_plate, but it is not ready" in unloaded.stderr
    assert removed.exit_code == ExitCode.CONFIGURATION
    assert "has no model person_plate; its models: none" in removed.stderr


@pytest.mark.parametrize("port", ["http", "metrics"])
def test_a_port_that_does_not_speak_grpc_ends_with_a_sentence(small_repository: Path, port: str, serve: Serve) -> None:
    with serve(small_repository) as served:
        checked = check(served.announced[port])

    assert checked.exit_code == ExitCode.UNREACHABLE
    assert checked.stderr.startswith(f"Error: Triton at {served.announced[port]} does not answer")
