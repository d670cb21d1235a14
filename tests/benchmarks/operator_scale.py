"""Does the operator stand a thousand BlurJobs? On a real API server, with a real ledger and a real Triton.

1,000 BlurJobs are created at once; their pods stay pending; the pods run; the operator is started anew; the counts in
the ledger change each second; the runs end. What the operator asks is read from the API server's audit log, what
it takes from /proc.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy import Engine

from baas_crds.status import Phase
from baas_ledger.engine import open_ledger
from baas_operator.names import Role
from tests.benchmarks.control_plane import ControlPlane, control_plane
from tests.benchmarks.fake_node import RUNNING, SUCCEEDED, Admin, plan_all, publish
from tests.benchmarks.options import Options
from tests.benchmarks.rounds import Finding, Outcome
from tests.benchmarks.tritons import running_triton
from tests.e2e.operators import Operator, kubeconfig_for
from tests.postgres import postgres_server

T = TypeVar("T")

NAMESPACE = "panoramas"
PATIENCE_SECONDS = 900.0
QUIET_SECONDS = 6.0
READS = frozenset({"get", "list", "watch"})
PLACES = {
    place: {"azureBlob": {"accountUrl": "https://panoramas.blob.core.windows.net", "container": container}}
    for place, container in (("source", "raw"), ("output", "safe"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One that the operator made."""

    at: float
    """When it was answered, in seconds since 1970."""
    verb: str
    resource: str

    @property
    def writes(self) -> bool:
        return self.verb not in READS


@dataclass(slots=True, kw_only=True)
class Stage:
    """All that takes part."""

    plane: ControlPlane
    admin: Admin
    engine: Engine
    operator: Operator
    number: int
    published: int = 0
    """Images of each run that are published by now."""

    def requests(self, since: float) -> list[Request]:
        """Return what the operator has asked since a time, watches left out."""
        whole_lines = self.plane.audit_log.read_text().rpartition("\n")[0]
        lines = map(json.loads, whole_lines.splitlines())
        made = (
            Request(
                at=datetime.fromisoformat(line["stageTimestamp"]).timestamp(),
                verb=line["verb"],
                resource="/".join(filter(None, map(line["objectRef"].get, ("resource", "subresource")))),
            )
            for line in lines
            if "objectRef" in line and line["verb"] != "watch"
        )
        return [request for request in made if request.at >= since]

    def await_phase(self, phase: Phase) -> None:
        """Wait until the operator has told of every BlurJob that it is in a phase."""
        await_that(lambda: self.in_phase(phase) == self.number)

    def in_phase(self, phase: Phase) -> int:
        """How many BlurJobs are in a phase, as the operator's metrics tell."""
        lines = [line for line in self.operator.metrics().splitlines() if line.startswith("baas_operator_blurjobs{")]
        return sum(int(float(line.split()[-1])) for line in lines if f'"{phase}"' in line)

    def end_pods(self, role: Role) -> None:
        """Let the pods of all Jobs of a role come and succeed."""
        self.admin.tell(NAMESPACE, self.pods(role), SUCCEEDED)

    def pods(self, role: Role) -> list[str]:
        """Return the one pod that each BlurJob has for a role, once all are there."""

        def all_of_them() -> list[str] | None:
            pods = self.admin.pods(NAMESPACE, role)
            return pods if len(pods) == self.number else None

        return await_that(all_of_them)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the operator's process took within some time."""

    seconds: float
    cpu_seconds: float
    requests: Sequence[Request]

    @property
    def cpu_per_minute(self) -> float:
        return self.cpu_seconds / self.seconds * 60

    def each_second(self, resource: str) -> float:
        return sum(r.writes and r.resource == resource for r in self.requests) / self.seconds


def measure(options: Options) -> Outcome:
    """Take a thousand BlurJobs through their lives, once."""
    number, seconds, images = (10, 4.0, 10) if options.is_short else (1_000, 60.0, 200)
    with stage(options, number) as it:
        empty_mib = memory_mib(it)
        began, created = time.time(), create(it)
        all_jobs = max(r.at for r in it.requests(began) if (r.verb, r.resource) == ("create", "jobs")) - began
        settle(it)
        creation = it.requests(began)
        idle = spent(it, seconds)
        idle_mib = memory_mib(it)
        began = time.time()
        plan_all(it.engine, it.admin.blurjobs(NAMESPACE), images=images)
        it.end_pods(Role.PLAN)
        working = it.pods(Role.WORK)
        it.admin.tell(NAMESPACE, working, RUNNING)
        it.await_phase(Phase.RUNNING)
        settle(it)
        started = it.requests(began)
        restart_seconds, restart = restarted(it, min(20.0, seconds))
        busy = spent(it, seconds, each_second=lambda: publish_one(it))
        busy_mib = memory_mib(it)
        began = time.time()
        publish(it.engine, it.published + 1, images)
        it.admin.tell(NAMESPACE, working, SUCCEEDED)
        it.await_phase(Phase.COMPLETE)
        settle(it)
        ended = it.requests(began)
        rest = spent(it, seconds)
    return Outcome(
        title=f"The operator with {number:,} BlurJobs",
        findings=[
            Finding(what="until all are created", values=[created], unit="s"),
            Finding(what="until all have a Job", values=[all_jobs], unit="s", at_most=60),
            per_blurjob("requests until a Job waits for its pod", creation, number, at_most=15),
            per_blurjob("requests from then until its workers run", started, number),
            per_blurjob("requests to end it", ended, number),
            Finding(what="memory without BlurJobs", values=[empty_mib], unit="MiB"),
            Finding(what="memory, pods pending", values=[idle_mib], unit="MiB", at_most=200),
            Finding(what="memory after a restart, pods running", values=[busy_mib], unit="MiB", at_most=200),
            Finding(what="CPU, pods pending", values=[idle.cpu_per_minute], unit="s per min", at_most=1),
            Finding(what="requests, pods pending", values=[len(idle.requests) / idle.seconds], unit="per s"),
            Finding(what="CPU, all ended", values=[rest.cpu_per_minute], unit="s per min", at_most=1),
            Finding(what="CPU, counts change each second", values=[busy.cpu_per_minute], unit="s per min"),
            Finding(
                what="status writes, counts change each second",
                values=[busy.each_second("blurjobs/status")],
                unit="per s",
            ),
            Finding(what="until all are looked at after a restart", values=[restart_seconds], unit="s"),
            Finding(what="writes after a restart", values=[sum(r.writes for r in restart.requests)], at_most=0),
        ],
        notes=[
            f"{number:,} BlurJobs of {images} images with one pod each, all in one namespace, "
            f"watched for {seconds:.0f} s each while pods are pending, while counts change, and when all have ended.",
            f"Until a Job waits for its pod: {told(creation, number)}.",
            f"From then until its workers run: {told(started, number)}.",
            f"To end it: {told(ended, number)}.",
            f"While counts change, a minute: {told(busy.requests, number * busy.seconds / 60)}.",
        ],
    )


def per_blurjob(what: str, requests: Sequence[Request], number: int, at_most: float | None = None) -> Finding:
    """Return how many requests a BlurJob took."""
    return Finding(what=what, values=[len(requests) / number], at_most=at_most)


def told(requests: Sequence[Request], number: float) -> str:
    """Say which requests they were, for one BlurJob."""
    kinds = Counter(f"{r.verb} {r.resource}" for r in requests)
    return ", ".join(f"{count / number:.2f} {kind}" for kind, count in kinds.most_common())


def create(it: Stage) -> float:
    """Create all BlurJobs; return how long that took, once the operator has told of all that a Job is made."""
    began = time.time()
    it.admin.create([blurjob(n) for n in range(it.number)])
    seconds = time.time() - began
    it.await_phase(Phase.PLANNING)
    it.pods(Role.PLAN)
    return seconds


def blurjob(number: int) -> dict[str, object]:
    """Return one like all others."""
    return {
        "apiVersion": "blurring.amsterdam.nl/v1alpha1",
        "kind": "BlurJob",
        "metadata": {"name": f"district-{number:04}", "namespace": NAMESPACE},
        "spec": PLACES,
    }


def settle(it: Stage) -> None:
    """Wait until the operator has written nothing for a while: Jobs tell of their pods, and it hears of that."""
    await_that(lambda: not any(r.writes for r in it.requests(time.time() - QUIET_SECONDS)))


def publish_one(it: Stage) -> None:
    """Publish one more image of each run."""
    it.published += 1
    publish(it.engine, it.published, it.published)


def restarted(it: Stage, seconds: float) -> tuple[float, Spent]:
    """Start the operator anew while nothing else happens, and watch it a while.

    Returns how long it took until it had looked at all BlurJobs, and what it did until then and afterwards.
    """
    it.operator.stop()
    began = time.time()
    it.operator.start()
    it.await_phase(Phase.RUNNING)
    settled = time.time() - began
    time.sleep(seconds)
    return settled, Spent(seconds=time.time() - began, cpu_seconds=cpu_seconds(it), requests=it.requests(began))


def spent(it: Stage, seconds: float, each_second: Callable[[], None] = lambda: None) -> Spent:
    """Return what the operator's process takes within so many seconds."""
    began, before = time.time(), cpu_seconds(it)
    while (left := began + seconds - time.time()) > 0:
        each_second()
        time.sleep(min(1.0, left))
    return Spent(seconds=time.time() - began, cpu_seconds=cpu_seconds(it) - before, requests=it.requests(began))


def cpu_seconds(it: Stage) -> float:
    """Return the operator's CPU time until now; its fields 14 and 15 in proc(5)."""
    fields = process_file(it, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(it: Stage) -> float:
    """Return the operator's resident memory."""
    (line,) = [line for line in process_file(it, "status").splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def process_file(it: Stage, name: str) -> str:
    if it.operator.process is None:
        raise RuntimeError("The operator does not run.")
    return Path(f"/proc/{it.operator.process.pid}/{name}").read_text()


@contextmanager
def stage(options: Options, number: int) -> Iterator[Stage]:
    """Start all that takes part; with the operator's own rights, settings and log."""
    with (
        TemporaryDirectory() as temporary,
        postgres_server() as postgres,
        running_triton(options.models) as triton,
        control_plane() as plane,
    ):
        folder, url = Path(temporary), postgres.create_database()
        plane.cluster.kubectl("create", "namespace", NAMESPACE)
        environment = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "KUBECONFIG": str(kubeconfig_for(plane.cluster, NAMESPACE, folder)),
            "BAAS_LEDGER": url,
            "BAAS_OPERATOR_NAMESPACES": NAMESPACE,
            "BAAS_OPERATOR_TRITON_URL": f"grpc://{triton}",
            "BAAS_OPERATOR_LEDGER_SECRET_NAME": "baas-ledger",
            "BAAS_OPERATOR_WORKER_IMAGE": "worker:1",
        }
        it = Stage(
            plane=plane,
            admin=Admin(plane.kubeconfig),
            engine=open_ledger(url),
            operator=Operator(environment=environment, log=folder / "operator.log"),
            number=number,
        )
        it.operator.start()
        try:
            yield it
        finally:
            if it.operator.process is not None:
                it.operator.stop()
            it.engine.dispose()


def await_that(fact: Callable[[], T | None]) -> T:
    """Return a fact once it is true. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := fact()):
        if time.monotonic() > deadline:
            raise TimeoutError("The operator did not get there in time.")
        time.sleep(0.5)
    return found
