"""`baas-detector acceptance`."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from baas_detector.gate_command import NOT_ALL_WELL
from baas_sampling.inspection import draw, worklist_text

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_RATE = click.FloatRange(0, 1, min_open=True, max_open=True)
_confidence = click.option(
    "--confidence", type=_RATE, default=0.95, show_default=True, help="How often the bound must be true."
)


@click.group("acceptance")
def acceptance() -> None:
    """Let people look at some finished pictures, and tell what that proves of all.

    The miss rate is the share of images in which something is left that should have been redacted.

    \b
        baas-detector acceptance plan images.csv --by district --miss-rate 0.02 --output worklist.csv
        baas-detector acceptance result worklist.csv --at-most 0.02
    """


@acceptance.command("plan")
@click.argument("images_file", metavar="IMAGES", type=_FILE)
@click.option("--by", metavar="COLUMN", help="Column that tells the stratum. Without it all images are one.")
@click.option("--miss-rate", type=_RATE, default=0.05, show_default=True, help="Upper bound to prove for each stratum.")
@click.option(
    "--failures",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    help="So many inspected images of a stratum may have a miss, and the bound still holds.",
)
@_confidence
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draw.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the worklist, CSV."
)
def plan(
    images_file: Path,
    by: str | None,
    miss_rate: float,
    failures: int,
    confidence: float,
    seed: int,
    output: Path | None,
) -> None:
    """Tell how many images of each stratum to look at, and draw them.

    IMAGES is a CSV file with a column `image`. In the worklist inspectors write how many persons and plates were missed
    in each image, 0 where none was.
    """
    from baas_detector.acceptance.bounds import sample_size  # noqa: PLC0415 - other commands do without scipy
    from baas_detector.acceptance.files import read_images  # noqa: PLC0415 - pulls scipy

    strata = read_images(images_file, by=by)
    size = sample_size(miss_rate, failures=failures, confidence=confidence)
    tasks = draw(strata, size, seed=seed)
    table = Table("stratum", "images", "to look at", title_justify="left")
    for stratum, names in sorted(strata.items()):
        table.add_row(escape(stratum), str(len(names)), str(min(size, len(names))))
    table.add_section()
    table.add_row("all", str(sum(map(len, strata.values()))), str(len(tasks)))
    console = Console()
    console.print(table)
    console.print(
        f"With at most {failures} of {size} images with a miss, the miss rate of a stratum is below {miss_rate:.2%} "
        f"({confidence:.0%} confidence). Of smaller strata all images are looked at.",
        highlight=False,
        soft_wrap=True,
    )
    if output is not None:
        output.write_text(worklist_text(tasks), encoding="utf-8")


@acceptance.command("result")
@click.argument("findings_file", metavar="FINDINGS", type=_FILE)
@_confidence
@click.option("--at-most", type=_RATE, metavar="RATE", help="Fail when a bound is higher, of any stratum or of all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def result(findings_file: Path, confidence: float, at_most: float | None, as_json: bool) -> None:
    """Turn findings into upper bounds of the miss rate, for each stratum and for all images.

    FINDINGS is the worklist with its column `missed` filled in. The bound of a stratum is Clopper and Pearson's,
    one-sided; that of all holds however strata differ. Each holds at the confidence by itself.

    Exit codes: 0 done; 3 a bound is higher than --at-most; 2 the file cannot be used.
    """
    from baas_detector.acceptance.bounds import upper_bound, upper_bound_of_all  # noqa: PLC0415 - pulls scipy
    from baas_detector.acceptance.files import read_findings  # noqa: PLC0415

    strata = read_findings(findings_file)
    bounds = {stratum: upper_bound(seen, confidence) for stratum, seen in strata.items()}
    of_all = upper_bound_of_all(list(strata.values()), confidence)
    passes = at_most is None or max(*bounds.values(), of_all) <= at_most
    rows = [
        *((stratum, seen.images, seen.inspected, seen.missed, bounds[stratum]) for stratum, seen in strata.items()),
        (
            "all",
            sum(seen.images for seen in strata.values()),
            sum(seen.inspected for seen in strata.values()),
            sum(seen.missed for seen in strata.values()),
            of_all,
        ),
    ]
    names = ("stratum", "images", "inspected", "missed", "upper_bound")
    if as_json:
        *parts, whole = (dict(zip(names, row, strict=True)) for row in rows)
        whole.pop("stratum")
        click.echo(json.dumps({"confidence": confidence, "passes": passes, "strata": parts, "all": whole}, indent=2))
    else:
        _show(rows, confidence)
    if not passes:
        click.echo(f"A bound is higher than {at_most:.2%}.", err=True)
        raise click.exceptions.Exit(NOT_ALL_WELL)


def _show(rows: list[tuple[str, int, int, int, float]], confidence: float) -> None:
    table = Table("stratum", "images", "inspected", "with a miss", f"miss rate at most ({confidence:.0%})")
    for stratum, images, inspected, missed, bound in rows:
        table.add_row(escape(stratum), str(images), str(inspected), str(missed), f"{bound:.2%}")
    Console().print(table)
