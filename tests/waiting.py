"""Waiting for what becomes true by itself, at its own pace."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

PATIENCE_SECONDS = 300
"""So long is waited for what a machine without other work does within seconds: a busy one is no fault of the code."""
Fact = TypeVar("Fact")


def eventually(fact: Callable[[], Fact | None], *, seconds: float = PATIENCE_SECONDS) -> Fact:
    """Return the fact once it is true; fail when it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        if time.monotonic() > deadline:
            pytest.fail(f"not true within {seconds} s; last seen: {found!r}")
        time.sleep(0.2)
    return found
