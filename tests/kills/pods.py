"""Two pods of a BlurJob on a real Blob service, PostgreSQL and Triton, killed at random instants."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import ContainerClient
from sqlalchemy import Engine

from baas_crds.codes import ExitCode
from baas_crds.places import AzureBlob
from baas_ledger.engine import open_ledger, reading
from baas_ledger.facts import Progress
from baas_ledger.progress import read_progress
from baas_ledger.runs import find_run
from baas_preprocess.audit import verify_run
from baas_preprocess.audit_outputs import INTERRUPTED
from baas_preprocess.stores.blob import BlobDestination
from baas_preprocess.stores.blob_access import BlobFolder
from tests.azurite import Azurite
from tests.integration.preprocess.pods import UID, blob_env, blob_spec, make_pods, published_blobs, upload
from tests.kills.faults import Fault
from tests.kills.processes import KILLED, Baas, Call
from tests.kills.scene import EXCLUDED, PUBLISHED, Scene, told_of
from tests.postgres import PostgresServer

LEASE_SECONDS = 1
PODS = ("pod-1", "pod-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A BlurJob that does what the scene's undisturbed run did, but for its masks."""

    scene: Scene
    baas: Baas
    container: ContainerClient
    outputs: BlobDestination
    ledger: Engine

    def start(self, what: str, name: str = PODS[0], fault: Fault | None = None) -> Call:
        """Start a pod."""
        return self.baas.start(what, fault=fault, BAAS_POD_NAME=name)

    def plan(self) -> None:
        """Let a pod plan, to its end."""
        call = self.start("plan")
        assert call.ended() == ExitCode.DONE, call.out

    def judge(self, *, may_be_unsettled: bool = True) -> Progress:
        """Check store and ledger, whoever died and whoever still works; return how the run stands."""
        for name, data in published_blobs(self.container).items():
            assert data == self.scene.undisturbed.out.get(name), f"{name} is not what a whole run publishes"
        assert not any(self.baas.temporary.iterdir()), "temporary files were left"
        with reading(self.ledger) as connection:
            run, progress = find_run(connection, UID), read_progress(connection, UID)
        if run is not None:
            verdict = verify_run(self.ledger, run, destination=self.outputs)
            problems = [one for one in verdict.problems if not (may_be_unsettled and INTERRUPTED in one)]
            assert problems == [], problems
            assert verdict.outputs >= progress.published
        return progress

    def judge_finished(self) -> None:
        """Check what pods have left that have come to their end by themselves."""
        progress = self.judge(may_be_unsettled=False)
        assert (progress.published, progress.remaining) == (len(PUBLISHED), 0), progress
        assert published_blobs(self.container) == self.scene.undisturbed.out
        with reading(self.ledger) as connection:
            assert told_of(connection, UID) == self.scene.undisturbed.records


@contextmanager
def blurjob(scene: Scene, folder: Path, azurite: Azurite, postgres: PostgresServer) -> Iterator[Job]:
    """Make a BlurJob with a container and a database of its own, and a folder for its pods."""
    url = postgres.create_database()
    folder.mkdir(parents=True)
    try:
        with azurite.create_container() as container:
            upload(scene.originals, container)
            spec = blob_spec(
                azurite,
                container,
                source={"exclude": [EXCLUDED]},
                output={"writeDetections": True},
                imagesInFlight=1,
                imagesPerClaim=1,
                maxAttemptsPerImage=100,
            )
            pods = make_pods(folder, spec=spec, ledger=url, triton=scene.triton, **blob_env(azurite))
            place = AzureBlob(account_url=azurite.account_url, container=container.container_name, prefix="safe")
            ledger = open_ledger(url, migrate=False)
            with BlobFolder(place, title="DEST", connection_string=azurite.connection_string) as outputs:
                yield Job(
                    scene=scene,
                    baas=Baas(folder, {**pods.env, "BAAS_LEASE_SECONDS": str(LEASE_SECONDS)}),
                    container=container,
                    outputs=BlobDestination(outputs),
                    ledger=ledger,
                )
            ledger.dispose()
            container.delete_container()
    finally:
        postgres.drop_database(url)


@dataclass(slots=True)
class Figures:
    """How many pods were killed."""

    kills: int = 0
    planning: int = 0
    """Of these, so many while they planned."""
    both: int = 0
    """So many times two at once."""
    runs: int = 0
    seconds: float = 0

    def __str__(self) -> str:
        """Tell it in a sentence."""
        return (
            f"{self.kills} kills of pods in {self.runs} runs in {self.seconds:.0f} s "
            f"({self.seconds / self.kills:.2f} s each, checks included): {self.planning} of a planning pod, "
            f"{self.both} times both working pods at once"
        )


def kill_pods(
    scene: Scene, folder: Path, azurite: Azurite, postgres: PostgresServer, *, kills: int, seed: int
) -> Figures:
    """Kill pods of BlurJobs at random instants, and check store and ledger after each kill and at each run's end.

    Raises `AssertionError` when something does not hold.
    """
    generator = random.Random(seed)  # noqa: S311 - instants, not secrets
    began = time.monotonic()
    figures = Figures()
    while figures.kills < kills:
        with blurjob(scene, folder / f"job-{figures.runs}", azurite, postgres) as job:
            _plan(job, generator, figures)
            _work(job, generator, figures, kills)
            job.judge_finished()
        figures.runs += 1
    figures.seconds = time.monotonic() - began
    return figures


def _plan(job: Job, generator: random.Random, figures: Figures) -> None:
    call = job.start("plan")
    if call.ended(generator.uniform(0, 0.4)) is None and call.kill() == KILLED:
        figures.kills += 1
        figures.planning += 1
        job.judge()
    job.plan()


def _work(job: Job, generator: random.Random, figures: Figures, kills: int) -> None:
    """Keep two pods at work, and kill one or both of them until enough are killed or nothing is left to do."""
    pods = {name: job.start("work", name) for name in PODS}
    while figures.kills < kills and job.judge().remaining:
        chosen = generator.choice((PODS[:1], PODS[1:], PODS))
        pods[chosen[0]].ended(generator.uniform(0, LEASE_SECONDS))
        for name in chosen:
            pods[name].process.kill()
        killed = [name for name in chosen if pods[name].ended() == KILLED]
        figures.kills += len(killed)
        figures.both += killed == list(PODS)
        job.judge()
        pods |= {name: job.start("work", name) for name in killed}
    for call in pods.values():
        assert call.ended() == ExitCode.DONE, call.out
