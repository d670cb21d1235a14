"""Real servers that the integration tests of every room share."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
DETECTOR = Path(sys.executable).with_name("baas-detector")


@pytest.fixture(scope="session")
def model_repository() -> Path:
    """The default model, built on first use and kept in an ignored folder."""
    folder = ROOT / ".cache" / "models"
    done = subprocess.run(
        [DETECTOR, "build-repository", "--output", folder, "--force"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def triton(model_repository: Path) -> Iterator[str]:
    """The gRPC address of a real Triton with the default model, warm."""
    with subprocess.Popen(
        [DETECTOR, "serve", "--repository", model_repository], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        line = server.stdout.readline()
        assert line, server.stderr.read()
        yield json.loads(line)["grpc"]
        server.terminate()
        assert server.wait(PATIENCE_SECONDS) == 0
