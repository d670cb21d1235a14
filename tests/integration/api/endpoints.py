"""The command `baas-api` as its users run it: a process that may write no file at all, and its log."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.waiting import eventually

BAAS_API = Path(sys.executable).with_name("baas-api")
TOKEN = "a-token-of-the-tests-0123456789"


@dataclass(slots=True)
class Endpoint:
    """A running `baas-api`."""

    process: subprocess.Popen[str]
    metrics_port: int
    lines: list[dict[str, Any]] = field(default_factory=list)
    """All that it logged so far."""
    errors: list[str] = field(default_factory=list)
    """All that it wrote to stderr so far."""

    @property
    def port(self) -> int:
        found = eventually(lambda: next((line["port"] for line in self.lines if line["message"] == "listening"), None))
        return int(found)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str | None = TOKEN) -> httpx.Client:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120)

    def connection(self) -> socket.socket:
        """A bare connection, to send what no client would."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, (self.lines, self.errors)
        return httpx.get(f"{self.url}/readyz").status_code == 200

    def metric(self, line: str) -> float:
        """The value of a line of /metrics that begins so, or 0."""
        page = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text
        return sum(float(it.rpartition(" ")[2]) for it in page.splitlines() if it.startswith(line))

    def answers(self) -> list[dict[str, Any]]:
        """What was logged of requests."""
        return [line for line in self.lines if line["message"] == "request answered"]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(triton: str, **environment: str) -> Iterator[Endpoint]:
    """Start `baas-api`; not yet ready. Variables without a value are not set."""
    metrics_port = free_port()
    ours = {
        "BAAS_TRITON": triton,
        "BAAS_API_PORT": "0",
        "BAAS_API_METRICS_PORT": str(metrics_port),
        "BAAS_API_TOKENS": TOKEN,
        "BAAS_PATIENCE_SECONDS": "0",
    }
    env = {name: value for name, value in {**os.environ, **ours, **environment}.items() if value}
    with subprocess.Popen(
        # Whatever would be spooled to a disk fails. Pipes and sockets are not files.
        ["sh", "-c", f"ulimit -f 0; exec {BAAS_API}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    ) as process:
        endpoint = Endpoint(process, metrics_port)
        threads = [threading.Thread(target=read) for read in (endpoint._read, endpoint._read_errors)]
        for thread in threads:
            thread.start()
        try:
            yield endpoint
        finally:
            process.kill()
            for thread in threads:
                thread.join()


@contextmanager
def ready(triton: str, **environment: str) -> Iterator[Endpoint]:
    """Start `baas-api` and wait until it is ready."""
    with running(triton, **environment) as endpoint:
        eventually(lambda: endpoint.is_ready() or None)
        yield endpoint


def form(picture: bytes, name: str = "picture", boundary: str = "xxx") -> bytes:
    """The body of a form with one file."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
    return head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()


def head(length: int | None, path: str = "/blur/", content_type: str = "multipart/form-data; boundary=xxx") -> bytes:
    """The head of a request by hand; without a length the body is chunked."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST {path} HTTP/1.1\r\nHost: it\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: {content_type}\r\n{size}\r\n\r\n"
    ).encode()


def status_of(connection: socket.socket) -> int:
    """The status of the answer that comes over a bare connection."""
    return int(connection.makefile("rb").readline().split()[1])
