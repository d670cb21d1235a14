"""`baas-detector sample`."""

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from baas_detector.options import Edges, number_list
from baas_sampling.drawing import Retraining, Sample, random_sample, retraining_sample
from baas_sampling.labelling import rows
from baas_sampling.strata import Strata

if TYPE_CHECKING:
    from baas_detector.sampling.files import Pool

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("sample")
@click.argument("folder", metavar="OUTPUT", type=_FOLDER)
@click.option("--size", type=click.IntRange(1), metavar="N", help="Draw so many pictures for labelling.")
@click.option(
    "--random", "random_size", type=click.IntRange(1), metavar="N", help="Draw so many for a review, all as likely."
)
@click.option(
    "--metadata",
    "metadata_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="CSV",
    help="What `baas-detector metadata` wrote: each district gets what its pictures are of all.",
)
@click.option(
    "--by", type=click.Choice(["district", "cluster"]), default="district", show_default=True, help="Its column."
)
@click.option(
    "--share-without",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of the sample in which nothing was found: misses live there. Other bins get equal parts of the rest.",
)
@click.option(
    "--bins",
    callback=number_list(whole=True),
    metavar="NUMBERS",
    default="2,4,8,16,32",
    show_default=True,
    help="Numbers of detections at which bins begin, besides 0 and 1.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.05,
    show_default=True,
    help="The confidence with which the pictures were blurred. Scores near it are doubtful.",
)
@click.option(
    "--doubt-factor",
    type=click.FloatRange(1, 1000),
    default=4,
    show_default=True,
    help="How much more a picture weighs of which all is doubtful, or which people corrected. 1: doubt does not count.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another one draws others.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the worklist, .csv or .json.",
)
@click.option("--images", type=_FOLDER, metavar="DIR", help="The originals, which --copy-to copies for annotators.")
@click.option(
    "--copy-to",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New folder for the drawn pictures: originals with --size, published ones with --random.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def sample(
    folder: Path,
    size: int | None,
    random_size: int | None,
    metadata_file: Path | None,
    by: Literal["district", "cluster"],
    share_without: float,
    bins: Edges,
    threshold: float,
    doubt_factor: float,
    seed: int,
    output: Path | None,
    images: Path | None,
    copy_to: Path | None,
    as_json: bool,
) -> None:
    """Draw pictures to label for the next training, or finished ones to look at.

    OUTPUT is what `baas blur --detections` wrote. --size draws pictures with few and many detections alike, doubtful
    ones more often, and a share in which nothing was found; --random draws any. The same seed draws the same
    (docs/howto/sample-for-training.md).

    \b
        baas-detector sample safe/ --size 200 --metadata metadata.csv --output worklist.csv
        baas-detector sample safe/ --size 200 --images panoramas/ --copy-to /secure/to-label
        baas-detector sample safe/ --random 100 --output review.csv
    """
    from baas_detector.sampling import files  # noqa: PLC0415 - pulls what reads annotations

    asked = _asked(size, random_size)
    _check(size, output, images, copy_to)
    strata = _strata(metadata_file, by)
    if size is None:
        pool = files.list_published(folder, strata)
        found = random_sample(pool.candidates, asked, seed=seed)
    else:
        pool = files.read_detected(folder, strata)
        how = Retraining(
            seed=seed,
            share_without=Fraction(str(share_without)),
            edges=tuple(int(edge) for edge in bins[0] if edge > 1),
            threshold=threshold,
            doubt_factor=doubt_factor,
        )
        found = retraining_sample(pool.candidates, asked, how)
    if output is not None:
        output.write_text(files.worklist(found.drawn, suffix=output.suffix), encoding="utf-8", errors="surrogateescape")
    if copy_to is not None and images is not None:
        files.copy_originals(found.drawn, detections=folder, originals=images, target=copy_to)
    elif copy_to is not None:
        files.copy_published(found.drawn, published=folder, target=copy_to)
    if as_json:
        click.echo(json.dumps(_document(found, pool, asked, seed), indent=2))
    else:
        _show(found, pool, asked, Console())
        if images is not None and copy_to is not None:
            click.echo(f"{copy_to} shows people as they were photographed: keep it as you keep the originals.")


def _asked(size: int | None, random_size: int | None) -> int:
    match size, random_size:
        case (int(asked), None) | (None, int(asked)):
            return asked
        case _:
            raise click.UsageError("Give --size, for pictures to label, or --random, for finished ones to look at.")


def _check(size: int | None, output: Path | None, images: Path | None, copy_to: Path | None) -> None:
    if output is not None and output.suffix not in {".csv", ".json"}:
        raise click.UsageError(f"--output {output} must end in .csv or .json.")
    if images is not None and copy_to is None:
        raise click.UsageError("--images needs --copy-to, where the originals go.")
    if images is not None and size is None:
        raise click.UsageError("--random is for finished pictures, which are in OUTPUT: leave --images out.")
    if copy_to is not None and size is not None and images is None:
        raise click.UsageError(
            "--copy-to needs --images, the folder of the originals: nobody labels redacted pictures."
        )


def _strata(metadata_file: Path | None, by: Literal["district", "cluster"]) -> Strata | None:
    from baas_detector.annotations.metadata.tables import read_table  # noqa: PLC0415 - pulls what reads annotations

    if metadata_file is None:
        return None
    return Strata(known={image: getattr(known, by) for image, known in read_table(metadata_file).items()})


def _document(found: Sample, pool: "Pool", asked: int, seed: int) -> dict[str, Any]:
    parts: tuple[Literal["stratum", "bin"], ...] = ("stratum", "bin")
    return {
        "asked": asked,
        "drawn": len(found.drawn),
        "pictures": len(pool.candidates),
        "without_detections": list(pool.without_detections),
        "seed": seed,
        "by": {part: {name: {"pictures": a, "drawn": b} for name, (a, b) in found.by(part).items()} for part in parts},
        "sample": rows(found.drawn),
    }


def _show(found: Sample, pool: "Pool", asked: int, console: Console) -> None:
    parts: tuple[tuple[Literal["stratum", "bin"], str], ...] = (("bin", "detections"), ("stratum", "stratum"))
    for part, heading in parts:
        counts = found.by(part)
        if len(counts) > 1:
            table = Table(heading, title_justify="left")
            table.add_column("pictures", justify="right")
            table.add_column("drawn", justify="right")
            for name, (there, drawn) in sorted(counts.items(), key=lambda one: _rank(one[0])):
                table.add_row(escape(name), str(there), str(drawn))
            console.print(table)
    lines = [f"{len(found.drawn)} of {len(pool.candidates)} pictures"]
    if asked > len(found.drawn):
        lines.append(f"{asked} were asked for, and there are not more: these are all.")
    if pool.without_detections:
        lines.append(f"pictures without detections beside them, which cannot be drawn: {len(pool.without_detections)}")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rank(name: str) -> tuple[int, str]:
    """Bins by their first number, strata by name."""
    number = name.rstrip("+").partition("-")[0]
    return (int(number), "") if number.isdecimal() else (-1, name)
