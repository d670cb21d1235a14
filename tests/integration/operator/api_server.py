"""As much of an API server as the operator needs: objects in memory, watches that bring nothing, merge patches."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from tests.blurjobs import with_change

Object = dict[str, Any]
KINDS = {
    "/apis/blurring.amsterdam.nl/v1alpha1": ("blurjobs", "BlurJob"),
    "/apis/batch/v1": ("jobs", "Job"),
    "/apis/events.k8s.io/v1": ("events", "Event"),
    "/api/v1": ("configmaps", "ConfigMap"),
}


@dataclass(slots=True)
class ApiServer:
    """The objects by their paths, and what it answers once instead of the truth."""

    objects: dict[str, Object] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    """By the path of a request: the status of the answer to the next one."""
    refusals: dict[str, int] = field(default_factory=dict)
    """By the path of objects: the status of the answer to whoever wants to make one."""
    asked: list[str] = field(default_factory=list)
    """Method and path of each request."""
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def kubeconfig(self, folder: Path) -> Path:
        """Write the file that says where it is."""
        path = folder / "kubeconfig"
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}
        context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
        user = {"name": "u", "user": {"token": "secret-of-the-api-server"}}
        path.write_text(
            json.dumps({"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "x"})
        )
        return path

    def blurjob(self, namespace: str, name: str) -> Object:
        """The BlurJob, as it is now."""
        group = next(iter(KINDS))
        with self.lock:
            return self.objects[f"{group}/namespaces/{namespace}/blurjobs/{name}"]

    def answer(self, method: str, path: str, body: Object) -> tuple[int, Object]:
        """Return the status and the document."""
        with self.lock:
            self.asked.append(f"{method} {path}")
            if path in self.failures:
                return self.failures.pop(path), {"message": "as the test wants it"}
            if method == "POST" and path in self.refusals:
                return self.refusals[path], {"message": "as the test wants it"}
            if method == "POST":
                return self._create(f"{path}/{body['metadata']['name']}", body)
            if method == "PATCH":
                path = path.removesuffix("/status")
                self.objects[path] = with_change(self.objects[path], body)
            return (200, self.objects[path]) if path in self.objects else self._listed(path)

    def _create(self, path: str, body: Object) -> tuple[int, Object]:
        if path in self.objects:
            return 409, {"message": "exists"}
        given = {"creationTimestamp": "2026-06-01T12:00:00Z", "uid": str(uuid5(NAMESPACE_URL, path))}
        self.objects[path] = with_change(body, {"metadata": given})
        return 201, body

    def _listed(self, path: str) -> tuple[int, Object]:
        if path == "/api":
            return 200, {"versions": ["v1"]}
        if path == "/apis":
            groups = [(path.split("/")[2], path.split("/")[3]) for path in KINDS if path.startswith("/apis/")]
            return 200, {"groups": [_group(name, version) for name, version in groups]}
        if path in KINDS:
            plural, kind = KINDS[path]
            verbs = ["get", "list", "watch", "create", "patch", "delete"]
            one = {"name": plural, "kind": kind, "singularName": kind.lower(), "namespaced": True, "verbs": verbs}
            return 200, {"resources": [one]}
        if path.rpartition("/")[2] in {plural for plural, _ in KINDS.values()} | {"pods"}:
            items = [one for place, one in self.objects.items() if place.startswith(f"{path}/")]
            return 200, {"items": items, "metadata": {"resourceVersion": "1"}}
        return 404, {"message": "not found"}


def _group(name: str, version: str) -> Object:
    one = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [one], "preferredVersion": one}


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """Answer on loopback while the block runs."""
    it = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "watch=true" in where.query:
                self.send_response(200)
                self.end_headers()
                it.stopping.wait()
                return
            status, document = it.answer(self.command, where.path, json.loads(body) if body else {})
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        it.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield it
        finally:
            it.stopping.set()
            server.shutdown()
