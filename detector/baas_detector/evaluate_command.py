"""`baas-detector evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from baas_detector.evaluation import Evaluation


@click.command("evaluate")
@click.option(
    "--truth",
    "truth_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="COCO file with boxes in pixels.",
)
@click.option(
    "--masks",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="What `baas blur --save-masks DIR` wrote: a picture .png for each image, 255 where it is redacted.",
)
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.8,
    show_default=True,
    help="Share of its box that must be masked for an object to count as found.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def evaluate(truth_file: Path, masks: Path, min_coverage: float, as_json: bool) -> None:
    """Measure how many labelled persons and licence plates were redacted.

    Recall by class, by size and at the panorama's seam, with counts and 95 % intervals (Clopper-Pearson), and the
    share of pixels that was masked for it. An image without a mask counts as missed altogether.

    \b
        baas blur panoramas/ safe/ --save-masks masks/
        baas-detector evaluate --truth panoramas/annotations-coco.json --masks masks/
    """
    from baas_detector import evaluation  # noqa: PLC0415 - other commands do without scipy

    result = evaluation.evaluate(truth_file, masks, min_coverage=min_coverage)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result, Console())


def _show(result: "Evaluation", console: Console) -> None:
    table = Table(title=f"Objects whose box is masked at least {result.min_coverage:.0%}", title_justify="left")
    for heading in ("class", "group"):
        table.add_column(heading)
    for heading in ("found", "of", "recall", "95 % interval"):
        table.add_column(heading, justify="right")
    for one in result.recalls:
        if one.share is None and one.group != "all":
            continue
        low, high = one.interval()
        share = "-" if one.share is None else f"{one.share:.1%}"
        if one.group == "all":
            table.add_section()
        table.add_row(
            str(one.object_class), one.group, str(one.found), str(one.total), share, f"{low:.1%} to {high:.1%}"
        )
    console.print(table)
    for line in _remarks(result):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _remarks(result: "Evaluation") -> list[str]:
    """What stands under the table: the price, and what was left out."""
    lines = [f"{len(result.truth.images)} images"]
    if result.masked_share_mean is not None:
        lines.append(
            f"masked: {result.masked_share_mean:.2%} of an image on average, "
            f"{result.masked_share_total:.2%} of all pixels"
        )
    if result.truth.ignored:
        lines.append(f"left out: {result.truth.ignored} objects marked as too small to judge")
    if result.truth.other_classes:
        others = ", ".join(f"{name} {count}" for name, count in sorted(result.truth.other_classes.items()))
        lines.append(f"left out: objects of other classes ({others})")
    if result.without_mask:
        lines.append(f"no mask, so all their objects count as missed: {', '.join(result.without_mask)}")
    return lines
