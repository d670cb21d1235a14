"""A process tells of itself: to an OTLP collector, to Azure Monitor, to Prometheus, or to nobody."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.collectors import Collector, collector
from tests.waiting import PATIENCE_SECONDS

PROGRAM = Path(__file__).with_name("told.py")


@pytest.fixture
def collected() -> Iterator[Collector]:
    with collector() as it:
        yield it


def run(**environment: str) -> list[dict[str, Any]]:
    """Run the program, and return the JSON lines of its log."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "APPLICATIONINSIGHTS"))}
    done = subprocess.run(
        [sys.executable, PROGRAM],
        env={**bare, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_without_exporters_the_log_is_all_there_is() -> None:
    lines = run()
    assert [line["message"] for line in lines] == ["image published", "image quarantined"]
    assert lines[0]["image"] == "a.jpg"
    assert "trace_id" not in lines[0]


def test_otlp_gets_connected_spans_metrics_and_the_lines_of_the_log(collected: Collector) -> None:
    lines = run(OTEL_EXPORTER_OTLP_ENDPOINT=collected.endpoint, OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=pod-1")
    spans = {span.name: span for span in collected.spans}
    assert spans["image"].parent_id == spans["work"].span_id
    assert spans["work"].resource.items() >= {
        ("service.name", "baas-test"),
        ("service.namespace", "blurring-as-a-service"),
        ("service.instance.id", "pod-1"),
        ("k8s.pod.name", "pod-1"),
    }
    [images] = [one for one in collected.metrics if one["name"] == "baas.images"]
    [point] = images["sum"]["dataPoints"]
    assert int(point["asInt"]) == 2
    bodies = {record["body"]["stringValue"]: record for record in collected.logs}
    assert set(bodies) == {"image published", "image quarantined"}
    assert bodies["image published"]["spanId"] == lines[0]["span_id"] == spans["image"].span_id
    assert bodies["image published"]["traceId"] == lines[0]["trace_id"] == spans["image"].trace_id
    assert {one["key"] for one in bodies["image published"]["attributes"]} == {"run", "image", "seconds"}
    assert "exception.stacktrace" in {one["key"] for one in bodies["image quarantined"]["attributes"]}


def test_azure_monitor_gets_the_same(collected: Collector) -> None:
    lines = run(APPLICATIONINSIGHTS_CONNECTION_STRING=collected.connection_string)
    by_type: dict[str, list[dict[str, Any]]] = {}
    for envelope in collected.envelopes:
        by_type.setdefault(envelope["data"]["baseType"], []).append(envelope)
    spans = {one["data"]["baseData"]["name"]: one for one in by_type["RemoteDependencyData"]}
    assert spans["image"]["tags"]["ai.operation.parentId"] == spans["work"]["data"]["baseData"]["id"]
    assert spans["image"]["tags"]["ai.cloud.role"] == "blurring-as-a-service.baas-test"
    [message] = [one for one in by_type["MessageData"] if one["data"]["baseData"]["message"] == "image published"]
    assert message["tags"]["ai.operation.id"] == lines[0]["trace_id"]
    assert message["data"]["baseData"]["properties"]["image"] == "a.jpg"
    [exception] = by_type["ExceptionData"]
    assert exception["data"]["baseData"]["exceptions"][0]["typeName"] == "ValueError"
    metrics = [point for one in by_type["MetricData"] for point in one["data"]["baseData"]["metrics"]]
    assert [(one["name"], one["value"]) for one in metrics if one["name"] != "_OTELRESOURCE_"] == [("baas.images", 2)]


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:{port}"},
        {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey={key};IngestionEndpoint=http://127.0.0.1:{port}/"
        },
    ],
)
def test_a_collector_that_never_answers_stops_nobody(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        port, key = silent.getsockname()[1], "00000000-1111-2222-3333-444444444444"
        lines = run(**{name: value.format(port=port, key=key) for name, value in environment.items()})
    assert [line["message"] for line in lines if line["logger"] == "test"] == ["image published", "image quarantined"]


def test_an_exporter_that_there_is_not_is_told() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(OTEL_TRACES_EXPORTER="zipkin")
    assert "OTEL_TRACES_EXPORTER names 'zipkin'" in caught.value.stderr


def test_a_dead_collector_takes_nothing_from_azure_monitor(collected: Collector) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run(
            APPLICATIONINSIGHTS_CONNECTION_STRING=collected.connection_string,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}",
        )
    assert {one["data"]["baseType"] for one in collected.envelopes} == {
        "RemoteDependencyData",
        "MetricData",
        "MessageData",
        "ExceptionData",
    }


def test_nothing_is_led_through_a_proxy(collected: Collector) -> None:
    with collector() as proxy:
        run(HTTP_PROXY=proxy.endpoint, http_proxy=proxy.endpoint, OTEL_EXPORTER_OTLP_ENDPOINT=collected.endpoint)
    assert collected.spans != []
    assert proxy.bodies == []


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "0"},
        {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=s3cret"},
        {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "abc"},
    ],
)
def test_a_wrong_value_is_told_as_a_wrong_setting_that_names_no_value(environment: dict[str, str]) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(**environment)
    last = caught.value.stderr.splitlines()[-1]
    assert last.startswith("baas_telemetry.exporters.WrongExporter: A variable of telemetry has a value")
    assert "s3cret" not in last


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(subprocess.CalledProcessError) as caught:
        run(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(taken.getsockname()[1]))
    assert "cannot be offered to Prometheus: Address already in use" in caught.value.stderr
