"""How many requests should a worker have under way? More only help while the detector waits for the worker.

    python -m hack.studies.window .cache/models --rounds 3

The detector is replaced at Triton by one that answers recorded boxes, at once or as late as a GPU would. A worker's
process does the same panoramas with each window, two in flight, without the second look.
"""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import click

from baas_preprocess.detect import TritonDetector
from baas_preprocess.recipe import Recipe
from baas_preprocess.way import make_safe
from tests.benchmarks.panoramas import seconds
from tests.benchmarks.rounds import Finding, Outcome, alternate, markdown, ratios
from tests.benchmarks.street_pictures import write_panoramas
from tests.benchmarks.tritons import recorded_repository, running_triton

LATENCIES_MS = (0, 50)
WINDOWS = (1, 2, 4, 8, 16)
USUAL = 4
IN_FLIGHT, PANORAMAS = 2, 4
RECIPE = Recipe(second_look_percent=0)


@click.command()
@click.argument("models", type=click.Path(path_type=Path, exists=True))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
def main(models: Path, rounds: int) -> None:
    """Print how fast a worker is with each window, as a ratio to the default."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        pictures = [path.read_bytes() for path in write_panoramas(folder / "in", 2)]
        work = {}
        for ms in LATENCIES_MS:
            url = stack.enter_context(running_triton(recorded_repository(models, folder / f"{ms}", ms / 1e3)))
            for window in WINDOWS:
                detector = stack.enter_context(TritonDetector(url, requests_in_flight=window))
                work[f"{ms} ms, {window}"] = seconds(_worker(detector, pictures))
        spent = alternate(work, rounds)
    findings = [
        Finding(
            what=f"answers after {ms} ms, {window} requests: as fast as with {USUAL}",
            values=ratios(spent[f"{ms} ms, {USUAL}"], spent[f"{ms} ms, {window}"]),
            unit="x",
        )
        for ms in LATENCIES_MS
        for window in WINDOWS
        if window != USUAL
    ]
    click.echo(markdown(Outcome(title="Window", findings=findings, notes=[])))


def _worker(detector: TritonDetector, pictures: Sequence[bytes]) -> Callable[[], None]:
    def work() -> None:
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            list(pool.map(lambda number: make_safe(pictures[number % 2], RECIPE, detector), range(PANORAMAS)))

    return work


if __name__ == "__main__":
    main()
