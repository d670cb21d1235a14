"""`baas-detector metadata`."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import track

from baas_crds.errors import ConfigurationError
from baas_crds.places import PanoramaApi

if TYPE_CHECKING:
    from baas_detector.annotations.metadata.places import Known
    from baas_panoramas.client import PanoramaClient

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("metadata")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A .csv or .json file, a row for each picture.",
)
@click.option(
    "--table", type=_FILE, metavar="CSV", help="Columns image or pano_id, latitude and longitude, district, …"
)
@click.option("--api", "asks_api", is_flag=True, help="Ask the Panorama API for what the table does not know.")
@click.option("--api-url", default=PanoramaApi.model_fields["base_url"].default, show_default=True, help="Where it is.")
@click.option(
    "--api-query",
    multiple=True,
    metavar="NAME=VALUE",
    help="Read its list first, such as timestamp_after=2025-01-01: one question a page instead of one a picture.",
)
@click.option("--retries", type=click.IntRange(0, 20), default=5, show_default=True, help="After 429, 5xx and silence.")
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of the pictures, whose Exif counts where nobody else knows. [SOURCE, if it is one]",
)
@click.option("--districts", type=_FILE, metavar="GEOJSON", help="Polygons of districts, in degrees.")
@click.option("--district-property", metavar="NAME", help="Which property is a district's name. [naam, name, …]")
@click.option("--seed", type=int, default=0, show_default=True, help="Another one makes other subsets.")
@click.option("--ratios", default="0.7,0.15,0.15", show_default=True, help="Shares of train, val and test.")
@click.option(
    "--cell-length",
    type=click.IntRange(1, 9),
    default=6,
    show_default=True,
    help="Characters of the geohash that make a cluster, which is in one subset as a whole.",
)
@click.option(
    "--guard",
    "guard_m",
    type=click.FloatRange(0, 10_000),
    default=20,
    show_default=True,
    metavar="METRES",
    help="Pictures so near to another subset's cell are in none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def metadata(
    source: Path,
    output: Path,
    table: Path | None,
    asks_api: bool,
    api_url: str,
    api_query: tuple[str, ...],
    retries: int,
    images: Path | None,
    districts: Path | None,
    district_property: str | None,
    seed: int,
    ratios: str,
    cell_length: int,
    guard_m: float,
    as_json: bool,
) -> None:
    """Tell for each picture where it was taken, and put it into a subset: train, val or test.

    SOURCE is a folder of pictures, or annotations. The table is believed first, then the Panorama API, then the
    picture's Exif. Pictures of one geohash cell are all in one subset, whatever other pictures there are; those near
    the border to another subset, and those of which nobody knows the place, are in none.

    \b
        baas-detector metadata panoramas/ --output metadata.csv --districts districts.geojson
        baas-detector metadata annotations.json --output metadata.csv --api
    """
    from baas_detector.annotations.metadata import collecting, tables  # noqa: PLC0415 - heavy libraries
    from baas_detector.annotations.metadata.districts import read_districts  # noqa: PLC0415 - as above
    from baas_detector.annotations.metadata.subsets import Division  # noqa: PLC0415 - as above
    from baas_panoramas.asking import Manners  # noqa: PLC0415 - as above
    from baas_panoramas.client import PanoramaClient  # noqa: PLC0415 - as above

    if output.suffix not in {".csv", ".json"}:
        raise click.UsageError(f"--output {output} must end in .csv or .json.")
    if api_query and not asks_api:
        raise click.UsageError("--api-query needs --api.")
    division = Division(ratios=_ratios(ratios), seed=seed, cell_length=cell_length, guard_m=guard_m)
    names = _names(source)
    with PanoramaClient(api_url, Manners(retries=retries)) as api:
        sources = collecting.Sources(
            table={} if table is None else tables.read_table(table),
            api=api if asks_api else None,
            listed=_listed(api, api_query),
            pictures=images or (source if source.is_dir() else None),
            districts=() if districts is None else read_districts(districts, name_property=district_property),
        )
        console = Console(stderr=True)
        found = collecting.collect(names, sources, division)
        rows = list(track(found, "pictures", len(names), console=console, disable=not console.is_terminal))
    _write(output, rows, collecting.COLUMNS)
    _tell(collecting.summary(rows), output, as_json)


def _names(source: Path) -> list[str]:
    from baas_detector.annotations import converting, pictures  # noqa: PLC0415 - as above

    if source.is_dir() and not (source / "data.yaml").is_file():
        names = pictures.list_pictures(source)
    else:
        names = [image.name for image in converting.load(source)[0].images]
    if not names:
        raise ConfigurationError(f"{source} has no pictures.")
    return names


def _ratios(text: str) -> dict[str, float]:
    from baas_detector.annotations.converting import SUBSETS  # noqa: PLC0415 - as above

    try:
        shares = [float(part) for part in text.split(",")]
        return dict(zip(SUBSETS, shares, strict=True))
    except ValueError as error:
        raise click.UsageError(f"--ratios is {text!r}; give three numbers, for {', '.join(SUBSETS)}.") from error


def _listed(api: "PanoramaClient", query: tuple[str, ...]) -> "dict[str, Known]":
    from baas_detector.annotations.metadata.collecting import known_of  # noqa: PLC0415 - as above

    pairs = [(name, value) for name, is_pair, value in (one.partition("=") for one in query) if is_pair]
    if len(pairs) != len(query):
        raise click.UsageError("--api-query is NAME=VALUE, such as timestamp_after=2025-01-01.")
    pages = api.pages(pairs) if pairs else ()
    return {panorama.pano_id: known_of(panorama) for _, page in pages for panorama in page.panoramas}


def _write(output: Path, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix == ".json":
        output.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    with output.open("w", encoding="utf-8", newline="") as text:
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _tell(summary: dict[str, Any], output: Path, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary, indent=2, ensure_ascii=False))
        return
    click.echo(f"{summary['images']} pictures")
    for title, key in (("subset", "subsets"), ("district", "districts"), ("position from", "positions_from")):
        counts = ", ".join(f"{name or 'unknown'} {count}" for name, count in summary[key].items())
        click.echo(f"{title}: {counts}")
    lost = summary["without_position"]
    if lost:
        click.echo(f"nobody knows where these were taken: {', '.join(lost[:10])}{', …' if len(lost) > 10 else ''}")
    click.echo(f"wrote {output}")
