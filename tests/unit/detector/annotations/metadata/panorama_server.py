"""A server on loopback that speaks the Panorama API's protocol, and fails as it is told."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = "/panorama/panoramas/"


class PanoramaServer:
    """Panoramas by id, answered one by one or two a page, and the answers to give before that, by path."""

    def __init__(self, panoramas: Sequence[Mapping[str, Any]]) -> None:
        self.panoramas = {str(one["pano_id"]): one for one in panoramas}
        self.failures: dict[str, list[tuple[int, str]]] = {}
        """Status and body of the next answers below `PATH`; what is left when they are used up is the real one."""
        self.asked: Counter[str] = Counter()
        self.queries: list[dict[str, list[str]]] = []
        self.next_link: str | None = None
        """What pages say is the next one, instead of the truth."""
        self.url = ""

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, str]:
        name = path.removeprefix(PATH).strip("/")
        self.asked[name] += 1
        self.queries.append(query)
        if self.failures.get(name):
            return self.failures[name].pop(0)
        if not name:
            return 200, json.dumps(self._page(int(query.get("page", ["1"])[0])))
        if name not in self.panoramas:
            return 404, json.dumps({"detail": "Not found."})
        return 200, json.dumps(self.panoramas[name])

    def _page(self, number: int) -> dict[str, Any]:
        entries = list(self.panoramas.values())
        some = entries[2 * number - 2 : 2 * number]
        following = f"{self.url}?page={number + 1}" if len(entries) > 2 * number else None
        return {
            "_links": {"self": {"href": self.url}, "next": {"href": self.next_link or following}},
            "count": len(entries),
            "_embedded": {"panoramas": some},
        }


@contextmanager
def serving(panoramas: Sequence[Mapping[str, Any]]) -> Iterator[PanoramaServer]:
    """Serve until the end of the block."""
    server = PanoramaServer(panoramas)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = server.answer(parts.path, parse_qs(parts.query))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}{PATH}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def panorama(pano_id: str, longitude: float = 4.9, latitude: float = 52.37) -> dict[str, Any]:
    """What the API says of one panorama."""
    return {
        "_links": {"self": {"href": f"https://api.example/panorama/panoramas/{pano_id}/"}},
        "pano_id": pano_id,
        "timestamp": "2026-03-01T10:00:00.000000Z",
        "filename": "panorama.jpg",
        "surface_type": "L",
        "mission_distance": 5,
        "mission_type": "bi",
        "mission_year": "2026",
        "tags": ["mission-2026"],
        "roll": 0.1,
        "pitch": -0.2,
        "heading": 211.5,
        "geometry": {"type": "Point", "coordinates": [longitude, latitude, 45.1]},
    }
