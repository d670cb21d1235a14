"""Traces, metrics and logs of a process: set up when it begins, sent when it ends. Without exporters it costs nothing.

Nothing here may stop or slow the work that is told about: what cannot be sent is dropped, and at the end nobody is
waited for longer than `FLUSH_SECONDS`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from baas_telemetry.exporters import Exporter, Signal, WrongExporter, exporters_of
from baas_telemetry.ids import ChosenIds
from baas_telemetry.log_records import RecordSender
from baas_telemetry.sending import PROMETHEUS_HOST, PROMETHEUS_PORT, log_exporter, metric_reader, span_exporter

NAMESPACE = "blurring-as-a-service"
FLUSH_SECONDS = 5.0
_VARIABLES = "Look at those that begin with OTEL_ and APPLICATIONINSIGHTS_."


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
        with _wrong_settings_told():
            if exporters := exporters_of(Signal.TRACES, environment):
                ends += _traces(resource, exporters)
            exporters = exporters_of(Signal.METRICS, environment)
            if metrics_port is not None:
                exporters |= {Exporter.PROMETHEUS}
                everywhere = {PROMETHEUS_HOST: "0.0.0.0", PROMETHEUS_PORT: str(metrics_port)}  # noqa: S104
                environment = {**environment, **everywhere}
            if exporters:
                ends += _metrics(resource, exporters, environment)
            if exporters := exporters_of(Signal.LOGS, environment):
                ends += _logs(resource, exporters)
        yield
    finally:
        _end(ends)


@contextmanager
def _wrong_settings_told() -> Iterator[None]:
    """Turn what the libraries say of wrong variables into one kind of error. Their words may repeat a key."""
    try:
        yield
    except WrongExporter:
        raise
    except OSError as error:
        raise WrongExporter(f"Metrics cannot be offered to Prometheus: {error.strerror}. {_VARIABLES}") from error
    except ValueError as error:
        raise WrongExporter(f"A variable of telemetry has a value that cannot be. {_VARIABLES}") from error


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


def _traces(resource: Resource, exporters: frozenset[Exporter]) -> list[Callable[[], None]]:
    # Who began a trace has decided. The sampler of Azure's distribution would tear those that go on in pods.
    provider = TracerProvider(
        resource=resource, sampler=ParentBased(ALWAYS_ON), id_generator=ChosenIds(), shutdown_on_exit=False
    )
    processors = [Deferral(BatchSpanProcessor(span_exporter(exporter))) for exporter in sorted(exporters)]
    for processor in processors:
        provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    return [processor.shutdown for processor in processors]


def _metrics(
    resource: Resource, exporters: frozenset[Exporter], environment: Mapping[str, str]
) -> list[Callable[[], None]]:
    readers = [metric_reader(exporter, environment) for exporter in sorted(exporters)]
    provider = MeterProvider(resource=resource, metric_readers=readers, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return [reader.shutdown for reader in readers]


def _logs(resource: Resource, exporters: frozenset[Exporter]) -> list[Callable[[], None]]:
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    processors = [BatchLogRecordProcessor(log_exporter(exporter)) for exporter in sorted(exporters)]
    for processor in processors:
        provider.add_log_record_processor(processor)
    logging.getLogger().addHandler(RecordSender(provider))
    return [processor.shutdown for processor in processors]


def _end(ends: Sequence[Callable[[], None]]) -> None:
    """Send what is left, to each at the same time. Who does not answer is left behind and holds up no other."""
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, RecordSender):
            logging.getLogger().removeHandler(handler)
    threads = [threading.Thread(target=end, name="telemetry-flush", daemon=True) for end in ends]
    for thread in threads:
        thread.start()
    latest = time.monotonic() + FLUSH_SECONDS
    for thread in threads:
        thread.join(max(0.0, latest - time.monotonic()))
