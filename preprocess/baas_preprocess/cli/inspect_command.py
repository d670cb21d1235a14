"""`baas inspect`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from baas_crds.codes import ExitCode, QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.cli.console import out, printable
from baas_preprocess.decode import decode
from baas_preprocess.facts import Inspection
from baas_preprocess.inspection import inspect
from baas_preprocess.settings import read_settings
from baas_preprocess.stores.files import read_plain_file


@click.command("inspect")
@click.argument("file", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per file and line.")
@click.pass_context
def inspect_command(context: click.Context, file: tuple[Path, ...], as_json: bool) -> None:
    """Tell what a picture's file holds, and whether it would be accepted.

    Size and kind, whether it wraps around 360°, its metadata, and pictures hidden in it, such as thumbnails, which are
    never published as they are. Nothing is written. Exit code 3 when a file would be quarantined, 2 when one cannot be
    read.

    \b
        baas inspect pano.jpg
    """
    code = ExitCode.DONE
    for path in file:
        document = _look(path)
        if not document["accepted"] and code is not ExitCode.CONFIGURATION:
            unread = document["reason"] is QuarantineReason.UNREADABLE
            code = ExitCode.CONFIGURATION if unread else ExitCode.QUARANTINED
        if as_json:
            click.echo(json.dumps(document))
        else:
            _print(document)
    context.exit(code)


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


def _print(document: dict[str, object]) -> None:
    out.print(printable(str(document["file"])), style="bold", markup=False)
    if document["accepted"]:
        out.print("  would be accepted")
    else:
        why = printable(f"{document['reason']}: {document['message']}")
        out.print(f"  would be quarantined: {why}", markup=False, soft_wrap=True)
    if "width_px" not in document:
        return
    shape = "360° panorama" if document["wraps"] else "flat picture"
    out.print(
        f"  {document['width_px']} x {document['height_px']} pixels, {shape}, {document['format']} {document['coding']}"
    )
    out.print(f"  orientation {document['orientation']}")
    for title, key in (("metadata", "metadata"), ("hidden pictures, to be removed or made anew", "hidden_images")):
        values = document[key]
        out.print(f"  {title}: {', '.join(values) if isinstance(values, tuple) and values else 'none'}", markup=False)
