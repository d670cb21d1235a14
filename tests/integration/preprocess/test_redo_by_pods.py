"""BlurJobs on a part of their source, with the real servers: a sample, or what a model made that was withdrawn."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from baas_crds.codes import ExitCode
from baas_ledger.engine import open_ledger, reading
from baas_ledger.lineage import made_by
from baas_ledger.runs import find_run
from baas_preprocess.assignment import open_destination, open_source, read_assignment
from baas_preprocess.job import Job
from baas_preprocess.planning import plan
from baas_preprocess.pod_settings import PodSettings
from baas_preprocess.publish import Extras
from baas_preprocess.recipe import Recipe
from baas_preprocess.selection import Selection
from baas_preprocess.work import work
from tests.azurite import Azurite

from .city import Blind
from .pods import UID, Pods, blob_env, blob_spec, make_pods, published_blobs

OLD, NEVER = f"sha256:{'0' * 64}", f"sha256:{'f' * 64}"
RECIPE = Recipe(second_look_percent=0)


@pytest.fixture
def pods(
    azurite: Azurite, container: ContainerClient, postgres_url: str, triton: str, tmp_path: Path, photo: bytes
) -> Pods:
    """The pods of a BlurJob; a model that they do not know has published two pictures of three before."""
    spec = blob_spec(azurite, container)
    made = make_pods(tmp_path, spec=spec, ledger=postgres_url, triton=triton, **blob_env(azurite))
    for name in ("a.jpg", "b.jpg"):
        container.upload_blob(f"raw/{name}", photo)
    _publish_with(made, Blind(OLD))
    container.upload_blob("raw/c.jpg", photo)
    return made


def _publish_with(pods: Pods, detector: Blind) -> None:
    settings = PodSettings.model_validate(dict(pods.env))
    assignment = read_assignment(settings.job_file)
    ledger, extras = open_ledger(pods.ledger), Extras()
    with open_source(assignment, settings) as source, open_destination(assignment, settings) as destination:
        planned = plan(
            ledger,
            source,
            Selection(),
            destination=destination,
            extras=extras,
            model=detector.model.digest,
            recipe=RECIPE.digest,
            configuration={},
        )
        job = Job(
            ledger=ledger,
            run_id=planned.run_id,
            source=source,
            destination=destination,
            detector=detector,
            recipe=RECIPE,
            extras=extras,
            in_flight=1,
            max_attempts=1,
        )
        work(job, stop=threading.Event(), on_done=lambda *_: None)
    ledger.dispose()


def take(pods: Pods, **part: Any) -> None:
    """Let the BlurJob take a part of its source."""
    file = pods.folder / "blurjob.json"
    document = json.loads(file.read_text())
    document["spec"]["source"] |= part
    file.write_text(json.dumps(document))


def standing(pods: Pods, model: str) -> list[str]:
    engine = open_ledger(pods.ledger, migrate=False)
    found = [one.name for page in made_by(engine, model) for one in page]
    engine.dispose()
    return found


def test_pods_redo_just_what_the_withdrawn_model_made_and_planning_again_keeps_it(
    pods: Pods, container: ContainerClient
) -> None:
    take(pods, redoModel=OLD)
    container.upload_blob("raw/b.jpg", b"", overwrite=True)  # which cannot be made safe any more
    assert standing(pods, OLD) == ["a.jpg", "b.jpg"]
    before = published_blobs(container)
    code, log = pods.run("plan")
    assert (code, log[-1]["added"], log[-1]["unchanged"]) == (ExitCode.DONE, 2, 0)
    assert log[-1]["part"] == f"Of the 3 pictures in the source this run takes what {OLD} made."
    assert pods.run("plan")[1][-1]["unchanged"] == 2
    assert pods.run("work")[0] == ExitCode.DONE
    assert {name: image.state for name, image in pods.records().items()} == {
        "a.jpg": "published",
        "b.jpg": "quarantined",
    }
    after = published_blobs(container)
    assert set(before) == {"a.jpg", "b.jpg"}
    assert set(after) == {"a.jpg"}
    assert after["a.jpg"] != before["a.jpg"]
    assert standing(pods, OLD) == []
    # The operator lets it be planned again, as after a retry: it is the same run still.
    again = pods.run("plan")[1][-1]
    assert (again["added"], again["unchanged"], again["gone"]) == (0, 2, 0)
    assert (pods.progress().published, pods.progress().remaining) == (1, 0)


def test_a_blurjob_that_would_redo_nothing_ends_with_a_sentence_and_without_a_run(
    pods: Pods, container: ContainerClient
) -> None:
    take(pods, redoModel=NEVER)
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert f"had the model {NEVER}. The ledger knows these:" in pods.last_words
    assert f"{OLD}  2 pictures published" in pods.last_words
    take(pods, redoModel=OLD)
    container.delete_blobs("raw/a.jpg", "raw/b.jpg")
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert f"that {OLD} made: nothing is to redo." in pods.last_words
    engine = open_ledger(pods.ledger, migrate=False)
    with reading(engine) as connection:
        assert find_run(connection, UID) is None
    engine.dispose()


def test_a_sample_is_all_that_a_blurjob_works_on(pods: Pods, container: ContainerClient, photo: bytes) -> None:
    half = Selection(sample_percent=50)
    names = [f"{number:02}.jpg" for number in range(6)]
    for name in names:
        container.upload_blob(f"raw/{name}", photo)
    take(pods, samplePercent=50, include=["0*"])
    code, log = pods.run("plan")
    assert code == ExitCode.DONE
    assert log[-1]["part"] == "Of the 9 pictures in the source this run takes a sample of 50 %."
    sampled = {name for name in (*names, "a.jpg", "b.jpg", "c.jpg") if half.is_sampled(name)}
    assert set(pods.records()) == sampled
    assert {name for name in names if name in sampled} == {
        name for name, image in pods.records().items() if image.state == "pending"
    }
