"""A private Azurite, Azure Storage's emulator, for tests; gone with the test run.

A room's conftest.py takes the fixtures by `from tests.azurite import azurite, container`. Azurite is installed on first
use, by npm and as tests/npm/azurite/package-lock.json pins it, into an ignored folder.
"""

import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from tests.npm_packages import installed

# The account and the key that are the same in every Azurite of the world.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
STOP_SECONDS = 120


def connection_string_of(endpoint: str) -> str:
    """Return what a Secret would hold for an Azurite at this Blob endpoint."""
    return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"


@dataclass(slots=True)
class Azurite:
    """A Blob service on loopback that can be stopped, and started again with the same address and data."""

    folder: Path
    options: tuple[str, ...] = ()
    scheme: str = "http"
    port: int = 0
    _server: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def account_url(self) -> str:
        """The account's Blob endpoint, as BlurJobs name it."""
        return f"{self.scheme}://127.0.0.1:{self.port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """What a Secret would hold."""
        return connection_string_of(self.account_url)

    def start(self) -> None:
        """Start it, and return when it listens."""
        prepared = ["setpriv", "--pdeathsig=TERM", "--", str(install_azurite()), "--silent", "--skipApiVersionCheck"]
        address = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(self.folder)]
        self._server = subprocess.Popen(
            [*prepared, *address, *self.options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said = ""
        assert self._server.stdout is not None
        while (listens := re.search(r"successfully listens on https?://127\.0\.0\.1:(\d+)", said)) is None:
            line = self._server.stdout.readline()
            if not line:
                raise RuntimeError(f"Azurite did not start: {said}")
            said += line
        self.port = int(listens[1])

    def stop(self) -> None:
        """Stop it; what was written stays."""
        assert self._server is not None
        with self._server as server:
            server.terminate()
            server.wait(STOP_SECONDS)

    def create_container(self) -> ContainerClient:
        """Make an empty container. Close the client after use."""
        client = ContainerClient.from_connection_string(self.connection_string, f"test-{secrets.token_hex(6)}")
        client.create_container()
        return client


@contextmanager
def running_azurite(*options: str, scheme: str = "http") -> Iterator[Azurite]:
    """Give an Azurite that ends with the block, and its data with it. `options` are its own."""
    folder = Path(tempfile.mkdtemp(prefix="baas-azurite-"))
    try:
        server = Azurite(folder, options, scheme)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A Blob service that all tests share: leave it running."""
    with running_azurite() as server:
        yield server


@pytest.fixture
def container(azurite: Azurite) -> Iterator[ContainerClient]:
    """An empty container of this test alone."""
    with azurite.create_container() as client:
        yield client
        client.delete_container()


def install_azurite() -> Path:
    """Install what tests/npm/azurite pins, unless it is there already; return the program."""
    return installed("azurite") / ".bin" / "azurite-blob"
