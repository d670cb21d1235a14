"""Lists of all BlurJobs make good for what the watch has missed."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from baas_crds.status import BlurJobStatus, Phase
from baas_ledger.engine import open_ledger, transaction
from baas_ledger.facts import PlannedImage
from baas_ledger.plan import plan_images
from baas_ledger.runs import open_run
from baas_operator.loops import follow, list_for_ever, look_for_ever
from baas_operator.monitor import Monitor
from baas_operator.names import Key
from baas_operator.wakeups import Wakeups
from tests.blurjobs import with_change

from .api_server import ApiServer, api_server
from .worlds import BLURJOBS, failed_long_ago, until, world


def test_a_blurjob_that_was_deleted_while_the_watch_was_away_leaves_the_metrics(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    provider = MeterProvider(metric_readers=[PrometheusMetricReader(registry=registry)], shutdown_on_exit=False)

    def failed() -> str:
        (line,) = [
            it for it in generate_latest(registry).decode().splitlines() if "blurjobs{" in it and '"Failed"' in it
        ]
        return line.split()[-1]

    async def go(api: ApiServer) -> None:
        wakeups: Wakeups[Key] = Wakeups()
        monitor, deleted = Monitor(provider.get_meter("test"), seconds_behind=wakeups.seconds_behind), asyncio.Event()
        async with world(api, tmp_path / "ledger.sqlite") as it, asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(look_for_ever(wakeups, it, monitor, Counter())),
                tasks.create_task(list_for_ever(wakeups, it, monitor, namespaces=("panoramas",), deleted=deleted)),
            ]
            for key in keys:  # as the watch does at first
                wakeups.wake(key)
            await until(lambda: failed() == "2.0")
            del api.objects[f"{BLURJOBS}/utrecht"]
            deleted.set()  # as for any other BlurJob
            await until(lambda: failed() == "1.0")
            for loop in loops:
                loop.cancel()

    keys = [Key(namespace="panoramas", name=name) for name in ("amsterdam", "utrecht")]
    with api_server() as api:
        api.objects |= {f"{BLURJOBS}/{key.name}": failed_long_ago(key.name) for key in keys}
        asyncio.run(go(api))
    provider.shutdown()


def test_all_that_wait_are_looked_at_when_one_of_them_does_not_wait_any_more(tmp_path: Path) -> None:
    one, other = (Key(namespace="panoramas", name=name) for name in ("amsterdam", "utrecht"))

    async def go(api: ApiServer) -> None:
        wakeups: Wakeups[Key] = Wakeups()
        provider = MeterProvider(shutdown_on_exit=False)
        monitor = Monitor(provider.get_meter("test"), seconds_behind=wakeups.seconds_behind)
        for key in (one, other):
            monitor.told(key, BlurJobStatus(phase=Phase.WAITING))
        async with world(api, tmp_path / "ledger.sqlite") as it, asyncio.TaskGroup() as tasks:
            loop = tasks.create_task(look_for_ever(wakeups, it, monitor, Counter()))
            wakeups.wake(one)
            await until(lambda: f"GET {BLURJOBS}/{other.name}" in api.asked)
            loop.cancel()
        provider.shutdown()

    with api_server() as api:
        api.objects |= {f"{BLURJOBS}/{key.name}": failed_long_ago(key.name) for key in (one, other)}
        asyncio.run(go(api))


def test_many_runs_that_change_are_looked_at_in_turn_and_those_that_do_not_are_left_alone(tmp_path: Path) -> None:
    url, uids = str(tmp_path / "ledger.sqlite"), [f"uid-{n:03}" for n in range(120)]
    engine = open_ledger(url)

    def plan(uid: str, images: int) -> None:
        with transaction(engine) as connection:
            open_run(
                connection,
                run_id=uid,
                source="s",
                destination="d",
                model_digest="m",
                config_digest="c",
                configuration={"blurjob": f"panoramas/{uid}"},
            )
        plan_images(engine, uid, [PlannedImage(name=str(n), source_version="", size_bytes=1) for n in range(images)])

    async def woken(wakeups: Wakeups[Key]) -> set[str]:
        taken = set()
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0):  # what is due is taken at once
                    key = await wakeups.take()
                wakeups.done(key)
                taken.add(key.name)
        return taken

    async def go(api: ApiServer) -> None:
        wakeups: Wakeups[Key] = Wakeups()
        async with world(api, tmp_path / "ledger.sqlite") as it:
            for uid in uids:
                it.memory.learn(with_change(failed_long_ago(uid), {"metadata": {"uid": uid}}))
            followed = await it.ledger.marks(None)
            followed = follow(wakeups, it.memory, followed, await it.ledger.marks(None))
            assert await woken(wakeups) == set()
            for uid in uids:
                plan(uid, images=2)
            turns = []
            for _ in range(3):
                followed = follow(wakeups, it.memory, followed, await it.ledger.marks(None))
                turns.append(await woken(wakeups))
            assert [len(turn) for turn in turns] == [100, 20, 0]
            assert turns[0] | turns[1] == set(uids)

    for uid in uids:
        plan(uid, images=1)
    with api_server() as api:
        asyncio.run(go(api))
    engine.dispose()
