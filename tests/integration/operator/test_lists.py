"""Lists of all BlurJobs make good for what the watch has missed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from kubernetes.aio.client import ApiClient, Configuration
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from baas_crds.blurjob import Detector
from baas_crds.places import SecretKey
from baas_crds.pods import PodTemplate
from baas_operator.detector_edge import DetectorEdge
from baas_operator.kube import Kube
from baas_operator.ledger_edge import LedgerEdge
from baas_operator.limits import Limits
from baas_operator.loops import list_for_ever, look_for_ever
from baas_operator.monitor import Monitor
from baas_operator.names import Key
from baas_operator.pods import PodDefaults
from baas_operator.wakeups import Wakeups
from baas_operator.webhook import Webhook
from baas_operator.world import World

from .api_server import ApiServer, Object, api_server

BLURJOBS = "/apis/blurring.amsterdam.nl/v1alpha1/namespaces/panoramas/blurjobs"
TRITON = "grpc://127.0.0.1:9"


@asynccontextmanager
async def world(api: ApiServer, ledger: Path) -> AsyncIterator[World]:
    defaults = PodDefaults(
        image="worker:1",
        image_pull_policy="IfNotPresent",
        image_pull_secrets=(),
        detector=Detector(triton_url=TRITON),
        ledger_secret=SecretKey(name="baas-ledger", key="url"),
        template=PodTemplate(),
    )
    async with ApiClient(Configuration(host=f"http://127.0.0.1:{api.port}")) as client:
        it = World(
            kube=Kube(client),
            ledger=LedgerEdge(str(ledger)),
            detector=DetectorEdge(),
            defaults=defaults,
            limits=Limits(triton_url=TRITON),
            status_interval_seconds=5,
            instance="operator",
            webhook=Webhook(None),
        )
        yield it
        await it.ledger.close()


def failed_long_ago(name: str) -> Object:
    places = {"source": {"volume": {"claimName": "raw"}}, "output": {"volume": {"claimName": "safe"}}}
    metadata = {"namespace": "panoramas", "name": name, "uid": str(uuid4()), "generation": 1, "resourceVersion": "1"}
    ended = {"type": "Failed", "status": "True", "reason": "NoProgress", "message": "In vain."}
    at = {"lastTransitionTime": "2026-06-01T12:00:00Z"}
    return {
        "metadata": metadata | {"creationTimestamp": "2026-06-01T11:00:00Z"},
        "spec": places,
        "status": {"observedGeneration": 1, "phase": "Failed", "conditions": [ended | at]},
    }


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.02)


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
