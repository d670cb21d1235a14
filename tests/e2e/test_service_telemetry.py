"""Who is on call follows one trace from the operator through pods to Triton, which metrics and logs agree with."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.trace import SpanKind

from tests.azurite import KEY
from tests.collectors import Collector, Span, collector
from tests.e2e.clusters import HACK, Cluster, fresh_namespace, run
from tests.e2e.pictures import photos
from tests.e2e.runs import BlurJobRun
from tests.e2e.services import PASSWORD, Backends, Images, Release, release
from tests.integration.preprocess.test_telemetry_of_pods import total

MINUTES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A run that is over, and what was told of it."""

    service: Release
    run: BlurJobRun
    collected: Collector

    @property
    def trace(self) -> str:
        return self.run.uid.replace("-", "")

    @property
    def spans(self) -> dict[str, Span]:
        return {span.span_id: span for span in self.collected.spans if span.trace_id == self.trace}

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans.values() if span.name == name]

    @property
    def torn(self) -> set[str]:
        """The names of the spans whose parents were not told."""
        spans = self.spans
        return {span.name for span in spans.values() if span.parent_id and span.parent_id not in spans}

    def above(self, span: Span) -> list[str]:
        """The names of the spans that it lies within, the nearest first."""
        names = []
        while span.parent_id:
            span = self.spans[span.parent_id]
            names.append(span.name)
        return names


@pytest.fixture(scope="module")
def collected(cluster: Cluster) -> Iterator[Collector]:
    if not cluster.is_ours:
        pytest.skip("Pods of a cluster elsewhere do not reach this machine.")
    with collector("0.0.0.0") as it:  # noqa: S104
        yield it


@pytest.fixture(scope="module")
def told(cluster: Cluster, service_images: Images, servers: Backends, collected: Collector) -> Iterator[Told]:
    """A run of twelve pictures by two workers, one more picture of which is empty."""
    us = run("bash", "-c", f". {HACK}/settings.sh && echo $host_address").strip()
    telemetry = {"otlp": {"endpoint": f"http://{us}:{collected.port}"}, "tracedPercent": 100}
    with (
        fresh_namespace(cluster, "telemetry") as namespace,
        release(cluster, service_images, servers, namespace=namespace, telemetry=telemetry) as service,
    ):
        service.install()
        servers.upload(f"{namespace}/in", {**photos(12), "empty.jpg": b""})
        blurring = service.blur(
            "told", source=f"{namespace}/in", parallelism=2, imagesPerClaim=1, maxQuarantinedPercent=100
        )
        blurring.wait("Complete", seconds=8 * MINUTES)
        it = Told(service=service, run=blurring, collected=collected)
        # Operator and Triton tell every few seconds what they did, a span's children often before it.
        collected.eventually(lambda _: bool(it.named("BlurJob") and it.named("InferRequest")) and not it.torn)
        yield it


def test_operator_plan_workers_and_triton_are_one_trace_in_which_every_parent_is_told(told: Told) -> None:
    roots = [span for span in told.spans.values() if not span.parent_id]
    assert [span.name for span in roots] == ["BlurJob"]
    assert told.torn == set()
    assert {span.resource["service.name"] for span in told.spans.values()} == {
        *("baas-operator", "baas-plan", "baas-work", "baas-triton")
    }
    [plan] = told.named("plan")
    assert told.above(plan) == ["CreateJob", "reconcile", "BlurJob"]
    workers = told.named("work")
    assert {tuple(told.above(span)) for span in workers} == {("CreateJob", "reconcile", "BlurJob")}
    assert {told.spans[span.parent_id].attributes["k8s.job.name"] for span in workers} == {"told-work-1"}
    assert {span.kind for span in (plan, *workers)} == {SpanKind.CONSUMER}
    treated = {tuple(told.above(span))[-5:] for span in told.named("InferRequest")}
    assert treated == {("process image", "work", "CreateJob", "reconcile", "BlurJob")}


def test_pods_tell_their_own_names_job_and_node(told: Told) -> None:
    pods = {pod["metadata"]["name"]: pod for pod in told.run.children("pods")}
    for span in (*told.named("plan"), *told.named("work")):
        pod = pods[str(span.resource["k8s.pod.name"])]
        assert span.resource["service.instance.id"] == pod["metadata"]["name"]
        assert span.resource["k8s.node.name"] == pod["spec"]["nodeName"]
        assert span.resource["k8s.namespace.name"] == told.run.namespace
        assert span.resource["k8s.job.name"] == pod["metadata"]["labels"]["batch.kubernetes.io/job-name"]
        assert span.resource["baas.blurjob.name"] == "told"
    assert len({span.resource["k8s.pod.name"] for span in told.named("work")}) == 2


def test_metrics_equal_the_ledger(told: Told) -> None:
    images = told.run.images()
    assert (images["published"], images["quarantined"]) == (12, 1)
    for outcome in ("published", "quarantined"):
        assert total(told.collected, "baas.images", {"baas.outcome": outcome}) == images[outcome]
    persons = told.run.status()["detections"]["person"]
    assert total(told.collected, "baas.detections", {"baas.class": "person"}) == persons


def test_log_records_join_the_trace(told: Told) -> None:
    of_run = [record for record in told.collected.logs if record.get("traceId") == told.trace]
    assert {record["resource"]["service.name"] for record in of_run} == {"baas-operator", "baas-plan", "baas-work"}
    fates = [record for record in of_run if record["body"]["stringValue"] in {"image published", "image quarantined"}]
    assert len(fates) == 13
    assert {record["spanId"] for record in fates} <= set(told.spans)


def test_no_secret_is_in_anything_that_was_sent_or_logged(told: Told) -> None:
    sent = b"\n".join(told.collected.bodies).decode(errors="replace")
    seen = [sent, *told.service.seen_by_viewers()]
    assert not any(secret in text for text in seen for secret in (KEY, PASSWORD, "AccountKey="))
