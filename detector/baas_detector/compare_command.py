"""`baas-detector compare`."""

import csv
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from baas_detector.comparison.results import Comparison, GroupRow

_SIDE = click.Path(exists=True, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)
_COLUMNS = ("image", "number", "class", "category", "size", "found_by", "covered_a", "covered_b")
_SMALL = 0.001


@click.command("compare")
@click.argument("a", type=_SIDE)
@click.argument("b", type=_SIDE)
@click.option(
    "--truth",
    "truth_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="COCO file with boxes in pixels. Needed for folders; reports must have been made with it.",
)
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.8,
    show_default=True,
    help="Share of its box that must be masked for an object to count as found. Reports bring their own.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the resampling of images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--markdown", "markdown_file", type=_OUTPUT, metavar="FILE", help="Write all tables as Markdown, too.")
@click.option(
    "--worklist",
    "worklist_file",
    type=_OUTPUT,
    metavar="CSV",
    help="Write the objects that only one of them finds, too.",
)
def compare(
    a: Path,
    b: Path,
    truth_file: Path | None,
    min_coverage: float,
    seed: int,
    as_json: bool,
    markdown_file: Path | None,
    worklist_file: Path | None,
) -> None:
    """Compare two models on the same labelled pictures: for whom is B better than A, and is it more than chance?

    A and B are each what `evaluate --json` printed, or a folder that `baas blur` wrote with that model: masks of
    --save-masks, or else --detections. Each group has the recall of both, the difference with a 95 % interval, and
    McNemar's exact test on the objects that only one of them finds (docs/howto/evaluate.md).

    \b
        baas-detector compare old.json new.json --worklist differences.csv
        baas-detector compare masks-old/ masks-new/ --truth panoramas/annotations-coco.json
    """
    # Other commands do without scipy.
    from baas_detector.comparison.comparing import compare as compared  # noqa: PLC0415
    from baas_detector.comparison.sources import read_sides  # noqa: PLC0415
    from baas_detector.comparison.tables import remarks, tables  # noqa: PLC0415
    from baas_detector.evaluation.markdown import document  # noqa: PLC0415
    from baas_detector.evaluation.settings import Settings  # noqa: PLC0415

    one, other = read_sides(a, b, truth_file, Settings(min_coverage=min_coverage, seed=seed))
    found = compared((str(a), one), (str(b), other), seed=seed)
    if markdown_file is not None:
        markdown_file.write_text(document("Comparison", remarks(found), tables(found)), encoding="utf-8")
    if worklist_file is not None:
        _write_worklist(found, worklist_file)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        _show(found, Console())


def _write_worklist(found: "Comparison", path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(one.model_dump(by_alias=True) for one in found.one_sided)


def _show(found: "Comparison", console: Console) -> None:
    from baas_detector.comparison.tables import remarks  # noqa: PLC0415 - pulls scipy

    for object_class, rows in groupby(found.groups, key=lambda row: row.object_class):
        # No lines between columns: it fits into 80 characters.
        title = f"{object_class}, covered at least {found.min_coverage:.0%}"
        table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("group", no_wrap=True)
        for heading in ("of", "A", "B", "B less A (95 %)", "only A/B", "p"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*_cells(row))
        console.print(table)
        console.print()
    for line in remarks(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _cells(row: "GroupRow") -> list[str]:
    from baas_detector.comparison.tables import group_name, signed  # noqa: PLC0415 - pulls scipy
    from baas_detector.evaluation.tables import percent  # noqa: PLC0415 - as above

    by_images = row.interval_images_95 or row.interval_95
    low, high = max(row.interval_95, by_images, key=lambda ends: ends[1] - ends[0])
    difference = f"{signed(row.difference)} ({low * 100:.1f} to {high * 100:.1f})"
    p_value = "<0.001" if row.p_value < _SMALL else f"{row.p_value:.3f}"
    shares = [percent(side.share) for side in (row.a, row.b)]
    return [escape(group_name(row)), str(row.total), *shares, difference, f"{row.only_a}/{row.only_b}", p_value]
