"""What the operator remembers saves questions, and misleads nobody."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from opentelemetry.metrics import NoOpMeter

from baas_operator.loops import look_for_ever
from baas_operator.monitor import Monitor
from baas_operator.names import Key, Role, job_labels
from baas_operator.settle import settle
from baas_operator.spans import Look
from baas_operator.wakeups import Wakeups
from baas_operator.world import World
from tests.blurjobs import with_change

from .api_server import ApiServer, Object, api_server
from .worlds import BLURJOBS, failed_long_ago, paused, until, world

JOB = "/apis/batch/v1/namespaces/panoramas/jobs/amsterdam-work-1"
KEY = Key(namespace="panoramas", name="amsterdam")


def in_a_world(
    blurjob: Object,
    folder: Path,
    story: Callable[[World, ApiServer], Awaitable[None]],
    others: Mapping[str, Object] = MappingProxyType({}),
) -> None:
    async def go(api: ApiServer) -> None:
        async with world(api, folder / "ledger.sqlite") as it:
            await story(it, api)

    with api_server() as api:
        api.objects |= {f"{BLURJOBS}/amsterdam": blurjob, **others}
        asyncio.run(go(api))


async def look(it: World) -> None:
    with Look(KEY) as one:
        await settle(KEY, it, one)


def test_a_look_at_which_nothing_is_new_asks_kubernetes_nothing(tmp_path: Path) -> None:
    blurjob = failed_long_ago("amsterdam")

    async def story(it: World, api: ApiServer) -> None:
        it.memory.learn(blurjob)
        await look(it)
        assert api.asked, "the notebook is in no watch"
        api.asked.clear()
        await look(it)
        assert not api.asked

    in_a_world(blurjob, tmp_path, story)


def test_nothing_is_done_or_told_because_memory_is_behind(tmp_path: Path) -> None:
    blurjob = failed_long_ago("amsterdam")
    before = with_change(blurjob, {"status": None})

    async def story(it: World, api: ApiServer) -> None:
        it.memory.learn(before)
        it.memory.note(before["metadata"]["uid"], None)
        await look(it)
        assert {asked.split()[0] for asked in api.asked} == {"GET"}
        assert api.blurjob("panoramas", "amsterdam") == blurjob

    in_a_world(blurjob, tmp_path, story)


def test_words_that_had_to_wait_are_told_though_nothing_else_happens(tmp_path: Path) -> None:
    blurjob = paused("amsterdam")
    uid = blurjob["metadata"]["uid"]
    last_pod = {
        "metadata": {
            "name": "amsterdam-work-1",
            "namespace": "panoramas",
            "uid": "1",
            "creationTimestamp": "2026-06-01T12:00:00Z",
            "labels": job_labels("amsterdam", uid, Role.WORK, 1),
        },
        "spec": {"parallelism": 0},
        "status": {"terminating": 1},
    }

    async def story(it: World, api: ApiServer) -> None:
        wakeups: Wakeups[Key] = Wakeups()
        it.status_interval_seconds = 1
        monitor = Monitor(NoOpMeter("test"), seconds_behind=wakeups.seconds_behind)
        looker = asyncio.create_task(look_for_ever(wakeups, it, monitor, Counter()))

        def told() -> str:
            return json.dumps(api.blurjob("panoramas", "amsterdam").get("status", {}))

        wakeups.wake(KEY)
        await until(lambda: "1 pods are finishing" in told())
        api.objects[JOB] = with_change(last_pod, {"status": {"terminating": 0}})
        it.memory.learn(api.blurjob("panoramas", "amsterdam"))
        it.memory.learn_job(api.objects[JOB])
        wakeups.wake(KEY)
        await until(lambda: "set spec.suspend to false" in told())
        looker.cancel()

    in_a_world(blurjob, tmp_path, story, {JOB: last_pod})


def test_a_blurjob_that_is_gone_is_forgotten_by_whoever_looks(tmp_path: Path) -> None:
    blurjob = failed_long_ago("amsterdam")

    async def story(it: World, api: ApiServer) -> None:
        it.memory.learn(blurjob)
        api.objects.clear()
        await look(it)
        assert it.memory.recall(KEY) is None
        it.memory.begin_list()
        assert it.memory.missed(blurjob)

    in_a_world(blurjob, tmp_path, story)
