"""What the operator tells of a BlurJob as spans: when, with which ids, and what is in them."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from baas_crds.conditions import ConditionType
from baas_operator import spans
from baas_operator.decision import CreateJob, DeleteJob, FinishRun
from baas_operator.names import Key, Role
from baas_operator.observed import Observed
from baas_operator.reconcile import reconcile
from baas_operator.spans import Look, action_span, tell_end
from baas_operator.status import status_of
from baas_operator.traces import job_span_id, root_span_id, trace_id, traceparent
from baas_telemetry.ids import ChosenIds
from baas_telemetry.logs import about, facts_of
from tests.unit.operator.seeing import ACCOUNTED, COMPLETE, FAILED, NOON, UID, WORKING, told

KEY = Key(namespace="panoramas", name="amsterdam")
NAMES = {"k8s.namespace.name": "panoramas", "baas.blurjob.name": "amsterdam"}
FACTS = {**NAMES, "baas.run.id": UID}
CREATE = CreateJob(role=Role.WORK, attempt=2, parallelism=1)


@pytest.fixture
def told_spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=ChosenIds(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(spans, "tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def ids_of(span: ReadableSpan) -> tuple[str, str, str | None]:
    """Trace, span and parent, as they are written."""
    assert span.context is not None
    parent = f"{span.parent.span_id:016x}" if span.parent else None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent


def test_a_look_that_does_nothing_is_not_told_but_its_log_is_within_the_trace(
    told_spans: InMemorySpanExporter,
) -> None:
    with Look(KEY) as look:
        look.found(WORKING)
        context = get_current_span().get_span_context()
        assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (trace_id(UID), root_span_id(UID))
    assert told_spans.get_finished_spans() == ()
    assert not get_current_span().get_span_context().is_valid


def test_a_look_that_acts_is_a_span_of_the_blurjob_with_its_actions_within(told_spans: InMemorySpanExporter) -> None:
    with Look(KEY) as look:
        look.found(WORKING)
        look.acts()
        for action in (CREATE, DeleteJob(job="amsterdam-work-1", uid="u"), FinishRun()):
            with action_span(WORKING, action):
                pass
    create, delete, finish, reconcile_ = told_spans.get_finished_spans()
    assert [span.name for span in (create, delete, finish, reconcile_)] == [
        *("CreateJob", "DeleteJob", "FinishRun", "reconcile")
    ]
    trace, look_id, parent = ids_of(reconcile_)
    assert (trace, parent) == (trace_id(UID), root_span_id(UID))
    assert {ids_of(span)[::2] for span in (create, delete, finish)} == {(trace, look_id)}
    assert reconcile_.start_time is not None
    assert create.start_time is not None
    assert reconcile_.start_time <= create.start_time
    assert (reconcile_.attributes, finish.attributes) == (FACTS, FACTS)
    assert create.attributes == {**FACTS, "k8s.job.name": "amsterdam-work-2"}
    assert delete.attributes == {**FACTS, "k8s.job.name": "amsterdam-work-1"}


def test_the_pods_of_a_job_go_on_with_the_span_of_its_creation(told_spans: InMemorySpanExporter) -> None:
    with Look(KEY) as look:
        look.found(WORKING)
        look.acts()
        with action_span(WORKING, CREATE):
            pass
    create, _ = told_spans.get_finished_spans()
    trace, span, _ = ids_of(create)
    assert f"00-{trace}-{span}-01" == traceparent(UID, "amsterdam-work-2")
    assert span == job_span_id(UID, "amsterdam-work-2") != job_span_id(UID, "amsterdam-work-1")
    assert create.kind is SpanKind.PRODUCER


def test_a_look_that_fails_is_told_with_the_kind_of_error_only(told_spans: InMemorySpanExporter) -> None:
    with Look(KEY) as look:
        look.found(WORKING)
        look.failed(TimeoutError("postgresql://baas:secret@db"))
    (span,) = told_spans.get_finished_spans()
    assert ids_of(span)[::2] == (trace_id(UID), root_span_id(UID))
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes == {**FACTS, "error.type": "TimeoutError"}
    assert "secret" not in span.to_json()


def test_a_look_that_does_not_even_find_the_blurjob_has_a_trace_of_its_own(told_spans: InMemorySpanExporter) -> None:
    with Look(KEY) as look:
        look.failed(TimeoutError())
    (span,) = told_spans.get_finished_spans()
    assert ids_of(span)[2] is None
    assert span.attributes == {**NAMES, "error.type": "TimeoutError"}


def test_an_action_that_fails_is_told_as_failed(told_spans: InMemorySpanExporter) -> None:
    with pytest.raises(TimeoutError), action_span(WORKING, CREATE):
        raise TimeoutError("secret")
    (span,) = told_spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in span.to_json()


@pytest.mark.parametrize(
    ("seen", "names"),
    [
        pytest.param(WORKING, [], id="goes on"),
        pytest.param(ACCOUNTED, ["BlurJob"], id="ends"),
        pytest.param(COMPLETE, [], id="has ended"),
        pytest.param(FAILED, [], id="has failed"),
        pytest.param(
            replace(ACCOUNTED, told=told(ConditionType.FAILED, "NoProgress", generation=0)),
            ["BlurJob"],
            id="ends otherwise",
        ),
    ],
)
def test_a_blurjob_is_told_when_it_ends_and_only_then(
    told_spans: InMemorySpanExporter, seen: Observed, names: list[str]
) -> None:
    tell_end(seen, status_of(seen, reconcile(seen)))
    assert [span.name for span in told_spans.get_finished_spans()] == names


def test_the_span_of_a_blurjob_is_the_root_from_its_creation_to_its_end(told_spans: InMemorySpanExporter) -> None:
    for _ in range(2):  # an operator that starts anew says the same again
        tell_end(ACCOUNTED, status_of(ACCOUNTED, reconcile(ACCOUNTED)))
    first, again = told_spans.get_finished_spans()
    assert ids_of(first) == ids_of(again) == (trace_id(UID), root_span_id(UID), None)
    assert first.start_time == (NOON - timedelta(hours=1)).timestamp() * 1e9
    assert first.end_time == NOON.timestamp() * 1e9
    assert first.attributes == {**FACTS, "baas.reason": "Completed"}
    assert first.status.status_code is StatusCode.UNSET


def test_a_blurjob_that_failed_ends_with_its_reason(told_spans: InMemorySpanExporter) -> None:
    seen = replace(ACCOUNTED, spec=None, mistake="No source.")
    tell_end(seen, status_of(seen, reconcile(seen)))
    (span,) = told_spans.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "InvalidSpec")


def test_log_lines_of_a_look_name_the_blurjob_and_the_run(caplog: pytest.LogCaptureFixture) -> None:
    with about(pod="p"), Look(KEY) as look:
        look.found(WORKING)
        logging.getLogger("test").warning("x")
        (record,) = caplog.records
        assert facts_of(record) == {"pod": "p", "namespace": "panoramas", "blurjob": "amsterdam", "run": UID}
