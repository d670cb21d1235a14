"""A Triton for a benchmark."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path(sys.executable).parent


@contextmanager
def running_triton(repository: Path) -> Iterator[str]:
    """Serve a model repository on loopback; gives the gRPC address, `host:port`."""
    serve = [str(PROGRAMS / "baas-detector"), "serve", f"--repository={repository}"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None:
            raise RuntimeError("no output of Triton")
        try:
            yield json.loads(server.stdout.readline())["grpc"]
        finally:
            server.terminate()
