"""How many requests are let in, how long one may take, and whose turn it is."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from baas_api.desk import Desk
from baas_api.refusals import Refusal, Refused

PATIENCE_SECONDS = 30


async def here() -> bool:
    return False


async def gone() -> bool:
    return True


def run(test: Callable[[Desk, threading.Event], Coroutine[Any, Any, None]], **limits: Any) -> None:
    """Run a test at a desk; the event lets go whatever still works when it ends."""
    desk, let_go = (
        Desk(**({"in_flight": 1, "queue": 1, "time_limit_seconds": PATIENCE_SECONDS} | limits)),
        threading.Event(),
    )
    with ExitStack() as stack:
        stack.callback(desk.close)
        stack.callback(let_go.set)
        asyncio.run(test(desk, let_go))


async def reason_of(answer: Awaitable[object]) -> object:
    with pytest.raises(Refused) as refused:
        await answer
    return refused.value.reason


def test_as_many_are_let_in_as_are_treated_and_wait() -> None:
    async def test(desk: Desk, _: threading.Event) -> None:
        async with desk.admitted(), desk.admitted():
            with pytest.raises(Refused) as refused:
                async with desk.admitted():
                    pass
        assert (refused.value.reason, refused.value.status) == (Refusal.BUSY, 429)
        assert int(refused.value.headers["Retry-After"]) > 0
        async with desk.admitted():
            assert await desk.run(lambda: 3, here) == 3

    run(test)


def test_what_is_late_is_thrown_away_and_its_turn_ends_with_it() -> None:
    async def test(desk: Desk, let_go: threading.Event) -> None:
        begun: list[str] = []

        def late() -> None:
            begun.append("late")
            let_go.wait(PATIENCE_SECONDS)

        assert await reason_of(desk.run(late, here)) is Refusal.TIMED_OUT
        # Its thread works still: the next one waits, and its own time is up.
        assert await reason_of(desk.run(lambda: begun.append("next"), here)) is Refusal.TIMED_OUT
        assert begun == ["late"]
        let_go.set()
        while begun == ["late"]:
            with suppress(Refused):
                await desk.run(lambda: begun.append("last"), here)
        assert begun == ["late", "last"]

    run(test, time_limit_seconds=0.05)


def test_what_nobody_waits_for_is_not_begun_and_the_next_one_is() -> None:
    async def test(desk: Desk, _: threading.Event) -> None:
        begun: list[int] = []
        assert await reason_of(desk.run(lambda: begun.append(1), gone)) is Refusal.CLIENT_GONE
        await desk.run(lambda: begun.append(2), here)
        assert begun == [2]

    run(test)


def test_what_the_work_raises_is_raised_and_the_next_one_goes_on() -> None:
    async def test(desk: Desk, _: threading.Event) -> None:
        def fail() -> None:
            raise TimeoutError("of its own")

        with pytest.raises(TimeoutError, match="of its own"):
            await desk.run(fail, here)
        assert await desk.run(lambda: 1, here) == 1

    run(test)
