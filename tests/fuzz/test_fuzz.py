"""Fuzzers of a fixed time find nothing. `make fuzz` gives them longer."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fuzz import targets
from tests.fuzz.seeds import seeds

SECONDS = int(os.environ.get("FUZZ_SECONDS", "30"))


def fuzzed(target: str, folder: Path, *flags: str) -> tuple[int, str]:
    """Run the fuzzer as `make fuzz` does, and give its exit code and what it said."""
    # By way of a shell that waits: Linux hands a process's peak memory on to the program that it becomes, and after a
    # long session of tests ours is beyond the fuzzer's limit.
    done = subprocess.run(
        [
            "sh",
            "-c",
            '"$@"; exit $?',
            "sh",
            sys.executable,
            "-m",
            "tests.fuzz",
            target,
            folder,
            str(SECONDS),
            "-seed=1",
            *flags,
        ],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS + 600,
    )
    return done.returncode, done.stdout.decode(errors="replace")


@pytest.mark.timeout(SECONDS + 660)
@pytest.mark.parametrize("target", targets.TARGETS)
def test_nothing_breaks_a_promise_within_a_fixed_time(target: str, tmp_path: Path) -> None:
    code, said = fuzzed(target, tmp_path)
    assert (code, [left.name for left in tmp_path.iterdir()]) == (0, ["corpus"]), said[-5_000:]
    runs, edges = (int(number) for number in re.findall(r"^#(\d+)\t.*cov: (\d+)", said, re.MULTILINE)[-1])
    print(f"{target}: {runs:,} inputs in {SECONDS} s, {edges} edges of our code, nothing found")
    assert runs > 20 * SECONDS
    assert edges > 400, "the seeds do not reach what they are meant to reach"


@pytest.mark.parametrize("target", targets.TARGETS)
@pytest.mark.parametrize("name", seeds())
def test_each_seed_is_a_file_that_can_be_published(target: str, name: str) -> None:
    head = bytes(targets.HEAD_BYTES) if target == "redaction" else b""
    assert targets.TARGETS[target](head + seeds()[name])
