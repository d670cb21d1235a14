"""Where the program `baas` begins: before it loads what takes seconds, a pod can be told to stop."""

import signal
import sys
from types import FrameType

# `ExitCode.INTERRUPTED`, before anything is loaded that knows it.
INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] in (["plan"], ["work"]):
        # The kernel gives the first process of a pod no signal that it has no handler for. One that was scaled away
        # while it loaded would work on to the run's end.
        signal.signal(signal.SIGTERM, _leave)
    from baas_preprocess.cli import main as run  # noqa: PLC0415 - see above

    run()


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(INTERRUPTED)
