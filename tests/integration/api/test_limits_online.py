"""What an endpoint does when it is given too much, too slowly, when others go away, and when it is told to stop."""

import base64
import io
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import httpx
import pytest
from PIL import Image

from tests.collectors import collector
from tests.waiting import eventually

from .endpoints import TOKEN, Endpoint, form, free_port, head, ready, running, status_of

TRACE, PARENT = "5d1c6d0e6d7a4a579f0c0b7a4d6a1c22", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def narrow(triton: str) -> Iterator[Endpoint]:
    """One that takes little: one picture at a time and one that waits, and 100 kB."""
    with ready(
        triton,
        BAAS_IN_FLIGHT="1",
        BAAS_API_QUEUE="1",
        BAAS_API_MAX_MEGABYTES="0.1",
        BAAS_API_TIME_LIMIT_SECONDS="30",
    ) as it:
        yield it


@pytest.fixture(scope="module")
def large(photo: bytes) -> bytes:
    """A picture that takes seconds."""
    with Image.open(io.BytesIO(photo)) as picture:
        written = io.BytesIO()
        picture.resize((1200, 1600)).save(written, "jpeg", quality=40)
    return written.getvalue()


def small() -> dict[str, bytes]:
    return {"picture": b"no picture"}


def test_a_body_that_says_that_it_is_too_long_is_refused_before_it_is_read(narrow: Endpoint) -> None:
    with narrow.connection() as connection:
        connection.sendall(head(10_000_000_000))
        assert status_of(connection) == 413


def test_a_body_that_does_not_say_so_is_refused_when_it_becomes_too_long(narrow: Endpoint) -> None:
    with narrow.connection() as connection:
        connection.sendall(head(None) + b"%x\r\n" % 1_000_000)
        connection.sendall(form(bytes(170_000)))
        assert status_of(connection) == 413


@pytest.mark.parametrize("bytes_more", [0, 1])
def test_base64_is_measured_as_the_picture_that_it_is(narrow: Endpoint, bytes_more: int) -> None:
    with narrow.client() as client:
        answer = client.post("/score", json={"data": base64.b64encode(bytes(100_000 + bytes_more)).decode()})
        same = client.post("/blur/", files={"picture": bytes(100_000 + bytes_more)})
    expected = (413, "TooManyBytes") if bytes_more else (422, "NotAnImage")
    assert (answer.status_code, answer.json()["reason"]) == expected
    assert (same.status_code, same.json()["reason"]) == expected


def test_who_comes_when_it_is_full_is_told_to_come_back(narrow: Endpoint) -> None:
    body = form(b"no picture")
    with narrow.connection() as one, narrow.connection() as two, narrow.client() as client:
        for slow in (one, two):
            slow.sendall(head(len(body)) + body[:10])
        answer = eventually(
            lambda: found if (found := client.post("/blur/", files=small())).status_code == 429 else None
        )
        assert answer.json()["reason"] == "Busy"
        assert int(answer.headers["retry-after"]) > 0
        for slow in (one, two):
            slow.sendall(body[10:])
            assert status_of(slow) == 422
        assert client.post("/blur/", files=small()).status_code == 422


def test_a_body_that_does_not_arrive_is_not_waited_for(triton: str) -> None:
    with ready(triton, BAAS_API_TIME_LIMIT_SECONDS="1") as hasty, hasty.connection() as connection:
        connection.sendall(head(100_000) + form(b"x")[:30])
        assert status_of(connection) == 408


def test_a_picture_that_takes_too_long_is_not_answered(triton: str, large: bytes) -> None:
    with ready(triton, BAAS_API_TIME_LIMIT_SECONDS="0.5") as hasty, hasty.client() as client:
        answer = client.post("/blur/", files={"picture": large})
        assert (answer.status_code, answer.json()["reason"]) == (504, "TimedOut")


def test_a_request_whose_client_went_away_is_not_begun(triton: str, large: bytes) -> None:
    def active(endpoint: Endpoint, number: int) -> Callable[[], bool | None]:
        return lambda: endpoint.metric("http_server_active_requests") == number or None

    with (
        ready(triton, BAAS_IN_FLIGHT="1") as endpoint,
        endpoint.client() as client,
        ThreadPoolExecutor() as pool,
    ):
        first = pool.submit(client.post, "/blur/", files={"picture": large})
        eventually(active(endpoint, 1))
        body = form(large)
        with endpoint.connection() as second:
            second.sendall(head(len(body)) + body)
            eventually(active(endpoint, 2))
        assert first.result().status_code == 200
        eventually(active(endpoint, 0))
        answered, gone = sorted(endpoint.answers(), key=lambda line: int(line["status"]))
        assert (answered["status"], gone["status"], gone["reason"]) == (200, 499, "ClientGone")
        assert endpoint.metric('baas_step_duration_seconds_count{baas_step="inspect"}') == 1


@contextmanager
def forwarder(port: int, to: str) -> Iterator[None]:
    """Let a port on loopback lead to another address while the context lasts."""
    host, _, number = to.rpartition(":")
    stop = threading.Event()
    sockets: list[socket.socket] = []

    def pump(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            return

    def accept(listener: socket.socket) -> None:
        while not stop.is_set():
            try:
                here, _ = listener.accept()
            except OSError:
                return
            there = socket.create_connection((host, int(number)))
            sockets.extend((here, there))
            for pair in ((here, there), (there, here)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    listener = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=accept, args=(listener,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for one in sockets:
            with one, suppress(OSError):  # its other end may be gone
                one.shutdown(socket.SHUT_RDWR)


def test_while_the_detector_is_away_it_says_so_and_goes_on_when_it_is_back(triton: str, photo: bytes) -> None:
    port = free_port()
    with running(f"grpc://127.0.0.1:{port}") as endpoint, endpoint.client() as client:
        probe = eventually(lambda: found if "does not answer" in (found := client.get("/readyz")).text else None)
        assert (probe.status_code, probe.json()["reason"]) == (503, "DetectorAway")
        assert client.get("/healthz").status_code == 200
        answer = client.post("/blur/", files={"picture": photo})
        assert (answer.status_code, answer.json()["reason"]) == (503, "DetectorAway")
        assert int(answer.headers["retry-after"]) > 0
        with forwarder(port, triton):
            eventually(lambda: client.get("/readyz").status_code == 200 or None, seconds=60)
            assert client.post("/blur/", files={"picture": photo}).status_code == 200
        eventually(lambda: client.get("/readyz").status_code == 503 or None, seconds=60)
        assert client.post("/blur/", files={"picture": photo}).status_code == 503


def test_a_signal_lets_it_finish_what_it_has_and_take_nothing_new(triton: str, photo: bytes) -> None:
    body = form(photo)
    with ready(triton, BAAS_API_QUEUE="1", BAAS_IN_FLIGHT="1") as endpoint, endpoint.connection() as slow:
        slow.sendall(head(len(body)) + body[:1000])
        eventually(lambda: endpoint.metric("http_server_active_requests") == 1 or None)
        endpoint.process.send_signal(signal.SIGTERM)

        def is_refused() -> bool | None:
            try:
                httpx.get(endpoint.url + "/healthz")
            except httpx.TransportError:
                return True
            return None

        eventually(is_refused)
        slow.sendall(body[1000:])
        assert status_of(slow) == 200
        assert endpoint.process.wait(60) == 0


def test_it_says_why_it_does_not_start() -> None:
    with running("127.0.0.1:1", BAAS_API_TOKENS="") as endpoint:
        assert endpoint.process.wait(60) == 2
    assert "There is no token" in endpoint.lines[-1]["message"]
    with running("http://127.0.0.1:1") as endpoint:
        assert endpoint.process.wait(60) == 2
    assert "grpc://host:port" in endpoint.lines[-1]["message"]


def test_a_request_is_one_span_of_its_clients_trace(triton: str, photo: bytes) -> None:
    with (
        collector() as collected,
        ready(triton, OTEL_EXPORTER_OTLP_ENDPOINT=collected.endpoint, OTEL_BSP_SCHEDULE_DELAY="100") as endpoint,
        endpoint.client() as client,
    ):
        answer = client.post(
            "/blur/",
            files={"picture": ("my-street.jpg", photo)},
            headers={"traceparent": f"00-{TRACE}-{PARENT}-01"},
        )
        assert answer.status_code == 200
        assert client.post("/blur/", files={"picture": ("my-street.jpg", photo[:-100])}).status_code == 422
        assert client.get("/my-street.jpg?my-street=1").status_code == 404
        collected.eventually(lambda it: {"POST /blur/", "GET unmatched"} <= {span.name for span in it.spans})
        spans = [span for span in collected.spans if span.trace_id == TRACE]
        (own,) = [span for span in spans if span.parent_id == PARENT]
        assert (own.name, own.kind.name, own.error) == ("POST /blur/", "SERVER", False)
        assert own.resource["service.name"] == "baas-api"
        assert own.attributes["http.route"] == "/blur/"
        assert int(str(own.attributes["http.response.status_code"])) == 200
        steps = {span.name for span in spans if span.parent_id == own.span_id}
        assert {"inspect", "decode", "tile", "detect", "redact", "scrub", "verify", "second look"} <= steps
        assert any(span.name == "infer person_plate" for span in spans)
        assert "my-street" not in str(collected.bodies)
        assert TOKEN not in str(collected.bodies)
        (refused,) = [span for span in collected.spans if "baas.reason" in span.attributes]
        assert (refused.name, refused.attributes["baas.reason"], refused.error) == ("POST /blur/", "Truncated", False)
        line, *_ = endpoint.answers()
        assert (line["trace_id"], line["span_id"]) == (TRACE, own.span_id)
