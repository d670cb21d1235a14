"""OpenTelemetry's exporters, made as the environment says. Each is imported when it is needed: they are heavy."""

import os
import re
import sys
from collections.abc import Mapping
from typing import Any

import requests
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, LogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from baas_identity.credentials import IdentityNotSetUp, azure_credential
from baas_telemetry.exporters import Exporter, WrongExporter

PROMETHEUS_HOST, PROMETHEUS_PORT = "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"
DEFAULT_PROMETHEUS_PORT = 9464
AUTHENTICATION = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
"""Azure's own variable: `Authorization=AAD`, or `Authorization=AAD;ClientId=…` for one of several identities."""
_ENTRA = re.compile(r"Authorization=AAD(?:;ClientId=(?P<client_id>[0-9a-f-]+))?;?", re.IGNORECASE)


def span_exporter(exporter: Exporter) -> SpanExporter:
    """Return what sends spans."""
    match exporter:
        case Exporter.OTLP:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

            return OTLPSpanExporter(session=_direct())
        case Exporter.AZURE:
            from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter  # noqa: PLC0415

            return AzureMonitorTraceExporter(**_azure())
        case _:
            return ConsoleSpanExporter(out=sys.stderr)


def log_exporter(exporter: Exporter) -> LogRecordExporter:
    """Return what sends log records."""
    match exporter:
        case Exporter.OTLP:
            from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415

            return OTLPLogExporter(session=_direct())
        case Exporter.AZURE:
            from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter  # noqa: PLC0415

            return AzureMonitorLogExporter(**_azure())
        case _:
            return ConsoleLogRecordExporter(out=sys.stderr)


def metric_reader(exporter: Exporter, environment: Mapping[str, str]) -> MetricReader:
    """Return what sends metrics, or what lets Prometheus fetch them."""
    match exporter:
        case Exporter.OTLP:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

            return PeriodicExportingMetricReader(OTLPMetricExporter(session=_direct()))
        case Exporter.AZURE:
            from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter  # noqa: PLC0415

            return PeriodicExportingMetricReader(AzureMonitorMetricExporter(**_azure()))
        case Exporter.PROMETHEUS:
            return _prometheus(environment)
        case Exporter.CONSOLE:
            return PeriodicExportingMetricReader(ConsoleMetricExporter(out=sys.stderr))


def _direct() -> requests.Session:
    """Return what asks no proxy: whoever may set `HTTP_PROXY` would be given all of it, the collector's token too."""
    session = requests.Session()
    session.trust_env = False
    return session


def _azure() -> dict[str, Any]:
    """Return what Azure's exporters do not read themselves from `APPLICATIONINSIGHTS_…`."""
    # They would also count how they are used, for Microsoft, and what they sent, beside our metrics.
    os.environ.setdefault("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    os.environ.setdefault("APPLICATIONINSIGHTS_SDKSTATS_DISABLED", "true")
    # They would also ask Microsoft now and then how they are to behave.
    os.environ.setdefault("APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED", "true")
    # Nothing that was not sent is left on a disk.
    return {"disable_offline_storage": True, **_signed_in()}


def _signed_in() -> dict[str, Any]:
    """Return who sends, when it is not whoever has the connection string. The exporters would choose by themselves."""
    said = os.environ.get(AUTHENTICATION, "")
    if not said:
        return {}
    meant = _ENTRA.fullmatch(said)
    if meant is None:
        raise WrongExporter(f"{AUTHENTICATION} is neither Authorization=AAD nor Authorization=AAD;ClientId=….")
    try:
        return {"credential": azure_credential(meant["client_id"])}
    except IdentityNotSetUp as error:
        raise WrongExporter(f"{AUTHENTICATION} is set, but {error}.") from error


def _prometheus(environment: Mapping[str, str]) -> MetricReader:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415
    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415

    registry = CollectorRegistry()
    reader = PrometheusMetricReader(scope_info_enabled=False, registry=registry)
    host = environment.get(PROMETHEUS_HOST) or "localhost"
    port = int(environment.get(PROMETHEUS_PORT) or DEFAULT_PROMETHEUS_PORT)
    start_http_server(port, addr=host, registry=registry)
    return reader
