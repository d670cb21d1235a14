"""How many requests to Triton are under way at once: fewer while it is away, or has more to do than it can.

Many workers share a server. When all of them keep sending as it falls behind, requests wait past their deadlines, are
sent again, and it works for nobody. As senders do on a network that is full (additive increase, multiplicative
decrease: RFC 5681, section 3.1), each halves its window then, and opens it one by one when answers are quick again.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from baas_crds.errors import DependencyUnavailable


@dataclass(frozen=True, slots=True)
class Size:
    """How wide the window is, and why."""

    requests: float
    """At least 1; whole ones may be under way."""
    most: int
    shrunk_at: float = float("-inf")
    """When it was last made smaller; seconds of the clock that requests are timed by."""

    def answered(self) -> "Size":
        """Return the size after a quick answer: as many as it is wide open it by one."""
        return Size(min(self.requests + 1 / self.requests, self.most), self.most, self.shrunk_at)

    def held_up(self, *, sent_at: float, now: float) -> "Size":
        """Return the size after a request that was slow or failed: half, once for all that were under way together."""
        return self if sent_at <= self.shrunk_at else Size(max(self.requests / 2, 1), self.most, now)


class Window:
    """Lets threads send their requests, so many at once as the server keeps up with."""

    def __init__(self, most: int, *, slow_seconds: float) -> None:
        """Begin with `most`; answers after more than `slow_seconds` make it smaller."""
        self._size = Size(most, most)
        self._slow_seconds = slow_seconds
        self._under_way = 0
        self._changed = threading.Condition()

    @property
    def places(self) -> int:
        """How many requests may be under way now."""
        return int(self._size.requests)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait for a place, hold it for one request, and learn from how it ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self.places)
            self._under_way += 1
        sent_at, is_away = time.monotonic(), False
        try:
            yield
        except DependencyUnavailable:
            is_away = True
            raise
        finally:
            now = time.monotonic()
            is_held_up = is_away or now - sent_at > self._slow_seconds
            with self._changed:
                self._under_way -= 1
                self._size = self._size.held_up(sent_at=sent_at, now=now) if is_held_up else self._size.answered()
                self._changed.notify_all()
