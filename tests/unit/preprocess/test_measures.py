"""What spans tell of errors: their kind, never a library's words."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from baas_crds.errors import DependencyUnavailable
from baas_preprocess import measures
from baas_sampling.allocation import chance


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(measures, "tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def fail() -> None:
    try:
        raise ValueError("https://account/blob?sig=S3CRET")
    except ValueError as error:
        raise DependencyUnavailable("The store does not answer.") from error


def test_of_an_error_only_the_kind_is_told(told: InMemorySpanExporter) -> None:
    with pytest.raises(DependencyUnavailable), measures.pod_span("work", {}), measures.step("fetch"):
        fail()
    for span in told.get_finished_spans():
        assert span.status.description == "DependencyUnavailable"
        assert span.attributes is not None
        assert span.attributes["error.type"] == "DependencyUnavailable"
        assert span.events == ()
        assert "S3CRET" not in span.to_json()


@pytest.mark.parametrize("name", ["a.jpg", "b/c.jpg", "\udcff.jpg"])
def test_chance_follows_from_the_words_alone(name: str) -> None:
    assert 0 <= chance(0, "run", name) == chance(0, "run", name) < 1
    assert chance(0, "run", name) != chance(0, "other", name)
