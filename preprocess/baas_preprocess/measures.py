"""What workers tell of themselves while they work: spans and metrics. Without exporters all of it does nothing.

Names follow OpenTelemetry's semantic conventions for messaging and databases
(https://opentelemetry.io/docs/specs/semconv); those of our own begin with `baas.`. Attributes of metrics have few
values, so that their number stays bounded: never an image's name or a run's.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from time import perf_counter
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from baas_crds.codes import ExitCode
from baas_ledger.facts import Claim, Published, Quarantined
from baas_sampling.allocation import chance
from baas_telemetry.deferral import deferred, is_deferred
from baas_telemetry.errors import note_error
from baas_telemetry.logs import about

RUN, IMAGE, ATTEMPT = "baas.run.id", "baas.image.name", "baas.image.attempt"
OUTCOME, REASON = "baas.outcome", "baas.reason"

_PROCESS = {"messaging.system": "baas", "messaging.operation.type": "process", "messaging.operation.name": "process"}
_RECEIVE = {"messaging.system": "baas", "messaging.operation.type": "receive", "messaging.operation.name": "claim"}

tracer = trace.get_tracer("baas_preprocess")
_meter = metrics.get_meter("baas_preprocess")
_images = _meter.create_counter("baas.images", "{image}", "Images that got their fate, by outcome and reason.")
_detections = _meter.create_counter("baas.detections", "{object}", "Objects that were redacted, by class.")
_bytes = _meter.create_counter("baas.io", "By", "Bytes of pictures that were read and published.")
_steps = _meter.create_histogram(
    "baas.step.duration",
    "s",
    "Duration of each step of an image.",
    explicit_bucket_boundaries_advisory=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
_lost = _meter.create_counter("baas.leases.lost", "{image}", "Images whose lease ran out while they were treated.")
_retries = _meter.create_counter("baas.retries", "{retry}", "Calls that were tried again, by what was away.")
_window = _meter.create_up_down_counter("baas.detector.requests", "{request}", "Requests that Triton has not answered.")


@contextmanager
def pod_span(role: str, environment: Mapping[str, str]) -> Iterator[Span]:
    """Tell of all that a pod does; `TRACEPARENT` in its environment names the span that it goes on with."""
    carrier = {name.lower(): environment[name] for name in ("TRACEPARENT", "TRACESTATE") if environment.get(name)}
    parent = propagate.extract(carrier, context=contexts.Context())
    with _span(role, context=parent, kind=SpanKind.CONSUMER) as span:
        yield span


def end_pod_span(span: Span, code: ExitCode) -> None:
    """Note how a pod ended."""
    span.set_attribute("process.exit.code", code)
    if code not in {ExitCode.DONE, ExitCode.INTERRUPTED}:
        span.set_status(Status(StatusCode.ERROR, code.name))


@contextmanager
def step(name: str) -> Iterator[None]:
    """Tell of one step of an image: a span, and its duration."""
    start = perf_counter()
    with _span(name), about(step=name):
        try:
            yield
        finally:
            _steps.record(perf_counter() - start, {"baas.step": name})


@contextmanager
def image_span(image: Claim, *, share: float) -> Iterator[Span]:
    """Tell of one image: always when its span ends with an error, else of that share (0..1) of all images."""
    facts: dict[str, AttributeValue] = {RUN: image.run_id, IMAGE: image.name, ATTEMPT: image.attempt}
    is_told = chance(0, image.run_id, image.name) < share
    with (
        nullcontext() if is_told else deferred(),
        about(run=image.run_id, image=image.name),
        _span("process image", attributes={**facts, **_PROCESS}) as span,
    ):
        yield span


def fate(span: Span, outcome: Published | Quarantined) -> None:
    """Note what became of an image."""
    if isinstance(outcome, Quarantined):
        span.set_attributes({OUTCOME: "quarantined", REASON: outcome.reason})
        span.set_status(Status(StatusCode.ERROR, outcome.reason))
    else:
        span.set_attribute(OUTCOME, "published")


def count(image: Claim, outcome: Published | Quarantined) -> None:
    """Count an image whose fate was recorded."""
    if isinstance(outcome, Quarantined):
        _images.add(1, {OUTCOME: "quarantined", REASON: outcome.reason})
        return
    _images.add(1, {OUTCOME: "published"})
    _bytes.add(image.size_bytes, {"baas.io.direction": "read"})
    _bytes.add(outcome.output_size_bytes, {"baas.io.direction": "publish"})
    for one in outcome.detections:
        _detections.add(1, {"baas.class": one.object_class})


def count_lost_lease() -> None:
    """Count an image that became another worker's."""
    _lost.add(1)


def count_retry(dependency: str) -> None:
    """Count a call that is made again because `dependency` was away."""
    _retries.add(1, {"baas.dependency": dependency})


@contextmanager
def ledger_span(operation: str) -> Iterator[None]:
    """Tell of one transaction of the ledger."""
    facts = {"db.system.name": "postgresql", "db.operation.name": operation}
    with _span(f"{operation} ledger", kind=SpanKind.CLIENT, attributes=facts):
        yield


def claimed(images: Sequence[Claim], *, start_ns: int) -> None:
    """Tell of a claim that brought images; a worker that waits for others makes many that do not."""
    if images:
        facts: dict[str, AttributeValue] = {
            **_RECEIVE,
            "messaging.batch.message_count": len(images),
            RUN: images[0].run_id,
        }
        tracer.start_span("claim images", kind=SpanKind.CLIENT, attributes=facts, start_time=start_ns).end()


@contextmanager
def infer_span(model: str, address: str) -> Iterator[Mapping[str, str]]:
    """Tell of one request to Triton; gives the headers that let Triton's spans go on with this one."""
    facts = {"rpc.system": "grpc", "rpc.method": "ModelInfer", "server.address": address, "baas.model": model}
    with _span(f"infer {model}", kind=SpanKind.CLIENT, attributes=facts) as span:
        headers: dict[str, str] = {}
        # Triton tells of whatever has a parent, sampled or not.
        if span.get_span_context().trace_flags.sampled and not is_deferred():
            propagate.inject(headers, context=contexts.get_current())
        _window.add(1)
        try:
            yield headers
        finally:
            _window.add(-1)


@contextmanager
def _span(name: str, **how: Any) -> Iterator[Span]:
    """Begin a span. Of an error that ends it only the kind is told."""
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False, **how) as span:
        try:
            yield span
        except BaseException as error:
            note_error(span, error)
            raise
