"""The endpoint with a real Triton behind it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.integration.preprocess.conftest import photo, street_photo

from .endpoints import Endpoint, ready

__all__ = ["photo", "street_photo"]


@pytest.fixture(scope="session")
def endpoint(triton: str) -> Iterator[Endpoint]:
    """With its default settings."""
    with ready(triton) as it:
        yield it


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[httpx.Client]:
    """One that has a token."""
    with endpoint.client() as it:
        yield it
