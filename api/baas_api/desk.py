"""How many requests are let in at once, and how long each may take. The pipeline itself runs on threads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TypeVar

from baas_api.refusals import Refusal, Refused

T = TypeVar("T")


class Desk:
    """Takes requests as far as there is room, and pictures as far as there are hands."""

    def __init__(self, *, in_flight: int, queue: int, time_limit_seconds: float) -> None:
        self._most = in_flight + queue
        self._time_limit_seconds = time_limit_seconds
        self._here = 0
        self._turns = asyncio.Semaphore(in_flight)
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="picture")

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Let a request in before its body is read, so that memory stays bounded.

        Raises `Refused` as busy when as many are here already as may be treated and wait.
        """
        if self._here >= self._most:
            raise Refused(
                Refusal.BUSY, f"{self._here} pictures are treated or wait already, as many as may be. Try again later."
            )
        self._here += 1
        try:
            yield
        finally:
            self._here -= 1

    async def run(self, work: Callable[[], T], is_gone: Callable[[], Awaitable[bool]]) -> T:
        """Return what `work` returns on a thread, once it is its turn.

        Raises what it raises, and `Refused` when the time is up, or the client went away before its turn came.
        """
        limit = asyncio.timeout(self._time_limit_seconds)
        try:
            async with limit:
                return await asyncio.shield(await self._begun(work, is_gone))
        except TimeoutError:
            if not limit.expired():
                raise
            raise Refused(
                Refusal.TIMED_OUT, f"The picture was not finished within {self._time_limit_seconds:g} seconds."
            ) from None

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()

    async def _begun(self, work: Callable[[], T], is_gone: Callable[[], Awaitable[bool]]) -> asyncio.Future[T]:
        await self._turns.acquire()
        try:
            if await is_gone():
                raise Refused(Refusal.CLIENT_GONE, "The client went away before its turn came.")
            # In the request's own context: the steps' spans belong to its span.
            begun = asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)
        except BaseException:
            self._turns.release()
            raise
        begun.add_done_callback(self._done)
        return begun

    def _done(self, begun: asyncio.Future[T]) -> None:
        """Give the turn to the next one. A request whose time was up never asks what came of it."""
        self._turns.release()
        if not begun.cancelled():
            begun.exception()
