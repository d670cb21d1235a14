"""`baas panoramas`: what the Panorama API has, for people."""

import csv
import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_crds.places import PanoramaApi, PanoramaSize
from baas_panoramas.address import place_of
from baas_panoramas.asking import Manners
from baas_panoramas.client import AMSTERDAM, PanoramaClient
from baas_panoramas.downloading import Download, Fate, download_all
from baas_panoramas.panorama import Adjacency, Panorama
from baas_panoramas.viewer import viewer_link
from baas_preprocess.cli.console import err, given_viewer, out, plain, progress_bar

COLUMNS = (
    "pano_id",
    "timestamp",
    "longitude",
    "latitude",
    "heading",
    "roll",
    "pitch",
    "mission_type",
    "mission_year",
    "mission_distance",
    "surface_type",
    "tags",
    "filename",
    "viewer",
)
WIDE = 1000
"""Columns of what is no terminal."""
FILTERS = (
    click.option("--near", metavar="LON,LAT", help="Middle of a circle; metres X,Y with --srid 28992."),
    click.option("--radius", metavar="METRES", help="Of that circle."),
    click.option("--srid", type=click.Choice(["4326", "28992"]), help="What --near is given in. [4326: degrees]"),
    click.option("--timestamp-after", metavar="DAY", help="Taken on this day or later, such as 2026-01-31."),
    click.option("--timestamp-before", metavar="DAY", help="Taken before this day."),
    click.option("--tags", multiple=True, metavar="TAG,…", help="With all of these tags, such as mission-bi."),
    click.option("--mission-year", metavar="YEAR", help="Year of the mission."),
    click.option("--mission-type", metavar="TYPE", help="Type of the mission, such as bi or woz."),
    click.option("--surface-type", type=click.Choice(["land", "water"]), help="Taken on land or on water."),
    click.option("--limit", metavar="N", help="At most so many panoramas."),
)
_base_url = click.option(
    "--base-url", default=AMSTERDAM, show_default=True, metavar="URL", help="Where the Panorama API is."
)
_per_second = click.option(
    "--per-second",
    type=click.FloatRange(0.1, 1000),
    default=Manners().per_second,
    show_default=True,
    help="At most so many questions a second.",
)
_patience = click.option(
    "--patience-seconds",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help="How long an API that does not answer is tried again.",
)


def _with_filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed((*FILTERS, _base_url, _per_second, _patience)):
        command = option(command)
    return command


@click.group("panoramas")
def panoramas_command() -> None:
    """See what the city's Panorama API has, and download it.

    To blur panoramas of the API, name them as a source: baas blur 'panorama-api:?tags=mission-bi&limit=100' safe/
    """


@panoramas_command.command("list")
@_with_filters
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "ids"]),
    default="table",
    show_default=True,
    help="json: one document a line; ids: one id a line.",
)
@click.option("--from-page", metavar="URL", help="Go on where a list that was cut said that it ended.")
def list_command(
    form: str, from_page: str | None, base_url: str, per_second: float, patience_seconds: float, **filters: Any
) -> None:
    """List the panoramas that match every filter.

    They are printed page by page, as the API gives them. Exit code 4 when it goes away: the message then says how to go
    on.

    \b
        baas panoramas list --tags mission-bi --mission-year 2026 --limit 20
        baas panoramas list --near 4.8952,52.3702 --radius 100 --format csv > dam.csv
    """
    place, viewer = _place(filters, base_url), given_viewer()
    with PanoramaClient(place.base_url, _manners(per_second, patience_seconds)) as client:
        found = _resumable(client, place, from_page, is_whole=form == "table")
        if form == "table":
            with progress_bar() as bar:
                task = bar.add_task("Listing", total=place.filters.limit, rate="")
                table = _table(found, on_row=lambda: bar.advance(task))
            # Where nobody looks, no line is folded.
            (out if out.is_terminal else Console(width=WIDE)).print(table)
        elif form == "csv":
            _print_csv(found, viewer, with_header=from_page is None)
        else:
            for panorama in found:
                click.echo(panorama.pano_id if form == "ids" else json.dumps(_row(panorama, viewer)))


@panoramas_command.command("download")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@_with_filters
@click.option(
    "--size",
    type=click.Choice([size.lower() for size in PanoramaSize]),
    default="full",
    show_default=True,
    help="8000, 4000 or 2000 px wide.",
)
@click.option("--in-flight", type=click.IntRange(1, 16), default=4, show_default=True, help="So many at once.")
@click.pass_context
def download_command(
    context: click.Context,
    /,
    folder: Path,
    in_flight: int,
    base_url: str,
    per_second: float,
    patience_seconds: float,
    **filters: Any,
) -> None:
    """Download the pictures of the panoramas that match every filter into DIR, as ID.jpg.

    A picture is there whole or not at all. Run it again after an interruption: what is whole is skipped, and what was
    cut goes on where it was. The pictures show people. Exit code 3 when some could not be had.

    \b
        baas panoramas download raw/ --tags mission-bi --limit 100 --size full
    """
    place = _place(filters, base_url)
    fates: Counter[Fate] = Counter()
    with PanoramaClient(place.base_url, _manners(per_second, patience_seconds)) as client, progress_bar() as bar:
        task, size_bytes = bar.add_task("Downloading", total=place.filters.limit, rate=""), 0
        found = (panorama for _, panorama in client.selected(place.filters))
        for done in download_all(client, found, place.size, folder, at_once=in_flight):
            fates[done.fate] += 1
            size_bytes += done.size_bytes
            bar.update(task, advance=1, rate=f"{size_bytes / 1e6:,.0f} MB")
            _tell(done)
    out.print(", ".join(f"{number:,} {fate}" for fate, number in sorted(fates.items())) or "No panorama matches.")
    context.exit(ExitCode.QUARANTINED if fates[Fate.REFUSED] else ExitCode.DONE)


@panoramas_command.command("show")
@click.argument("pano_id", metavar="ID")
@_base_url
@_per_second
@_patience
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show_command(pano_id: str, base_url: str, per_second: float, patience_seconds: float, as_json: bool) -> None:
    """Tell what the API knows of a panorama, what is near it, and where to look at it.

    \b
        baas panoramas show TMX7316010203-001984_pano_0000_000301
    """
    place, viewer = _place({}, base_url), given_viewer()
    with PanoramaClient(place.base_url, _manners(per_second, patience_seconds)) as client:
        panorama = client.panorama(pano_id)
        if panorama is None:
            raise ConfigurationError(f"The Panorama API at {client.base} knows no panorama {pano_id!r}: check its id.")
        near = sorted(client.adjacencies(panorama.pano_id), key=lambda one: (one.distance is None, one.distance))
    pictures = {size.lower(): link for size in PanoramaSize if (link := panorama.picture(size)) is not None}
    if as_json:
        around = [{"pano_id": one.pano_id, "distance": one.distance, "direction": one.direction} for one in near]
        click.echo(json.dumps({**_row(panorama, viewer), "pictures": pictures, "adjacencies": around}, indent=1))
        return
    for name, value in (_row(panorama, viewer) | {f"picture, {size}": link for size, link in pictures.items()}).items():
        if value not in (None, []):
            text = ", ".join(value) if isinstance(value, list) else str(value)
            out.print(f"[dim]{name:<18}[/]{plain(text)}", soft_wrap=True)
    out.print(_adjacencies(near) if near else "The API knows nothing near it.", soft_wrap=True)


def _place(filters: dict[str, Any], base_url: str) -> PanoramaApi:
    given = {name: ",".join(value) if name == "tags" else value for name, value in filters.items() if value}
    try:
        return place_of(given, base_url=base_url)
    except ConfigurationError as error:
        raise click.UsageError(f"{error}.") from error


def _manners(per_second: float, patience_seconds: float) -> Manners:
    return Manners(per_second=per_second, patience_seconds=patience_seconds)


def _resumable(
    client: PanoramaClient, place: PanoramaApi, from_page: str | None, *, is_whole: bool
) -> Iterator[Panorama]:
    """Give panoramas; when the API goes away, say how to go on, unless the list is shown only when it is whole."""
    last = from_page
    try:
        for page, panorama in client.selected(place.filters, first=from_page):
            last = page
            yield panorama
    except DependencyUnavailable as error:
        if is_whole or last is None:
            raise
        raise DependencyUnavailable(
            f"{error}\nPanoramas up to a part of the page {last} were listed. The same command with "
            f"--from-page {shlex.quote(last)} goes on; it begins with that page again."
        ) from error


def _row(panorama: Panorama, viewer: str) -> dict[str, Any]:
    row = {name: getattr(panorama, name, None) for name in COLUMNS}
    return {**row, "tags": list(panorama.tags), "viewer": viewer_link(panorama.pano_id, viewer)}


def _print_csv(found: Iterable[Panorama], viewer: str, *, with_header: bool) -> None:
    table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    if with_header:
        table.writeheader()
    for panorama in found:
        row = _row(panorama, viewer)
        table.writerow(row | {"tags": " ".join(row["tags"])})


def _table(found: Iterable[Panorama], *, on_row: Callable[[], None]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("panorama", "taken", "position", "mission", "surface", "tags"):
        table.add_column(title, no_wrap=title in {"panorama", "taken", "position"})
    for one in found:
        mission = " ".join(filter(None, (one.mission_type, one.mission_year)))
        taken = (one.timestamp or "")[:16].replace("T", " ")
        place = f"{one.longitude:.5f},{one.latitude:.5f}"
        on_row()
        table.add_row(*map(plain, (one.pano_id, taken, place, mission, one.surface_type or "", ", ".join(one.tags))))
    return table


def _adjacencies(near: Iterable[Adjacency]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title="Near it", title_justify="left")
    table.add_column("panorama", no_wrap=True)
    table.add_column("metres", justify="right")
    table.add_column("direction", justify="right")
    table.add_column("mission")
    for one in near:
        distance = "" if one.distance is None else f"{one.distance:.1f}"
        direction = "" if one.direction is None else f"{one.direction:.0f}°"
        table.add_row(plain(one.pano_id), distance, direction, plain(one.mission_year or ""))
    return table


def _tell(done: Download) -> None:
    if done.fate is Fate.REFUSED:
        err.print(f"[yellow]not downloaded[/] {plain(done.message)}", soft_wrap=True)
