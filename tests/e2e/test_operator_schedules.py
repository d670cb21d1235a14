"""BlurSchedules and the operator on a real cluster, with BlurJobs that go their way. Only pods are stand-ins."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from baas_ledger.engine import open_ledger
from tests.e2e.clusters import Cluster, Object, define_blurjobs, fresh_namespace
from tests.e2e.operators import RULES, Operator, asked_for, granted_by, kubeconfig_for, operator
from tests.e2e.schedules import Schedule
from tests.e2e.test_operator import BLURJOB, Run
from tests.postgres import PostgresServer
from tests.waiting import eventually


@pytest.fixture(scope="module", autouse=True)
def definition(cluster: Cluster) -> None:
    """The cluster knows both kinds. It keeps the definitions: other tests need them too."""
    define_blurjobs(cluster)


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
    """A namespace for all these tests."""
    with fresh_namespace(cluster, "schedules") as name:
        url = "--from-literal=url=postgresql://nowhere"
        cluster.kubectl("create", "secret", "generic", "-n", name, "baas-ledger", url)
        yield name


class Operators:
    """Starts operators of one namespace, each with the operator's own rights."""

    def __init__(self, kubeconfig: Path, ledger_url: str, triton: str, image: str, folder: Path, home: str) -> None:
        self._settings = {"ledger_url": ledger_url, "triton": triton, "image": image, "namespaces": home}
        self._kubeconfig, self._folder = kubeconfig, folder

    @contextmanager
    def one(self) -> Iterator[Operator]:
        with operator(kubeconfig=self._kubeconfig, folder=self._folder, **self._settings) as it:
            yield it


@pytest.fixture(scope="module")
def operators(
    cluster: Cluster,
    home: str,
    ledger: Engine,
    ledger_url: str,
    triton: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Operators:
    folder = tmp_path_factory.mktemp("operators")
    image = cluster.image("tests/e2e/stub-worker")
    return Operators(kubeconfig_for(cluster, home, folder), ledger_url, triton, image, folder, home)


@pytest.fixture(scope="module")
def running(operators: Operators) -> Iterator[Operator]:
    with operators.one() as it:
        yield it


def schedule(cluster: Cluster, home: str, **spec: object) -> Schedule:
    return Schedule.made(cluster, home, f"s-{uuid4().hex[:6]}", BLURJOB["spec"], **spec)


def run_of(cluster: Cluster, ledger: Engine, blurjob: Object) -> Run:
    metadata = blurjob["metadata"]
    return Run(
        cluster=cluster,
        ledger=ledger,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
    )


def test_after_days_away_one_blurjob_comes_and_the_schedule_tells_how_it_went(
    cluster: Cluster, home: str, ledger: Engine, running: Operator
) -> None:
    nightly = schedule(cluster, home)
    nightly.let_miss(3)
    blurjob = nightly.first_blurjob()
    now = datetime.now(UTC)
    due = now.replace(hour=2, minute=0) - timedelta(days=0 if now.hour >= 2 else 1)
    assert blurjob["metadata"]["name"] == f"{nightly.name}-{due:%Y%m%d%H%M}"
    assert blurjob["spec"]["source"]["onlyNew"] is True
    eventually(lambda: [one["name"] for one in nightly.status()["active"]] == [blurjob["metadata"]["name"]])

    run = run_of(cluster, ledger, blurjob)
    run.plan(images=3)
    run.wait_for_job("work")
    run.work(published=3)
    run.end_pods("work")
    run.wait("Complete")
    nightly.wait("LastRunComplete")
    status = nightly.status()
    assert (status["active"], status["lastScheduleTime"]) == ([], f"{due:%Y-%m-%dT%H:%M}:00Z")
    assert status["lastSuccessfulScheduleTime"] == status["lastScheduleTime"]
    assert status["lastSuccessfulTime"] == run.status()["completionTime"]
    assert status["nextScheduleTime"] == f"{due + timedelta(days=1):%Y-%m-%dT%H:%M}:00Z"
    eventually(lambda: {"BlurJobCreated", "BlurJobComplete"} <= set(nightly.events()))
    assert len(nightly.blurjobs()) == 1
    eventually(lambda: f'blurschedule="{nightly.name}"' in running.metrics())
    nightly.delete()
    eventually(lambda: not nightly.blurjobs())


def test_neither_a_killed_operator_nor_a_second_one_makes_a_second_blurjob(
    cluster: Cluster, home: str, operators: Operators, running: Operator
) -> None:
    nightly = schedule(cluster, home)
    with operators.one():
        nightly.let_miss(2)
        made = nightly.first_blurjob()
    running.stop(signal.SIGKILL)
    running.start()
    nightly.change(failedJobsHistoryLimit=2)  # both have looked when the status speaks of it
    generation = nightly.document()["metadata"]["generation"]
    eventually(lambda: nightly.status()["observedGeneration"] == generation)
    assert [one["metadata"]["uid"] for one in nightly.blurjobs()] == [made["metadata"]["uid"]]
    nightly.delete()


def test_a_start_comes_when_its_minute_does(cluster: Cluster, home: str, running: Operator) -> None:
    every_minute = schedule(cluster, home, schedule="* * * * *", suspend=False)
    metadata = every_minute.first_blurjob()["metadata"]
    due = datetime.fromisoformat(metadata["annotations"]["blurring.amsterdam.nl/scheduled-at"])
    late = datetime.fromisoformat(metadata["creationTimestamp"]) - due
    assert timedelta(0) <= late < timedelta(minutes=1)
    every_minute.delete()


def test_what_the_api_server_cannot_tell_is_told_by_a_condition(cluster: Cluster, home: str, running: Operator) -> None:
    nowhere = schedule(cluster, home, timeZone="Europe/Nowhere", suspend=False)
    eventually(lambda: nowhere.reason() == "InvalidSpec")
    accepted = next(one for one in nowhere.status()["conditions"] if one["type"] == "Accepted")
    assert (accepted["status"], "no Europe/Nowhere" in accepted["message"]) == ("False", True)
    nowhere.change(timeZone="Europe/Amsterdam")
    eventually(lambda: nowhere.reason() == "Scheduled")
    nowhere.delete()


def test_the_operator_asked_for_nothing_that_it_may_not(cluster: Cluster, home: str, running: Operator) -> None:
    """The tests above need what is said of schedules, and more than that is refused."""
    user = f"system:serviceaccount:{home}:baas-operator"
    of_schedules = {fact for fact in granted_by(RULES) if "blurschedules" in fact[1]}
    needed = of_schedules | {("blurring.amsterdam.nl", "blurjobs", "create")}
    asked = eventually(lambda: asked if needed <= (asked := asked_for(cluster, user)) else None)
    assert asked <= granted_by(RULES)
