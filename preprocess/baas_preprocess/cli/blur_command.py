"""`baas blur`."""

import json
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.progress import Progress

from baas_crds.codes import ExitCode, ObjectClass
from baas_ledger.facts import Claim, Outcome
from baas_ledger.facts import Progress as Counts
from baas_preprocess.blur import blur, read_selection
from baas_preprocess.cli.console import (
    Tally,
    err,
    out,
    plain,
    printable,
    progress_bar,
    setting_help,
    summary_document,
    summary_table,
    tell_quarantined,
)
from baas_preprocess.dry_run import foresee, totals
from baas_preprocess.facts import DeleteSource, Method, Profile, Verification
from baas_preprocess.part import NothingToDo
from baas_preprocess.planning import Plan
from baas_preprocess.retention import Retired
from baas_preprocess.settings import Settings, read_settings
from baas_preprocess.stores.folder import resolved

OPTIONS = (
    click.option("--confidence", metavar="P|CLASS=P,…", help=setting_help("confidence", "[0.05]")),
    click.option("--classes", metavar="CLASS,…", help=setting_help("classes", f"[{','.join(ObjectClass)}]")),
    click.option(
        "--profile",
        type=click.Choice([profile.value for profile in Profile]),
        help=setting_help("profile", "[default]"),
    ),
    click.option(
        "--method", type=click.Choice([method.value for method in Method]), help=setting_help("method", "[fill]")
    ),
    click.option("--cells", type=int, metavar="N", help=setting_help("cells", "[6]")),
    click.option("--padding", type=float, metavar="SHARE", help=setting_help("padding", "[0.1]")),
    click.option(
        "--verification",
        type=click.Choice([choice.value for choice in Verification]),
        help=setting_help("verification", "[redetect: every one]"),
    ),
    click.option("--sample-percent", type=int, metavar="N", help=setting_help("sample_percent", "[5]")),
    click.option("--include", multiple=True, metavar="GLOB", help=setting_help("include")),
    click.option("--exclude", multiple=True, metavar="GLOB", help=setting_help("exclude")),
    click.option("--exclude-list", type=click.Path(path_type=Path), metavar="FILE", help=setting_help("exclude_list")),
    click.option("--source-percent", type=int, metavar="N", help=setting_help("source_percent", "[100]")),
    click.option("--redo-model", metavar="DIGEST", help=setting_help("redo_model")),
    click.option(
        "--keep-earlier",
        is_flag=True,
        default=None,
        help=setting_help("keep_earlier", "`baas earlier import` comes first."),
    ),
    click.option("--limit", type=int, metavar="N", help=setting_help("limit")),
    click.option("--max-megapixels", type=float, metavar="N", help=setting_help("max_megapixels", "[180]")),
    click.option("--in-flight", type=int, metavar="N", help=setting_help("in_flight", "[2]")),
    click.option("--max-attempts", type=int, metavar="N", help=setting_help("max_attempts", "[5]")),
    click.option("--retry-quarantined", is_flag=True, default=None, help=setting_help("retry_quarantined")),
    click.option("--detections", is_flag=True, default=None, help=setting_help("detections", "JSON and YOLO text.")),
    click.option("--save-masks", type=click.Path(path_type=Path), metavar="DIR", help=setting_help("save_masks")),
    click.option("--triton", metavar="HOST:PORT", help=setting_help("triton")),
    click.option("--patience-seconds", type=float, metavar="N", help=setting_help("patience_seconds", "[30]")),
    click.option(
        "--model-repository", type=click.Path(path_type=Path), metavar="DIR", help=setting_help("model_repository")
    ),
    click.option("--ledger", metavar="URL", help=setting_help("ledger")),
    click.option(
        "--delete-source",
        type=click.Choice([when.value for when in DeleteSource]),
        help=setting_help("delete_source", "[never]"),
    ),
    click.option("--audit-key", type=click.Path(path_type=Path), metavar="FILE", help=setting_help("audit_key")),
)


def _with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command("blur")
@click.argument("source", nargs=-1, required=True, metavar="SOURCE...")
@click.argument("dest", type=click.Path(path_type=Path, file_okay=False))
@_with_options
@click.option("--dry-run", "is_dry", is_flag=True, help="Only tell what would be done: no detector, nothing written.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the table.")
@click.pass_context
def blur_command(
    context: click.Context, /, source: tuple[str, ...], dest: Path, is_dry: bool, as_json: bool, **given: Any
) -> None:
    """Redact persons and licence plates in every picture under SOURCE.

    SOURCE is a folder, a file or a quoted glob, or several; or panoramas of the city's Panorama API, as
    'panorama-api:?FILTERS' (docs/howto/panorama-api.md). DEST gets the same folders and names. What cannot be made
    safe is not written; `baas status DEST` lists it with the reason. Run it again after an interruption: finished
    images are skipped, changed ones are redone. What is quarantined or left out now is taken away from DEST.

    Every setting can also stand in the environment (BAAS_CELLS=8) or in ./baas.toml (cells = 8).

    \b
        baas blur panoramas/ safe/
        baas blur 'archive/2025/**/*.jpg' safe/ --method blur --json
        baas blur 'panorama-api:?tags=mission-bi&mission_year=2026&limit=100' safe/
    """
    settings = read_settings({name: value for name, value in given.items() if value not in (None, ())})
    if is_dry:
        _tell_plan(source, settings, as_json=as_json)
        return
    resolved(dest)  # a circle of links ends here, with its sentence
    tally = Tally()
    bar = progress_bar()
    stop = threading.Event()
    started = time.monotonic()
    listen_to_signals(stop)
    view = View(bar, tally, settings.limit)
    with bar:
        try:
            counts = blur(
                source,
                dest,
                settings,
                stop=stop,
                on_status=view.status,
                on_plan=view.planned,
                on_done=view.done,
                on_retired=view.retired,
            )
        except NothingToDo as nothing:
            err.print(printable(str(nothing)), markup=False, soft_wrap=True)
            counts = Counts()
    seconds = time.monotonic() - started
    if as_json:
        click.echo(json.dumps(summary_document(view.run_id, counts, tally, seconds), indent=1))
    else:
        out.print(summary_table(counts, tally, seconds))
    if stop.is_set() and counts.remaining:
        context.exit(ExitCode.INTERRUPTED)
    context.exit(ExitCode.QUARANTINED if counts.quarantined else ExitCode.DONE)


def _tell_plan(source: tuple[str, ...], settings: Settings, *, as_json: bool) -> None:
    """Print what a run would do."""
    foreseen = list(foresee(source, read_selection(settings), settings))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in foreseen], indent=1, ensure_ascii=True))
        return
    for one in foreseen:
        fate = one.coding or (f"left out: {one.excluded}" if one.excluded else f"{one.reason}: {one.message}")
        out.print(f"{printable(one.name)}  {printable(fate)}", markup=False, soft_wrap=True)
    out.print(", ".join(f"{number:,} {fate}" for fate, number in sorted(totals(foreseen).items())))


class View:
    """The progress bar of one call."""

    def __init__(self, bar: Progress, tally: Tally, limit: int | None) -> None:
        self._bar = bar
        self._tally = tally
        self._limit = limit
        self._task = bar.add_task("", total=None, rate="")
        self._started = 0.0
        self.run_id = ""

    def status(self, text: str) -> None:
        self._bar.update(self._task, description=text)
        if self._bar.disable:
            err.print(printable(text), markup=False)

    def planned(self, plan: Plan) -> None:
        self.run_id = plan.run_id
        for name in plan.unmatched:
            err.print(f"[yellow]Warning:[/] the exclude list names {plain(name)}, which is not in SOURCE.")
        before = plan.before
        skipped = before.total - before.remaining
        todo = before.remaining if self._limit is None else min(self._limit, before.remaining)
        if plan.part is not None:
            err.print(plan.part, markup=False, soft_wrap=True)
        err.print(f"{before.total:,} pictures: {todo:,} to do, {skipped:,} finished before or left out")
        self._bar.update(self._task, description="Blurring", total=todo)
        self._started = time.monotonic()

    def retired(self, originals: Retired) -> None:
        err.print(f"{originals.deleted:,} originals deleted, {len(originals.kept):,} kept")
        for sentence in originals.kept:
            err.print(f"Kept: {printable(sentence)}", markup=False)

    def done(self, image: Claim, outcome: Outcome) -> None:
        self._tally.add(outcome)
        number = self._tally.published + self._tally.quarantined
        per_minute = 60 * number / max(time.monotonic() - self._started, 1e-9)
        self._bar.update(self._task, advance=1, rate=f"{per_minute:.1f}/min")
        tell_quarantined(image, outcome)


def listen_to_signals(stop: threading.Event) -> None:
    """The first Ctrl-C (or SIGTERM) finishes what is in flight, the second releases it and leaves at once."""

    def second(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def first(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        err.print("Finishing what is in flight; Ctrl-C again to leave at once.")
        signal.signal(signal.SIGINT, second)
        signal.signal(signal.SIGTERM, second)

    signal.signal(signal.SIGINT, first)
    signal.signal(signal.SIGTERM, first)
