"""What is to be looked at, and when: one thing by one looker at a time, however often it is woken."""

import asyncio
import heapq
import time
from itertools import count
from typing import Generic, TypeVar

Key = TypeVar("Key")

DEBOUNCE_SECONDS = 0.2
"""Changes come in bursts: a Job's pods, or our own writes."""


class Wakeups(Generic[Key]):
    """A queue of keys with due times. A key is in it once: the earliest wish counts."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._taken: dict[Key, float] = {}
        # Every wish of a key that is not taken, outdated ones included: those whose time `_due` does not have any more.
        self._order: list[tuple[float, int, Key]] = []
        self._places = count()
        self._changed = asyncio.Event()

    def wake(self, key: Key, *, after_seconds: float = 0.0) -> None:
        """Have a key looked at, now or later; also if it is being looked at just now."""
        due = time.monotonic() + after_seconds
        if due >= self._due.get(key, due + 1):
            return
        self._due[key] = due
        if key not in self._taken:
            self._offer(key)

    async def take(self) -> Key:
        """Wait for a key that is due and that nobody has. Give it back with `done`."""
        while True:
            self._changed.clear()
            self._drop_outdated()
            now = time.monotonic()
            if self._order and self._order[0][0] <= now:
                _, _, key = heapq.heappop(self._order)
                del self._due[key]
                self._taken[key] = now
                return key
            try:
                async with asyncio.timeout(self._order[0][0] - now if self._order else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def done(self, key: Key) -> None:
        """Let the key be taken again."""
        del self._taken[key]
        if key in self._due:
            self._offer(key)

    def seconds_behind(self) -> float:
        """Return how long the oldest key that is due, or is being looked at, has waited for its end."""
        now = time.monotonic()
        return max(0.0, *(now - since for since in (*self._due.values(), *self._taken.values())), 0.0)

    def _offer(self, key: Key) -> None:
        heapq.heappush(self._order, (self._due[key], next(self._places), key))
        if self._order[0][2] == key:
            self._changed.set()

    def _drop_outdated(self) -> None:
        while self._order:
            due, _, key = self._order[0]
            if key not in self._taken and self._due.get(key) == due:
                return
            heapq.heappop(self._order)
