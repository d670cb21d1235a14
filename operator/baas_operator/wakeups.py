"""What is to be looked at, and when: one thing by one looker at a time, however often it is woken."""

import asyncio
import time
from typing import Generic, TypeVar

Key = TypeVar("Key")


class Wakeups(Generic[Key]):
    """A queue of keys with due times. A key is in it once: the earliest wish counts."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._taken: dict[Key, float] = {}
        self._changed = asyncio.Event()

    def wake(self, key: Key, *, after_seconds: float = 0.0) -> None:
        """Have a key looked at, now or later; also if it is being looked at just now."""
        due = time.monotonic() + after_seconds
        self._due[key] = min(due, self._due.get(key, due))
        self._changed.set()

    async def take(self) -> Key:
        """Wait for a key that is due and that nobody has. Give it back with `done`."""
        while True:
            self._changed.clear()
            free = [(due, place, key) for place, (key, due) in enumerate(self._due.items()) if key not in self._taken]
            due, _, key = min(free, default=(None, 0, None))
            now = time.monotonic()
            if key is not None and due is not None and due <= now:
                del self._due[key]
                self._taken[key] = now
                return key
            try:
                async with asyncio.timeout(None if due is None else due - now):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def done(self, key: Key) -> None:
        """Let the key be taken again."""
        del self._taken[key]
        self._changed.set()

    def seconds_behind(self) -> float:
        """Return how long the oldest key that is due, or is being looked at, has waited for its end."""
        now = time.monotonic()
        return max(0.0, *(now - since for since in (*self._due.values(), *self._taken.values())), 0.0)
