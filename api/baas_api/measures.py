"""What the endpoint tells of itself, beside what the pipeline's steps tell. Without exporters all of it does nothing.

Names follow OpenTelemetry's semantic conventions for HTTP servers (https://opentelemetry.io/docs/specs/semconv/http);
those of our own begin with `baas.api.`. Attributes have few values, and none comes from a client's hand.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from opentelemetry import context as contexts
from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue
from starlette.datastructures import Headers

from baas_api.answers import Answer
from baas_api.refusals import Refused
from baas_crds.codes import ObjectClass
from baas_telemetry.errors import note_error

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})

_tracer = trace.get_tracer("baas_api")
_meter = metrics.get_meter("baas_api")
_duration = _meter.create_histogram(
    "http.server.request.duration",
    "s",
    "Duration of requests, by route and status.",
    explicit_bucket_boundaries_advisory=(0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0),
)
_active = _meter.create_up_down_counter("http.server.active_requests", "{request}", "Requests that have no answer yet.")
_pictures = _meter.create_counter("baas.api.pictures", "{picture}", "Pictures that were asked for, by outcome.")
_objects = _meter.create_counter("baas.api.objects", "{object}", "Objects that were redacted, by class.")


class Told:
    """What a request's span, metric and log line say; who answers adds to it."""

    def __init__(self, method: str) -> None:
        self.method = method if method in _METHODS else "_OTHER"
        self.route = "unmatched"
        self.status = 500
        self.facts: dict[str, AttributeValue] = {}
        """For the log."""
        self._start = perf_counter()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return perf_counter() - self._start


@contextmanager
def request_span(told: Told, headers: Headers) -> Iterator[Span]:
    """Tell of one request, as a part of the client's trace."""
    carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
    parent = propagate.extract(carrier, context=contexts.Context())
    asked: dict[str, AttributeValue] = {"http.request.method": told.method}
    _active.add(1, asked)
    with _tracer.start_as_current_span(
        told.method,
        context=parent,
        kind=SpanKind.SERVER,
        attributes=asked,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            note_error(span, error)
            raise
        finally:
            answered = {**asked, "http.route": told.route, "http.response.status_code": told.status}
            span.update_name(f"{told.method} {told.route}")
            span.set_attributes(answered)
            if reason := told.facts.get("reason"):
                span.set_attribute("baas.reason", reason)
            if told.status >= 500:
                span.set_status(Status(StatusCode.ERROR, str(told.facts.get("reason", ""))))
            _active.add(-1, asked)
            _duration.record(told.seconds, answered)


def count_blurred(answer: Answer) -> None:
    """Count a picture that is answered."""
    _pictures.add(1, {"baas.outcome": "blurred", "baas.reason": ""})
    _objects.add(answer.counts.persons_count, {"baas.class": ObjectClass.PERSON})
    _objects.add(answer.counts.licence_plates_count, {"baas.class": ObjectClass.LICENCE_PLATE})


def count_refused(refused: Refused) -> None:
    """Count a picture that is not answered."""
    _pictures.add(1, {"baas.outcome": "refused", "baas.reason": refused.reason})
