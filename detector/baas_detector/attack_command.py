"""`baas-detector attack`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from baas_crds.errors import ConfigurationError

if TYPE_CHECKING:
    from baas_detector.attack.redactions import Redaction
    from baas_detector.attack.report import Table as Printed

REDACTIONS = ("none", "gaussian", "pixelate:6", "pixelate:3", "pixelate:1", "blur:6", "solid", "fill")
_TRUTH = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("attack")
@click.option(
    "--persons",
    multiple=True,
    type=_TRUTH,
    metavar="FILE",
    help="COCO file with labelled persons, beside their pictures. May be given several times.",
)
@click.option(
    "--plates",
    multiple=True,
    type=_TRUTH,
    metavar="FILE",
    help="The same with labelled plates, for the detector to look for. Plates that are read are invented.",
)
@click.option(
    "--repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="What `build-repository --output` made for the CPU. Without it the detector does not look again.",
)
@click.option(
    "--redaction",
    "redactions",
    multiple=True,
    default=REDACTIONS,
    metavar="METHOD[:CELLS]",
    help=f"What to attack; `gaussian` is what the earlier service did. [{' '.join(REDACTIONS)}]",
)
@click.option("--padding", type=click.FloatRange(0, 2), default=0.1, show_default=True, help="As for `baas blur`.")
@click.option(
    "--candidates",
    type=click.IntRange(2, 1_000_000),
    default=10_000,
    show_default=True,
    help="So many texts are tried for each plate.",
)
@click.option(
    "--shown",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="So many plates of each width are read.",
)
@click.option(
    "--plate-width",
    "plate_widths",
    multiple=True,
    type=click.IntRange(16, 1000),
    default=(40, 120, 300),
    show_default=True,
    metavar="PX",
    help="Widths of plates.",
)
@click.option(
    "--person-height",
    "person_heights",
    multiple=True,
    type=click.IntRange(16, 1000),
    default=(112, 448),
    show_default=True,
    metavar="PX",
    help="Heights that persons are brought to.",
)
@click.option("--restore/--no-restore", default=True, show_default=True, help="Try deconvolution and the like, too.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is random.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write Markdown, too.")
def attack(
    persons: tuple[Path, ...],
    plates: tuple[Path, ...],
    repository: Path | None,
    redactions: tuple[str, ...],
    padding: float,
    candidates: int,
    shown: int,
    plate_widths: tuple[int, ...],
    person_heights: tuple[int, ...],
    restore: bool,
    seed: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Measure what an attacker gets out of redacted persons and plates.

    He has the redacted picture and this program, knows the method, its strength and where the box is. The detector
    looks again; plates are read by redacting every candidate's rendering the same way; persons are matched with
    candidates; and restoration is tried before each. Beside each share stands its 95 % interval (Clopper-Pearson) and
    what guessing would give. Pictures are redacted by `baas redact-more`. With the defaults it takes about 40 minutes
    on two cores.

    \b
        baas-detector attack --redaction fill --redaction pixelate:6
        baas-detector attack --persons persons/annotations.json --plates plates/annotations.json --repository models
    """
    try:
        from baas_detector.attack import report, suite  # noqa: PLC0415 - other commands do without these libraries
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"Attacking needs {error.name}: install the extra `attack`") from error

    if shown > candidates:
        raise click.UsageError(f"--shown is {shown}: no more plates can be shown than there are --candidates.")
    plan = suite.Plan(
        persons=persons,
        plates=plates,
        repository=repository,
        redactions=_redactions(redactions),
        candidates=candidates,
        shown=shown,
        plate_widths_px=plate_widths,
        person_heights_px=person_heights,
        padding=padding,
        restores=restore,
        seed=seed,
    )
    with _Bar(plan.steps) as progress:
        results = suite.attack(plan, progress)
    printed = report.tables(results)
    if output is not None:
        output.write_text(report.markdown(printed))
    if as_json:
        click.echo(json.dumps({"plan": plan.document(), "results": [one.document() for one in results]}, indent=1))
        return
    for table in printed:
        _show(table, Console())


def _redactions(texts: tuple[str, ...]) -> "tuple[Redaction, ...]":
    from baas_detector.attack.redactions import read_redaction  # noqa: PLC0415 - as above

    try:
        return tuple(dict.fromkeys(read_redaction(text) for text in texts))
    except ValueError as error:
        raise click.UsageError(f"--redaction: {error}.") from error


class _Bar:
    """Progress on the terminal, if there is one."""

    def __init__(self, steps: int) -> None:
        console = Console(stderr=True)
        self._bar = Progress(*Progress.get_default_columns(), console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=steps)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, what: str) -> None:
        self._bar.update(self._task, description=what)

    def step(self) -> None:
        self._bar.advance(self._task)


def _show(printed: "Printed", console: Console) -> None:
    table = Table(title=printed.title, title_justify="left", caption=printed.remark, caption_justify="left")
    for heading in printed.headings:
        table.add_column(heading)
    for before, row in zip((None, *printed.rows), printed.rows, strict=False):
        if before is not None and before[0] != row[0]:
            table.add_section()
        table.add_row(*row)
    console.print(table)
