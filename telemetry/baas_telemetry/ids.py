"""Spans whose id is known before they are told: those that others call their parent before they end."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

_chosen: ContextVar[tuple[int, int] | None] = ContextVar("chosen ids", default=None)


class ChosenIds(IdGenerator):
    """Random ids, but for the span that is begun within `ids`."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_span_id(self) -> int:
        """Return 64 bits."""
        chosen = _chosen.get()
        return self._random.generate_span_id() if chosen is None else chosen[1]

    def generate_trace_id(self) -> int:
        """Return 128 bits."""
        chosen = _chosen.get()
        return self._random.generate_trace_id() if chosen is None else chosen[0]


@contextmanager
def ids(trace_id: int, span_id: int) -> Iterator[None]:
    """Let the spans that are begun in the block have these ids: begin one only."""
    token = _chosen.set((trace_id, span_id))
    try:
        yield
    finally:
        _chosen.reset(token)


def within(trace_id: int, span_id: int) -> Context:
    """Return the context whose current span is a sampled one with these ids, told by whom it may be."""
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(parent), Context())
