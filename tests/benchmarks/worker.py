"""What does a worker cost beside bare libjpeg-turbo, when the detector costs nothing? And does it use all cores?

The detector is replaced at Triton, the real server, by a model with the same contract that answers recorded boxes at
once, or as late as a GPU would. Workers are processes of their own that take pictures from memory through `make_safe`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import psutil  # type: ignore[import-untyped]

from baas_preprocess.detect import TritonDetector
from baas_preprocess.facts import Profile
from baas_preprocess.inspection import inspect
from baas_preprocess.recipe import Recipe
from baas_preprocess.tile import tiles
from baas_preprocess.way import make_safe
from tests.benchmarks import bare_libjpeg
from tests.benchmarks.options import Options
from tests.benchmarks.redaction import HUGE_PAGES, cpu_seconds
from tests.benchmarks.rounds import Finding, Outcome, alternate, ratios
from tests.benchmarks.street_pictures import write_panoramas
from tests.benchmarks.tritons import recorded_repository, running_triton

LATENCIES_MS = (0, 5, 50)
BARE, BARE_ON_ALL, ONE_CORE = "bare", "bare on all cores", "one core"
RECIPE = Recipe(second_look_percent=0, profile=Profile.DEFAULT)


class Setting(NamedTuple):
    """How workers are set up."""

    cores: int
    processes: int
    in_flight: int


class Spent(NamedTuple):
    """What all workers together needed for a panorama."""

    seconds: float
    worker_cpu: float
    triton_cpu: float = 0.0
    steps: Mapping[str, float] = MappingProxyType({})
    """Wall-clock seconds of each."""


@dataclass(frozen=True, slots=True)
class Triton:
    """A server of ours."""

    url: str
    process: psutil.Process
    """Its first process: the server and its backends are children of it."""

    def cpu_seconds(self) -> float:
        """Of all its processes until now."""
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))


def measure(options: Options) -> Outcome:
    """Work through the same pictures with each latency, and with each setting."""
    cores = len(os.sched_getaffinity(0))
    count = 2 if options.is_short else 4
    settings = [Setting(cores, 1, number) for number in (1, 2, 4)] + [Setting(cores, cores, 2)]
    usual = settings[1]
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        pictures = write_panoramas(folder / "in", 2)
        size = sum(path.stat().st_size for path in pictures) / len(pictures)
        late = {
            ms: stack.enter_context(
                _triton(recorded_repository(options.models, folder / f"after-{ms}", ms / 1e3), cores)
            )
            for ms in LATENCIES_MS
        }
        alone = stack.enter_context(_triton(folder / "after-0", 1))

        def team(setting: Setting, triton: Triton) -> Callable[[], Spent]:
            return stack.enter_context(_team(pictures, count, setting, triton))

        spent = alternate(
            {
                BARE: stack.enter_context(_bare(pictures, 1)),
                BARE_ON_ALL: stack.enter_context(_bare(pictures, cores)),
                ONE_CORE: team(Setting(1, 1, 2), alone),
                **{f"after {ms}": team(usual, late[ms]) for ms in LATENCIES_MS if ms},
                **{str(one): team(one, late[0]) for one in settings},
            },
            options.rounds,
        )
        spent["after 0"] = spent[str(usual)]
        findings = [*_costs(spent), *_steps(spent[str(settings[0])]), *_rates(spent, settings), *_wire(pictures[0])]
    return Outcome(
        title="Worker: a panorama beside bare libjpeg-turbo, with a detector that costs nothing",
        findings=findings,
        notes=[
            f"Two pictures in turn, 8000x4000 px, {size / 1e6:.1f} MB, {count} for each worker process, without the "
            "second look, ten boxes in each native tile.",
            "Bare is: decode to RGB, and one lossless transcode, by the same library in the same kind of process.",
            f"This machine has {cores} cores, which workers and Triton share; on one core both are bound to it.",
        ],
    )


def _costs(costs: dict[str, list[Spent]]) -> list[Finding]:
    bare = [one.worker_cpu for one in costs[BARE]]
    findings = [Finding(what="bare: CPU for each panorama", values=[1e3 * cpu for cpu in bare], unit="ms")]
    for ms in LATENCIES_MS:
        spent, after = costs[f"after {ms}"], f"answers after {ms} ms" if ms else "answers at once"
        worker = [one.worker_cpu for one in spent]
        findings += [
            Finding(what=f"{after}: CPU of the worker", values=[1e3 * cpu for cpu in worker], unit="ms"),
            Finding(what=f"{after}: times bare", values=ratios(worker, bare), unit="x", at_most=1.4),
            Finding(what=f"{after}: CPU of Triton", values=[1e3 * one.triton_cpu for one in spent], unit="ms"),
        ]
    return findings


def _steps(spent: Sequence[Spent]) -> list[Finding]:
    return [
        Finding(what=f"one in flight: {name}", values=[1e3 * one.steps[name] for one in spent], unit="ms")
        for name in spent[0].steps
    ]


def _rates(rates: dict[str, list[Spent]], settings: Sequence[Setting]) -> list[Finding]:
    one_core = [1 / one.seconds for one in rates[ONE_CORE]]
    alone, on_all = ([one.seconds for one in rates[name]] for name in (BARE, BARE_ON_ALL))
    findings = [
        Finding(
            what="bare on all cores: for each core, of what one core does",
            values=[gain / settings[0].cores for gain in ratios(alone, on_all)],
        ),
        Finding(what="one core: panoramas", values=one_core, unit="/s"),
    ]
    for setting in settings:
        each = [1 / one.seconds for one in rates[str(setting)]]
        name = f"{setting.cores} cores, {setting.processes} x {setting.in_flight} in flight"
        is_full = setting.processes * setting.in_flight > setting.cores
        findings += [
            Finding(what=f"{name}: panoramas", values=each, unit="/s"),
            Finding(
                what=f"{name}: for each core, of what one core does",
                values=[share / setting.cores for share in ratios(each, one_core)],
                at_least=0.85 if is_full else None,
            ),
        ]
    return findings


def _wire(picture: Path) -> list[Finding]:
    inspection = inspect(picture.read_bytes(), max_pixels=RECIPE.max_pixels)
    plan = tiles(inspection.width_px, inspection.height_px, wraps=True, is_sphere=inspection.is_sphere)
    sent = sum(tile.out_width * tile.out_height * 3 for tile in plan)
    return [
        Finding(what="tiles on the wire for each panorama", values=[sent / 1e6], unit="MB"),
        Finding(what="the same, times the file", values=[sent / picture.stat().st_size], unit="x"),
    ]


@contextmanager
def _triton(repository: Path, cores: int) -> Iterator[Triton]:
    me = psutil.Process()
    before = me.children()
    with ExitStack() as stack:
        with _bound_to(cores):
            url = stack.enter_context(running_triton(repository))
        (process,) = set(me.children()) - set(before)
        yield Triton(url, process)


@contextmanager
def _bound_to(cores: int) -> Iterator[None]:
    """Start processes that may use so many cores."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def _bare(pictures: Sequence[Path], processes: int) -> Iterator[Callable[[], Spent]]:
    def work() -> Spent:
        start = time.perf_counter()
        told = _told(workers)
        seconds = time.perf_counter() - start
        return Spent(seconds / len(pictures) / processes, sum(one["cpu"] for one in told) / processes)

    with _started([[BARE, *map(str, pictures)]] * processes, cores=processes) as workers:
        yield work


@contextmanager
def _team(pictures: Sequence[Path], count: int, setting: Setting, triton: Triton) -> Iterator[Callable[[], Spent]]:
    """Have workers ready, who do `count` panoramas each whenever they are told to."""
    arguments = [triton.url, str(setting.in_flight), str(count), *map(str, pictures)]
    panoramas = count * setting.processes

    def work() -> Spent:
        start, triton_before = time.perf_counter(), triton.cpu_seconds()
        told = _told(workers)
        seconds, triton_cpu = time.perf_counter() - start, triton.cpu_seconds() - triton_before
        worker_cpu = sum(one["cpu"] for one in told) / panoramas
        return Spent(seconds / panoramas, worker_cpu, triton_cpu / panoramas, told[0]["steps"])

    with _started([arguments] * setting.processes, setting.cores) as workers:
        yield work


@contextmanager
def _started(arguments: Sequence[Sequence[str]], cores: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Have workers who wait to be told; they end with the context."""
    command = [sys.executable, "-m", "tests.benchmarks.worker"]
    pipe, environment = subprocess.PIPE, {**os.environ, **HUGE_PAGES}
    with ExitStack() as stack:
        with _bound_to(cores):
            workers = [
                subprocess.Popen([*command, *own], env=environment, stdin=pipe, stdout=pipe, text=True)
                for own in arguments
            ]
        for worker in workers:
            stack.enter_context(worker)  # closes what it waits for, which ends it
        yield workers


def _told(workers: Sequence[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Tell workers to begin, all at once; return what each says: its CPU seconds, and the seconds of each step."""
    for worker in workers:
        print("go", file=worker.stdin, flush=True)
    return [json.loads(worker.stdout.readline()) for worker in workers if worker.stdout is not None]


def _work(url: str, in_flight: int, count: int, pictures: Sequence[bytes]) -> None:
    """Be a worker: do `count` panoramas whenever a line comes, and tell what they took."""
    with TritonDetector(url) as detector, ThreadPoolExecutor(in_flight) as pool:
        seconds: Counter[str] = Counter()

        def do(number: int) -> None:
            safe = make_safe(pictures[number % len(pictures)], RECIPE, detector)
            seconds.update({name: spent / count for name, spent in safe.seconds.items()})

        for _ in sys.stdin:
            seconds.clear()
            cpu = cpu_seconds(lambda: list(pool.map(do, range(count))))
            print(json.dumps({"cpu": cpu, "steps": seconds}), flush=True)


def _be_bare(pictures: Sequence[bytes]) -> None:
    sizes = [inspect(data, max_pixels=RECIPE.max_pixels) for data in pictures]

    def do() -> None:
        for data, size in zip(pictures, sizes, strict=True):
            bare_libjpeg.decode(data, width_px=size.width_px, height_px=size.height_px)
            bare_libjpeg.transcode(data)

    for _ in sys.stdin:
        print(json.dumps({"cpu": cpu_seconds(do) / len(pictures)}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == BARE:
        _be_bare([Path(path).read_bytes() for path in sys.argv[2:]])
    else:
        _work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [Path(path).read_bytes() for path in sys.argv[4:]])
