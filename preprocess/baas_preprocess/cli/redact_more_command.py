"""`baas redact-more`."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_preprocess.cli.console import err, out, plain, printable, progress_bar
from baas_preprocess.correction_reports import read_box, read_reports
from baas_preprocess.facts import Method
from baas_preprocess.recipe import Recipe
from baas_preprocess.redact_more import Done, Task, check, gather, with_ledger, work
from baas_preprocess.scrub import removed
from baas_preprocess.settings import Settings, read_settings
from baas_preprocess.wanted import PixelBox, SphereBox


def _help(name: str, default: str) -> str:
    return f"{Settings.model_fields[name].description} [{default}]"


@click.command("redact-more")
@click.argument("picture", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="PICTURE...")
@click.option("--box", multiple=True, metavar="LEFT,TOP,WIDTH,HEIGHT", help="Pixels of the picture as viewers show it.")
@click.option("--sphere", multiple=True, metavar="YAW,PITCH,WIDTH,HEIGHT", help="Degrees, around yaw and pitch.")
@click.option("--reports", type=click.Path(path_type=Path), metavar="FILE", help="CSV or JSON file of boxes.")
@click.option("--method", type=click.Choice([method.value for method in Method]), help=_help("method", "fill"))
@click.option("--cells", type=int, metavar="N", help=_help("cells", "6"))
@click.option("--padding", type=float, metavar="SHARE", help=_help("padding", "0.1"))
@click.option("--unrecorded", is_flag=True, help="Redact pictures that are in no ledger, and record nothing.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Do all of it but write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a line for each picture.")
@click.pass_context
def redact_more_command(
    context: click.Context,
    /,
    picture: tuple[Path, ...],
    box: tuple[str, ...],
    sphere: tuple[str, ...],
    reports: Path | None,
    unrecorded: bool,
    is_dry: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Redact more of pictures that are finished, without their originals, as after a citizen's report.

    PICTURE is replaced, whole or not at all; outside of the new boxes it stays bit by bit the same. What was redacted
    like this before is left alone, so after an interruption the same command goes on. When any box is wrong, every
    wrong one is named and nothing is written.

    --box counts pixels from the upper left corner of the picture as viewers show it. In a 360° panorama, a box beyond
    the right edge goes on at the left one. --sphere is for 360° panoramas: yaw 0 is the picture's centre column and
    grows to the right, pitch 0 is the horizon and grows upwards.

    --reports has a header or names `image,left,top,width,height` or `image,yaw,pitch,width_deg,height_deg`, and may
    have `class` and `reference`. PICTURE may then be a folder, and `image` is the path below it.

    \b
        baas redact-more safe/pano.jpg --box 3120,1840,60,160 --unrecorded
        baas redact-more safe/pano.jpg --sphere=-35.5,-8,4,9 --method solid --unrecorded
        baas redact-more safe/ --reports reports.csv --dry-run --unrecorded
    """
    recipe = read_settings({name: value for name, value in given.items() if value is not None}).recipe
    wanted = [
        *(read_box("--box", PixelBox, text) for text in box),
        *(read_box("--sphere", SphereBox, text) for text in sphere),
        *(read_reports(reports) if reports else ()),
    ]
    if not wanted:
        raise click.UsageError("There is nothing to redact: give --box, --sphere or --reports.")
    tasks = gather(picture, wanted)
    if not unrecorded:
        raise ConfigurationError(
            "Corrections of pictures in a ledger must be recorded there, which this version cannot do yet. Add "
            "--unrecorded for pictures that no ledger knows."
        )
    for folder in with_ledger(tasks):
        _warn(f"{folder} has a ledger. The next `baas blur` into it makes its pictures anew, without this correction.")
    started = time.monotonic()
    documents = _correct_all(tasks, recipe, is_dry=is_dry, tell=not as_json)
    counts = Counter(str(document["state"]) for document in documents)
    if as_json:
        document = {"dry_run": is_dry, "seconds": round(time.monotonic() - started, 3)}
        click.echo(json.dumps({**document, "pictures": documents}, indent=1))
    else:
        out.print(", ".join(f"{counts[state]:,} {state}" for state in sorted(counts)))
        if is_dry:
            out.print("This was a dry run: nothing was written.")
    context.exit(ExitCode.QUARANTINED if counts["not redacted"] else ExitCode.DONE)


def _correct_all(tasks: list[Task], recipe: Recipe, *, is_dry: bool, tell: bool) -> list[dict[str, object]]:
    documents = []
    with progress_bar() as bar:
        step = bar.add_task("Checking", total=len(tasks), rate="")
        check(tasks, recipe, lambda _: bar.advance(step))
        bar.reset(step, description="Redacting", total=len(tasks))
        for done in work(tasks, recipe, is_dry=is_dry):
            bar.advance(step)
            if done.refusal is not None:
                what = f"{done.task.shown}: {done.refusal.reason}: {done.refusal}"
                err.print(printable(f"not redacted {what}"), markup=False, soft_wrap=True)
            elif tell:
                out.print(printable(_line(done)), markup=False, soft_wrap=True)
            if done.other_names:
                _warn(f"{done.task.shown} has other names, too (hard links), which show it as it was.")
            documents.append(_document(done))
    return documents


def _warn(sentence: str) -> None:
    err.print(f"[yellow]Warning:[/] {plain(sentence)}", soft_wrap=True)


def _state(done: Done) -> str:
    if done.corrected is None:
        return "not redacted"
    return "redacted" if done.corrected.is_changed else "already redacted"


def _line(done: Done) -> str:
    boxes = f"{len(done.task.reports):,} {'box' if len(done.task.reports) == 1 else 'boxes'}"
    if done.corrected is None or not done.corrected.is_changed:
        return f"{done.task.shown}: {_state(done)} ({boxes}), left alone"
    gone = removed(done.corrected.inspection, done.corrected.found)
    also = f"; removed: {', '.join(gone)}" if gone else ""
    return f"{done.task.shown}: redacted {boxes}, {done.corrected.mask.share:.2%} of the picture{also}"


def _document(done: Done) -> dict[str, object]:
    about: dict[str, object] = {
        "picture": done.task.shown,
        "state": _state(done),
        "boxes": len(done.task.reports),
        "references": sorted({report.reference for report in done.task.reports if report.reference}),
    }
    if done.refusal is not None:
        return {**about, "reason": done.refusal.reason, "message": str(done.refusal)}
    if done.corrected is None:
        return about
    corrected = done.corrected
    return {
        **about,
        "masked_share": round(corrected.mask.share, 6),
        "other_names": done.other_names,
        "removed": removed(corrected.inspection, corrected.found),
        "input": corrected.input_digest,
        "output": corrected.output_digest,
        "seconds_per_step": {step: round(seconds, 3) for step, seconds in corrected.seconds.items()},
    }
