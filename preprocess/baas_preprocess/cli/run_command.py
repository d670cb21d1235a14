"""`baas run`."""

import json
import threading
import time
from pathlib import Path

import click
from rich.progress import Progress
from rich.table import Table

from baas_preprocess.cli.blur_command import View, listen_to_signals
from baas_preprocess.cli.console import Tally, err, out, plain, progress_bar, summary_document, summary_table
from baas_preprocess.steps.config import Config, read_config
from baas_preprocess.steps.describing import described, ignored
from baas_preprocess.steps.flags import Step
from baas_preprocess.steps.running import Done, check, code_of, run_steps


@click.command("run")
@click.argument("config_file", type=click.Path(path_type=Path, dir_okay=False), metavar="CONFIG.YML")
@click.option(
    "--dry-run", "is_dry", is_flag=True, help="Only tell what each step would do: nothing is asked or written."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the tables.")
@click.pass_context
def run_command(context: click.Context, config_file: Path, is_dry: bool, as_json: bool) -> None:
    """Do the steps that CONFIG.YML switches on, on this machine.

    In this order: retrieve, inspect, detect, redact, verify, storeDetections, qualityCheck, retrainingSample,
    deleteSource, train, export, evaluate. Run it again after an interruption: it goes on, and does only what is new or
    changed. All keys stand in config.example.yml (docs/howto/run-from-a-file.md).

    \b
        baas run config.yml --dry-run
        baas run config.yml
    """
    config = read_config(config_file)
    check(config)
    if is_dry:
        _tell_plan(config, as_json=as_json)
        return
    tally, bar, stop = Tally(), progress_bar(), threading.Event()
    view, ended, started = _RunView(bar, tally), list[Done](), time.monotonic()
    listen_to_signals(stop)
    try:
        with bar:
            for done in run_steps(config, stop=stop, view=view):
                ended.append(done)
                if done.seconds:
                    err.print(f"[bold]{done.step}[/] {plain(done.sentence)}", soft_wrap=True)
    finally:
        _tell_end(config, ended, tally, view.run_id, time.monotonic() - started, as_json=as_json)
    context.exit(code_of(ended))


def _tell_plan(config: Config, *, as_json: bool) -> None:
    steps = described(config)
    if as_json:
        document = {"steps": [{"step": step, "does": sentence} for step, sentence in steps], "ignored": ignored(config)}
        click.echo(json.dumps(document, indent=1))
        return
    out.print(_table([(step, sentence, "") for step, sentence in steps]))
    off = [step for step in Step if step not in config.steps]
    out.print(f"Off: {', '.join(off) or 'nothing'}.")
    if keys := ignored(config):
        out.print(f"For pods only, and without effect here: {', '.join(keys)}.")


def _tell_end(config: Config, ended: list[Done], tally: Tally, run_id: str, seconds: float, *, as_json: bool) -> None:
    """Sum up what was done, also when an error ends it."""
    progress = next((done.progress for done in ended if done.progress is not None), None)
    begun = [done.step for done in ended]
    if as_json:
        steps = [{"step": done.step, "sentence": done.sentence, "code": int(done.code), **done.facts} for done in ended]
        blur = None if progress is None else summary_document(run_id, progress, tally, seconds)
        click.echo(json.dumps({"steps": steps, "run": blur}, indent=1))
        return
    rows = [(done.step, done.sentence, f"{done.seconds:,.1f} s" if done.seconds else "") for done in ended]
    rows += [(step, "not done", "") for step in config.steps if step not in begun]
    out.print(_table(rows))
    if progress is not None:
        out.print(summary_table(progress, tally, seconds))


def _table(rows: list[tuple[Step, str, str]]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(justify="right", style="dim", no_wrap=True)
    for step, sentence, seconds in rows:
        table.add_row(step, plain(sentence), seconds)
    return table


class _RunView(View):
    """The progress bar of one call, for all of its steps."""

    def __init__(self, bar: Progress, tally: Tally) -> None:
        super().__init__(bar, tally, None)

    def counted(self, title: str, number: int) -> None:
        self._bar.update(self._task, description=title, completed=number, total=None)

    def refused(self, sentence: str) -> None:
        err.print(f"[yellow]{plain(sentence)}[/]", soft_wrap=True)
