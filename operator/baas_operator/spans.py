"""What the operator tells of its work as spans, all within the one trace of a BlurJob.

The trace, and the spans that others continue, have ids that follow from the BlurJob's uid: so the trace goes on after a
restart, and every parent is told. These are the root `BlurJob`, in which looks lie, and `CreateJob`, in which the Job's
pods lie.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime
from types import TracebackType
from typing import Self

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from baas_crds.conditions import ConditionType
from baas_crds.status import BlurJobStatus
from baas_operator.changes import end_of
from baas_operator.decision import Action, CreateJob, DeleteJob, Scale
from baas_operator.names import Key, job_name
from baas_operator.observed import Observed
from baas_operator.traces import job_span_id, root_span_id, trace_id
from baas_telemetry.errors import note_error
from baas_telemetry.ids import ids, within
from baas_telemetry.logs import about

tracer = trace.get_tracer("baas_operator")


class Look:
    """One look at a BlurJob, whose log lines name it. A span `reconcile` if it acts or fails; else nobody is told."""

    def __init__(self, key: Key) -> None:
        self._facts: dict[str, AttributeValue] = _names(key.namespace, key.name)
        self._began_ns = time.time_ns()
        self._span: Span | None = None
        self._stack = ExitStack()
        self._stack.enter_context(about(namespace=key.namespace, blurjob=key.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)

    def found(self, seen: Observed) -> None:
        """Go on within the BlurJob's trace."""
        self._facts = attributes_of(seen)
        self._stack.enter_context(about(run=seen.uid))
        self._stack.enter_context(_attached(within(*_root_ids(seen.uid))))

    def acts(self) -> None:
        """Begin to tell: what follows lies within this look."""
        if self._span is None:
            span = tracer.start_span("reconcile", start_time=self._began_ns, attributes=self._facts)
            told = trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False)
            self._span = self._stack.enter_context(told)

    def failed(self, error: Exception) -> None:
        """Tell why the look came to nothing."""
        self.acts()
        if self._span is not None:
            note_error(self._span, error)


@contextmanager
def action_span(seen: Observed, action: Action) -> Iterator[None]:
    """Tell of one action; of a Job's creation with the id that its pods know."""
    facts = attributes_of(seen)
    chosen: AbstractContextManager[None] = nullcontext()
    match action:
        case CreateJob(role=role, attempt=attempt):
            facts["k8s.job.name"] = job = job_name(seen.name, role, attempt)
            chosen = ids(int(trace_id(seen.uid), 16), int(job_span_id(seen.uid, job), 16))
        case Scale(job=job) | DeleteJob(job=job):
            facts["k8s.job.name"] = job
    kind = SpanKind.PRODUCER if isinstance(action, CreateJob) else SpanKind.INTERNAL
    with chosen:
        span = tracer.start_span(type(action).__name__, kind=kind, attributes=facts)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            note_error(span, error)
            raise


def tell_end(seen: Observed, status: BlurJobStatus) -> None:
    """Tell of the whole BlurJob, from its creation to its end, when `status` says for the first time that it ended."""
    end = end_of(seen.told, status)
    if end is None:
        return
    with ids(*_root_ids(seen.uid)):
        span = tracer.start_span(
            "BlurJob",
            context=Context(),
            kind=SpanKind.CONSUMER,
            attributes={**attributes_of(seen), "baas.reason": end.reason},
            start_time=_nanoseconds(seen.created_at),
        )
    if end.type is ConditionType.FAILED:
        span.set_status(Status(StatusCode.ERROR, end.reason))
    span.end(_nanoseconds(status.completion_time or seen.now))


def attributes_of(seen: Observed) -> dict[str, AttributeValue]:
    """Return what all spans of a BlurJob tell."""
    return {**_names(seen.namespace, seen.name), "baas.run.id": seen.uid}


def _names(namespace: str, name: str) -> dict[str, AttributeValue]:
    return {"k8s.namespace.name": namespace, "baas.blurjob.name": name}


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 10**9


def _root_ids(uid: str) -> tuple[int, int]:
    return int(trace_id(uid), 16), int(root_span_id(uid), 16)


@contextmanager
def _attached(context: Context) -> Iterator[None]:
    token = contexts.attach(context)
    try:
        yield
    finally:
        contexts.detach(token)
