"""Every metric of operator and pods, measured once: prints their names and attributes, as sent and as scraped."""

import json
from datetime import UTC, datetime

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import DependencyUnavailable
from baas_crds.status import BlurJobStatus, Images, Phase
from baas_ledger.facts import Claim, DetectedObject, Published, Quarantined
from baas_operator.monitor import Monitor
from baas_operator.names import Key
from baas_preprocess import measures

IMAGE = Claim(
    image_id=1, run_id="run", name="a.jpg", source_version="1", size_bytes=9, token=1, attempt=1,
    lease_until=datetime.now(UTC),
)  # fmt: skip
PUBLISHED = Published(
    input_digest="sha256:1", output_digest="sha256:2", output_size_bytes=9, model_digest="sha256:3",
    config_digest="sha256:4", width_px=2, height_px=1, masked_share=0.5,
    detections=(DetectedObject(object_class=ObjectClass.PERSON, score=0.9, x=0, y=0, width=0.1, height=0.1),),
)  # fmt: skip


def main() -> None:
    """Measure, and print what there is."""
    registry, sent = CollectorRegistry(), InMemoryMetricReader()
    scraped = PrometheusMetricReader(scope_info_enabled=False, registry=registry)
    metrics.set_meter_provider(MeterProvider(metric_readers=[sent, scraped]))
    _pods()
    _operator()
    data = sent.get_metrics_data()
    assert data is not None
    instruments = {
        metric.name: sorted({name for point in metric.data.data_points for name in point.attributes or ()})
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    samples: dict[str, set[str]] = {}
    for family in registry.collect():
        for sample in family.samples:
            samples.setdefault(sample.name, set()).update(sample.labels)
    print(json.dumps({"sent": instruments, "scraped": {name: sorted(labels) for name, labels in samples.items()}}))


def _pods() -> None:
    with measures.step("fetch"), measures.infer_span("person_plate", "triton:8001"):
        pass
    measures.count(IMAGE, PUBLISHED)
    measures.count(IMAGE, Quarantined(reason=QuarantineReason.EMPTY, message="It is empty."))
    measures.count_lost_lease()
    measures.count_retry("triton")


def _operator() -> None:
    monitor = Monitor(metrics.get_meter("test"), seconds_behind=lambda: 0.0)
    monitor.looked(0.1)
    monitor.failed(DependencyUnavailable("The database does not answer."))
    images = Images(total=3, pending=1, published=1, quarantined=1, excluded=0)
    monitor.told(Key(namespace="here", name="amsterdam"), BlurJobStatus(phase=Phase.RUNNING, images=images))


if __name__ == "__main__":
    main()
