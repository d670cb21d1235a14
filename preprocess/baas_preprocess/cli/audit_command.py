"""`baas audit`."""

import json
import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import click

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_ledger.chain import Record
from baas_ledger.engine import reading
from baas_ledger.facts import Run
from baas_ledger.samples import samples_of
from baas_panoramas.viewer import viewer_of
from baas_preprocess.audit import Demands, Verdict, history, verify_run
from baas_preprocess.audit_words import of_record, told, unreadable
from baas_preprocess.cli.console import LEDGER_HELP, given_ledger, given_viewer, out, printable, progress_bar
from baas_preprocess.earlier_runs import open_outputs, open_results
from baas_preprocess.signatures import checker_of

PROBLEMS_SHOWN = 20

_dest = click.argument("dest")
_ledger = click.option("--ledger", metavar="URL", help=LEDGER_HELP)
_run = click.option("--run", "run_id", metavar="ID", help="Which run; without it the last one into DEST.")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("audit")
def audit_command() -> None:
    """Prove what was published, from records that cannot be changed unseen."""


@audit_command.command("verify")
@_dest
@_ledger
@_run
@click.option(
    "--public-key",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also demand that the records were signed with this Ed25519 key (PEM).",
)
@click.option(
    "--expect-head",
    metavar="DIGEST",
    help="Also demand that this record, the last one when its digest was noted, is in the chain still.",
)
@click.option("--no-outputs", is_flag=True, help="Compare records and ledger only, and read no picture.")
@_json
@click.pass_context
def verify_command(
    context: click.Context,
    dest: str,
    ledger: str | None,
    run_id: str | None,
    public_key: Path | None,
    expect_head: str | None,
    no_outputs: bool,
    as_json: bool,
) -> None:
    """Recompute the audit chain of a run into DEST, and compare it with the ledger and with every output.

    DEST is a folder, or the https:// address of a container's folder in Azure Blob Storage; the ledger of BlurJobs is
    given with --ledger. Nothing is written. Exit code 0 when all agrees, 5 when something was changed, removed or put
    in between; the first problem is named first. 2 when images are older than the records, so that nothing tells.

    \b
        baas audit verify safe/
        baas audit verify https://account.blob.core.windows.net/safe --run UID --ledger postgresql://…
    """
    if expect_head is not None and re.fullmatch("sha256:[0-9a-f]{64}", expect_head) is None:
        raise ConfigurationError(f"--expect-head {expect_head} is no digest: sha256: and 64 hexadecimal digits.")
    demands = Demands(is_signed=None if public_key is None else checker_of(public_key), head=expect_head)
    with open_results(dest, given_ledger(ledger), run_id=run_id) as (engine, run), progress_bar() as bar:
        task = bar.add_task("Verifying", total=None, rate="")

        def show(verdict: Verdict) -> None:
            bar.update(task, completed=verdict.records + verdict.outputs)

        with nullcontext() if no_outputs else open_outputs(dest, run) as destination:
            verdict = verify_run(engine, run, destination=destination, demands=demands, on_progress=show)
        with reading(engine) as connection:
            samples = [event.message for event in samples_of(connection, run.id)]
    if as_json:
        click.echo(json.dumps({"run": run.id, "samples": samples, **asdict(verdict)}, indent=1))
    else:
        _tell(run, verdict, samples, with_key=public_key is not None)
    if verdict.problems:
        context.exit(ExitCode.TAMPERED)
    context.exit(ExitCode.CONFIGURATION if verdict.unrecorded else ExitCode.DONE)


@audit_command.command("show")
@_dest
@click.argument("image")
@_ledger
@_run
@_json
@click.pass_context
def show_command(
    context: click.Context, dest: str, image: str, ledger: str | None, run_id: str | None, as_json: bool
) -> None:
    """Tell why IMAGE (its path below the source, as in DEST) was published or not, and what was redacted in it.

    Exit code 0, or 5 when one of its records cannot be read.

    \b
        baas audit show safe/ 2026/pano_0001.jpg
    """
    with open_results(dest, given_ledger(ledger), run_id=run_id) as (engine, run):
        found, records = history(engine, run, image)
    if as_json:
        click.echo(json.dumps([_document(one) for one in records], indent=1, ensure_ascii=False))
    else:
        for line in told(found, records, viewer=viewer_of(run.source, found.name, given_viewer())):
            out.print(printable(line), markup=False, soft_wrap=True)
    context.exit(ExitCode.DONE if all(map(of_record, records)) else ExitCode.TAMPERED)


def _document(record: Record) -> dict[str, object]:
    if of_record(record) is None:
        return {"number": record.number, "digest": record.digest, "problem": unreadable(record)}
    return {**record.facts, "digest": record.digest}


def _tell(run: Run, verdict: Verdict, samples: Sequence[str], *, with_key: bool) -> None:
    signed = f", {verdict.signed} of them signed" if with_key else ""
    out.print(
        f"Run {run.id}: {verdict.records} records{signed}, {verdict.images} images, {verdict.outputs} outputs read."
    )
    for sample in samples:
        out.print(printable(sample), markup=False, soft_wrap=True)
    out.print(f"The chain's head is {verdict.head}", markup=False, soft_wrap=True)
    for problem in verdict.problems[:PROBLEMS_SHOWN]:
        out.print(f"BROKEN: {printable(problem)}", markup=False, soft_wrap=True)
    if len(verdict.problems) > PROBLEMS_SHOWN:
        out.print(f"… and {len(verdict.problems) - PROBLEMS_SHOWN} more; --json lists all.")
    if verdict.earlier:
        out.print(
            f"{verdict.earlier} pictures there stand as the earlier service published them (baas earlier list): no "
            "record tells what they are, and this service has checked none of them.",
            soft_wrap=True,
        )
    if verdict.unrecorded:
        out.print(
            f"{verdict.unrecorded} images had their fate before this run had records, or have lost them: nothing tells "
            "whether they are what they were.",
            soft_wrap=True,
        )
    elif not verdict.problems:
        out.print("The chain is whole, and ledger and outputs are what it says.")
