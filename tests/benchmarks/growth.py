"""Does a panorama cost the same in a large run, and what memory does each one in flight take, up to the largest?

The detector is replaced at Triton by one that answers recorded boxes at once, so that nothing hides what grows.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import PIL.Image

from baas_preprocess.facts import Verification
from baas_preprocess.samples import generate
from tests.benchmarks.options import Options
from tests.benchmarks.panoramas import ours, seconds
from tests.benchmarks.rounds import Finding, Outcome, alternate, ratios
from tests.benchmarks.tritons import PROGRAMS, recorded_repository, running_triton

# Small ones show most of what is not the picture.
RUN_PX = (2000, 1000)
RUNS = (10, 100, 1000)
CAMERA_PX, LARGEST_PX = (8000, 4000), (16384, 8192)
IN_FLIGHT = (1, 2, 4, 8)
BYTES_PER_PIXEL = 16
# A process between: Linux counts the memory of whoever starts a program as the program's own.
_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measure(options: Options) -> Outcome:
    """Work through runs of each length, and with each number in flight."""
    runs = RUNS[:2] if options.is_short else RUNS
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        (picture,) = generate(folder / "drawn", count=1)
        triton = stack.enter_context(running_triton(recorded_repository(options.models, folder / "models", 0)))
        for number in runs:
            _fill(folder / str(number) / "in", _resized(picture, RUN_PX), number)
        spent = alternate({str(number): _run(folder / str(number), triton) for number in runs}, options.rounds)
        sizes = [(CAMERA_PX, number) for number in (IN_FLIGHT[:2] if options.is_short else IN_FLIGHT)]
        sizes += [] if options.is_short else [(LARGEST_PX, number) for number in IN_FLIGHT[:2]]
        for size in {size for size, _ in sizes}:
            _fill(folder / f"{size[0]}" / "in", _resized(picture, size), 2 * max(n for of, n in sizes if of == size))
        peaks = {(size, number): peak_bytes(folder / f"{size[0]}", triton, number) for size, number in sizes}
    each = {number: [1e3 * value / number for value in spent[str(number)]] for number in runs}
    return Outcome(
        title="Growth",
        findings=[
            Finding(what=f"a run of {runs[0]}: each", values=each[runs[0]], unit="ms"),
            *(_growth(number, each[number], each[runs[0]]) for number in runs[1:]),
            *(_memory(size, number, peak) for (size, number), peak in peaks.items()),
        ],
        notes=[
            f"Runs: panoramas of {RUN_PX[0]}x{RUN_PX[1]} px, links to one file, by `baas blur` with its SQLite ledger, "
            "two in flight, without the second look: recorded boxes would be seen again.",
            "Memory: the peak of `baas blur` from its start to its end over twice as many panoramas as are in flight.",
        ],
    )


def _growth(number: int, each: Sequence[float], least: Sequence[float]) -> Finding:
    return Finding(what=f"a run of {number:,}: each, of that", values=ratios(each, least), unit="x", at_most=1.05)


def _memory(size: tuple[int, int], in_flight: int, peak: int) -> Finding:
    return Finding(
        what=f"{size[0]}x{size[1]}, {in_flight} in flight: peak memory",
        values=[peak / 1e9],
        unit="GB",
        at_most=round(bound_bytes(size, in_flight) / 1e9, 2),
    )


def bound_bytes(size: tuple[int, int], in_flight: int) -> int:
    """Return the documented bound: 200 MB for the program, and so many bytes for each pixel in flight."""
    return 200_000_000 + in_flight * size[0] * size[1] * BYTES_PER_PIXEL


def _resized(picture: Path, size: tuple[int, int]) -> Path:
    target = picture.with_name(f"{size[0]}.jpg")
    if not target.exists():
        with PIL.Image.open(picture) as drawn:
            drawn.resize(size).save(target, quality=92, exif=drawn.getexif(), xmp=drawn.info.get("xmp", b""))
    return target


def _fill(folder: Path, picture: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"panorama_{number:04}.jpg").hardlink_to(picture)


def _run(folder: Path, triton: str) -> Callable[[], float]:
    return seconds(lambda: ours(folder, triton, Verification.OFF))


def peak_bytes(folder: Path, triton: str, in_flight: int) -> int:
    """Return the peak memory of `baas blur` over all pictures below `folder/in`."""
    output = folder / "out"
    shutil.rmtree(output, ignore_errors=True)
    options = ["--triton", triton, "--verification", "off"]
    options += ["--in-flight", str(in_flight), "--limit", str(2 * in_flight)]
    command = [PROGRAMS / "baas", "blur", folder / "in", output, *options]
    told = subprocess.run([sys.executable, "-c", _PEAK, *command], check=True, capture_output=True, text=True)
    return int(told.stdout) * 1024
