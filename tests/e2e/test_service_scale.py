"""Several Tritons behind one name share a run, and one of them may go."""

from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.e2e.clusters import ready_pods
from tests.e2e.pictures import Blurred
from tests.e2e.services import Release
from tests.waiting import eventually

LABELS = "app.kubernetes.io/component=triton"


@pytest.fixture
def two_tritons(service: Release) -> Iterator[Release]:
    # The definition of BlurJobs stays as it is; another release may own it by now.
    service.install(triton={"replicas": 2}, crds={"enabled": False})
    yield service
    service.install(crds={"enabled": False})


def ready_pair(service: Release) -> list[str]:
    """Wait until two of Triton's pods are ready that are not about to end; return their names."""

    def found() -> list[str] | None:
        names = ready_pods(service.cluster, service.namespace, LABELS)
        return names if len(names) == 2 else None

    return eventually(found)


def answered(service: Release, pod: str) -> int:
    """How many requests a Triton has answered since it began."""
    with (
        service.cluster.forwarded(service.namespace, f"pod/{pod}", 8002) as port,
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as page,
    ):
        lines = page.read().decode().splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith("nv_inference_request_success{"))


def test_a_run_is_shared_by_all_and_goes_on_without_one(two_tritons: Release, baseline: Blurred) -> None:
    service = two_tritons
    first, second = ready_pair(service)
    before = {pod: answered(service, pod) for pod in (first, second)}
    run = service.blur("two-tritons", parallelism=2, imagesPerClaim=2)
    service.wait_until_published(run, 8)
    assert all(answered(service, pod) > count for pod, count in before.items())
    service.cluster.kubectl("delete", "pod", "-n", service.namespace, first, "--grace-period=0", "--force")
    run.wait("Complete", seconds=600)

    count = len(baseline.originals)
    assert service.output(run) == baseline.outputs
    assert service.rows(run) == dict.fromkeys(baseline.originals, ("published", 1))
    assert run.images() == {"total": count, "published": count, "quarantined": 0, "excluded": 0, "pending": 0}
    assert second in ready_pair(service)
    run.delete()
