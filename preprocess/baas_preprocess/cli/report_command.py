"""`baas report`."""

from pathlib import Path

import click

from baas_crds.errors import ConfigurationError
from baas_preprocess.cli.console import LEDGER_HELP, given_ledger, given_viewer, out, printable
from baas_preprocess.earlier_runs import open_results
from baas_preprocess.report import render
from baas_preprocess.results import check_page_apart, report_of


@click.command("report")
@click.argument("dest", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="report.html",
    show_default=True,
    metavar="FILE",
    help="Where the page goes.",
)
@click.option(
    "--pictures", type=click.IntRange(0), default=50, show_default=True, help="Show this many images on the page."
)
@click.option("--ledger", metavar="URL", help=LEDGER_HELP)
def report_command(dest: Path, output: Path, pictures: int, ledger: str | None) -> None:
    """Write one self-contained HTML page about the last run into DEST.

    It shows redacted pictures only (in a 360° viewer), boxes, models, timings, and why images were not published.

    \b
        baas report safe/ -o report.html
    """
    check_page_apart(output, dest)
    with open_results(dest, given_ledger(ledger)) as (engine, run):
        page = render(report_of(engine, run, dest, output, pictures=pictures, viewer=given_viewer()))
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--output {output} cannot be written: {error.strerror}.") from error
    out.print(f"The report is in {printable(str(output))}", markup=False)
