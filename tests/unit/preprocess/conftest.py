"""What tests of files need: to be somebody whom permissions bind."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

NOBODY = 65_534


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """Be nobody for a while when the tests run as root, for whom no file is unreadable."""

    @contextmanager
    def nobody() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)

    return nobody
