"""A private Azurite, Azure Storage's emulator, for tests; gone with the test run.

A room's conftest.py takes the fixtures by `from tests.azurite import azurite, container`. Azurite is installed on first
use, by npm and as tests/npm/package-lock.json pins it, into an ignored folder.
"""

import fcntl
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

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "tests" / "npm"
INSTALLED = ROOT / ".cache" / "azurite"
# The account and the key that are the same in every Azurite of the world.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
STOP_SECONDS = 30


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
    """Install what tests/npm pins, unless it is there already; return the program."""
    program = INSTALLED / "node_modules" / ".bin" / "azurite-blob"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be installing it
        files = ["package.json", "package-lock.json"]
        same = all(_read(INSTALLED / file) == _read(PINNED / file) for file in files)
        if not (same and program.exists()):
            _install(files)
    return program


def _install(files: list[str]) -> None:
    if shutil.which("npm") is None:
        raise RuntimeError(
            "These tests need Azurite, and that needs npm: `apt-get install --no-install-recommends npm`."
        )
    # What the pins are compared with comes last: an interrupted installation is begun again.
    with tempfile.TemporaryDirectory(dir=INSTALLED) as folder:
        for file in files:
            shutil.copy(PINNED / file, folder)
        done = subprocess.run(
            ["npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"npm could not install Azurite: {done.stderr.strip()}")
        shutil.rmtree(INSTALLED / "node_modules", ignore_errors=True)
        (Path(folder) / "node_modules").rename(INSTALLED / "node_modules")
        for file in files:
            shutil.copy(PINNED / file, INSTALLED)


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None
