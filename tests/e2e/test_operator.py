"""The operator on a real cluster: real pods, PostgreSQL and Triton. Only what runs in the pods is a stand-in."""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from baas_crds.codes import QuarantineReason
from baas_ledger import claims
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import PlannedImage, Published, Quarantined
from baas_ledger.finish import finish
from baas_ledger.plan import plan_images
from baas_ledger.runs import find_run, finish_planning, open_run
from tests.blurjobs import with_change
from tests.e2e.clusters import PATIENTLY, Cluster, Object, define_blurjobs, fresh_namespace
from tests.e2e.operators import RULES, Operator, asked_for, granted_by, kubeconfig_for, operator
from tests.e2e.runs import BlurJobRun
from tests.e2e.schedules import Schedule
from tests.postgres import PostgresServer
from tests.waiting import eventually

BLURJOB: Object = {
    "apiVersion": "blurring.amsterdam.nl/v1alpha1",
    "kind": "BlurJob",
    "spec": {
        "source": {"azureBlob": {"accountUrl": "https://a.blob.core.windows.net", "container": "raw"}},
        "output": {"azureBlob": {"accountUrl": "https://a.blob.core.windows.net", "container": "safe"}},
    },
}
NOBODY = "grpc://127.0.0.1:1"
"""A Triton that may be named, and does not answer."""
PUBLISHED = Published(
    input_digest="sha256:i",
    output_digest="sha256:o",
    output_size_bytes=1,
    model_digest="sha256:m",
    config_digest="sha256:c",
    width_px=8000,
    height_px=4000,
    masked_share=0.0,
    detections=(),
)
DAMAGED = Quarantined(reason=QuarantineReason.DAMAGED, message="Row 17 is damaged.")


@pytest.fixture(scope="module", autouse=True)
def definition(cluster: Cluster) -> None:
    """The cluster knows BlurJobs. It keeps the definition: other tests need it too."""
    define_blurjobs(cluster)


@pytest.fixture(scope="module")
def image(cluster: Cluster) -> str:
    return cluster.image("tests/e2e/stub-worker")


@pytest.fixture(scope="module")
def ledger_url(postgres: PostgresServer) -> Iterator[str]:
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module")
def ledger(ledger_url: str) -> Iterator[Engine]:
    engine = open_ledger(ledger_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[str]:
    """A namespace that admits restricted pods only, for all these tests."""
    with fresh_namespace(cluster, "operator") as name:
        url = "--from-literal=url=postgresql://nowhere"
        cluster.kubectl("create", "secret", "generic", "-n", name, "baas-ledger", url)
        yield name


@pytest.fixture(scope="module")
def running(
    cluster: Cluster,
    home: str,
    ledger: Engine,
    ledger_url: str,
    triton: str,
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    """The operator of that namespace, with no rights but its own."""
    folder = tmp_path_factory.mktemp("operator")
    kubeconfig = kubeconfig_for(cluster, home, folder)
    with operator(
        kubeconfig=kubeconfig,
        ledger_url=ledger_url,
        triton=triton,
        image=image,
        folder=folder,
        namespaces=home,
        allowed_triton_urls=NOBODY,
    ) as it:
        yield it


@dataclass(frozen=True, kw_only=True)
class Run(BlurJobRun):
    """One BlurJob, its children, and its side of the ledger."""

    ledger: Engine

    def end_pods(self, role: str, orders: str = "0") -> None:
        """Let all pods of a role end with an exit code and, maybe, a sentence."""
        self.wait_until_pods_listen(role, then=f"echo {orders!r} >/tmp/orders")

    def wait_until_pods_listen(self, role: str, *, then: str = "true") -> None:
        """Wait until all pods of a role take orders and heed signals, a moment after they are ready."""
        script = f"until [ -p /tmp/orders ]; do sleep 0.1; done; {then}"
        for pod in self.pods(role):
            self.cluster.kubectl("exec", "-n", self.namespace, pod, "--", "sh", "-c", script)

    def given(self, role: str) -> Object | None:
        """What a pod says it was given; None while it has said nothing."""
        job = next(name for name in self.names("jobs") if f"-{role}-" in name)
        said = self.cluster.kubectl("logs", "-n", self.namespace, f"job/{job}").splitlines()
        given: Object | None = json.loads(said[0]) if said else None
        return given

    def detector_digest(self) -> str:
        """Wait until the status tells of the model in Triton, and return its digest."""

        def found() -> Object | None:
            conditions = self.status().get("conditions", ())
            return next((it for it in conditions if (it["type"], it["status"]) == ("DetectorReady", "True")), None)

        return str(eventually(found)["message"].rsplit(" ", 1)[-1].rstrip("."))

    def plan(self, images: int = 10) -> None:
        """Do as `baas plan` would, and end its pod."""
        self.wait_for_job("plan")
        digest = self.detector_digest()
        with transaction(self.ledger) as connection:
            open_run(
                connection,
                run_id=self.uid,
                source="raw",
                destination="safe",
                model_digest=digest,
                config_digest="sha256:c",
                configuration={"blurjob": f"{self.namespace}/{self.name}"},
            )
        entries = [PlannedImage(name=f"{n}.jpg", source_version="1", size_bytes=1) for n in range(images)]
        result = plan_images(self.ledger, self.uid, entries)
        with transaction(self.ledger) as connection:
            finish_planning(connection, self.uid, result)
        self.end_pods("plan")
        self.wait("Planned")

    def work(self, *, published: int = 0, quarantined: int = 0) -> None:
        """Do as `baas work` would."""
        lease = timedelta(minutes=5)
        with transaction(self.ledger) as connection:
            held = claims.claim(
                connection, self.uid, worker="test", lease=lease, limit=published + quarantined, max_attempts=9
            )
            assert len(held) == published + quarantined
            outcomes = [PUBLISHED] * published + [DAMAGED] * quarantined
            assert not finish(connection, self.uid, list(zip(held, outcomes, strict=True)))

    def ledger_state(self) -> str | None:
        with reading(self.ledger) as connection:
            run = find_run(connection, self.uid)
        return run.state if run else None

    def versions(self) -> dict[str, str]:
        """Every object of the run, with its version: one written to has another."""
        objects = [self.blurjob(), *self.children("configmaps", "jobs")]
        return {f"{o['kind']}/{o['metadata']['name']}": o["metadata"]["resourceVersion"] for o in objects}


class Runs:
    """Makes BlurJobs and takes them away again."""

    def __init__(self, cluster: Cluster, ledger: Engine, namespace: str) -> None:
        self._cluster, self._ledger, self._namespace = cluster, ledger, namespace
        self._made: list[str] = []

    def __call__(self, spec: Object | None = None, *, name: str | None = None) -> Run:
        name = name or f"run-{uuid4().hex[:6]}"
        document = with_change(BLURJOB, {"metadata": {"name": name}, "spec": spec or {}})
        self._cluster.apply(self._namespace, document)
        made = self._cluster.get("-n", self._namespace, "blurjob", name)
        self._made.append(name)
        return Run(
            cluster=self._cluster,
            ledger=self._ledger,
            namespace=self._namespace,
            name=name,
            uid=made["metadata"]["uid"],
        )

    def clean_up(self) -> None:
        if self._made:
            names = sorted(set(self._made))
            self._cluster.kubectl(
                "delete", "-n", self._namespace, "blurjob", *names, "--ignore-not-found", "--wait=false"
            )


@pytest.fixture
def make(cluster: Cluster, ledger: Engine, home: str, running: Operator) -> Iterator[Runs]:
    runs = Runs(cluster, ledger, home)
    yield runs
    runs.clean_up()


def test_a_blurjob_goes_its_way(make: Runs) -> None:
    run = make()
    run.plan(images=10)
    run.wait_for_job("work")
    run.wait_for_workers(1)
    assert run.status()["phase"] == "Running"
    run.work(published=10)
    run.end_pods("work")
    run.wait("Complete")

    status = run.status()
    assert status["images"] == {"total": 10, "published": 10, "quarantined": 0, "excluded": 0, "pending": 0}
    assert (status["phase"], status["attempt"], status["runId"]) == ("Complete", 1, run.uid)
    assert status["traceId"] == run.uid.replace("-", "")
    assert status["startTime"] <= status["completionTime"]
    run.wait_for_workers(0)
    assert run.ledger_state() == "finished"
    run.wait_for_event("Completed")
    assert [reason for reason in run.events() if reason != "Finishing"] == ["Planning", "Working", "Completed"]
    assert run.names("jobs") == [f"{run.name}-plan-1", f"{run.name}-work-1"]


def test_pods_get_what_they_need_and_no_token(make: Runs, triton: str) -> None:
    run = make({"imagesInFlight": 3, "podTemplate": {"labels": {"team": "panoramas"}}})
    run.wait_for_job("plan")
    given = eventually(lambda: run.given("plan"))
    assert given["command"] == "plan"
    assert given["has_token"] is False
    assert given["blurjob"]["metadata"] == {"name": run.name, "namespace": run.namespace, "uid": run.uid}
    assert given["blurjob"]["spec"]["imagesInFlight"] == 3
    (pod,) = run.children("pods")
    assert pod["metadata"]["labels"]["team"] == "panoramas"
    assert given["env"] == {
        "BAAS_JOB_FILE": "/etc/baas/blurjob.json",
        "BAAS_NODE_NAME": pod["spec"]["nodeName"],
        "BAAS_LEDGER": "postgresql://nowhere",
        "BAAS_POD_NAME": pod["metadata"]["name"],
        "BAAS_TRITON": f"grpc://{triton}",
        "TRACEPARENT": given["env"]["TRACEPARENT"],
    }


def test_parallelism_follows_the_spec_while_workers_are_at_it(make: Runs, cluster: Cluster) -> None:
    run = make()
    run.plan()
    run.wait_for_job("work")
    cluster.kubectl("scale", "-n", run.namespace, "blurjob", run.name, "--replicas", "3")
    run.wait_for_job("work", pods=3)
    run.wait_for_workers(3)
    run.wait_until_pods_listen("work")
    run.change({"parallelism": 1})
    run.wait_for_job("work", pods=1)
    run.wait_for_workers(1)
    assert run.names("jobs") == [f"{run.name}-plan-1", f"{run.name}-work-1"]
    (work,) = [job for job in run.children("jobs") if "-work-" in job["metadata"]["name"]]
    assert work["status"].get("failed", 0) == 0, "a pod that is told to stop has not failed"


def test_suspend_takes_the_pods_away_and_resume_brings_them_back(make: Runs) -> None:
    run = make({"parallelism": 2})
    run.plan()
    run.wait_for_job("work", pods=2)
    run.wait_until_pods_listen("work")
    run.change({"suspend": True})
    run.wait("Suspended")
    eventually(lambda: not run.pods("work"))
    assert run.status()["phase"] == "Suspended"
    since = datetime.fromisoformat(eventually(lambda: notes(run).get("paused-since")))
    eventually(lambda: datetime.now(UTC) - since > timedelta(seconds=2))
    run.change({"suspend": False})
    run.wait_for_job("work", pods=2)
    run.wait_for_reason("Working")
    assert run.condition("Suspended")["status"] == "False"
    assert int(eventually(lambda: notes(run).get("paused-seconds"))) >= 1


def notes(run: Run) -> dict[str, str]:
    """What the operator remembers of a run."""
    (spec,) = run.children("configmaps")
    annotations: dict[str, str] = spec["metadata"].get("annotations", {})
    return {name.removeprefix("blurring.amsterdam.nl/"): value for name, value in annotations.items()}


def test_the_next_job_takes_what_the_last_one_left(make: Runs) -> None:
    run = make()
    run.plan(images=10)
    run.wait_for_job("work")
    run.work(published=4)
    run.end_pods("work")
    run.wait_for_job("work", attempt=2)
    run.wait_for("jsonpath={.status.attempt}=2", f"blurjob/{run.name}")
    run.work(published=6)
    run.end_pods("work")
    run.wait("Complete")


def test_what_no_retry_repairs_fails_at_once_with_the_pods_own_words(make: Runs) -> None:
    run = make()
    run.wait_for_job("plan")
    run.end_pods("plan", "2 There is no container raw in https://a.blob.core.windows.net: create it.")
    run.wait("Failed")
    failed = run.condition("Failed")
    assert failed["reason"] == "ConfigurationError"
    assert failed["message"].startswith("There is no container raw in https://a.blob.core.windows.net: create it.")
    assert run.names("jobs") == [f"{run.name}-plan-1"]


def test_a_failed_run_goes_on_after_the_repair(make: Runs) -> None:
    run = make()
    run.plan(images=3)
    run.wait_for_job("work")
    run.end_pods("work", "2 The output is read-only.")
    run.wait("Failed")
    run.ask_for_retry("one")
    run.wait_for_job("work", attempt=2)
    assert run.status()["phase"] == "Running"
    assert "completionTime" not in run.status()


def test_quarantined_images_are_retried_once_for_each_word(make: Runs) -> None:
    run = make()
    run.plan(images=10)
    run.wait_for_job("work")
    run.work(published=8, quarantined=2)
    run.end_pods("work")
    run.wait("Failed")
    assert run.condition("Failed")["reason"] == "TooManyQuarantined"
    assert run.status()["quarantinedReasons"] == [{"reason": "Damaged", "count": 2}]

    run.ask_for_retry("one")
    run.wait_for_job("work", attempt=2)
    eventually(lambda: run.status()["images"]["pending"] == 2)
    run.work(published=1, quarantined=1)
    run.end_pods("work")
    run.wait("Failed")
    run.ask_for_retry("one")
    run.change({"maxQuarantinedPercent": 10})
    run.wait("Complete")
    assert run.status()["images"] == {"total": 10, "published": 9, "quarantined": 1, "excluded": 0, "pending": 0}
    assert run.status()["attempt"] == 2


def test_a_run_that_takes_too_long_is_stopped(make: Runs) -> None:
    run = make()
    run.plan()
    run.wait_for_job("work")
    run.change({"activeDeadlineSeconds": 1})
    run.wait("Failed")
    assert run.condition("Failed")["reason"] == "DeadlineExceeded"
    eventually(lambda: not run.pods("work"))
    run.change({"activeDeadlineSeconds": 600})
    run.wait_for_job("work", attempt=2)


def test_work_waits_for_a_detector(make: Runs) -> None:
    run = make({"detector": {"tritonUrl": NOBODY}})
    run.wait_for_reason("WaitingForDetector")
    assert run.condition("DetectorReady")["status"] == "False"
    assert "does not answer" in run.condition("DetectorReady")["message"]
    assert run.status()["phase"] == "Waiting"
    assert run.names("jobs") == []


@pytest.mark.parametrize(
    ("detector", "reason", "words"),
    [
        ({"modelDigest": f"sha256:{0:064}"}, "WrongModel", f"spec.detector.modelDigest demands sha256:{0:064}"),
        ({"model": "faces"}, "ModelNotReady", "does not have faces ready"),
        ({"version": 9}, "ModelNotReady", "does not have person_plate version 9 ready"),
    ],
)
def test_work_waits_for_the_right_detector(make: Runs, detector: Object, reason: str, words: str) -> None:
    run = make({"detector": detector})
    run.wait_for_reason("WaitingForDetector")
    assert run.condition("DetectorReady")["reason"] == reason
    assert words in run.condition("DetectorReady")["message"]
    assert run.names("jobs") == []


def test_a_pod_that_cannot_start_says_why(make: Runs) -> None:
    secret = {"name": "forgotten"}
    run = make({"source": {"azureBlob": {"connectionStringSecret": secret}}})
    words = 'CreateContainerConfigError: secret "forgotten" not found'
    eventually(lambda: words in run.cluster.kubectl("describe", "-n", run.namespace, "blurjob", run.name))


def test_what_only_a_job_can_refuse_fails_with_the_servers_sentence(make: Runs) -> None:
    bad: Object = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
    run = make({"podTemplate": {"affinity": bad}})
    run.wait("Failed")
    assert run.condition("Accepted")["reason"] == "InvalidSpec"
    assert "nodeSelectorTerms: Required value" in run.condition("Failed")["message"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"detector": {"tritonUrl": "grpc://elsewhere:8001"}}, "spec.detector.tritonUrl is grpc://elsewhere:8001"),
        ({"podTemplate": {"env": [{"name": "grpc_proxy", "value": "x"}]}}, "spec.podTemplate.env sets grpc_proxy"),
    ],
)
def test_pictures_are_sent_to_no_triton_that_is_not_allowed(make: Runs, changes: Object, sentence: str) -> None:
    run = make(changes)
    run.wait("Failed")
    assert run.condition("Failed")["reason"] == run.condition("Accepted")["reason"] == "InvalidSpec"
    assert sentence in run.condition("Failed")["message"]
    assert run.condition("DetectorReady")["reason"] == "NotLookedAt"
    assert run.names("jobs") == run.names("configmaps") == []


def test_a_foreign_job_of_the_same_name_is_left_alone(make: Runs, cluster: Cluster, home: str, image: str) -> None:
    container = {"name": "main", "image": image}
    foreign = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "mine-plan-1"},
        "spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
    cluster.apply(home, foreign)
    run = make(name="mine")
    run.wait_for_reason("NameTaken")
    cluster.kubectl("delete", "-n", home, "job", "mine-plan-1")
    run.wait_for_job("plan")


def test_a_quota_that_forbids_jobs_is_waited_for(make: Runs, cluster: Cluster, home: str) -> None:
    quota: Object = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/jobs.batch": "0"}},
    }
    cluster.apply(home, quota)
    cluster.kubectl("wait", "-n", home, "--for", "jsonpath={.status.hard}", "resourcequota/none", *PATIENTLY)
    try:
        run = make()
        run.wait_for_reason("ChildRefused")
        assert "exceeded quota: none" in run.condition("Progressing")["message"]
    finally:
        cluster.kubectl("delete", "-n", home, "resourcequota", "none")
    run.wait_for_job("plan")


def test_a_queue_admits_the_job_and_the_operator_does_not_interfere(make: Runs, cluster: Cluster) -> None:
    run = make({"queueName": "night"})
    run.wait("Suspended")
    assert run.condition("Suspended")["reason"] == "Queued"
    (job,) = run.children("jobs")
    assert job["spec"]["suspend"] is True
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "night"
    admitted = json.dumps({"spec": {"suspend": False}})
    cluster.kubectl("patch", "-n", run.namespace, "job", job["metadata"]["name"], "--patch", admitted)
    run.plan()


def test_a_finished_blurjob_is_deleted_when_its_time_is_over(make: Runs, cluster: Cluster) -> None:
    run = make({"ttlSecondsAfterFinished": 1})
    run.plan(images=0)
    cluster.kubectl("wait", "-n", run.namespace, "--for", "delete", f"blurjob/{run.name}", *PATIENTLY)
    eventually(lambda: not run.names("jobs", "configmaps", "pods"))
    assert run.ledger_state() == "finished"


def test_deletion_while_running_leaves_nothing_but_the_ledgers_word(make: Runs) -> None:
    run = make()
    run.plan()
    run.wait_for_job("work")
    run.wait_until_pods_listen("work")
    run.delete()
    eventually(lambda: not run.names("jobs", "configmaps", "pods"))
    eventually(lambda: run.ledger_state() == "abandoned")


def test_deletion_while_the_operator_is_away_leaves_nothing_either(make: Runs, running: Operator) -> None:
    run = make()
    run.plan()
    run.wait_for_job("work")
    run.wait_until_pods_listen("work")
    assert running.stop() == 0
    try:
        run.delete()
        eventually(lambda: not run.names("jobs", "configmaps", "pods"))
        assert run.ledger_state() == "planned"
    finally:
        running.start()
    eventually(lambda: run.ledger_state() == "abandoned")


def test_a_restart_writes_nothing(make: Runs, running: Operator) -> None:
    over, at_work = make(), make()
    over.plan(images=0)
    over.wait("Complete")
    at_work.plan()
    at_work.wait_for_job("work")
    at_work.wait_for_reason("Working")
    at_work.wait_for_workers(1)
    over.wait_for_event("Completed")
    at_work.wait_for_event("Working")
    before = (over.versions(), at_work.versions(), over.events(), at_work.events())
    for how in (signal.SIGTERM, signal.SIGKILL):
        running.stop(how)
        running.start()
        eventually(lambda: count(running, "baas_operator_reconcile_seconds_count") >= 4)
        assert (over.versions(), at_work.versions(), over.events(), at_work.events()) == before


def count(running: Operator, metric: str) -> float:
    """What a metric counts: nothing before it has begun to."""
    return sum(float(line.split()[1]) for line in running.metrics().splitlines() if line.startswith(f"{metric} "))


def test_changes_while_the_operator_is_away_are_made_up_for(make: Runs, running: Operator) -> None:
    run = make()
    run.plan(images=4)
    run.wait_for_job("work")
    running.stop(signal.SIGKILL)
    try:
        run.change({"parallelism": 2})
        run.work(published=4)
        run.end_pods("work")
        run.wait_for("condition=Complete", f"job/{run.name}-work-1")
    finally:
        running.start()
    run.wait("Complete")
    assert run.names("jobs") == [f"{run.name}-plan-1", f"{run.name}-work-1"]


def test_prometheus_sees_runs_and_the_operators_own_work(make: Runs, running: Operator) -> None:
    run = make()
    run.plan(images=5)
    outcome = f'baas_operator_images{{blurjob="{run.name}",namespace="{run.namespace}",outcome="pending"}} 5.0'
    eventually(lambda: outcome in running.metrics())
    assert 'baas_operator_blurjobs{phase="Running"}' in running.metrics()
    assert "baas_operator_reconcile_errors_total{" not in running.metrics()


def test_a_schedule_makes_a_blurjob(cluster: Cluster, home: str, running: Operator) -> None:
    nightly = Schedule.made(cluster, home, "nightly", BLURJOB["spec"])
    nightly.let_miss(2)
    assert nightly.first_blurjob()["metadata"]["ownerReferences"][0]["name"] == "nightly"
    nightly.delete()


def test_the_operator_asks_for_exactly_what_it_may(cluster: Cluster, home: str, running: Operator) -> None:
    """All the tests above together need all of its rights, and no other."""
    eventually(lambda: asked_for(cluster, f"system:serviceaccount:{home}:baas-operator") == granted_by(RULES))


def test_one_operator_can_watch_the_whole_cluster(
    cluster: Cluster, namespace: str, ledger: Engine, ledger_url: str, triton: str, image: str, tmp_path: Path
) -> None:
    cluster.kubectl("create", "secret", "generic", "-n", namespace, "baas-ledger", "--from-literal=url=postgresql://x")
    kubeconfig = kubeconfig_for(cluster, namespace, tmp_path, everywhere=True)
    try:
        with operator(
            kubeconfig=kubeconfig, ledger_url=ledger_url, triton=triton, image=image, folder=tmp_path, namespaces="*"
        ):
            run = Runs(cluster, ledger, namespace)()
            run.plan(images=0)
            run.wait("Complete")
    finally:
        cluster.kubectl("delete", "clusterrole,clusterrolebinding", f"baas-operator-{namespace}")
