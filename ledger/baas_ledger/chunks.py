"""Long lists in pieces that one statement can carry."""

import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

CHUNK = 1_000
"""Rows per statement: past that, a longer statement gained nothing, and keeps other writers waiting longer."""


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut items, in their order, into lists of at most `CHUNK`; none is empty."""
    rest = iter(items)
    while some := list(itertools.islice(rest, CHUNK)):
        yield some
