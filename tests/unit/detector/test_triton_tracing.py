"""Triton tells of its spans where the environment says, and else not at all."""

import pytest

from baas_detector.triton_tracing import tracing_flags


def settings(environment: dict[str, str]) -> list[str]:
    flags = tracing_flags(environment)
    assert set(flags[::2]) <= {"--trace-config"}
    return flags[1::2]


@pytest.mark.parametrize(
    "environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}]
)
def test_without_a_collector_triton_is_told_nothing(environment: dict[str, str]) -> None:
    assert tracing_flags(environment) == []


def test_spans_go_to_the_collector_under_a_name_of_their_own() -> None:
    told = settings({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"})
    assert "opentelemetry,url=http://collector:4318/v1/traces" in told
    assert "opentelemetry,resource=service.name=baas-triton" in told


def test_an_address_for_traces_alone_is_taken_as_it_is() -> None:
    both = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:4318/here",
    }
    assert "opentelemetry,url=http://traces:4318/here" in settings(both)
