"""Which exporters an environment asks for."""

import pytest

from baas_telemetry.exporters import Exporter, Signal, WrongExporter, exporters_of

AZURE = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=1"}


@pytest.mark.parametrize("signal", Signal)
def test_nothing_is_sent_unless_somebody_said_where(signal: Signal) -> None:
    assert exporters_of(signal, {}) == frozenset()


@pytest.mark.parametrize("signal", Signal)
def test_an_endpoint_for_all_or_for_one_signal_means_otlp(signal: Signal) -> None:
    assert exporters_of(signal, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}) == {Exporter.OTLP}
    own = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}
    assert exporters_of(signal, own) == ({Exporter.OTLP} if signal is Signal.TRACES else frozenset())


@pytest.mark.parametrize("signal", Signal)
def test_a_connection_string_means_azure_monitor_beside_others(signal: Signal) -> None:
    assert exporters_of(signal, AZURE) == {Exporter.AZURE}
    both = {**AZURE, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert exporters_of(signal, both) == {Exporter.AZURE, Exporter.OTLP}


def test_named_exporters_are_all_there_are() -> None:
    environment = {**AZURE, "OTEL_METRICS_EXPORTER": "prometheus, azure", "OTEL_TRACES_EXPORTER": "none"}
    assert exporters_of(Signal.METRICS, environment) == {Exporter.PROMETHEUS, Exporter.AZURE}
    assert exporters_of(Signal.TRACES, environment) == frozenset()
    assert exporters_of(Signal.LOGS, environment) == {Exporter.AZURE}


def test_the_switch_of_opentelemetry_turns_all_off() -> None:
    assert exporters_of(Signal.TRACES, {**AZURE, "OTEL_SDK_DISABLED": "True"}) == frozenset()


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "names 'zipkin'; there are otlp, azure, console and none"),
        ({"OTEL_TRACES_EXPORTER": "prometheus"}, "names 'prometheus'; there are otlp, azure, console and none"),
        ({"OTEL_TRACES_EXPORTER": "azure"}, "needs APPLICATIONINSIGHTS_CONNECTION_STRING"),
    ],
)
def test_what_cannot_be_sent_is_told(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongExporter, match=sentence) as caught:
        exporters_of(Signal.TRACES, environment)
    assert "OTEL_TRACES_EXPORTER" in str(caught.value)


SECRET = "s3cret"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://user:{SECRET}@collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"https://collector/v1/traces?token={SECRET}"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"Authorization: Bearer {SECRET}"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"a=b,Bearer {SECRET}"),
    ],
)
def test_what_cannot_be_an_address_or_headers_is_told_without_its_value(
    variable: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(WrongExporter) as caught:
        exporters_of(Signal.TRACES, {variable: value})
    assert variable in str(caught.value)
    assert SECRET not in str(caught.value) + caplog.text


@pytest.mark.parametrize("endpoint", ["http://collector:4318", "https://c.example.net/otlp/", "http://[::1]:4318"])
def test_usual_addresses_and_headers_are_taken(endpoint: str) -> None:
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20x,b=c="}
    assert exporters_of(Signal.TRACES, told) == {Exporter.OTLP}
