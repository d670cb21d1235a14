"""`baas review export`."""

import json
from pathlib import Path

import click

from baas_crds.errors import ConfigurationError
from baas_ledger.engine import open_to_read, reading
from baas_ledger.reviews import Mark, looked_at, marks_of
from baas_ledger.runs import find_run
from baas_ledger.tables import MarkKind
from baas_preprocess.cli.console import given_ledger, out
from baas_preprocess.review_export import coco_document, missed_by_image, reports_document
from baas_sampling.inspection import Task, tasks_of, worklist_text

_LEDGER_HELP = "Where the run was recorded; BAAS_LEDGER and baas.toml count as for `baas blur`."
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("review")
def review_command() -> None:
    """Use what reviewers marked on the review page of `baas-api`."""


@review_command.command("export")
@click.argument("run_id", metavar="RUN")
@click.option("--ledger", metavar="URL", help=_LEDGER_HELP)
@click.option("--worklist", type=_FILE, metavar="FILE", help="worklist.csv of the sample; --acceptance needs it.")
@click.option("--acceptance", type=_FILE, metavar="FILE", help="Write the worklist, filled in, to FILE (CSV).")
@click.option("--redact-more", "reports", type=_FILE, metavar="FILE", help="Write the misses to FILE (JSON).")
@click.option("--coco", type=_FILE, metavar="FILE", help="Write all marks as COCO annotations to FILE (JSON).")
def export_command(
    run_id: str,
    ledger: str | None,
    worklist: Path | None,
    acceptance: Path | None,
    reports: Path | None,
    coco: Path | None,
) -> None:
    """Write what reviewers marked in pictures of RUN into files that other commands read.

    RUN is the id of the run; a BlurJob's is its uid. `baas-detector acceptance result` reads --acceptance: there,
    pictures that nobody has looked at have no number. `baas redact-more --reports` reads --redact-more, `baas-detector
    convert` reads --coco.

    \b
        baas review export 5d1c6d0e-6d7a-4a57-9f0c-0b7a4d6a1c11 --ledger postgresql://… \\
          --worklist worklist.csv --acceptance findings.csv --redact-more reports.json --coco marks.json
    """
    if not (acceptance or reports or coco):
        raise click.UsageError("There is nothing to write: give --acceptance, --redact-more or --coco.")
    if (acceptance is None) != (worklist is None):
        raise click.UsageError("--acceptance and --worklist go together: the one is the other, filled in.")
    if reports is not None and reports.suffix.lower() != ".json":
        raise click.UsageError(f"--redact-more {reports}: `baas redact-more` takes JSON from files that end in .json.")
    tasks = [] if worklist is None else _read_worklist(worklist)
    marks, seen = _found(run_id, given_ledger(ledger))
    if acceptance is not None:
        _write(acceptance, "--acceptance", worklist_text(tasks, missed_by_image(marks, seen)))
        left = sum(task.image not in seen for task in tasks)
        out.print(f"{len(tasks) - left:,} of {len(tasks):,} pictures of the worklist were looked at.")
    if reports is not None:
        _write(reports, "--redact-more", _json(reports_document(marks)))
    if coco is not None:
        _write(coco, "--coco", _json(coco_document(marks)))
    missed = sum(mark.finding.kind is MarkKind.MISSED for mark in marks)
    out.print(f"{missed:,} missed, {len(marks) - missed:,} over-blurred")


def _found(run_id: str, ledger: str | None) -> tuple[list[Mark], set[str]]:
    if ledger is None:
        raise click.UsageError("Name the ledger with --ledger, BAAS_LEDGER or `ledger` in baas.toml.")
    engine = open_to_read(ledger)
    try:
        with reading(engine) as connection:
            if find_run(connection, run_id) is None:
                raise ConfigurationError(f"The ledger knows no run {run_id}.")
            return marks_of(connection, run_id), looked_at(connection, run_id)
    finally:
        engine.dispose()


def _read_worklist(file: Path) -> list[Task]:
    try:
        return tasks_of(file.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError as error:
        raise ConfigurationError(f"--worklist {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"--worklist {file} is no worklist: {error}.") from error


def _json(document: object) -> str:
    return json.dumps(document, indent=1) + "\n"


def _write(file: Path, option: str, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ConfigurationError(f"{option} {file} cannot be written: {error.strerror}.") from error
