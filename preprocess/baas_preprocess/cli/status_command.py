"""`baas status`."""

import json
from itertools import chain
from pathlib import Path

import click

from baas_crds.codes import ExitCode, QuarantineReason
from baas_ledger.engine import reading
from baas_ledger.progress import read_progress
from baas_ledger.records import image_pages, second_look_sums
from baas_ledger.tables import ImageState
from baas_panoramas.viewer import viewer_of
from baas_preprocess.cli.console import (
    LEDGER_HELP,
    Tally,
    given_ledger,
    given_viewer,
    out,
    printable,
    summary_document,
    summary_table,
)
from baas_preprocess.earlier_runs import open_results


@click.command("status")
@click.argument("dest", type=click.Path(path_type=Path, file_okay=False))
@click.option("--ledger", metavar="URL", help=LEDGER_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def status_command(context: click.Context, dest: Path, ledger: str | None, as_json: bool) -> None:
    """Tell how the last run into DEST stands, and which images were not published and why.

    Exit code 0 when all is published, 3 when images are quarantined, 4 when some are still waiting.

    \b
        baas status safe/
    """
    with open_results(dest, given_ledger(ledger)) as (engine, run):
        with reading(engine) as connection:
            counts = read_progress(connection, run.id)
            tally = Tally(second_look=second_look_sums(connection, run.id))
        refused = list(chain.from_iterable(image_pages(engine, run.id, ImageState.QUARANTINED)))
    address = given_viewer()
    viewers = {image.name: viewer_of(run.source, image.name, address) for image in refused}
    if as_json:
        rows = [
            {"name": image.name, "reason": image.reason, "message": image.message, "viewer": viewers[image.name]}
            for image in refused
        ]
        click.echo(json.dumps({**summary_document(run.id, counts, tally, 0), "not_published": rows}, indent=1))
    else:
        out.print(summary_table(counts, tally, 0))
        for image in refused:
            explanation = QuarantineReason(image.reason).explanation if image.reason else ""
            message = printable(image.message or "")
            out.print(f"\n{printable(image.name)}: {image.reason}\n  {message}\n  {explanation}", markup=False)
            if viewer := viewers[image.name]:
                out.print(f"  {viewer}", markup=False, soft_wrap=True)
    if counts.remaining:
        context.exit(ExitCode.UNREACHABLE)
    context.exit(ExitCode.QUARANTINED if counts.quarantined else ExitCode.DONE)
