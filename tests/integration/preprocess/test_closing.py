"""What workers do after the last image: samples for people, on volumes and on a real Blob service."""

import csv
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient
from sqlalchemy import text

from baas_crds.codes import ExitCode
from baas_ledger.engine import open_ledger
from baas_ledger.tables import RunState
from tests.azurite import Azurite, running_azurite
from tests.waiting import PATIENCE_SECONDS

from .conftest import published
from .pods import Pods, blob_env, blob_spec, make_pods, published_blobs, upload
from .sampled import OWN, SAMPLES, blobs, change, noted, on_volumes, pictures_of, rows_of, state_of

DETECTOR = Path(sys.executable).with_name("baas-detector")


@contextmanager
def held(url: str, statement: str) -> Iterator[Callable[[], None]]:
    """Hold a lock of the database; what is given waits until somebody else wants it."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event IN ('advisory', 'relation')"  # workers also wait for each other's rows, for a moment
    )
    engine = open_ledger(url, migrate=False)

    def wait_for_another() -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        with engine.connect() as watcher:
            while not watcher.execute(text(waiting)).scalar():
                assert time.monotonic() < deadline
                watcher.rollback()  # what is seen does not change within a transaction
                threading.Event().wait(0.05)

    with engine.connect() as holder:
        holder.execute(text(statement))
        yield wait_for_another
    engine.dispose()


@contextmanager
def held_before_it_is_noted(url: str) -> Iterator[Callable[[], None]]:
    """Hold whoever has copied a whole quality check and wants to note that; all else goes on."""
    engine = open_ledger(url, migrate=False)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END'; "
            "CREATE TRIGGER waits BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.kind = 'QualityCheckDrawn') "
            "EXECUTE FUNCTION wait()"
        )
    engine.dispose()
    with held(url, "SELECT pg_advisory_xact_lock(1)") as wait_for_another:
        yield wait_for_another


def wait_for_a_second_drawer(url: str) -> None:
    """Wait until one worker draws and another one has asked whether it may."""
    asking = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND query LIKE '%pg_try_advisory%'"
    engine = open_ledger(url, migrate=False)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with engine.connect() as watcher:
        while watcher.execute(text(f"{asking} AND datname = current_database()")).scalar() != 2:
            assert time.monotonic() < deadline
            watcher.rollback()
            threading.Event().wait(0.05)
    engine.dispose()


def work_at_once(pods: Pods) -> None:
    """Let two workers come to the samples at once: the second one comes when the first one has copied pictures."""
    with ExitStack() as stack:
        with held_before_it_is_noted(pods.ledger) as wait_for_another:
            both = [stack.enter_context(pods.running("work", f"pod-{number}")) for number in range(2)]
            wait_for_another()
            wait_for_a_second_drawer(pods.ledger)
        for process in both:
            out, err = process.communicate(timeout=300)
            assert process.returncode == ExitCode.DONE, out + err


def check_quality_check(found: dict[str, bytes], outputs: dict[str, bytes]) -> None:
    """Three published pictures, byte by byte, and a worklist of them."""
    rows, copies = rows_of(found["worklist.csv"]), pictures_of(found)
    assert [row["row"] for row in rows] == [f"{number} of 3" for number in range(1, 4)]
    assert {row["image"] for row in rows} == copies.keys()
    assert {(row["stratum"], row["stratum_images"], row["missed"]) for row in rows} == {("all", "5", "")}
    assert copies == {name: outputs[name] for name in copies}


def check_retraining_sample(found: dict[str, bytes], originals: Path) -> None:
    """Three originals, byte by byte, one of them without anybody, and a worklist of them."""
    rows, copies = rows_of(found["worklist.csv"]), pictures_of(found)
    assert [row["image"] for row in rows] == sorted(copies)
    assert copies == {name: (originals / name).read_bytes() for name in copies}
    assert [row["reason"] for row in rows].count("nothing found") == 1
    districts = {row["image"]: row["district"] for row in rows_of((originals / "districts.csv").read_bytes())}
    assert {row["image"]: row["stratum"] for row in rows} == {name: districts[name] for name in copies}
    assert len(rows) == 3


def test_two_workers_at_once_leave_one_sample_of_each_kind_on_volumes(
    places: Path, originals: Path, postgres_url: str, triton: str
) -> None:
    pods = on_volumes(places, postgres_url, triton, **SAMPLES)
    assert pods.run("plan")[0] == ExitCode.DONE
    work_at_once(pods)
    check_quality_check(published(places / "safe-quality-check" / OWN), published(places / "safe"))
    check_retraining_sample(published(places / "to-label" / OWN), originals)
    assert [(event.kind, event.data["drawn"], event.data["of"]) for event in noted(pods)] == [
        ("QualityCheckDrawn", 3, 5),
        ("RetrainingSampleDrawn", 3, 5),
    ]
    place = f"volume://panoramas/panoramas/safe-quality-check/{OWN}"
    assert noted(pods)[0].message == f"3 of 5 published pictures were copied to {place} for people to look at."
    assert state_of(pods) is RunState.FINISHED


def test_two_workers_at_once_leave_one_sample_of_each_kind_in_containers(
    azurite: Azurite, container: ContainerClient, originals: Path, postgres_url: str, triton: str, tmp_path: Path
) -> None:
    upload(originals, container)
    to_label = {
        "accountUrl": azurite.account_url,
        "container": container.container_name,
        "prefix": "to-label",
        "connectionStringSecret": {"name": "azurite"},
    }
    retraining = {**SAMPLES["retrainingSample"], "output": {"azureBlob": to_label}}
    spec = blob_spec(azurite, container, **{**SAMPLES, "retrainingSample": retraining})
    env = dict.fromkeys(
        ("BAAS_QUALITY_CHECK_CONNECTION_STRING", "BAAS_RETRAINING_SAMPLE_CONNECTION_STRING"), azurite.connection_string
    )
    pods = make_pods(tmp_path, spec=spec, ledger=postgres_url, triton=triton, **blob_env(azurite), **env)
    assert pods.run("plan")[0] == ExitCode.DONE
    work_at_once(pods)
    check_quality_check(blobs(container, f"safe-quality-check/{OWN}/"), published_blobs(container))
    check_retraining_sample(blobs(container, f"to-label/{OWN}/"), originals)
    copy = next(iter(container.list_blobs(f"safe-quality-check/{OWN}/street/", include=["metadata"])))
    assert copy.metadata["output"] == pods.records()[copy.name.removeprefix(f"safe-quality-check/{OWN}/")].output_digest
    original = next(iter(container.list_blobs(f"to-label/{OWN}/street/", include=["metadata"])))
    name = original.name.removeprefix(f"to-label/{OWN}/")
    assert original.metadata == {"original": pods.records()[name].input_digest}  # no model made it
    assert [event.data["place"] for event in noted(pods)] == [
        f"{container.url}/safe-quality-check/{OWN}",
        f"{container.url}/to-label/{OWN}",
    ]


def test_what_inspectors_wrote_gives_the_bound(places: Path, postgres_url: str, triton: str) -> None:
    pods = on_volumes(places, postgres_url, triton, qualityCheck={"sampleSize": 3})
    pods.run("plan")
    assert pods.run("work")[0] == ExitCode.DONE
    worklist = places / "safe-quality-check" / OWN / "worklist.csv"
    rows = rows_of(worklist.read_bytes())
    with worklist.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows({**row, "missed": "0"} for row in rows)
    filled_in = worklist.read_bytes()
    judge = subprocess.run(
        [DETECTOR, "acceptance", "result", "--json", worklist],
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    found = json.loads(judge.stdout)
    assert (found["all"]["images"], found["all"]["inspected"], found["all"]["missed"]) == (5, 3, 0)
    assert found["all"]["upper_bound"] == pytest.approx(1 - 0.05 ** (1 / 3))
    # Whoever comes later leaves their work alone.
    assert pods.run("work")[0] == ExitCode.DONE
    assert worklist.read_bytes() == filled_in


def test_what_a_killed_worker_left_becomes_the_same_sample(places: Path, postgres_url: str, triton: str) -> None:
    pods = on_volumes(places, postgres_url, triton, **SAMPLES)
    pods.run("plan")
    folder = places / "safe-quality-check" / OWN
    with held_before_it_is_noted(postgres_url) as wait_for_another, pods.running("work", "killed") as process:
        wait_for_another()
        process.kill()
    whole = published(folder)
    assert (len(whole), state_of(pods)) == (4, RunState.PLANNED)
    place = f"volume://panoramas/panoramas/safe-quality-check/{OWN}"
    assert [event.message for event in noted(pods)] == [
        f"Copying 3 of 5 published pictures to {place} for people to look at has begun."
    ]
    lost, undrawn = min(pictures_of(whole)), min(pods.records().keys() - whole.keys())
    (folder / lost).unlink()
    (folder / undrawn).parent.mkdir(exist_ok=True)
    (folder / undrawn).write_bytes(b"drawn before it was taken back")
    (folder / "of somebody else.jpg").write_bytes(b"not of this run")
    assert pods.run("work")[0] == ExitCode.DONE
    assert published(folder) == {**whole, "of somebody else.jpg": b"not of this run"}
    assert [event.kind for event in noted(pods)] == ["QualityCheckDrawn", "RetrainingSampleDrawn"]


def test_a_worker_that_is_told_to_end_leaves_the_sample_to_the_next(
    places: Path, postgres_url: str, triton: str
) -> None:
    pods = on_volumes(places, postgres_url, triton, qualityCheck={"sampleSize": 3})
    pods.run("plan")
    # Whoever asks whether a sample was drawn waits for this; no picture needs it.
    with pods.running("work") as process:
        with held(postgres_url, "LOCK TABLE events IN ACCESS EXCLUSIVE MODE") as wait_for_another:
            wait_for_another()
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, pods.progress().published) == (ExitCode.INTERRUPTED, 5)
    assert (published(places / "safe-quality-check" / OWN), noted(pods)) == ({}, [])
    assert state_of(pods) is RunState.PLANNED
    assert pods.run("work")[0] == ExitCode.DONE
    check_quality_check(published(places / "safe-quality-check" / OWN), published(places / "safe"))


def test_a_published_picture_that_is_not_what_was_recorded_is_never_copied(
    places: Path, postgres_url: str, triton: str
) -> None:
    pods = on_volumes(places, postgres_url, triton)
    pods.run("plan")
    assert pods.run("work")[0] == ExitCode.DONE
    (places / "safe" / "street" / "3.jpg").write_bytes((places / "raw" / "street" / "3.jpg").read_bytes())
    change(pods, qualityCheck={"sampleSize": 5})
    assert pods.run("work")[0] == ExitCode.CONFIGURATION
    assert pods.last_words.startswith(
        "spec.qualityCheck: 1 of 5 drawn pictures cannot be copied. "
        "street/3.jpg: its output was changed after it was published. `baas audit verify` tells"
    )
    copies = published(places / "safe-quality-check" / OWN)
    assert copies.keys().isdisjoint({"street/3.jpg", "worklist.csv"})
    assert [event.kind for event in noted(pods)] == ["QualityCheckBegun"]


def test_originals_are_copied_before_they_are_deleted_and_not_asked_for_again(
    places: Path, originals: Path, postgres_url: str, triton: str
) -> None:
    pods = on_volumes(places, postgres_url, triton, retention={"deleteSource": "AfterVerified"}, **SAMPLES)
    pods.run("plan")
    work_at_once(pods)
    assert list((places / "raw").rglob("*.jpg")) == []
    check_retraining_sample(published(places / "to-label" / OWN), originals)
    assert pods.run("work")[0] == ExitCode.DONE
    check_retraining_sample(published(places / "to-label" / OWN), originals)


def test_an_original_that_changed_or_is_gone_is_left_out_and_told(places: Path, postgres_url: str, triton: str) -> None:
    pods = on_volumes(places, postgres_url, triton)
    pods.run("plan")
    assert pods.run("work")[0] == ExitCode.DONE
    (places / "raw" / "street" / "3.jpg").write_bytes(b"another picture")
    (places / "raw" / "street" / "2.jpg").unlink()
    change(pods, retrainingSample={"size": 5, "output": {"volume": {"claimName": "to-label"}}})
    code, log = pods.run("work")
    assert code == ExitCode.DONE
    told = sorted(line["message"] for line in log if line["level"] == "warning")
    assert told == [
        "An original was left out of the sample. street/2.jpg: No such file or directory",
        "An original was left out of the sample. street/3.jpg: its original changed since it was blurred.",
    ]
    found = published(places / "to-label" / OWN)
    assert len(pictures_of(found)) == len(rows_of(found["worklist.csv"])) == 3
    assert (noted(pods)[0].data["drawn"], noted(pods)[0].data["left_out"]) == (3, 2)


@pytest.fixture
def own_azurite() -> Iterator[Azurite]:
    """A Blob service that may be stopped."""
    with running_azurite() as server:
        yield server


def test_a_place_that_is_away_is_waited_for(own_azurite: Azurite, places: Path, postgres_url: str, triton: str) -> None:
    with own_azurite.create_container() as container:
        place = {
            "accountUrl": own_azurite.account_url,
            "container": container.container_name,
            "connectionStringSecret": {"name": "azurite"},
        }
        check = {"sampleSize": 3, "output": {"azureBlob": place}}
        pods = on_volumes(places, postgres_url, triton, qualityCheck=check).with_env(
            BAAS_QUALITY_CHECK_CONNECTION_STRING=own_azurite.connection_string, BAAS_PATIENCE_SECONDS="1"
        )
        assert pods.run("plan")[0] == ExitCode.DONE
        own_azurite.stop()
        assert pods.run("work")[0] == ExitCode.UNREACHABLE
        assert pods.progress().published == 5
        assert state_of(pods) is RunState.PLANNED
        own_azurite.start()
        code, log = pods.run("work")
        assert code == ExitCode.DONE, log
        check_quality_check(blobs(container, f"{OWN}/"), published(places / "safe"))
        assert state_of(pods) is RunState.FINISHED
