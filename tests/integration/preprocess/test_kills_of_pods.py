"""`kill -9` of pods on a real Blob service and PostgreSQL: at each step of an upload, and at random instants."""

import os
from pathlib import Path

import pytest

from baas_crds.codes import ExitCode
from tests.azurite import Azurite
from tests.kills import faults
from tests.kills.faults import RECORDED
from tests.kills.pods import blurjob, kill_pods
from tests.kills.processes import KILLED
from tests.kills.scene import Scene, make_scene
from tests.postgres import PostgresServer

KILLS = int(os.environ.get("KILLS", "40")) // 3  # of those that `baas blur` gets
SEED = int(os.environ.get("SEED", "7"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, photo: bytes, triton: str) -> Scene:
    return make_scene(tmp_path_factory.mktemp("kills"), photo, triton)


@pytest.mark.parametrize("name", faults.UPLOADING)
def test_a_pod_killed_at_a_step_of_a_picture_leaves_it_to_the_next_one(
    name: str, scene: Scene, tmp_path: Path, azurite: Azurite, postgres: PostgresServer
) -> None:
    with blurjob(scene, tmp_path / "job", azurite, postgres) as job:
        job.plan()
        call = job.start("work", fault=faults.UPLOADING[name].after(*RECORDED))
        assert call.ended() == KILLED, call.out
        assert job.judge().published == 1 + (name == "committed")
        again = job.start("work")
        assert again.ended() == ExitCode.DONE, again.out
        job.judge_finished()


@pytest.mark.timeout(600 + 30 * KILLS)
def test_pods_killed_at_random_instants(
    scene: Scene, tmp_path: Path, azurite: Azurite, postgres: PostgresServer
) -> None:
    print(f"Seed {SEED}: {KILLS} kills")
    figures = kill_pods(scene, tmp_path / "jobs", azurite, postgres, kills=KILLS, seed=SEED)
    print(figures)
    assert figures.kills >= KILLS
