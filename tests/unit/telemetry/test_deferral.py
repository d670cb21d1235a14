"""Spans of what went well are forgotten, those of what failed are all told, and nobody else is told of either."""

from threading import Thread

import pytest
from opentelemetry import context as contexts
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode, Tracer

from baas_telemetry.deferral import Deferral, deferred, is_deferred
from baas_telemetry.ids import ChosenIds, ids, within

TRACE, SPAN = 0x0123456789ABCDEF0123456789ABCDEF, 0x0123456789ABCDEF


@pytest.fixture
def told() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(told: InMemorySpanExporter) -> Tracer:
    provider = TracerProvider(id_generator=ChosenIds(), shutdown_on_exit=False)
    provider.add_span_processor(Deferral(SimpleSpanProcessor(told)))
    return provider.get_tracer("test")


def names(told: InMemorySpanExporter) -> list[str]:
    return [span.name for span in told.get_finished_spans()]


def test_what_is_not_deferred_is_told_as_it_ends(tracer: Tracer, told: InMemorySpanExporter) -> None:
    with tracer.start_as_current_span("image"), tracer.start_as_current_span("step"):
        assert not is_deferred()
    assert names(told) == ["step", "image"]


def test_what_went_well_is_forgotten(tracer: Tracer, told: InMemorySpanExporter) -> None:
    with tracer.start_as_current_span("run"):
        with deferred(), tracer.start_as_current_span("image"):
            assert is_deferred()
            with tracer.start_as_current_span("step") as step:
                step.set_status(Status(StatusCode.ERROR))  # a step that was tried again
        assert not is_deferred()
    assert names(told) == ["run"]


def test_what_failed_is_told_with_all_that_led_to_it(tracer: Tracer, told: InMemorySpanExporter) -> None:
    with deferred(), tracer.start_as_current_span("image") as image:
        with tracer.start_as_current_span("fetch"):
            pass
        with tracer.start_as_current_span("detect"):
            pass
        image.set_status(Status(StatusCode.ERROR))
    assert names(told) == ["fetch", "detect", "image"]


def test_other_threads_share_the_fate_when_they_are_given_the_context(
    tracer: Tracer, told: InMemorySpanExporter
) -> None:
    def detect(context: contexts.Context) -> None:
        token = contexts.attach(context)
        with tracer.start_as_current_span("detect"):
            pass
        contexts.detach(token)

    for fails in (False, True):
        with deferred(), tracer.start_as_current_span("image") as image:
            thread = Thread(target=detect, args=[contexts.get_current()])
            thread.start()
            thread.join()
            if fails:
                image.set_status(Status(StatusCode.ERROR))
    assert names(told) == ["detect", "image"]


def test_images_at_the_same_time_have_fates_of_their_own(tracer: Tracer, told: InMemorySpanExporter) -> None:
    def treat(name: str, *, fails: bool) -> None:
        with deferred(), tracer.start_as_current_span(name) as image:
            with tracer.start_as_current_span(f"{name} step"):
                pass
            if fails:
                image.set_status(Status(StatusCode.ERROR))

    threads = [Thread(target=treat, args=[str(i)], kwargs={"fails": i % 2 == 0}) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(told)) == sorted(word for i in range(0, 20, 2) for word in (str(i), f"{i} step"))


def test_a_span_can_have_ids_that_others_know_already(tracer: Tracer, told: InMemorySpanExporter) -> None:
    with tracer.start_as_current_span("child", context=within(TRACE, SPAN)):
        pass
    with ids(TRACE, SPAN):
        tracer.start_span("parent", context=contexts.Context()).end()
    child, parent = told.get_finished_spans()
    assert child.parent is not None
    assert (child.context.trace_id, child.parent.span_id) == (TRACE, SPAN)
    assert (parent.context.trace_id, parent.context.span_id, parent.parent) == (TRACE, SPAN, None)
