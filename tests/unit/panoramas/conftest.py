"""A server with five panoramas, and a client that asks it often and without pauses."""

from collections.abc import Iterator

import pytest

from baas_panoramas.asking import Manners
from baas_panoramas.client import PanoramaClient
from tests.panorama_server import PanoramaServer, panorama, serving

IDS = [f"TMX9900000001-000001_pano_0000_{number:06}" for number in range(5)]
FAST = Manners(retries=2, backoff_seconds=0.01, per_second=10_000)


@pytest.fixture
def server() -> Iterator[PanoramaServer]:
    with serving([panorama(name) for name in IDS]) as running:
        yield running


@pytest.fixture
def client(server: PanoramaServer) -> Iterator[PanoramaClient]:
    with PanoramaClient(server.url, FAST) as connected:
        yield connected
