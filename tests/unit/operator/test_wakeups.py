"""The queue of what is to be looked at."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from baas_operator.wakeups import Wakeups

SOON = 5.0
"""Seconds within which something must happen."""


async def nothing_is_due(wakeups: Wakeups[str]) -> bool:
    """Whether `take` still waits after everything that could run has run."""
    waiting = asyncio.create_task(wakeups.take())
    for _ in range(20):
        await asyncio.sleep(0)
    waiting.cancel()
    return not waiting.done()


async def take(wakeups: Wakeups[str]) -> str:
    async with asyncio.timeout(SOON):
        return await wakeups.take()


async def a_key_woken_often_is_taken_once() -> None:
    wakeups: Wakeups[str] = Wakeups()
    for _ in range(3):
        wakeups.wake("a")
    assert await take(wakeups) == "a"
    wakeups.done("a")
    assert await nothing_is_due(wakeups)


async def nobody_else_gets_a_key_that_is_taken() -> None:
    wakeups: Wakeups[str] = Wakeups()
    wakeups.wake("a")
    await take(wakeups)
    wakeups.wake("a")
    assert await nothing_is_due(wakeups)
    wakeups.wake("b")
    assert await take(wakeups) == "b"


async def what_was_woken_while_it_was_taken_is_looked_at_again() -> None:
    wakeups: Wakeups[str] = Wakeups()
    wakeups.wake("a")
    await take(wakeups)
    wakeups.wake("a")
    wakeups.done("a")
    assert await take(wakeups) == "a"


async def the_earliest_wish_counts() -> None:
    wakeups: Wakeups[str] = Wakeups()
    wakeups.wake("a", after_seconds=3600)
    assert await nothing_is_due(wakeups)
    wakeups.wake("a")
    wakeups.wake("a", after_seconds=3600)
    assert await take(wakeups) == "a"


async def a_sleeper_awakes_by_itself() -> None:
    wakeups: Wakeups[str] = Wakeups()
    wakeups.wake("a", after_seconds=0.05)
    assert await take(wakeups) == "a"


async def whoever_waits_hears_of_a_new_key() -> None:
    wakeups: Wakeups[str] = Wakeups()
    takers = [asyncio.create_task(take(wakeups)) for _ in range(3)]
    await asyncio.sleep(0)
    for key in "abc":
        wakeups.wake(key)
    assert sorted(await asyncio.gather(*takers)) == ["a", "b", "c"]


async def it_tells_how_far_behind_it_is() -> None:
    wakeups: Wakeups[str] = Wakeups()
    assert wakeups.seconds_behind() == 0
    wakeups.wake("later", after_seconds=3600)
    assert wakeups.seconds_behind() == 0
    wakeups.wake("a", after_seconds=-100)
    assert wakeups.seconds_behind() >= 100


@pytest.mark.parametrize(
    "case",
    [
        a_key_woken_often_is_taken_once,
        nobody_else_gets_a_key_that_is_taken,
        what_was_woken_while_it_was_taken_is_looked_at_again,
        the_earliest_wish_counts,
        a_sleeper_awakes_by_itself,
        whoever_waits_hears_of_a_new_key,
        it_tells_how_far_behind_it_is,
    ],
    ids=lambda case: case.__name__,
)
def test_wakeups(case: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(case())
