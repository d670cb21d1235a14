"""What panoramas cost, what limits a fleet, and what a billion of them would take.

    python -m hack.studies.cost --tile-ms 5 --tile-ms 20

No GPU's figures are known here: how long one is busy with a tile is what you measure on yours
(`baas-detector check --triton host:port` tells the latency of one tile; in batches it is less), and the tables show
several. docs/performance/cost.md explains the model.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import StringIO
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import click
from hack.studies.city import (
    Fleet,
    Panorama,
    Prices,
    Surroundings,
    bound,
    cost,
    images_per_core_hour,
    images_per_triton_hour,
    workers_for,
)
from hack.studies.city_simulation import simulate
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from baas_preprocess.tile import tiles
from tests.benchmarks.pages import PAGES, show

MEASURED = {
    "look_seconds": ("worker", "answers after 5 ms: CPU of the worker", 1e-3),
    "ledger_per_second": ("ledger", "claimed and finished, 8 workers", 1.0),
}
"""Options whose defaults are medians of `make bench`: the benchmark, what it calls them, and the unit there."""
PAGE = PAGES / "cost.md"
FLEET = ("Tritons", "workers", "panoramas/s", "bound", "s per panorama", "busiest", "busy", "bottleneck")
BLURJOB_IMAGES = 1_000_000
"""As many as the ledger's benchmark has in a run."""


def measured(folder: Path, option: str) -> float | None:
    """Return what `make bench` left, None when it has left nothing."""
    benchmark, what, unit = MEASURED[option]
    file = folder / f"{benchmark}.json"
    if not file.exists():
        return None
    (values,) = [one["values"] for one in json.loads(file.read_text())["findings"] if one["what"] == what]
    return unit * float(median(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All that is put in."""

    panorama: Panorama
    around: Surroundings
    fleet: Fleet
    prices: Prices | None
    simulated: int
    """So many images at least."""
    triton_gbit: float
    """Of a Triton's network, per second."""

    def with_tile(self, seconds: float) -> Panorama:
        """Return a panorama with another GPU."""
        return replace(self.panorama, tile_seconds=seconds)

    def sized(self, panorama: Panorama, tritons: int, share: float = 1) -> Fleet:
        """Return so many Tritons with a share of the workers that keep them busy."""
        fleet = replace(self.fleet, tritons=tritons)
        return replace(fleet, workers=max(1, round(share * workers_for(panorama, fleet))))


def costs(study: Study, tile_ms: tuple[float, ...]) -> Table:
    """Show what one Triton does, what it needs beside it, and what a thousand panoramas take."""
    table = _table("ms a tile", "limit", "panoramas per Triton-hour", "per core-hour", "workers per Triton")
    for column in ("Triton-hours per 1,000", "core-hours per 1,000", *(["price per 1,000"] if study.prices else [])):
        table.add_column(column, justify="right")
    for ms in tile_ms:
        panorama = study.with_tile(ms / 1000)
        per_triton, per_core = images_per_triton_hour(panorama), images_per_core_hour(panorama)
        row = [
            f"{ms:g}",
            "GPU" if panorama.tile_seconds > panorama.network_seconds else "network",
            f"{per_triton:,.0f}",
            f"{per_core:,.0f}",
            f"{study.sized(panorama, 1).workers}",
        ]
        row += [f"{1000 / per_triton:.3f}", f"{1000 / per_core:.3f}"]
        if study.prices:
            row.append(f"{cost(1000, panorama, study.prices):.3f}")
        table.add_row(*row)
    return table


def filled(study: Study, tile_ms: float) -> Table:
    """Show fleets with too few and too many workers for their Tritons."""
    panorama = study.with_tile(tile_ms / 1000)
    table = _table(*FLEET)
    for share in (0.25, 0.5, 0.75, 1, 1.25, 2):
        _add(table, panorama, study.sized(panorama, 1, share), study)
    return table


def grown(study: Study, tile_ms: float, sizes: tuple[int, ...]) -> Table:
    """Show fleets that grow until something that all share stops them."""
    panorama = study.with_tile(tile_ms / 1000)
    table = _table(*FLEET)
    for tritons in sizes:
        _add(table, panorama, study.sized(panorama, tritons, 1.25), study)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=MARKDOWN)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _add(table: Table, panorama: Panorama, fleet: Fleet, study: Study) -> None:
    enough = max(study.simulated, 10 * fleet.workers * fleet.images_in_flight)
    found = simulate(panorama, fleet, study.around, images=enough)
    busiest = max(found.busy, key=lambda station: found.busy[station])
    table.add_row(
        f"{fleet.tritons}",
        f"{fleet.workers}",
        f"{found.images_per_second:.2f}",
        f"{bound(panorama, fleet, study.around):.2f}",
        f"{found.seconds_per_image:.1f}",
        busiest,
        f"{found.busy[busiest]:.0%}",
        found.bottleneck or "too few in flight",
    )


def year(study: Study, tile_ms: tuple[float, ...], images: int, days: float) -> Iterator[str]:
    """Say what so many images in so many days take."""
    rate, jobs = images / days / 86_400, ceil(images / BLURJOB_IMAGES)
    moved, around = 2 * study.panorama.megabytes, study.around
    of_storage, of_ledger = rate * moved / around.storage_megabytes_per_second, rate / around.ledger_images_per_second
    yield f"{images:,} panoramas in {days:g} days: {rate:.1f} a second, in {jobs:,} BlurJobs of {BLURJOB_IMAGES:,}."
    yield f"Storage: {rate * moved:,.0f} MB/s, {of_storage:.0%} of what it gives; {images * moved / 1e9:,.1f} PB."
    yield f"Ledger: {of_ledger:.1%} of what it does."
    for ms in tile_ms:
        panorama = study.with_tile(ms / 1000)
        tritons, cores = ceil(rate * panorama.triton_seconds), ceil(rate * panorama.worker_seconds)
        yield f"{ms:g} ms a tile: {tritons:,} Tritons and {cores:,} cores of workers, always busy."


def study_of(
    *,
    look_seconds: float,
    ledger_per_second: float,
    width: int,
    megabytes: float,
    looks: int,
    triton_gbit: float,
    storage_ms: float,
    storage_mb_per_second: float,
    cores: int,
    in_flight: int,
    simulated: int,
    triton_hour: float | None,
    core_hour: float | None,
) -> Study:
    """Return what the options say, of a GPU that takes no time; `with_tile` gives it some."""
    plan = tiles(width, width // 2, wraps=True, is_sphere=True)
    bytes_per_tile = sum(3 * tile.out_width * tile.out_height for tile in plan) / len(plan)
    prices = None
    if triton_hour is not None and core_hour is not None:
        prices = Prices(triton_hour=triton_hour, core_hour=core_hour)
    return Study(
        panorama=Panorama(
            tiles=len(plan),
            looks=looks,
            tile_seconds=0,
            network_seconds=bytes_per_tile / (triton_gbit * 1e9 / 8),
            worker_seconds=looks * look_seconds,  # a second look decodes and checks again, and redacts less
            megabytes=megabytes,
        ),
        around=Surroundings(
            storage_latency_seconds=storage_ms / 1000,
            storage_megabytes_per_second=storage_mb_per_second,
            ledger_images_per_second=ledger_per_second,
        ),
        fleet=Fleet(tritons=1, workers=1, cores=cores, images_in_flight=in_flight),
        prices=prices,
        simulated=simulated,
        triton_gbit=triton_gbit,
    )


def told(study: Study) -> str:
    """Say what was put in."""
    panorama, around = study.panorama, study.around
    sent = panorama.looks * panorama.tiles * panorama.network_seconds * study.triton_gbit * 1000 / 8
    return (
        f"A panorama: {panorama.looks} looks of {panorama.tiles} tiles, {sent:.0f} MB of pixels, a file of "
        f"{panorama.megabytes:g} MB, {panorama.worker_seconds:.3g} core-seconds. "
        f"A Triton's network: {study.triton_gbit:g} Gbit/s. "
        f"Storage: {1000 * around.storage_latency_seconds:g} ms, {around.storage_megabytes_per_second:g} MB/s. "
        f"Ledger: {around.ledger_images_per_second:,.0f} images/s."
    )


@click.command()
@click.option("--bench", type=click.Path(path_type=Path), default=Path(".cache/bench"), show_default=True)
@click.option("--look-seconds", type=float, help="Core-seconds of a worker, without a second look. [default: measured]")
@click.option("--ledger-per-second", type=float, help="Images finished per second. [default: measured]")
@click.option("--tile-ms", type=float, multiple=True, default=(5, 10, 20, 50), show_default=True)
@click.option("--width", default=8000, show_default=True, help="Of a panorama, in pixels; it is half as high.")
@click.option("--megabytes", default=8.0, show_default=True, help="Of a panorama's file.")
@click.option("--looks", default=2, show_default=True, help="1 without the second look.")
@click.option("--triton-gbit", default=10.0, show_default=True, help="Of a Triton's network, per second.")
@click.option("--storage-ms", default=50.0, show_default=True, help="Latency of a read or a write.")
@click.option("--storage-mb-per-second", default=3125.0, show_default=True, help="Read and written, together.")
@click.option("--tritons", type=int, multiple=True, default=(1, 4, 16, 64), show_default=True, help="Fleets to grow.")
@click.option("--cores", default=1, show_default=True, help="Of a worker.")
@click.option("--in-flight", default=2, show_default=True, help="Images in flight of a worker.")
@click.option("--simulated", default=3_000, show_default=True, help="Panoramas of a simulation, at least.")
@click.option("--triton-hour", type=float, help="Price of an hour of a Triton's node.")
@click.option("--core-hour", type=float, help="Price of an hour of a worker's core.")
@click.option("--images", default=1_000_000_000, show_default=True)
@click.option("--days", default=365.0, show_default=True)
@click.option("--docs", is_flag=True, help=f"Put it into {PAGE}, too.")
def main(
    bench: Path,
    tile_ms: tuple[float, ...],
    tritons: tuple[int, ...],
    images: int,
    days: float,
    docs: bool,
    **inputs: Any,
) -> None:
    """Print costs, simulated fleets, and what many images take, as Markdown."""
    for option in MEASURED:
        inputs[option] = inputs[option] or measured(bench, option)
    if None in (inputs[option] for option in MEASURED):
        raise click.UsageError(
            f"{bench} lacks a figure: run `make bench`, or give --look-seconds and --ledger-per-second"
        )
    study = study_of(**inputs)
    filled_up = [f"One Triton, {ms:g} ms a tile:\n\n{_text(filled(study, ms))}" for ms in tile_ms[:2]]
    parts = {
        "cost": f"{told(study)}\n\n{_text(costs(study, tile_ms))}",
        "filled": "\n".join(filled_up),
        "grown": f"{tile_ms[0]:g} ms a tile:\n\n{_text(grown(study, tile_ms[0], tritons))}",
        "billion": "".join(f"- {line}\n" for line in year(study, tile_ms, images, days)),
    }
    click.echo("\n".join(parts.values()))
    if docs:
        for name, text in parts.items():
            show(PAGE, name, text)


def _text(table: Table) -> str:
    """Return a table as Markdown."""
    with StringIO() as file:
        Console(width=200, file=file).print(table)
        lines = file.getvalue().splitlines()
    return "".join(re.sub(" {2,}", " ", line.strip()) + "\n" for line in lines if line.strip())


if __name__ == "__main__":
    main()
