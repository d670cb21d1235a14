"""Runs `baas` from a process that has imported it already, so that it begins within milliseconds, and can be killed.

Each call is a forked child of that process, with an environment, files and an exit code of its own, in the folder that
this process is in; it runs the command line's own `main`. Importing that takes more than a second of a core's time.
"""

import itertools
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from baas_preprocess.cli import main
from tests.kills.faults import Fault, arm

KILLED = -signal.SIGKILL
LONGEST_SECONDS = 300

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__, "baas_preprocess.stores.blob", "pytest"])


@dataclass(frozen=True, slots=True)
class Call:
    """A command that was started."""

    process: ForkServerProcess
    output: Path

    def ended(self, seconds: float = LONGEST_SECONDS) -> int | None:
        """Wait; return the exit code, None when it still runs."""
        self.process.join(seconds)
        return self.process.exitcode

    def code(self) -> int:
        """Wait; return the exit code. What does not end is killed, and fails the test."""
        code = self.ended()
        if code is None:
            self.kill()
        assert code is not None, f"it did not end: {self.err}"
        return code

    def kill(self) -> int | None:
        """End it as `kill -9` does; return the exit code, which is another one when it had ended just before."""
        self.process.kill()
        return self.ended()

    @property
    def out(self) -> str:
        """What it printed."""
        return self.output.with_suffix(".out").read_text(errors="replace")

    @property
    def err(self) -> str:
        """What it said."""
        return self.output.with_suffix(".err").read_text(errors="replace")

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def start(arguments: Sequence[str], environment: Mapping[str, str], output: Path, fault: Fault | None = None) -> Call:
    """Start a command with these variables and no others, which is to die at a fault.

    What it prints goes into the files `output`.out and `output`.err.
    """
    process = _forks.Process(target=_baas, args=(arguments, dict(environment), output, fault), daemon=True)
    process.start()
    return Call(process, output)


@dataclass(frozen=True, slots=True)
class Baas:
    """Starts commands that share a folder: their temporary files are to lie in it, and what they print does."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables besides those of this process."""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def temporary(self) -> Path:
        """Where temporary files lie."""
        return self.folder / "tmp"

    def start(self, *arguments: str | Path, fault: Fault | None = None, **environment: str) -> Call:
        """Start a command, which is to die at a fault."""
        self.temporary.mkdir(exist_ok=True)
        output = self.folder / f"call-{next(self.numbers)}"
        told = {**os.environ, **self.environment, **environment, "TMPDIR": str(self.temporary)}
        return start([str(argument) for argument in arguments], told, output, fault)

    def run(self, *arguments: str | Path) -> tuple[int | None, Call]:
        """Let a command run to its end; return its exit code, too."""
        call = self.start(*arguments)
        return call.ended(), call


def _baas(arguments: Sequence[str], environment: Mapping[str, str], output: Path, fault: Fault | None) -> None:
    for number, suffix in ((1, ".out"), (2, ".err")):
        with output.with_suffix(suffix).open("wb") as file:
            os.dup2(file.fileno(), number)
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(environment)
    if fault is not None:
        arm(fault)
    main(arguments)
