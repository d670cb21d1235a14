"""Looks at BlurSchedules, against an API server of the test's own: what is asked, made and told."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from kubernetes.aio.client import ApiClient, Configuration
from opentelemetry.metrics import NoOpMeter

from baas_operator.kube import Kube
from baas_operator.limits import Limits
from baas_operator.monitor import Monitor
from baas_operator.names import Key
from baas_operator.schedule_loop import look
from baas_operator.schedule_world import ScheduleWorld
from tests.blurjobs import schedule

from .api_server import ApiServer, Object, api_server
from .worlds import BLURJOBS

KEY = Key(namespace="panoramas", name="nightly")
SCHEDULE = BLURJOBS.replace("blurjobs", "blurschedules") + "/nightly"
EVENTS = "POST /apis/events.k8s.io/v1/namespaces/panoramas/events"


@pytest.fixture
def api() -> ApiServer:
    """An API server with a schedule that was made two days ago."""
    metadata = {
        "name": "nightly",
        "namespace": "panoramas",
        "uid": "0b8d3c0e-0000-4000-8000-000000000001",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
    }
    return ApiServer(objects={SCHEDULE: {"metadata": metadata, "spec": schedule()["spec"]}})


def with_world(api: ApiServer, go: Callable[[ScheduleWorld, Monitor], Awaitable[object]]) -> None:
    """Let something happen while the API server answers."""

    async def run(port: int) -> None:
        async with ApiClient(Configuration(host=f"http://127.0.0.1:{port}")) as client:
            limits = Limits(triton_url="grpc://triton:8001")
            world = ScheduleWorld(kube=Kube(client), limits=limits, instance="operator-0")
            await go(world, Monitor(NoOpMeter("test"), seconds_behind=lambda: 0.0))

    with api_server() as it:
        it.objects, it.refusals = api.objects, api.refusals
        api.asked = it.asked
        asyncio.run(run(it.port))


def made(api: ApiServer) -> list[Object]:
    return [one for path, one in api.objects.items() if path.startswith(f"{BLURJOBS}/")]


def reason(api: ApiServer) -> str:
    (found,) = [one for one in api.objects[SCHEDULE]["status"]["conditions"] if one["type"] == "Scheduled"]
    return str(found["reason"])


def test_the_missed_start_is_made_once_and_then_looks_only_ask(api: ApiServer) -> None:
    async def go(world: ScheduleWorld, monitor: Monitor) -> None:
        assert await look(KEY, world, monitor)
        await look(KEY, world, monitor)
        api.asked.clear()
        assert await look(KEY, world, monitor)

    with_world(api, go)
    (metadata,) = (one["metadata"] for one in made(api))
    assert api.objects[SCHEDULE]["status"]["active"] == [{"name": metadata["name"], "uid": metadata["uid"]}]
    assert api.asked == [f"GET {SCHEDULE}", f"GET {BLURJOBS}"]


def test_two_operators_make_one_blurjob_of_one_start(api: ApiServer) -> None:
    async def go(world: ScheduleWorld, monitor: Monitor) -> None:
        await asyncio.gather(*(look(KEY, world, monitor) for _ in range(8)))

    with_world(api, go)
    assert len(made(api)) == 1
    assert reason(api) == "Scheduled"


def test_a_refused_blurjob_is_told_and_soon_tried_again(api: ApiServer) -> None:
    pauses: list[float | None] = []

    async def go(world: ScheduleWorld, monitor: Monitor) -> None:
        pauses.append(await look(KEY, world, monitor))
        api.refusals.clear()
        await look(KEY, world, monitor)

    api.refusals[BLURJOBS] = 403
    with_world(api, go)
    assert pauses == [10.0]
    assert (reason(api), len(made(api))) == ("Scheduled", 1)
    assert api.asked.count(EVENTS) == 3  # refused, well again, and made


def test_a_name_that_another_has_is_told(api: ApiServer) -> None:
    async def go(world: ScheduleWorld, monitor: Monitor) -> None:
        await look(KEY, world, monitor)
        (theirs,) = made(api)
        theirs["metadata"]["ownerReferences"] = [{"uid": "another", "kind": "BlurSchedule", "name": "nightly"}]
        api.objects[SCHEDULE]["status"] = {}
        await look(KEY, world, monitor)

    with_world(api, go)
    assert (reason(api), len(made(api))) == ("NameTaken", 1)


def test_a_schedule_that_is_gone_is_left_at_that(api: ApiServer) -> None:
    async def go(world: ScheduleWorld, monitor: Monitor) -> None:
        assert await look(KEY, world, monitor) is None

    api.objects.clear()
    with_world(api, go)
    assert api.asked == [f"GET {SCHEDULE}"]
