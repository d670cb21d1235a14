"""A BlurJob and all that the operator knows of the world, with an API server of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from kubernetes.aio.client import ApiClient, Configuration

from baas_crds.blurjob import Detector
from baas_crds.places import SecretKey
from baas_crds.pods import PodTemplate
from baas_operator.detector_edge import DetectorEdge
from baas_operator.kube import Kube
from baas_operator.ledger_edge import LedgerEdge
from baas_operator.limits import Limits
from baas_operator.memory import Memory
from baas_operator.pods import PodDefaults
from baas_operator.webhook import Webhook
from baas_operator.world import World
from tests.waiting import PATIENCE_SECONDS

from .api_server import ApiServer, Object

BLURJOBS = "/apis/blurring.amsterdam.nl/v1alpha1/namespaces/panoramas/blurjobs"
TRITON = "grpc://127.0.0.1:9"


@asynccontextmanager
async def world(api: ApiServer, ledger: Path) -> AsyncIterator[World]:
    defaults = PodDefaults(
        image="worker:1",
        image_pull_policy="IfNotPresent",
        image_pull_secrets=(),
        detector=Detector(triton_url=TRITON),
        ledger=SecretKey(name="baas-ledger", key="url"),
        template=PodTemplate(),
    )
    async with ApiClient(Configuration(host=f"http://127.0.0.1:{api.port}")) as client:
        it = World(
            kube=Kube(client),
            ledger=LedgerEdge(str(ledger)),
            detector=DetectorEdge(),
            defaults=defaults,
            memory=Memory(Limits(triton_url=TRITON)),
            status_interval_seconds=5,
            instance="operator",
            webhook=Webhook(None),
        )
        yield it
        await it.ledger.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():
            await asyncio.sleep(0.02)


def paused(name: str) -> Object:
    """A BlurJob that was just suspended."""
    document = failed_long_ago(name)
    del document["status"]
    document["spec"]["suspend"] = True
    return document


def failed_long_ago(name: str) -> Object:
    places = {"source": {"volume": {"claimName": "raw"}}, "output": {"volume": {"claimName": "safe"}}}
    metadata = {"namespace": "panoramas", "name": name, "uid": str(uuid4()), "generation": 1, "resourceVersion": "1"}
    ended = {"type": "Failed", "status": "True", "reason": "NoProgress", "message": "In vain."}
    at = {"lastTransitionTime": "2026-06-01T12:00:00Z"}
    return {
        "metadata": metadata | {"creationTimestamp": "2026-06-01T11:00:00Z"},
        "spec": places,
        "status": {"observedGeneration": 1, "phase": "Failed", "workers": 0, "conditions": [ended | at]},
    }
