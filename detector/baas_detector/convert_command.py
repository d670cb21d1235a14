"""`baas-detector convert`."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.model import Format

if TYPE_CHECKING:
    from baas_detector.annotations.model import AnnotationSet
    from baas_detector.annotations.reporting import Report
    from baas_detector.annotations.resizing import Resize

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_TOLD = 5


@click.command("convert")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--to",
    type=click.Choice(Format, case_sensitive=False),
    help="Format to write. Without it, only the report is made.",
)
@click.option("--output", type=click.Path(path_type=Path), help="JSON file, or folder for yolo.")
@click.option(
    "--from",
    "source_format",
    type=click.Choice(Format, case_sensitive=False),
    help="Format of SOURCE; told from its content.",
)
@click.option("--images", type=_FOLDER, metavar="DIR", help="Folder of the pictures, which then say their sizes.")
@click.option(
    "--output-images",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the pictures of --images there, in their new size.",
)
@click.option("--width", type=click.IntRange(1), metavar="PX", help="Bring pictures and boxes to this width.")
@click.option(
    "--max-side", type=click.IntRange(1), metavar="PX", help="Make those smaller whose longer side is longer."
)
@click.option("--strip", metavar="FOLDER", help="Take this folder off names. [of azureml: what all have in common]")
@click.option("--datastore", metavar="STORE/FOLDER", help="For azureml: where the pictures lie in the workspace.")
@click.option(
    "--classes",
    type=click.Choice(("detector", "original")),
    default="detector",
    show_default=True,
    help="For yolo: number person and licence_plate, or the categories as they come.",
)
@click.option("--keep-category", is_flag=True, help="For yolo: the original category as a sixth column.")
@click.option(
    "--metadata",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="CSV",
    help="For yolo: make train.txt, val.txt and test.txt by what `baas-detector metadata` wrote.",
)
@click.option(
    "--drop-bad",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Leave out what cannot be converted, and huge boxes; the list of them goes to FILE.",
)
@click.option("--force", is_flag=True, help="Replace what is at --output and --output-images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def convert(
    source: Path,
    to: Format | None,
    output: Path | None,
    source_format: Format | None,
    images: Path | None,
    output_images: Path | None,
    width: int | None,
    max_side: int | None,
    strip: str | None,
    datastore: str | None,
    classes: str,
    keep_category: bool,
    metadata: Path | None,
    drop_bad: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Check annotations, and convert them between Azure ML's export, COCO with pixels, and YOLO.

    SOURCE is a JSON file, or a folder of YOLO's labels or its data.yaml. The report tells what is in it and what is
    wrong with it. What cannot be converted ends the command with 2 and is named; nothing is written then. Boxes across
    a panorama's seam stay one box; in YOLO, which knows no seam, they are two, and one again when they are read.

    \b
        baas-detector convert export.json
        baas-detector convert export.json --to coco --output annotations.json
        baas-detector convert annotations.json --to yolo --output set --max-side 2048 \\
            --images panoramas --output-images set/images
    """
    from baas_detector.annotations import converting, yolo  # noqa: PLC0415 - other commands do without OpenCV

    _check_usage(to, output, images, output_images, width, max_side)
    annotations, report = converting.load(source, source_format=source_format, images=images, strip=strip)
    if to is not None and output is not None:
        converting.check_output(source, output, to, force=force)
    if report.stopping and drop_bad is None:
        _tell(report, {}, as_json)
        converting.refuse_bad(source, report)
    told: dict[str, Any] = {}
    if drop_bad is not None:
        annotations, left_out = converting.leave_out_bad(annotations, drop_bad)
        told["dropped"] = len(left_out)
    resize = _resize(width, max_side)
    if output_images is not None:
        converting.check_pictures(annotations, output_images, force=force)
    if to is not None and output is not None:
        wish = converting.Wish(
            to=to,
            output=output,
            resize=resize,
            datastore=datastore,
            classes=yolo.Classes(classes),
            keep_category=keep_category,
            metadata=metadata,
        )
        told |= {
            "written": str(output),
            "of_no_class": dict(converting.save(annotations, wish)),
            "cut_at_seam": to is Format.YOLO and bool(report.seam_boxes),
        }
    if images is not None and output_images is not None:
        told["pictures"] = _save_pictures(annotations, resize, images, output_images)
    _tell(report, told, as_json)


def _check_usage(
    to: Format | None,
    output: Path | None,
    images: Path | None,
    output_images: Path | None,
    width: int | None,
    max_side: int | None,
) -> None:
    if (to is None) != (output is None):
        raise click.UsageError("Give --to and --output together, or neither for the report alone.")
    if width is not None and max_side is not None:
        raise click.UsageError("Give --width or --max-side, not both.")
    if output_images is not None and images is None:
        raise click.UsageError("--output-images needs --images, the folder of the pictures.")
    if images is not None and output_images is not None and images.resolve() == output_images.resolve():
        raise ConfigurationError(f"{output_images} is where the pictures come from: give another --output-images.")


def _resize(width: int | None, max_side: int | None) -> "Resize | None":
    from baas_detector.annotations import resizing  # noqa: PLC0415 - as above

    if width is not None:
        return resizing.to_width(width)
    return None if max_side is None else resizing.to_max_side(max_side)


def _save_pictures(annotations: "AnnotationSet", resize: "Resize | None", source: Path, output: Path) -> int:
    from baas_detector.annotations import converting  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    names = converting.save_pictures(annotations, resize, source, output)
    total = len(annotations.images)
    return sum(1 for _ in track(names, "pictures", total, console=console, disable=not console.is_terminal))


def _tell(report: "Report", told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.document() | told, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(_table(report))
    for line in (*_remarks(report), *_done(told)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(report: "Report") -> Table:
    table = Table(title=f"Objects, as {report.source_format}", title_justify="left")
    table.add_column("category", no_wrap=True)
    table.add_column("objects", justify="right")
    table.add_column("median px", justify="right", no_wrap=True)
    for heading in ("smallest px²", "median px²", "largest px²"):
        table.add_column(heading, justify="right")
    for one in report.categories:
        table.add_row(
            one.category,
            str(one.objects),
            f"{one.median_width_px:.0f} x {one.median_height_px:.0f}",
            *(f"{area:.0f}" for area in (one.smallest_px2, one.median_px2, one.largest_px2)),
        )
    return table


def _remarks(report: "Report") -> list[str]:
    by_class = Counter[str]()
    for one in report.categories:
        by_class[one.object_class or "neither"] += one.objects
    classes = ", ".join(f"{name} {count}" for name, count in sorted(by_class.items(), reverse=True))
    lines = [f"images: {report.images}", f"objects: {report.objects} ({classes})"]
    if report.seam_boxes:
        halves = ", each joined from two lines" if report.source_format is Format.YOLO else ""
        lines.append(f"boxes across the seam: {len(report.seam_boxes)}{halves}")
    if report.empty_images:
        lines.append(f"images without any object: {len(report.empty_images)} ({_some(report.empty_images)})")
    for kind, count in report.counts.items():
        lines.append(f"{kind.meaning}: {count}")
        if not kind.stops:  # those that stop are told by the error
            sentences = [f"  {one.sentence}" for one in report.findings if one.kind is kind]
            more = [f"  … and {count - _TOLD} more; --json lists all"] if count > _TOLD else []
            lines += sentences[:_TOLD] + more
    return lines


def _done(told: dict[str, Any]) -> list[str]:
    lines = []
    if "dropped" in told:
        lines.append(f"left out as bad: {told['dropped']}")
    if told.get("of_no_class"):
        some = ", ".join(f"{name} {count}" for name, count in sorted(told["of_no_class"].items()))
        lines.append(f"left out, being neither persons nor plates: {some}")
    if "pictures" in told:
        lines.append(f"pictures written: {told['pictures']}")
    if told.get("cut_at_seam"):
        lines.append("boxes across the seam were cut in two, since YOLO knows no seam")
    if "written" in told:
        lines.append(f"wrote {told['written']}")
    return lines


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
