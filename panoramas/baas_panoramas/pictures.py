"""A panorama's picture as a file on a web server: what it is, and how its bytes come, also piece by piece."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_panoramas.asking import Asking, Passing, Refused, limited

MOST_BYTES = 512 << 20
"""A panorama of 8000x4000 px has about 8 MB."""
# Compressed on the way, its length would not be the file's.
_AS_IT_IS = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """What tells a picture from another one at the same address."""

    size_bytes: int
    etag: str | None
    """As the server writes it, quotes included (RFC 9110, section 8.8.3)."""
    last_modified: str | None
    """As the server writes it."""

    @property
    def version(self) -> str:
        """Another text for another picture. A server that tells neither tag nor time leaves the size alone."""
        return f"{self.size_bytes}-{self.etag or self.last_modified or ''}"

    @property
    def validator(self) -> str | None:
        """What a server needs to send the rest of just this picture; None when it cannot be sure of it."""
        is_strong = self.etag is not None and not self.etag.startswith("W/")
        return self.etag if is_strong else self.last_modified


def facts_of(asking: Asking, url: str) -> PictureFacts | None:
    """Ask once about a picture, None when there is none. Raises as `Asking.answer`, and `NotPublishable`.

    That one is refused says nothing of the others.
    """
    with _of_one_picture(), asking.answer("HEAD", url, headers=_AS_IT_IS) as answer:
        return None if answer is None else _facts(answer.headers, url, length=answer.headers.get("Content-Length"))


def copy(asking: Asking, url: str, facts: PictureFacts, sink: io.BufferedIOBase) -> None:
    """Ask once for what a file lacks of a picture, and write it. Raises `Passing` when it is not whole then.

    Raises `NotPublishable` when there is another picture, or none, or when it is refused.
    """
    if (start := _usable(sink, facts)) == facts.size_bytes:
        return
    rest = {"Range": f"bytes={start}-", "If-Range": facts.validator or ""} if start else {}
    with _of_one_picture(), asking.answer("GET", url, headers=_AS_IT_IS | rest) as answer:
        if answer is None:
            raise NotPublishable(QuarantineReason.UNREADABLE, f"There is no picture at {url} any more.")
        if answer.status_code != requests.codes.partial:
            start = 0
            _cut(sink)
        if _facts(answer.headers, url, length=_whole_length(answer, start)) != facts:
            raise NotPublishable(
                QuarantineReason.UNREADABLE, f"The picture at {url} is another one since it was listed: list it again."
            )
        for piece in limited(answer, facts.size_bytes - start, url):
            sink.write(piece)
    if sink.tell() != facts.size_bytes:
        raise Passing(f"{url} ended after {sink.tell():,} of {facts.size_bytes:,} bytes: try later.")


@contextmanager
def _of_one_picture() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise NotPublishable(QuarantineReason.UNREADABLE, str(error)) from error


def _usable(sink: io.BufferedIOBase, facts: PictureFacts) -> int:
    """Return how many bytes of a file are the picture's beginning."""
    there = sink.seek(0, io.SEEK_END)
    if there > facts.size_bytes or facts.validator is None:
        return _cut(sink)
    return there


def _cut(sink: io.BufferedIOBase) -> int:
    sink.seek(0)
    return sink.truncate()


def _whole_length(answer: requests.Response, start: int) -> str | None:
    """Return the length of the whole file, None when the answer does not tell it, or is another part of it."""
    if answer.status_code != requests.codes.partial:
        return answer.headers.get("Content-Length")
    # RFC 9110, section 14.4: `bytes 1000-7999/8000`
    unit, _, place = answer.headers.get("Content-Range", "").partition(" ")
    part, _, whole = place.partition("/")
    return whole if unit == "bytes" and part.partition("-")[0] == str(start) else None


def _facts(headers: Mapping[str, str], url: str, *, length: str | None) -> PictureFacts:
    if (
        length is None
        or not (length.isascii() and length.isdigit())
        or headers.get("Content-Encoding", "identity") != "identity"
    ):
        raise NotPublishable(
            QuarantineReason.UNREADABLE, f"{url} does not tell how long the picture is: its end could not be known."
        )
    # Python reads no number of thousands of digits.
    if len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
        raise NotPublishable(QuarantineReason.UNREADABLE, f"The picture at {url} has more than {MOST_BYTES:,} bytes.")
    return PictureFacts(size_bytes=int(length), etag=headers.get("ETag"), last_modified=headers.get("Last-Modified"))
