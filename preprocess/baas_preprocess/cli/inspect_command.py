"""`baas inspect`."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from baas_crds.codes import ExitCode, QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_preprocess.cli.console import err, out, plain, printable, progress_bar
from baas_preprocess.decode import decode
from baas_preprocess.facts import Inspection
from baas_preprocess.folder_report import (
    REASONS,
    FolderReport,
    check_report_file,
    document,
    looked_at,
    sentence_of,
    write_report,
)
from baas_preprocess.given_source import open_given
from baas_preprocess.inspection import inspect
from baas_preprocess.settings import read_settings
from baas_preprocess.stores.files import read_plain_file


@click.command("inspect")
@click.argument("file", nargs=-1, required=True, metavar="FILE...")
@click.option("--per-folder", is_flag=True, help="FILE is a SOURCE of `baas blur`: count its pictures by folder.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --per-folder: write the counts there, as .csv, or as .json with the name of each bad picture.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per file and line; one for all folders.")
@click.pass_context
def inspect_command(
    context: click.Context, file: tuple[str, ...], per_folder: bool, report: Path | None, as_json: bool
) -> None:
    """Tell what a picture's file holds, and whether it would be accepted.

    Size and kind, whether it wraps around 360°, its metadata, and pictures hidden in it, such as thumbnails, which are
    never published as they are. Nothing is written. Exit code 3 when a file would be quarantined, 2 when one cannot be
    read.

    With --per-folder every picture of a source is looked into, and those that are empty, truncated, damaged, … are
    counted for each folder. Exit code 3 when there are some.

    \b
        baas inspect pano.jpg
        baas inspect --per-folder panoramas/ --report folders.csv
    """
    if per_folder:
        context.exit(_count(file, report, as_json=as_json))
    if report is not None:
        raise click.UsageError("--report is for --per-folder.")
    code = ExitCode.DONE
    for path in map(Path, file):
        seen = _look(path)
        if not seen["accepted"] and code is not ExitCode.CONFIGURATION:
            unread = seen["reason"] is QuarantineReason.UNREADABLE
            code = ExitCode.CONFIGURATION if unread else ExitCode.QUARANTINED
        if as_json:
            click.echo(json.dumps(seen))
        else:
            _print(seen)
    context.exit(code)


def _count(places: Sequence[str], file: Path | None, *, as_json: bool) -> ExitCode:
    """Count by folder; return what the command ends with."""
    if file is not None:
        check_report_file(file, "--report")
    report, settings = FolderReport(), read_settings({})
    with open_given(places, settings) as source, progress_bar() as bar:
        task = bar.add_task("Inspecting", total=None, rate="")
        for look in looked_at(source, max_pixels=settings.recipe.max_pixels):
            report.add(look)
            bar.update(task, advance=1)
    if not report.folders:
        raise ConfigurationError(f"There are no pictures in {', '.join(places)}.")
    if file is not None:
        write_report(report, file, "--report")
    if as_json:
        click.echo(json.dumps(document(report), indent=1))
        return ExitCode.QUARANTINED if report.wrong else ExitCode.DONE
    out.print(_table(report))
    for look in report.wrong:
        err.print(f"[yellow]{look.reason}[/] {plain(look.message)}", soft_wrap=True)
    out.print(printable(sentence_of(report)), markup=False, soft_wrap=True)
    return ExitCode.QUARANTINED if report.wrong else ExitCode.DONE


def _table(report: FolderReport) -> Table:
    """A row for each folder, and a column for each reason that some picture has."""
    sums = report.sums
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("folder")
    shown = [True, True, *(sums[reason] > 0 for reason in REASONS)]
    for title in itertools.compress(("pictures", "ok", *REASONS), shown):
        table.add_column(title, justify="right")
    for folder, *numbers in report.rows():
        table.add_row(plain(folder), *(f"{number:,}" for number in itertools.compress(numbers, shown)))
    return table


def _look(path: Path) -> dict[str, object]:
    found: Inspection | None = None
    try:
        data = _read(path)
        found = inspect(data, max_pixels=read_settings({}).recipe.max_pixels)
        decode(data, found)
    except NotPublishable as error:
        facts = {} if found is None else asdict(found)
        return {"file": str(path), "accepted": False, "reason": error.reason, "message": str(error), **facts}
    return {"file": str(path), "accepted": True, **asdict(found)}


def _read(path: Path) -> bytes:
    try:
        return read_plain_file(path)
    except OSError as error:
        raise NotPublishable(QuarantineReason.UNREADABLE, f"It cannot be read: {error.strerror}.") from error


def _print(seen: dict[str, object]) -> None:
    out.print(printable(str(seen["file"])), style="bold", markup=False)
    if seen["accepted"]:
        out.print("  would be accepted")
    else:
        why = printable(f"{seen['reason']}: {seen['message']}")
        out.print(f"  would be quarantined: {why}", markup=False, soft_wrap=True)
    if "width_px" not in seen:
        return
    shape = "360° panorama" if seen["wraps"] else "flat picture"
    out.print(f"  {seen['width_px']} x {seen['height_px']} pixels, {shape}, {seen['format']} {seen['coding']}")
    out.print(f"  orientation {seen['orientation']}")
    for title, key in (("metadata", "metadata"), ("hidden pictures, to be removed or made anew", "hidden_images")):
        values = seen[key]
        out.print(f"  {title}: {', '.join(values) if isinstance(values, tuple) and values else 'none'}", markup=False)
