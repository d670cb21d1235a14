"""A server on loopback that speaks the Panorama API's protocol, pictures included, and fails as it is told.

Its answers have the fields and links of https://api.data.amsterdam.nl/panorama/panoramas/
"""

import hashlib
import json
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPMethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

PATH = "/panorama/panoramas/"
PICTURES = "/pictures/"
SIZES = ("full", "medium", "small")
MODIFIED = formatdate(1_772_000_000, usegmt=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to give instead of the real one."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_real: bool = False
    """Give the real one, but cut it."""
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    silent_until: threading.Event | None = None
    """Say nothing before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    at: float


class PanoramaServer:
    """Panoramas by id, answered one by one or so many a page, their pictures, and the answers to give before that."""

    def __init__(self, panoramas: Sequence[Mapping[str, Any]], *, page_size: int = 2) -> None:
        self.panoramas = {str(one["pano_id"]): dict(one) for one in panoramas}
        self.pictures: dict[str, bytes] = {}
        """By id and size, `ID/full`."""
        self.page_size = page_size
        """At most; whoever asks for fewer gets fewer."""
        self.failures: dict[str, list[Answer]] = {}
        """The next answers by path below `PATH` or `PICTURES`; the real one is given when they are used up."""
        self.passes_over: set[str] = set()
        """Filters that it does not know."""
        self.log: list[Asked] = []
        self.next_link: str | None = None
        """What pages say is the next one, instead of the truth."""
        self.tells_tags = True
        self.tells_times = True
        self.url = ""

    @property
    def asked(self) -> Counter[str]:
        """How often each path was asked for, below `PATH` or `PICTURES`."""
        return Counter(_short(one.path) for one in self.log)

    def add(self, pano_id: str, picture: bytes | None = None, **changes: Any) -> None:
        """Have one more panorama, or a changed one, with this picture in each size."""
        entry = self.panoramas.get(pano_id) or panorama(pano_id)
        links = {
            f"equirectangular_{size}": {"href": f"{self.url.removesuffix(PATH)}{PICTURES}{pano_id}/{size}"}
            for size in SIZES
        }
        self.panoramas[pano_id] = {**entry, "_links": {**entry["_links"], **links}, **changes}
        if picture is not None:
            self.pictures |= {f"{pano_id}/{size}": picture for size in SIZES}

    def answer(self, asked: Asked) -> Answer:
        """Return what is answered to a question."""
        self.log.append(asked)
        name = _short(asked.path)
        waiting = self.failures.get(name)
        given = waiting.pop(0) if waiting else Answer(is_real=True)
        if not given.is_real:
            return given
        real = self._picture(name, asked) if asked.path.startswith(PICTURES) else self._document(name, asked.query)
        return Answer(
            status=real.status,
            body=real.body,
            headers={**real.headers, **given.headers},
            cut_after=given.cut_after,
            silent_until=given.silent_until,
        )

    def _document(self, name: str, query: Mapping[str, list[str]]) -> Answer:
        pano_id, _, more = name.partition("/")
        if not name:
            return _json(self._page({key: values[0] for key, values in query.items()}))
        if pano_id not in self.panoramas:
            return _json({"detail": "Not found."}, status=404)
        return _json(self._surroundings(pano_id) if more == "adjacencies" else self.panoramas[pano_id])

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        number = int(query.get("page", "1"))
        size = min(self.page_size, int(query.get("page_size", "25")))
        known = {key: value for key, value in query.items() if key not in self.passes_over}
        entries = [entry for entry in self.panoramas.values() if _matches(entry, known)]

        def link(page: int) -> str | None:
            return f"{self.url}?{urlencode({**query, 'page': page})}"

        return {
            "_links": {
                "self": {"href": link(number)},
                "next": {"href": self.next_link or (link(number + 1) if len(entries) > size * number else None)},
                "previous": {"href": link(number - 1) if number > 1 else None},
            },
            "count": len(entries),
            "_embedded": {"panoramas": entries[size * (number - 1) : size * number]},
        }

    def _surroundings(self, pano_id: str) -> dict[str, Any]:
        here = self.panoramas[pano_id]
        near = [
            {**entry, "distance": round(_metres(here, entry), 2), "direction": 90.0}
            for entry in self.panoramas.values()
        ]
        return {
            "_links": {"self": {"href": f"{self.url}{pano_id}/adjacencies/"}},
            "_embedded": {"adjacencies": sorted(near, key=lambda one: one["distance"])},
        }

    def _picture(self, name: str, asked: Asked) -> Answer:
        data = self.pictures.get(name)
        if data is None:
            return Answer(status=404, body=b"no picture")
        tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        headers = {"Content-Type": "image/jpeg", "Accept-Ranges": "bytes"}
        headers |= {"ETag": tag} if self.tells_tags else {}
        headers |= {"Last-Modified": MODIFIED} if self.tells_times else {}
        start = int(asked.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if start and asked.headers.get("If-Range") in {tag, MODIFIED}:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            return Answer(status=206, body=data[start:], headers=headers)
        return Answer(body=data, headers=headers)


@contextmanager
def serving(panoramas: Sequence[Mapping[str, Any]] = (), *, page_size: int = 2) -> Iterator[PanoramaServer]:
    """Serve until the end of the block."""
    server = PanoramaServer(panoramas, page_size=page_size)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(
                method=self.command,
                path=parts.path,
                query=parse_qs(parts.query),
                headers=dict(self.headers),
                at=time.monotonic(),
            )
            answer = server.answer(asked)
            if answer.silent_until is not None:
                answer.silent_until.wait()
            self.send_response(answer.status)
            told = {"Content-Type": "application/json", "Content-Length": str(len(answer.body)), **answer.headers}
            for name, value in told.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            if self.command == HTTPMethod.GET:
                with suppress(ConnectionError):  # whoever asked may be gone
                    self.wfile.write(answer.body[: answer.cut_after])
            self.close_connection = answer.cut_after is not None or not told["Content-Length"]

        do_HEAD = do_GET  # noqa: N815 - the base class's way

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    with _Http(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}{PATH}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may be gone, and need not be told of."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def panorama(pano_id: str, longitude: float = 4.9, latitude: float = 52.37, **changes: Any) -> dict[str, Any]:
    """What the API says of one panorama."""
    base = f"https://t1.api.example/{pano_id}/cubic/"
    return {
        "_links": {
            "self": {"href": f"https://api.example/panorama/panoramas/{pano_id}/"},
            "cubic_img_preview": {"href": f"{base}preview.jpg"},
            "adjacencies": {"href": f"https://api.example/panorama/panoramas/{pano_id}/adjacencies/"},
        },
        "cubic_img_baseurl": base,
        "cubic_img_pattern": f"{base}{{z}}/{{f}}/{{y}}/{{x}}.jpg",
        "pano_id": pano_id,
        "timestamp": "2026-03-01T10:00:00.000000Z",
        "filename": "panorama.jpg",
        "surface_type": "L",
        "mission_distance": 5,
        "mission_type": "bi",
        "mission_year": "2026",
        "tags": ["mission-bi", "mission-2026"],
        "roll": 0.1,
        "pitch": -0.2,
        "heading": 211.5,
        "geometry": {"type": "Point", "coordinates": [longitude, latitude, 45.1]},
        **changes,
    }


def _short(path: str) -> str:
    return path.removeprefix(PATH).removeprefix(PICTURES).strip("/")


def _json(document: Any, *, status: int = 200) -> Answer:
    return Answer(status=status, body=json.dumps(document).encode())


_FILTERS: Mapping[str, Callable[[Mapping[str, Any], str], bool]] = {
    "timestamp_after": lambda entry, day: entry["timestamp"][:10] >= day,
    "timestamp_before": lambda entry, day: entry["timestamp"][:10] < day,
    "tags": lambda entry, tags: set(tags.split(",")) <= set(entry["tags"]),
    "mission_year": lambda entry, year: entry["mission_year"] == year,
    "mission_type": lambda entry, kind: entry["mission_type"] == kind,
    "surface_type": lambda entry, kind: entry["surface_type"] == kind,
}


def _matches(entry: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    if "near" in query:
        longitude, latitude = map(float, query["near"].split(","))
        middle = {"geometry": {"coordinates": [longitude, latitude]}}
        if _metres(middle, entry) > float(query["radius"]):
            return False
    return all(fits(entry, query[name]) for name, fits in _FILTERS.items() if name in query)


def _metres(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Distance on a plane that touches Amsterdam, near enough over some hundred metres."""
    (x, y), (u, v) = (entry["geometry"]["coordinates"][:2] for entry in (one, other))
    return math.hypot((u - x) * 67_900, (v - y) * 111_200)
