"""Spans that are told only when something went wrong.

Of a million images nobody wants a million spans, but of each that failed all of them. What is begun within `deferred`
is kept back until its first span ends, and forgotten when that one did not end with an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode

_KEY = contexts.create_key("baas-deferred")


class _Kept:
    """The spans of one image."""

    def __init__(self) -> None:
        self.ended: list[ReadableSpan] = []
        self.first: int | None = None


@contextmanager
def deferred() -> Iterator[None]:
    """Keep back the spans that are begun in the block, which begins one that the others lie within."""
    token = contexts.attach(contexts.set_value(_KEY, object()))
    try:
        yield
    finally:
        contexts.detach(token)


def is_deferred() -> bool:
    """Whether spans that are begun now are kept back: nobody else should be told of them."""
    return contexts.get_value(_KEY) is not None


class Deferral(SpanProcessor):
    """Passes spans on to another processor, at once or, if they are deferred, all together or never."""

    def __init__(self, onward: SpanProcessor) -> None:
        self._onward = onward
        self._groups: dict[object, _Kept] = {}
        self._group_of: dict[int, object] = {}
        self._lock = Lock()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note which group a span belongs to."""
        group = contexts.get_value(_KEY, parent_context)
        if group is None:
            self._onward.on_start(span, parent_context)
            return
        identity = span.get_span_context().span_id
        with self._lock:
            kept = self._groups.setdefault(group, _Kept())
            kept.first = kept.first or identity
            self._group_of[identity] = group

    def on_end(self, span: ReadableSpan) -> None:
        """Pass a span on, keep it, or decide what becomes of those that were kept."""
        for one in self._due(span):
            self._onward.on_end(one)

    def _due(self, span: ReadableSpan) -> list[ReadableSpan]:
        identity = span.context.span_id
        with self._lock:
            group = self._group_of.pop(identity, None)
            if group is None:
                return [span]
            kept = self._groups.get(group)
            if kept is None:
                return []  # it ended after the first span did
            kept.ended.append(span)
            if identity != kept.first:
                return []
            del self._groups[group]
        return kept.ended if span.status.status_code is StatusCode.ERROR else []

    def shutdown(self) -> None:
        """Send what was passed on."""
        self._onward.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what was passed on so far."""
        return self._onward.force_flush(timeout_millis)
