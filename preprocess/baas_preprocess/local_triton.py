"""Start a Triton of our own for a machine that has none. Edge: a child process, `baas-detector serve`."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baas_crds.errors import ConfigurationError, DependencyUnavailable

_STOP_SECONDS = 20
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@contextmanager
def local_triton(repository: Path, log: Path) -> Iterator[str]:
    """Serve a model repository on loopback while the context lasts; give its gRPC `host:port`.

    The server ends with this process, however that ends. Raises `ConfigurationError` when the repository or the server
    is missing, `DependencyUnavailable` when the server does not become ready.
    """
    program = detector_program(
        "start a Triton with: install the extra `triton_cpu`, or name a running Triton with --triton host:port"
    )
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [program, "serve", "--repository", str(repository), "--log-file", str(log.with_suffix(".triton.log"))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            # Ctrl-C at the terminal is for us: the server must live until the work in flight is finished.
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - only a system call, and no thread has been started yet
        )
    try:
        yield _announced_address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def detector_program(purpose: str) -> str:
    """Return the path of `baas-detector`, beside our own interpreter or on PATH.

    Raises `ConfigurationError` that ends with what it is for, and what to do.
    """
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    program = shutil.which("baas-detector", path=os.pathsep.join(folders))
    if program is None:
        raise ConfigurationError(f"There is no `baas-detector` to {purpose}.")
    return program


def _announced_address(process: subprocess.Popen[bytes], log: Path) -> str:
    line = process.stdout.readline() if process.stdout else b""
    if line:
        return str(json.loads(line)["grpc"])
    code = process.wait()
    said = log.read_text(errors="replace").strip().splitlines()
    message = said[-1] if said else f"it ended with exit code {code}"
    error = ConfigurationError if code == ConfigurationError.exit_code else DependencyUnavailable
    raise error(f"The local Triton did not start: {message} (all of its log: {log})")


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
