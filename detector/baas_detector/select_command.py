"""`baas-detector select`."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table


@click.command("select")
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--wanted",
    "wanted_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSON: objects wanted of each group, {"age:child": 500, "woman/elder": 200}.',
)
@click.option("--images", type=click.IntRange(1), help="Pictures in all; chance fills up what the groups leave.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed takes the same pictures.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the choice here.")
def select(data: Path, wanted_file: Path, images: int | None, seed: int, json_file: Path | None) -> None:
    """Choose training pictures so that each group of the bias document has as many objects as wanted.

    DATA is a YOLO folder or its data.yaml, with the categories in the labels' sixth column. The paths of the chosen
    pictures are printed, a line each; which groups have too few is told, with what is missing. See docs/bias.md.

    \b
        baas-detector select data --wanted wanted.json --images 2000 > train.txt
    """
    from baas_detector.training.dataset import read_dataset  # noqa: PLC0415 - other commands do without
    from baas_detector.training.files import write_json  # noqa: PLC0415
    from baas_detector.training.selection import read_wanted, select_pictures  # noqa: PLC0415

    chosen = select_pictures(read_dataset(data), read_wanted(wanted_file), images=images, seed=seed)
    table = Table(title=f"{len(chosen.names)} pictures", title_justify="left")
    for heading in ("group", "wanted", "found", "missing"):
        table.add_column(heading, justify="left" if heading == "group" else "right")
    for group, want in chosen.wanted.items():
        table.add_row(group, str(want), str(chosen.found[group]), str(chosen.short.get(group, "")))
    Console(stderr=True).print(table)
    if json_file is not None:
        write_json(json_file, chosen.document())
    for name in chosen.names:
        click.echo(name)
