"""A pod that is told to stop while it loads stops, though the kernel gives its first process no unhandled signal."""

import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from baas_crds.codes import ExitCode
from baas_preprocess.start import INTERRUPTED
from tests.waiting import PATIENCE_SECONDS

from .conftest import command


def handles_sigterm(pid: int) -> bool:
    """Whether a process has a handler: bit 14 of those that /proc tells as caught."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("role", ["plan", "work"])
def test_a_pod_can_be_told_to_stop_before_it_has_loaded_anything_large(role: str) -> None:
    with subprocess.Popen(command(role), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            loaded = Path(f"/proc/{process.pid}/maps").read_text()
            if handles_sigterm(process.pid):
                break
            assert "cv2" not in loaded
            assert process.poll() is None
            assert time.monotonic() < deadline
            threading.Event().wait(0.001)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (ExitCode.INTERRUPTED, "", "")
    assert INTERRUPTED == ExitCode.INTERRUPTED
