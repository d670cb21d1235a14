"""Where telemetry arrives, on loopback: an OTLP receiver, and an ingestion endpoint that speaks Application Insights'.

Both speak the real protocols: OTLP over HTTP with protobuf or JSON (https://opentelemetry.io/docs/specs/otlp), and the
Breeze `track` endpoint with gzipped JSON, as Azure's exporters send it.
"""

import base64
import gzip
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2 as proto
from opentelemetry.trace import SpanKind

from tests.waiting import PATIENCE_SECONDS

INSTRUMENTATION_KEY = "00000000-1111-2222-3333-444444444444"
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
_REQUESTS: Mapping[str, type[Message]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span as it arrived."""

    name: str
    kind: SpanKind
    trace_id: str
    span_id: str
    parent_id: str
    error: bool
    start_ns: int
    end_ns: int
    attributes: Mapping[str, object]
    resource: Mapping[str, object]


@dataclass(slots=True)
class Collector:
    """Everything that was received so far."""

    port: int = 0
    spans: list[Span] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    """Each with `resource`, `name` and its data points, as OTLP's JSON."""
    logs: list[dict[str, Any]] = field(default_factory=list)
    """Each with `resource` beside the record, as OTLP's JSON."""
    envelopes: list[dict[str, Any]] = field(default_factory=list)
    """What Application Insights would have stored."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """What a webhook would have heard, as CloudEvents."""
    refused: list[str] = field(default_factory=list)
    """What could not be understood: a test's own mistake."""
    scheme: str = "http"
    tokens: set[str] = field(default_factory=set)
    """By which senders signed in."""
    bodies: list[bytes] = field(default_factory=list)
    """All that came in, uncompressed."""

    @property
    def endpoint(self) -> str:
        """What `OTEL_EXPORTER_OTLP_ENDPOINT` has to be."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def connection_string(self) -> str:
        """What `APPLICATIONINSIGHTS_CONNECTION_STRING` has to be."""
        return f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={self.endpoint}/"

    def eventually(self, has_come: Callable[["Collector"], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until it has: whoever sends does so in batches."""
        deadline = time.monotonic() + seconds
        while not has_come(self):
            assert time.monotonic() < deadline, Counter(span.name for span in self.spans)
            threading.Event().wait(0.05)

    def receive(self, path: str, content_type: str, body: bytes) -> bytes:
        """Take one request, and return the answer's body."""
        self.bodies.append(body)
        if path.endswith("/track"):
            items = _envelopes(body)
            self.envelopes += items
            return json.dumps({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}).encode()
        if content_type == "application/cloudevents+json":
            self.events.append(json.loads(body))
            return b""
        self._take(json.loads(body) if "json" in content_type else _as_json(_REQUESTS[path].FromString(body)))
        return b""

    def _take(self, document: Mapping[str, Any]) -> None:
        for group in document.get("resourceSpans", ()):
            resource = _attributes(group.get("resource", {}))
            for scope in group["scopeSpans"]:
                self.spans += [_span(one, resource) for one in scope["spans"]]
        for group in document.get("resourceMetrics", ()):
            resource = _attributes(group.get("resource", {}))
            for scope in group["scopeMetrics"]:
                self.metrics += [{**one, "resource": resource} for one in scope["metrics"]]
        for group in document.get("resourceLogs", ()):
            resource = _attributes(group.get("resource", {}))
            for scope in group["scopeLogs"]:
                self.logs += [{**one, "resource": resource} for one in scope["logRecords"]]


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    """Of five, the default, one more would come seconds later; a process that ends does not wait so long."""


@contextmanager
def collector(address: str = "127.0.0.1", certificate: tuple[Path, Path] | None = None) -> Iterator[Collector]:
    """Receive whatever comes, while the block runs; with a certificate and its key, over TLS."""
    collected = Collector(scheme="http" if certificate is None else "https")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kind = self.headers.get("Content-Type", "")
            collected.tokens |= {self.headers.get("Authorization", "").removeprefix("Bearer ")} - {""}
            try:
                answer, status = collected.receive(self.path, kind, body), 200
            except Exception as error:  # noqa: BLE001 - told at the end, whatever it is
                collected.refused.append(f"{self.path} {kind}: {error!r} {body[:500]!r}")
                answer, status = b"", 400
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if "json" in kind else kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with _Server((address, 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        collected.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collected
        finally:
            server.shutdown()
            thread.join()
        assert collected.refused == []


def _span(one: Mapping[str, Any], resource: Mapping[str, object]) -> Span:
    return Span(
        name=one["name"],
        kind=SpanKind(_kind(one.get("kind", 0))),
        trace_id=one["traceId"],
        span_id=one["spanId"],
        parent_id=one.get("parentSpanId", ""),
        error=one.get("status", {}).get("code") in {2, "STATUS_CODE_ERROR"},
        start_ns=int(one["startTimeUnixNano"]),
        end_ns=int(one["endTimeUnixNano"]),
        attributes=_attributes(one),
        resource=resource,
    )


def _kind(kind: str | int) -> int:
    """OTLP counts kinds from 1, the library from 0."""
    number = kind if isinstance(kind, int) else proto.Span.SpanKind.Value(kind)
    return max(0, number - 1)


def _attributes(document: Mapping[str, Any]) -> dict[str, object]:
    return {one["key"]: _value(one["value"]) for one in document.get("attributes", ())}


def _value(value: Mapping[str, Any]) -> object:
    [(kind, content)] = value.items()
    if kind == "intValue":
        return int(content)
    return [_value(one) for one in content.get("values", ())] if kind == "arrayValue" else content


def _as_json(message: Message) -> dict[str, Any]:
    """Return the message as OTLP's JSON has it: ids are hexadecimal there, unlike in protobuf's own."""
    return dict(_with_hexadecimal_ids(MessageToDict(message)))


def _with_hexadecimal_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hexadecimal_ids(one) for one in value]
    if isinstance(value, dict):
        return {
            key: base64.b64decode(one).hex() if key in _IDS else _with_hexadecimal_ids(one)
            for key, one in value.items()
        }
    return value


def _envelopes(body: bytes) -> list[dict[str, Any]]:
    """The body is a JSON list, or a JSON document a line."""
    text = body.decode()
    return list(json.loads(text)) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
