"""`baas redact-more`."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_preprocess.cli.console import LEDGER_HELP, err, out, plain, printable, progress_bar, setting_help
from baas_preprocess.correction_reports import Reported, read_box, read_reports, refuse
from baas_preprocess.earlier_runs import is_blob
from baas_preprocess.facts import Method
from baas_preprocess.homes import Homes
from baas_preprocess.recipe import Recipe
from baas_preprocess.recorded import PublishedPicture
from baas_preprocess.redact_more import Done, Task, by_name, check, gather, work
from baas_preprocess.scrub import removed
from baas_preprocess.settings import read_settings
from baas_preprocess.signatures import signer_of
from baas_preprocess.wanted import PixelBox, SphereBox


class _Place(click.Path):
    """A file or folder that is there, or the address of a container's folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if is_blob(value) else super().convert(value, param, ctx)


@click.command("redact-more")
@click.argument("picture", nargs=-1, required=True, type=_Place(path_type=Path, exists=True), metavar="PICTURE...")
@click.option("--box", multiple=True, metavar="LEFT,TOP,WIDTH,HEIGHT", help="Pixels of the picture as viewers show it.")
@click.option("--sphere", multiple=True, metavar="YAW,PITCH,WIDTH,HEIGHT", help="Degrees, around yaw and pitch.")
@click.option("--reports", type=click.Path(path_type=Path), metavar="FILE", help="CSV or JSON file of boxes.")
@click.option("--method", type=click.Choice([method.value for method in Method]), help=setting_help("method", "[fill]"))
@click.option("--cells", type=int, metavar="N", help=setting_help("cells", "[6]"))
@click.option("--padding", type=float, metavar="SHARE", help=setting_help("padding", "[0.1]"))
@click.option("--ledger", metavar="URL", help=LEDGER_HELP)
@click.option("--run", "run_id", metavar="ID", help="The run that published it; without it the last one there.")
@click.option("--audit-key", type=click.Path(path_type=Path), metavar="FILE", help=setting_help("audit_key"))
@click.option("--unrecorded", is_flag=True, help="Redact pictures that are in no ledger, and record nothing.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Do all of it but write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a line for each picture.")
@click.pass_context
def redact_more_command(
    context: click.Context,
    /,
    picture: tuple[Path | str, ...],
    box: tuple[str, ...],
    sphere: tuple[str, ...],
    reports: Path | None,
    run_id: str | None,
    unrecorded: bool,
    is_dry: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Redact more of pictures that are published, without their originals, as after a citizen's report.

    PICTURE is replaced, whole or not at all; outside of the new boxes it stays bit by bit the same. The ledger keeps
    the boxes, and whatever is published there later under its name gets them, too. What was redacted like this before
    is left alone, so after an interruption the same command goes on. When any box is wrong, every wrong one is named
    and nothing is written.

    --box counts pixels from the upper left corner of the picture as viewers show it. In a 360° panorama, a box beyond
    the right edge goes on at the left one. --sphere is for 360° panoramas: yaw 0 is the picture's centre column and
    grows to the right, pitch 0 is the horizon and grows upwards.

    --reports has a header or names `image,left,top,width,height` or `image,yaw,pitch,width_deg,height_deg`, and may
    have `class` and `reference`. PICTURE may then be a folder, or the https:// address of a container's folder in Azure
    Blob Storage, and `image` is the path below it.

    \b
        baas redact-more safe/pano.jpg --box 3120,1840,60,160
        baas redact-more safe/pano.jpg --sphere=-35.5,-8,4,9 --method solid
        baas redact-more safe/ --reports reports.csv --dry-run
        baas redact-more https://account.blob.core.windows.net/safe --reports reports.csv --ledger postgresql://…
    """
    settings = read_settings({name: value for name, value in given.items() if value is not None})
    wanted = _wanted(box, sphere, reports)
    if unrecorded and run_id is not None:
        raise click.UsageError("--unrecorded and --run exclude each other.")
    signer = signer_of(settings.audit_key)
    started = time.monotonic()
    with ExitStack() as stack:
        homes = Homes(stack, ledger=settings.ledger, run_id=run_id, signer=signer)
        tasks = _tasks(picture, wanted, homes, unrecorded=unrecorded)
        documents = _correct_all(tasks, settings.recipe, is_dry=is_dry, tell=not as_json)
    counts = Counter(str(document["state"]) for document in documents)
    if as_json:
        document = {"dry_run": is_dry, "seconds": round(time.monotonic() - started, 3)}
        click.echo(json.dumps({**document, "pictures": documents}, indent=1))
    else:
        _tell_counts(counts, is_dry=is_dry)
    context.exit(ExitCode.QUARANTINED if counts["not redacted"] else ExitCode.DONE)


def _wanted(boxes: Sequence[str], spheres: Sequence[str], reports: Path | None) -> list[Reported]:
    wanted = [
        *(read_box("--box", PixelBox, text) for text in boxes),
        *(read_box("--sphere", SphereBox, text) for text in spheres),
        *(read_reports(reports) if reports else ()),
    ]
    if not wanted:
        raise click.UsageError("There is nothing to redact: give --box, --sphere or --reports.")
    return wanted


def _tell_counts(counts: Counter[str], *, is_dry: bool) -> None:
    out.print(", ".join(f"{counts[state]:,} {state}" for state in sorted(counts)))
    if is_dry:
        out.print("This was a dry run: nothing was written.")


def _tasks(pictures: Sequence[Path | str], wanted: Sequence[Reported], homes: Homes, *, unrecorded: bool) -> list[Task]:
    """Find out what each picture is. Raises `ConfigurationError` with a sentence for each that cannot be corrected."""
    files = [picture for picture in pictures if isinstance(picture, Path)]
    if len(files) < len(pictures):
        if len(pictures) > 1 or unrecorded:
            raise click.UsageError("A container's address stands alone, and --unrecorded is for files.")
        return homes.published_at(str(pictures[0]), by_name(wanted))
    tasks: list[Task] = []
    problems: list[str] = []
    for file in gather(files, wanted):
        try:
            tasks.append(homes.loose(file) if unrecorded else homes.published(file))
        except ConfigurationError as error:
            problems.append(str(error))
    refuse(problems)
    return tasks


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
    if isinstance(done.task.picture, PublishedPicture):
        about["run"] = done.task.picture.home.run.id
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
