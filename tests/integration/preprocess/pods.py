"""`baas plan` and `baas work` as the operator starts them: an environment, a mounted BlurJob, an exit code."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.storage.blob import ContainerClient

from baas_ledger.abandon import unfinished_blurjobs
from baas_ledger.engine import open_ledger, reading
from baas_ledger.facts import ImageRecord, Progress
from baas_ledger.progress import read_progress
from baas_ledger.records import images
from tests.azurite import Azurite
from tests.kills.processes import start
from tests.waiting import PATIENCE_SECONDS

from .conftest import command

UID = "5d1c6d0e-6d7a-4a57-9f0c-0b7a4d6a1c11"
LEASE_SECONDS = 30
"""Long enough that a pod keeps what it holds on a machine that is busy."""
SHORT_LEASE_SECONDS = 4
"""For a pod that is to lose what it holds: so long others wait for that."""


@dataclass(frozen=True, kw_only=True)
class Pods:
    """The pods of one BlurJob."""

    folder: Path
    """Where the BlurJob and the termination log are."""
    ledger: str
    env: Mapping[str, str]

    def dying(self) -> "Pods":
        """The same, but what they hold is soon free again when they do not live on."""
        return self.with_env(BAAS_LEASE_SECONDS=str(SHORT_LEASE_SECONDS))

    def with_env(self, **changes: str) -> "Pods":
        """The same with other variables."""
        return replace(self, env={**self.env, **changes})

    @contextmanager
    def running(self, what: str, name: str = "pod-1") -> Iterator[subprocess.Popen[str]]:
        """A pod, which ends with the block at the latest."""
        with subprocess.Popen(
            command(what), env=self._variables(name), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            yield process
            if process.poll() is None:
                process.kill()

    def run(self, what: str) -> tuple[int, list[dict[str, Any]]]:
        """Let a pod run to its end, in a process that need not import `baas` first.

        Returns its exit code and what it logged.
        """
        call = start([what], self._variables("pod-1"), self.folder / f"call-{uuid4()}")
        code = call.code()
        assert call.err == ""
        return code, [json.loads(line) for line in call.out.splitlines()]

    def _variables(self, name: str) -> dict[str, str]:
        return {**os.environ, **self.env, "BAAS_POD_NAME": name}

    @property
    def spec(self) -> dict[str, Any]:
        """What the BlurJob says."""
        found: dict[str, Any] = json.loads((self.folder / "blurjob.json").read_text())["spec"]
        return found

    @property
    def last_words(self) -> str:
        """What Kubernetes would show as the reason of the end."""
        return (self.folder / "termination-log").read_text()

    def progress(self) -> Progress:
        """How the run stands."""
        engine = open_ledger(self.ledger, migrate=False)
        with reading(engine) as connection:
            found = read_progress(connection, UID)
        engine.dispose()
        return found

    def records(self) -> dict[str, ImageRecord]:
        """Every image of the run."""
        engine = open_ledger(self.ledger, migrate=False)
        with reading(engine) as connection:
            found = images(connection, UID)
        engine.dispose()
        return {image.name: image for image in found}

    def found_by_an_operator_of(self, namespace: str) -> list[str]:
        """The runs that are not over as the operator of a namespace finds them when their BlurJobs may be gone."""
        engine = open_ledger(self.ledger, migrate=False)
        with reading(engine) as connection:
            found = unfinished_blurjobs(connection, [namespace])
        engine.dispose()
        return found

    def eventually(self, is_so: Callable[[Progress], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the run stands so."""
        deadline = time.monotonic() + seconds
        while not is_so(seen := self.progress()):
            assert time.monotonic() < deadline, seen
            threading.Event().wait(0.02)


def make_pods(folder: Path, *, spec: Mapping[str, Any], ledger: str, triton: str, **env: str) -> Pods:
    """Mount a BlurJob and set the environment as the operator does; a ledger is there."""
    document = {
        "apiVersion": "blurring.amsterdam.nl/v1alpha1",
        "kind": "BlurJob",
        "metadata": {"name": "test", "namespace": "panoramas", "uid": UID},
        "spec": spec,
    }
    (folder / "blurjob.json").write_text(json.dumps(document))
    (folder / "termination-log").touch()
    open_ledger(ledger).dispose()
    told = {
        "BAAS_JOB_FILE": str(folder / "blurjob.json"),
        "BAAS_LEDGER": ledger,
        "BAAS_TRITON": f"grpc://{triton}",
        "BAAS_LEASE_SECONDS": str(LEASE_SECONDS),
        "BAAS_TERMINATION_LOG": str(folder / "termination-log"),
    }
    return Pods(folder=folder, ledger=ledger, env={**told, **env})


def blob_spec(azurite: Azurite, container: ContainerClient, **further: Any) -> dict[str, Any]:
    """A BlurJob from one folder of a container to another one."""
    place = {
        "accountUrl": azurite.account_url,
        "container": container.container_name,
        "connectionStringSecret": {"name": "azurite"},
    }
    return {
        "source": {"azureBlob": {**place, "prefix": "raw"}, **further.pop("source", {})},
        "output": {"azureBlob": {**place, "prefix": "safe"}, **further.pop("output", {})},
        **further,
    }


def blob_env(azurite: Azurite) -> dict[str, str]:
    """What the Secret of `blob_spec` brings into a pod."""
    names = ("BAAS_SOURCE_CONNECTION_STRING", "BAAS_OUTPUT_CONNECTION_STRING")
    return dict.fromkeys(names, azurite.connection_string)


def upload(folder: Path, container: ContainerClient) -> None:
    """Put a folder's files below `raw/`."""
    for path in folder.rglob("*"):
        if path.is_file():
            container.upload_blob(f"raw/{path.relative_to(folder).as_posix()}", path.read_bytes())


def published_blobs(container: ContainerClient) -> dict[str, bytes]:
    """What is below `safe/`."""
    names = [blob.name for blob in container.list_blobs(name_starts_with="safe/")]
    return {name.removeprefix("safe/"): container.download_blob(name).readall() for name in names}


def terminate(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Do what a kubelet does first; return the exit code and the log."""
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out
