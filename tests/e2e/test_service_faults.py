"""Whatever dies while a run goes on, it completes: nothing is lost, doubled or half-written."""

import threading
from collections.abc import Callable

import pytest

from tests.e2e.clusters import PATIENTLY
from tests.e2e.pictures import Blurred
from tests.e2e.runs import BlurJobRun
from tests.e2e.services import Release

OUTAGE_SECONDS = 30
SELECTOR = "blurring.amsterdam.nl/role=work"

Fault = Callable[[Release, BlurJobRun], None]


def a_worker_is_killed(service: Release, run: BlurJobRun) -> None:
    service.cluster.kill(run.namespace, run.pods("work")[0])


def its_node_is_drained(service: Release, run: BlurJobRun) -> None:
    """Evict the workers, as before a node's upgrade; another node is there a moment later."""
    node = service.cluster.get("pod", run.pods("work")[0], "-n", run.namespace)["spec"]["nodeName"]
    try:
        service.cluster.kubectl(
            *("drain", node, "--pod-selector", SELECTOR, "--delete-emptydir-data", "--ignore-daemonsets"),
            *PATIENTLY,
        )
    finally:
        service.cluster.kubectl("uncordon", node)


def the_operator_is_killed(service: Release, run: BlurJobRun) -> None:
    service.cluster.kill(service.namespace, service.pod("operator"))


def triton_is_restarted(service: Release, run: BlurJobRun) -> None:
    triton = f"deployment/{service.name}-triton"
    service.cluster.kubectl("rollout", "restart", "-n", service.namespace, triton)
    service.cluster.kubectl("rollout", "status", "-n", service.namespace, triton, *PATIENTLY)


def the_database_is_away(service: Release, run: BlurJobRun) -> None:
    _is_away(service, "postgres")


def the_store_is_away(service: Release, run: BlurJobRun) -> None:
    _is_away(service, "azurite")


def _is_away(service: Release, server: str) -> None:
    service.backends.stop(server)
    try:
        threading.Event().wait(OUTAGE_SECONDS)
    finally:
        service.backends.start(server)


FAULTS: tuple[Fault, ...] = (
    a_worker_is_killed,
    its_node_is_drained,
    the_operator_is_killed,
    triton_is_restarted,
    the_database_is_away,
    the_store_is_away,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_run_completes_when(fault: Fault, service: Release, baseline: Blurred) -> None:
    run = service.blur(fault.__name__.replace("_", "-"), parallelism=2, imagesPerClaim=2)
    service.wait_until_published(run, 2)
    fault(service, run)
    run.wait("Complete", seconds=600)

    count = len(baseline.originals)
    assert service.output(run) == baseline.outputs
    rows = service.rows(run)
    assert {image: state for image, (state, _) in rows.items()} == dict.fromkeys(baseline.originals, "published")
    assert max(attempts for _, attempts in rows.values()) <= 2
    assert run.images() == {"total": count, "published": count, "quarantined": 0, "excluded": 0, "pending": 0}
    run.delete()
