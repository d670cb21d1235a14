"""What is new to a BlurJob when earlier ones had the same source and destination. Each has a run of its own."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from baas_crds.codes import ExitCode
from baas_ledger import claims
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import PlanResult, Progress
from baas_ledger.progress import read_progress
from baas_ledger.runs import finish_run
from baas_preprocess.selection import Selection
from tests.azurite import Azurite

from .city import Blind, City
from .pods import Pods, blob_env, blob_spec, make_pods

NEW = Selection(only_new=True)
NOTHING = PlanResult()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """A source of which a first BlurJob has published all, that is `a.jpg`."""
    city = City(tmp_path)
    city.blur(Blind(), NEW, run_id="monday")
    assert city.destination.size_bytes("a.jpg")
    yield city
    city.ledger.dispose()


def copy(city: City, name: str) -> None:
    (city.source / name).write_bytes((city.source / "a.jpg").read_bytes())


def progress(city: City) -> Progress:
    with reading(city.ledger) as connection:
        return read_progress(connection, city.run_id)


def test_a_second_blurjob_takes_what_came_since_and_says_so(city: City) -> None:
    copy(city, "b.jpg")
    planned = city.blur(Blind(), NEW, run_id="tuesday")
    assert (planned.result.added, planned.part) == (1, "Of the 2 pictures in the source this run takes what is new.")
    assert (progress(city).total, progress(city).published) == (1, 1)
    assert city.destination.size_bytes("b.jpg")


def test_when_nothing_is_new_the_run_is_planned_and_can_finish(city: City) -> None:
    assert city.blur(Blind(), NEW, run_id="tuesday").result == NOTHING
    assert city.run().planned_at is not None
    with transaction(city.ledger) as connection:
        assert finish_run(connection, "tuesday")


def test_without_being_asked_a_blurjob_does_all_again(city: City) -> None:
    assert city.blur(Blind(), Selection(), run_id="tuesday").result.added == 1


def test_a_changed_picture_is_new(city: City) -> None:
    (city.source / "a.jpg").write_bytes((city.source / "a.jpg").read_bytes() + b"\0")
    assert city.blur(Blind(), NEW, run_id="tuesday", works=False).result.added == 1


def test_what_was_quarantined_comes_again_until_it_is_published(city: City) -> None:
    (city.source / "b.jpg").write_bytes(b"damaged")
    for night in ("tuesday", "wednesday"):
        city.blur(Blind(), NEW, run_id=night)
        assert (progress(city).total, progress(city).quarantined) == (1, 1)
    copy(city, "b.jpg")
    city.blur(Blind(), NEW, run_id="thursday")
    assert (progress(city).total, progress(city).published) == (1, 1)
    assert city.blur(Blind(), NEW, run_id="friday").result == NOTHING


def test_what_was_planned_and_not_done_comes_again(city: City) -> None:
    copy(city, "b.jpg")
    city.blur(Blind(), NEW, run_id="tuesday", works=False)
    assert city.blur(Blind(), NEW, run_id="wednesday").result.added == 1


def test_what_another_model_made_is_new(city: City) -> None:
    assert city.blur(Blind("sha256:better"), NEW, run_id="tuesday", works=False).result.added == 1


def test_an_output_that_another_model_has_replaced_since_is_new(city: City) -> None:
    city.blur(Blind("sha256:other"), NEW, run_id="tuesday")
    assert city.blur(Blind(), NEW, run_id="wednesday", works=False).result.added == 1


@pytest.mark.parametrize("lost", ["a.jpg", "a.jpg.json"])
def test_an_output_of_which_something_is_missing_is_new(city: City, lost: str) -> None:
    city.destination.remove(lost)
    assert city.blur(Blind(), NEW, run_id="tuesday").result.added == 1
    assert city.destination.size_bytes(lost)


def test_an_output_that_is_not_the_one_in_the_ledger_is_new(city: City) -> None:
    (city.destination.folder / "a.jpg").write_bytes(b"somebody else's")
    assert city.blur(Blind(), NEW, run_id="tuesday").result.added == 1


def test_a_picture_that_another_worker_may_just_write_is_new(city: City) -> None:
    city.blur(Blind("sha256:other"), run_id="tuesday", works=False)
    with transaction(city.ledger) as connection:
        claims.claim(connection, "tuesday", worker="w", lease=timedelta(minutes=5), limit=1, max_attempts=3)
    assert city.blur(Blind(), NEW, run_id="wednesday", works=False).result.added == 1


def test_a_picture_with_a_correction_that_was_interrupted_is_new(city: City) -> None:
    city.begin()
    city.blur(Blind(), NEW, run_id="tuesday")
    assert progress(city).published == 1
    assert not city.shows_somebody()


def test_what_is_left_out_is_taken_away_once(city: City) -> None:
    without = Selection(only_new=True, exclude_list=frozenset({"a.jpg"}))
    city.blur(Blind(), without, run_id="tuesday")
    assert city.destination.size_bytes("a.jpg") is None
    assert progress(city).excluded == 1
    assert city.blur(Blind(), without, run_id="wednesday").result == NOTHING
    assert city.blur(Blind(), NEW, run_id="thursday").result.added == 1
    assert city.destination.size_bytes("a.jpg")


def test_planning_the_same_blurjob_again_keeps_what_it_has(city: City) -> None:
    copy(city, "b.jpg")
    city.blur(Blind(), NEW, run_id="tuesday")
    again = city.blur(Blind(), NEW, run_id="tuesday").result
    assert (again.added, again.unchanged, again.gone) == (0, 1, 0)


@pytest.fixture
def second(
    azurite: Azurite, container: ContainerClient, postgres_url: str, triton: str, tmp_path: Path, photo: bytes
) -> Pods:
    """The pods of a BlurJob whose source and destination are those of a first one, which has published `a.jpg`."""
    spec = blob_spec(azurite, container)
    spec["source"] |= {"onlyNew": True}
    pods = make_pods(tmp_path, spec=spec, ledger=postgres_url, triton=triton, **blob_env(azurite))
    container.upload_blob("raw/a.jpg", photo)
    assert pods.run("plan")[1][-1]["added"] == 1
    assert pods.run("work")[0] == ExitCode.DONE
    file = tmp_path / "blurjob.json"
    document: dict[str, Any] = json.loads(file.read_text())
    document["metadata"]["uid"] = "00000000-0000-0000-0000-000000000002"
    file.write_text(json.dumps(document))
    return pods


def test_pods_of_a_second_blurjob_do_another_file_of_the_same_size_again(
    second: Pods, container: ContainerClient
) -> None:
    ours = container.download_blob("safe/a.jpg").readall()
    container.upload_blob("safe/a.jpg", ours[::-1], overwrite=True)
    assert second.run("plan")[1][-1]["added"] == 1
    assert second.run("work")[0] == ExitCode.DONE
    assert container.download_blob("safe/a.jpg").readall() == ours


def test_pods_of_a_second_blurjob_take_what_came_since(second: Pods, container: ContainerClient, photo: bytes) -> None:
    pods = second
    container.upload_blob("raw/b.jpg", photo)
    planned = pods.run("plan")[1][-1]
    assert (planned["added"], planned["part"]) == (1, "Of the 2 pictures in the source this run takes what is new.")
    assert pods.run("work")[0] == ExitCode.DONE
