"""`baas sample-panoramas`."""

from pathlib import Path

import click

from baas_preprocess.cli.console import out, printable, progress_bar


@click.command("sample-panoramas")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option("--count", type=click.IntRange(1, 1000), default=4, show_default=True, help="How many.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same pictures.")
def samples_command(folder: Path, count: int, seed: int) -> None:
    """Draw panoramas to try things on: 8000x4000, people and licence plates of many sizes, some across the seam.

    They are generated: a drawn street, plates with invented characters, people from the sample photos of an installed
    package. The truth lies beside them in annotations-coco.json.

    \b
        baas sample-panoramas demo/input --count 4
    """
    from baas_preprocess.samples import generate  # noqa: PLC0415 - no other command should wait for the drawing code

    with progress_bar() as bar:
        task = bar.add_task("Drawing", total=count, rate="")
        generate(folder, count=count, seed=seed, on_done=lambda _: bar.advance(task))
    out.print(f"{count} panoramas and annotations-coco.json are in {printable(str(folder))}", markup=False)
