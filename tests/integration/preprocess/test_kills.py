"""`kill -9` at each step and at random instants: nothing unsafe is at the destination, and the chain is whole.

`make kills` kills more often.
"""

import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from baas_crds.codes import ExitCode
from tests.kills import faults
from tests.kills.faults import RECORDED, Fault, Point, When
from tests.kills.processes import KILLED
from tests.kills.rounds import kill_at_random
from tests.kills.scene import EXCLUDED, PUBLISHED, REFUSED, Place, Scene, make_scene, told

from .conftest import published

KILLS = int(os.environ.get("KILLS", "40"))
SEED = int(os.environ.get("SEED", "7"))
ON_THE_WAY = {**faults.STEPS, **faults.PUBLISHING, **faults.RECORDING}
AT_LAST = {**faults.REFUSING, **faults.RUN}
DELETE = ("--delete-source", "after-verified")
REMOVED = Point("baas_preprocess.stores.folder:FolderDestination.remove")
BEGINS_TO_REMOVE = REMOVED._replace(when=When.ENTER)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, photo: bytes, triton: str) -> Scene:
    return make_scene(tmp_path_factory.mktemp("kills"), photo, triton)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "out", tmp_path / "masks")


def check(scene: Scene, place: Place, fault: Fault) -> None:
    """Kill a run there, check what is left, continue and check again."""
    call = scene.blur(place, "--in-flight", "1", fault=fault)
    assert call.ended() == KILLED, call.err
    scene.judge_killed(place)
    again = scene.blur(place)
    scene.judge_finished(place, again)


@pytest.mark.parametrize("name", ON_THE_WAY)
def test_killed_at_a_step_of_a_picture(name: str, scene: Scene, place: Place) -> None:
    """The second one: there is already something to lose."""
    check(scene, place, ON_THE_WAY[name].after(*RECORDED))


@pytest.mark.parametrize("name", AT_LAST)
def test_killed_at_a_step_of_a_refusal_or_of_the_run(name: str, scene: Scene, place: Place) -> None:
    check(scene, place, AT_LAST[name])


@pytest.mark.parametrize("name", ["half of the unfinished file written", "renamed", "about to be committed"])
def test_killed_while_it_replaces_what_another_run_published(name: str, scene: Scene, place: Place) -> None:
    other = scene.undisturbed_with(place, "--method", "solid")
    call = scene.blur(place, "--in-flight", "1", fault=ON_THE_WAY[name].after(*RECORDED))
    assert call.ended() == KILLED, call.err
    assert scene.judge_killed(place, other) == (1, 3, name.startswith("half"))
    scene.judge_finished(place, scene.blur(place))


@pytest.mark.parametrize("number", range(4))
def test_killed_while_it_takes_away_what_is_left_out_now(number: int, scene: Scene, place: Place) -> None:
    scene.judge_finished(place, scene.blur(place))
    name = PUBLISHED[0]
    removed = (Point("baas_preprocess.planning:withdraw", When.ENTER), *[REMOVED] * number, BEGINS_TO_REMOVE)
    call = scene.blur(place, "--exclude", name, fault=Fault(removed))
    assert call.ended() == KILLED, call.err
    scene.judge_killed(place)
    assert scene.blur(place, "--exclude", name).ended() == ExitCode.QUARANTINED
    left = [file for folder in place for file in published(folder) if file.startswith(name)]
    assert left == []


@pytest.mark.parametrize("name", faults.DELETING)
def test_killed_while_originals_are_deleted(name: str, scene: Scene, place: Place, tmp_path: Path) -> None:
    own = replace(scene, originals=Path(shutil.copytree(scene.originals, tmp_path / "originals")))
    call = own.blur(place, *DELETE, fault=faults.DELETING[name])
    assert call.ended() == KILLED, call.err
    assert own.judge_killed(place) == (3, 3, 0)
    again = own.blur(place, *DELETE)
    assert again.ended() == ExitCode.QUARANTINED, again.err
    assert own.judge_killed(place) == (3, 3, 0)
    assert told(place.out) == own.undisturbed.records + Counter((gone, "source-deleted") for gone in PUBLISHED)
    assert set(published(own.originals)) == {REFUSED, EXCLUDED}


@pytest.mark.parametrize("step", ["leave_out", "withdraw"])
def test_killed_while_it_heeds_an_objection_to_a_picture_whose_original_was_deleted(
    step: str, scene: Scene, place: Place, tmp_path: Path
) -> None:
    """Another run into the same place is told of it."""
    own = replace(scene, originals=Path(shutil.copytree(scene.originals, tmp_path / "originals")))
    assert own.blur(place, *DELETE).ended() == ExitCode.QUARANTINED
    name, other = PUBLISHED[0], ("--method", "solid", "--exclude", PUBLISHED[0])
    call = own.blur(place, *other, fault=Fault((Point(f"baas_preprocess.retention:{step}"),)))
    assert call.ended() == KILLED, call.err
    assert own.blur(place, *other).ended() == ExitCode.QUARANTINED
    assert [file for folder in place for file in published(folder) if file.startswith(name)] == []


@pytest.mark.timeout(600 + 30 * KILLS)
def test_killed_at_random_instants(scene: Scene, tmp_path: Path) -> None:
    print(f"Seed {SEED}: {KILLS} kills")
    figures = kill_at_random(scene, tmp_path, KILLS, SEED)
    print(figures)
    assert figures.kills == KILLS
    assert figures.before_the_first < KILLS, "no kill came when there was something to lose"


def test_a_place_with_anything_else_in_it_is_not_taken_for_whole(scene: Scene, place: Place) -> None:
    scene.judge_finished(place, scene.blur(place))
    original, name = (scene.originals / PUBLISHED[0]).read_bytes(), PUBLISHED[0]
    finished = scene.undisturbed.out[name]
    middle = len(original) // 2
    for file, data, problem in (
        (place.out / name, original, "is not what a whole run publishes"),
        (place.out / name, finished[:-1], "is not what a whole run publishes"),
        (place.out / "more.txt", b"", "is not what a whole run publishes"),
        (place.masks / ".baas" / "unfinished" / "x", original[:2_000], "is not the beginning of a finished file"),
        (place.out / ".baas" / "unfinished" / "x", finished[:1_000], "is for all to see, and not whole"),
        (place.out / ".baas" / "x", b"", "keeps {'x'}"),
        (place.out / ".baas" / "lock", b"12" + original[middle : middle + 63], "holds bytes of an original"),
        (scene.baas.temporary / "x", b"", "temporary files were left"),
    ):
        before = file.read_bytes() if file.exists() else None
        file.write_bytes(data)
        with pytest.raises(AssertionError, match=problem):
            scene.judge_killed(place)
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)
    scene.judge_killed(place)
