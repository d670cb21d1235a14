"""Traces, metrics and logs of a process: set up when it begins, sent when it ends. Without exporters it costs nothing.

Nothing here may stop or slow the work that is told about: what cannot be sent is dropped, and at the end nobody is
waited for longer than `FLUSH_SECONDS`.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from baas_telemetry.deferral import Deferral
from baas_telemetry.exporters import Exporter, Signal, exporters_of
from baas_telemetry.ids import ChosenIds
from baas_telemetry.log_records import RecordSender
from baas_telemetry.sending import PROMETHEUS_HOST, PROMETHEUS_PORT, log_exporter, metric_reader, span_exporter

NAMESPACE = "blurring-as-a-service"
FLUSH_SECONDS = 5.0


@contextmanager
def telemetry(
    service: str, *, instance: str, metrics_port: int | None = None, environment: Mapping[str, str] = os.environ
) -> Iterator[None]:
    """Tell of this process while the block runs, as the environment says; `instance` is its name among its like.

    At `metrics_port` Prometheus finds metrics on all addresses, whatever the environment says. Raises `WrongExporter`.
    Once in a process: OpenTelemetry keeps what was set up.
    """
    resource = resource_of(service, instance)
    ends: list[Callable[[], None]] = []
    try:
        if exporters := exporters_of(Signal.TRACES, environment):
            ends.append(_traces(resource, exporters))
        exporters = exporters_of(Signal.METRICS, environment)
        if metrics_port is not None:
            exporters |= {Exporter.PROMETHEUS}
            environment = {**environment, PROMETHEUS_HOST: "0.0.0.0", PROMETHEUS_PORT: str(metrics_port)}  # noqa: S104
        if exporters:
            ends.append(_metrics(resource, exporters, environment))
        if exporters := exporters_of(Signal.LOGS, environment):
            ends.append(_logs(resource, exporters))
        yield
    finally:
        _end(ends)


def resource_of(service: str, instance: str) -> Resource:
    """Return what tells this process from others; `OTEL_RESOURCE_ATTRIBUTES` adds to it, such as its pod."""
    return Resource.create(
        {
            "service.name": service,
            "service.namespace": NAMESPACE,
            "service.version": version("blurring-as-a-service"),
            "service.instance.id": instance,
        }
    )


def _traces(resource: Resource, exporters: frozenset[Exporter]) -> Callable[[], None]:
    # Who began a trace has decided. The sampler of Azure's distribution would tear those that go on in pods.
    provider = TracerProvider(
        resource=resource, sampler=ParentBased(ALWAYS_ON), id_generator=ChosenIds(), shutdown_on_exit=False
    )
    for exporter in sorted(exporters):
        provider.add_span_processor(Deferral(BatchSpanProcessor(span_exporter(exporter))))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def _metrics(resource: Resource, exporters: frozenset[Exporter], environment: Mapping[str, str]) -> Callable[[], None]:
    readers = [metric_reader(exporter, environment) for exporter in sorted(exporters)]
    provider = MeterProvider(resource=resource, metric_readers=readers, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider.shutdown


def _logs(resource: Resource, exporters: frozenset[Exporter]) -> Callable[[], None]:
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in sorted(exporters):
        provider.add_log_record_processor(BatchLogRecordProcessor(log_exporter(exporter)))
    handler = RecordSender(provider)
    logging.getLogger().addHandler(handler)

    def end() -> None:
        logging.getLogger().removeHandler(handler)
        provider.shutdown()

    return end


def _end(ends: list[Callable[[], None]]) -> None:
    """Send what is left. A collector that does not answer is left behind."""

    def end() -> None:
        for one in ends:
            one()

    thread = threading.Thread(target=end, name="telemetry-flush", daemon=True)
    thread.start()
    thread.join(FLUSH_SECONDS)
