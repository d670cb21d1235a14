"""`baas-detector evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from baas_crds.errors import ConfigurationError
from baas_detector.options import Edges, number_list

if TYPE_CHECKING:
    from baas_detector.coverage import Sizes
    from baas_detector.evaluation.results import Report

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command("evaluate")
@click.option(
    "--truth",
    "truth_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="COCO file with boxes in pixels. Categories may be paths such as `man/child/light`.",
)
@click.option(
    "--masks",
    type=_FOLDER,
    metavar="DIR",
    help="What `baas blur --save-masks DIR` wrote: a picture .png for each image, 255 where it is redacted.",
)
@click.option(
    "--detections",
    type=_FOLDER,
    metavar="DIR",
    help="What `baas blur --detections` wrote beside the pictures: a file .json for each image. Needed for what hangs "
    "on classes and confidences. With --masks too, the masks say what is covered.",
)
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.8,
    show_default=True,
    help="Share of its box that must be masked for an object to count as found.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=0,
    show_default=True,
    help="Leave out detections with a lower confidence.",
)
@click.option(
    "--person-sizes",
    callback=number_list(percents=True),
    metavar="NUMBERS",
    default="24,50,100,200,400",
    show_default=True,
    help="Heights at which the size groups of persons begin: pixels, or % of the picture's height.",
)
@click.option(
    "--plate-sizes",
    callback=number_list(percents=True),
    metavar="NUMBERS",
    default="10,16,30,60,120",
    show_default=True,
    help="Widths at which those of plates begin: pixels, or % of the picture's width.",
)
@click.option(
    "--coco-areas",
    callback=number_list(),
    metavar="NUMBERS",
    default="1024,9216",
    show_default=True,
    help="Areas in square pixels at which COCO's size groups begin.",
)
@click.option(
    "--max-detections",
    callback=number_list(whole=True),
    metavar="NUMBERS",
    default="1,10,100",
    show_default=True,
    help="How many detections of an image COCO's averages count.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the resampling of images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, which `gate` reads.")
@click.option("--markdown", "markdown_file", type=_OUTPUT, metavar="FILE", help="Write all tables as Markdown, too.")
@click.option(
    "--html", "html_file", type=_OUTPUT, metavar="FILE", help="Write one page with all tables and plots, too."
)
def evaluate(
    truth_file: Path,
    masks: Path | None,
    detections: Path | None,
    min_coverage: float,
    min_score: float,
    person_sizes: Edges,
    plate_sizes: Edges,
    coco_areas: Edges,
    max_detections: Edges,
    seed: int,
    as_json: bool,
    markdown_file: Path | None,
    html_file: Path | None,
) -> None:
    """Measure how many labelled persons and licence plates were redacted, and for whom it works.

    Recall by class, by size and at the panorama's seam, with counts and 95 % intervals (Clopper-Pearson), and the
    share of pixels that was masked for it. An image without a mask counts as missed altogether. JSON, Markdown and
    HTML hold more: total blurred area, false-negative rates by category and gaps between groups, COCO's averages,
    curves over confidence, and each image (docs/howto/evaluate.md).

    \b
        baas blur panoramas/ safe/ --save-masks masks/ --detections
        baas-detector evaluate --truth panoramas/annotations-coco.json --masks masks/
        baas-detector evaluate --truth panoramas/annotations-coco.json --detections safe/ --html page.html
    """
    # Other commands do without scipy.
    from baas_detector.contract import DetectedClass  # noqa: PLC0415
    from baas_detector.evaluation import evaluate as measure  # noqa: PLC0415
    from baas_detector.evaluation.predictions import Source  # noqa: PLC0415
    from baas_detector.evaluation.settings import Settings  # noqa: PLC0415

    if masks is None and detections is None:
        raise click.UsageError("Give --masks, --detections or both: what is measured.")
    report = measure(
        truth_file,
        Source(masks=masks, detections=detections, min_score=min_score),
        Settings(
            min_coverage=min_coverage,
            sizes={
                DetectedClass.PERSON: _sizes(person_sizes),
                DetectedClass.LICENCE_PLATE: _sizes(plate_sizes),
            },
            areas_px=coco_areas[0],
            max_detections=tuple(int(limit) for limit in max_detections[0]),
            seed=seed,
        ),
    )
    _write(report, markdown_file, html_file)
    if as_json:
        click.echo(report.model_dump_json(indent=2))
    else:
        _show(report, Console())


def _sizes(numbers: Edges) -> "Sizes":
    from baas_detector.coverage import Sizes  # noqa: PLC0415 - pulls scipy

    edges, of_picture = numbers
    return Sizes(edges=edges, of_picture=of_picture)


def _write(report: "Report", markdown_file: Path | None, html_file: Path | None) -> None:
    try:
        if markdown_file is not None:
            from baas_detector.evaluation.markdown import markdown  # noqa: PLC0415 - only where it is asked for

            markdown_file.write_text(markdown(report), encoding="utf-8")
        if html_file is not None:
            from baas_detector.evaluation.page import page  # noqa: PLC0415 - pulls matplotlib

            html_file.write_text(page(report), encoding="utf-8")
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"Plots need {error.name}: install the extra `evaluation`.") from error


def _show(report: "Report", console: Console) -> None:
    from baas_detector.evaluation.tables import percent, remarks, span  # noqa: PLC0415 - pulls scipy

    table = Table(title=f"Objects whose box is masked at least {report.min_coverage:.0%}", title_justify="left")
    for heading in ("class", "group"):
        table.add_column(heading)
    for heading in ("found", "of", "recall", "95 % interval"):
        table.add_column(heading, justify="right")
    for one in report.recall:
        if one.share is None and one.group != "all":
            continue
        if one.group == "all":
            table.add_section()
        table.add_row(
            str(one.object_class),
            one.group,
            str(one.found),
            str(one.total),
            percent(one.share),
            span(one.interval_95),
        )
    console.print(table)
    for line in remarks(report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
