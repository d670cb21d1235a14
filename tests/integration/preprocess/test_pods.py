"""Pods on a real Blob service, PostgreSQL and Triton: the same bytes as `baas blur`, whatever happens on the way."""

import io
import json
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient
from PIL import Image
from sqlalchemy import make_url

from baas_crds.codes import ExitCode
from baas_ledger.claims import claim
from baas_ledger.engine import open_ledger, transaction
from tests.azurite import KEY, Azurite, running_azurite
from tests.postgres import PASSWORD, PostgresServer

from .conftest import Ended, command, published
from .pods import UID, Pods, blob_env, blob_spec, make_pods, published_blobs, terminate, upload

Baas = Callable[..., Ended]
OUTAGE_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Pictures, and what `baas blur` makes of them."""

    folder: Path
    outputs: dict[str, bytes]
    document: dict[str, Any]

    @property
    def pictures(self) -> set[str]:
        return {name for name in self.outputs if name.endswith(".jpg")}


@pytest.fixture(scope="module")
def baseline(photo: bytes, triton: str, tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    folder, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    with Image.open(io.BytesIO(photo)) as picture:
        for number in range(12):
            path = folder / f"street {number % 3}" / f"{number:02}.jpg"
            path.parent.mkdir(exist_ok=True)
            picture.resize((300 + 8 * number, 400 + 8 * number)).save(path, quality=90)
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "left-out.jpg").write_bytes(photo)
    blur = command("blur", folder, out, "--exclude", "left-out.jpg", "--detections", "--json", triton=triton)
    done = subprocess.run(blur, check=False, capture_output=True, timeout=300)
    assert done.returncode == ExitCode.QUARANTINED, done.stderr
    return Baseline(folder=folder, outputs=published(out), document=json.loads(done.stdout))


@pytest.fixture
def pods(
    baseline: Baseline, azurite: Azurite, container: ContainerClient, postgres_url: str, triton: str, tmp_path: Path
) -> Pods:
    """The pods of a BlurJob that does what the baseline did."""
    upload(baseline.folder, container)
    spec = blob_spec(
        azurite, container, source={"exclude": ["left-out.jpg"]}, output={"writeDetections": True}, imagesPerClaim=3
    )
    return make_pods(tmp_path, spec=spec, ledger=postgres_url, triton=triton, **blob_env(azurite))


def change(pods: Pods, **patch: Any) -> None:
    """Mount another spec."""
    file = pods.folder / "blurjob.json"
    document = json.loads(file.read_text())
    document["spec"] |= patch
    file.write_text(json.dumps(document))


def check_equal(pods: Pods, container: ContainerClient, baseline: Baseline) -> None:
    """Nothing is lost, doubled or half-written."""
    assert published_blobs(container) == baseline.outputs
    counts, wanted = pods.progress(), baseline.document
    assert (counts.published, counts.quarantined, counts.excluded, counts.remaining) == (12, 1, 1, 0)
    assert {"person": counts.persons, "licence_plate": counts.licence_plates} == wanted["objects"]
    for name, record in pods.records().items():
        if name in baseline.pictures:
            properties = container.get_blob_client(f"safe/{name}").get_blob_properties()
            assert properties.metadata["output"] == record.output_digest
            assert properties.etag.strip('"') == record.output_version


def test_two_pods_on_blobs_give_the_bytes_of_baas_blur_on_a_folder(
    pods: Pods, container: ContainerClient, baseline: Baseline
) -> None:
    code, log = pods.run("plan")
    assert (code, log[-1]["run"], log[-1]["added"], log[-1]["excluded"]) == (ExitCode.DONE, UID, 13, 1)
    assert pods.found_by_an_operator_of("panoramas") == [UID]
    assert pods.found_by_an_operator_of("others") == []
    with pods.running("work", "pod-1") as first, pods.running("work", "pod-2") as second:
        outs = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (ExitCode.DONE, ExitCode.DONE)
    check_equal(pods, container, baseline)
    told = [json.loads(line) for line in "".join(outs).splitlines()]
    fates = {line["image"]: line["outcome"] for line in told if "image" in line}
    assert fates == {**dict.fromkeys(baseline.pictures, "published"), "empty.jpg": "quarantined"}
    assert Counter(line["image"] for line in told if "image" in line).most_common(1)[0][1] == 1
    assert [line["reason"] for line in told if line.get("reason")] == ["Empty"]
    assert not any(secret in "".join(outs) for secret in (KEY, PASSWORD))


def test_planning_again_changes_nothing_but_what_is_lost_is_done_again(
    pods: Pods, container: ContainerClient, baseline: Baseline
) -> None:
    change(pods, source={**pods.spec["source"], "include": ["street 0/*"]})
    pods.run("plan")
    assert pods.run("work")[0] == ExitCode.DONE
    before = pods.records()
    assert pods.run("plan")[1][-1]["unchanged"] == 14
    assert pods.records() == before
    container.delete_blob("safe/street 0/00.jpg")
    pods.run("plan")
    assert pods.progress().pending == 1
    assert pods.run("work")[0] == ExitCode.DONE
    assert published_blobs(container) == {
        name: data for name, data in baseline.outputs.items() if name.startswith("street 0/")
    }


def test_a_blob_whose_name_no_folder_could_have_is_quarantined_and_the_rest_goes_on(
    pods: Pods, container: ContainerClient, baseline: Baseline
) -> None:
    change(pods, source={**pods.spec["source"], "include": ["street 0/*", "/*"]})
    container.upload_blob("raw//above.jpg", b"x")
    assert pods.run("plan")[0] == ExitCode.DONE
    assert pods.progress().quarantined_by_reason == {"UnusableName": 1}
    assert pods.run("work")[0] == ExitCode.DONE
    assert set(published_blobs(container)) == {name for name in baseline.outputs if name.startswith("street 0/")}


def test_what_killed_its_pods_is_quarantined_and_an_earlier_runs_output_of_it_is_gone(
    pods: Pods, container: ContainerClient
) -> None:
    change(pods, source={**pods.spec["source"], "include": ["street 0/00.jpg"]}, maxAttemptsPerImage=1)
    container.upload_blob("safe/street 0/00.jpg", b"of an earlier run")
    pods.run("plan")
    engine = open_ledger(pods.ledger, migrate=False)
    with transaction(engine) as connection:
        claim(connection, UID, worker="killed", lease=timedelta(0), limit=1, max_attempts=1)
    engine.dispose()
    assert pods.run("work")[0] == ExitCode.DONE
    assert pods.progress().quarantined_by_reason == {"TooManyAttempts": 1}
    assert published_blobs(container) == {}


@pytest.fixture
def own_azurite() -> Iterator[Azurite]:
    """A Blob service that may be stopped."""
    with running_azurite() as server:
        yield server


def test_a_killed_pod_and_outages_of_store_and_database_lose_and_double_nothing(
    own_azurite: Azurite,
    postgres: PostgresServer,
    postgres_url: str,
    baseline: Baseline,
    triton: str,
    tmp_path: Path,
) -> None:
    with own_azurite.create_container() as container, ExitStack() as stack:
        upload(baseline.folder, container)
        further: dict[str, Any] = {"source": {"exclude": ["left-out.jpg"]}, "output": {"writeDetections": True}}
        spec = blob_spec(own_azurite, container, imagesPerClaim=3, **further)
        pods = make_pods(tmp_path, spec=spec, ledger=postgres_url, triton=triton, **blob_env(own_azurite))
        assert pods.run("plan")[0] == ExitCode.DONE
        with pods.dying().running("work", "killed") as process:
            pods.eventually(lambda seen: seen.published >= 2)
            process.kill()
        assert pods.progress().leased > 0
        workers = [stack.enter_context(pods.running("work", name)) for name in ("pod-1", "pod-2")]
        pods.eventually(lambda seen: seen.published >= 4)
        own_azurite.stop()
        threading.Event().wait(OUTAGE_SECONDS)
        own_azurite.start()
        pods.eventually(lambda seen: seen.published >= 6)
        name = make_url(postgres_url).database
        postgres.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        postgres.disconnect_all(postgres_url)
        threading.Event().wait(OUTAGE_SECONDS)
        postgres.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        outs = [worker.communicate(timeout=300) for worker in workers]
        assert [worker.returncode for worker in workers] == [ExitCode.DONE, ExitCode.DONE], outs
        check_equal(pods, container, baseline)
        assert max(record.attempts for record in pods.records().values()) <= 2


def test_a_terminated_pod_finishes_what_is_in_flight_and_gives_back_the_rest(
    pods: Pods, container: ContainerClient, baseline: Baseline
) -> None:
    pods.run("plan")
    with pods.running("work") as process:
        pods.eventually(lambda seen: seen.published >= 1)
        code, log = terminate(process)
    assert code == ExitCode.INTERRUPTED
    assert pods.last_words == "Stopped by a signal; what has no fate yet is free for the next pod."
    counts = pods.progress()
    assert (counts.leased, counts.remaining > 0) == (0, True)
    assert log.count('"outcome": "published"') == counts.published
    assert pods.run("work")[0] == ExitCode.DONE
    check_equal(pods, container, baseline)
    assert {record.attempts for record in pods.records().values() if record.worker} == {1}


def test_pods_on_volumes_give_the_same_bytes(
    baseline: Baseline, postgres_url: str, triton: str, tmp_path: Path
) -> None:
    spec = {
        "source": {"volume": {"claimName": "panoramas", "path": "raw"}, "exclude": ["left-out.jpg"]},
        "output": {"volume": {"claimName": "panoramas", "path": "safe"}, "writeDetections": True},
    }
    folders = {"BAAS_SOURCE_FOLDER": str(baseline.folder), "BAAS_OUTPUT_FOLDER": str(tmp_path / "safe")}
    pods = make_pods(tmp_path, spec=spec, ledger=postgres_url, triton=triton, **folders)
    assert pods.run("plan")[0] == ExitCode.DONE
    with pods.running("work", "pod-1") as first, pods.running("work", "pod-2") as second:
        for process in (first, second):
            process.communicate(timeout=300)
    assert (first.returncode, second.returncode) == (ExitCode.DONE, ExitCode.DONE)
    assert published(tmp_path / "safe") == baseline.outputs
    assert list((tmp_path / "safe" / ".baas" / "unfinished").iterdir()) == []


def test_pods_ask_the_triton_that_the_operator_names_whatever_the_mounted_blurjob_says(pods: Pods) -> None:
    change(pods, detector={"tritonUrl": "grpc://127.0.0.1:9"})
    code, log = pods.run("plan")
    assert code == ExitCode.DONE, log[-1]
    code, _ = pods.with_env(BAAS_TRITON="grpc://127.0.0.1:9", BAAS_PATIENCE_SECONDS="0.5").run("plan")
    assert code == ExitCode.UNREACHABLE


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        pytest.param({"BAAS_LEDGER": "mysql://x"}, "begins with mysql://; use postgresql://", id="another database"),
        pytest.param({"BAAS_JOB_FILE": "/nowhere"}, "BAAS_JOB_FILE /nowhere cannot be read", id="no BlurJob"),
        pytest.param({"BAAS_LEASE_SECONDS": "0"}, "BAAS_LEASE_SECONDS: Input should be greater", id="no lease"),
        pytest.param({"BAAS_TRITON": "http://triton"}, "BAAS_TRITON is http://triton; use grpc", id="another protocol"),
        pytest.param({"BAAS_OUTPUT_CONNECTION_STRING": "rubbish"}, "is no connection string", id="no access"),
        pytest.param({"BAAS_AUDIT_KEY": "/nowhere/a.pem"}, "/nowhere/a.pem (BAAS_AUDIT_KEY). It comes", id="no key"),
        pytest.param({"BAAS_AUDIT_KEY": "/dev/null"}, "/dev/null holds no unencrypted private key", id="another file"),
    ],
)
def test_a_misconfigured_pod_ends_with_2_and_a_sentence(env: dict[str, str], sentence: str, pods: Pods) -> None:
    code, log = pods.with_env(**env).run("plan")
    assert code == ExitCode.CONFIGURATION
    assert sentence in pods.last_words
    assert log[-1]["message"] == pods.last_words
    assert log[-1]["level"] == "error"


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        pytest.param({"detector": {"modelDigest": "sha256:" + "0" * 64}}, "modelDigest demands sha256:000", id="pin"),
        pytest.param({"detector": {"model": "other"}}, "has no model 'other'", id="no such model"),
        pytest.param({"detector": {"version": 77}}, "has no version 77 of the model", id="no such version"),
        pytest.param({"detector": {"confidencePermille": {"person": 1}}}, "returns boxes from 0.01", id="below floor"),
        pytest.param({"imagesInFlight": 0}, "spec.imagesInFlight: Invalid value", id="against the rules"),
    ],
)
def test_a_blurjob_that_cannot_be_done_is_not_planned(patch: dict[str, Any], sentence: str, pods: Pods) -> None:
    change(pods, **patch)
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert sentence in pods.last_words
    assert pods.progress().total == 0


def test_a_source_without_pictures_is_not_planned(pods: Pods, container: ContainerClient) -> None:
    for blob in container.list_blobs():
        container.delete_blob(blob.name)
    container.upload_blob("raw/readme.txt", b"no picture")
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert f"There are no pictures (.jpg, .jpeg, .png, .tif, .tiff) in {container.url}/raw" in pods.last_words


def test_nobody_works_on_a_run_that_is_not_planned_or_is_another_one(pods: Pods) -> None:
    assert pods.run("work")[0] == ExitCode.CONFIGURATION
    assert pods.last_words == f"Run {UID} is not planned yet: `baas plan` must end first."
    pods.run("plan")
    change(pods, redaction={"cells": 3})
    assert pods.run("work")[0] == ExitCode.CONFIGURATION
    assert f"Run {UID} began with the configuration sha256:" in pods.last_words
    assert pods.progress().pending == 13


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        pytest.param({"BAAS_TRITON": "127.0.0.1:9"}, "Triton at 127.0.0.1:9 does not answer", id="Triton"),
        pytest.param(
            {"BAAS_LEDGER": "postgresql://u:p@127.0.0.1:9/d"}, "on PostgreSQL at 127.0.0.1:9 does not", id="database"
        ),
    ],
)
def test_a_service_that_stays_away_ends_the_pod_with_4(env: dict[str, str], sentence: str, pods: Pods) -> None:
    assert pods.with_env(BAAS_PATIENCE_SECONDS="0.5", **env).run("plan")[0] == ExitCode.UNREACHABLE
    assert sentence in pods.last_words


def test_an_exclude_list_of_a_config_map_is_read_and_its_unknown_names_are_told(pods: Pods) -> None:
    (pods.folder / "exclude").mkdir()
    (pods.folder / "exclude" / "list.csv").write_text("id,filename\n1,empty.jpg\n2,nobody.jpg\n")
    listed = {"configMap": {"name": "objections", "key": "list.csv"}}
    change(pods, source={**pods.spec["source"], "excludeList": listed})
    code, log = pods.with_env(BAAS_EXCLUDE_FOLDER=str(pods.folder / "exclude")).run("plan")
    assert code == ExitCode.DONE
    assert [line["message"] for line in log] == [
        "The exclude list has 1 names that no picture has: nobody.jpg",
        "run planned",
    ]
    assert pods.progress().excluded == 2


def test_a_ledger_is_made_once_and_pods_need_it(baas: Baas, postgres: PostgresServer, pods: Pods) -> None:
    url = postgres.create_database()
    try:
        assert pods.with_env(BAAS_LEDGER=url).run("plan")[0] == ExitCode.CONFIGURATION
        assert "has schema none, this software needs" in pods.last_words
        for _ in range(2):
            ended = baas("ledger", "upgrade", "--ledger", url)
            assert (ended.code, "has this version's tables" in ended.out) == (ExitCode.DONE, True)
            assert PASSWORD not in ended.out
        assert pods.with_env(BAAS_LEDGER=url).run("plan")[0] == ExitCode.DONE
    finally:
        postgres.drop_database(url)


def freeze(process: subprocess.Popen[str], pods: Pods) -> None:
    """Stop a pod that holds images, between two transactions.

    Within one it would hold the rows that it was changing, frozen or not.
    """
    watcher = open_ledger(pods.ledger, migrate=False)
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
    with watcher.connect() as connection:
        while True:
            assert process.poll() is None
            process.send_signal(signal.SIGSTOP)
            if connection.exec_driver_sql(busy).scalar() == 1 and pods.progress().leased:  # one is this that asks
                break
            process.send_signal(signal.SIGCONT)
            connection.rollback()  # what is seen does not change within a transaction
    watcher.dispose()


def test_a_pod_waits_for_what_a_frozen_one_holds_and_a_frozen_one_changes_nothing_afterwards(pods: Pods) -> None:
    pods.run("plan")
    with pods.dying().running("work", "frozen") as frozen:
        pods.eventually(lambda seen: seen.published >= 1)
        freeze(frozen, pods)
        with pods.running("work", "other") as other:
            other.communicate(timeout=300)
        assert (other.returncode, pods.progress().remaining) == (ExitCode.DONE, 0)
        before = pods.records()
        frozen.send_signal(signal.SIGCONT)
        out, _ = frozen.communicate(timeout=300)
    assert frozen.returncode == ExitCode.DONE
    assert '"level": "warning"' in out  # its results came too late
    assert pods.records() == before
