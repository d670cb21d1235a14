"""Measure the whole and its parts, against the plain way and against what the machine can do: `make bench`.

    python -m tests.benchmarks redaction ledger --rounds 5

Without names all of them run. Each prints a table and leaves NAME.md and NAME.json in the output folder; `--docs` also
puts each table where docs/performance/NAME.md shows it, and the aims of all that are in the output folder into
docs/performance.md.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.benchmarks import growth, ledger, machine, operator_scale, panoramas, redaction, telemetry, worker
from tests.benchmarks.options import Options
from tests.benchmarks.pages import FRONT_PAGE, PAGES, show
from tests.benchmarks.rounds import Outcome, aims, markdown, read_outcome

BENCHMARKS: Mapping[str, Callable[[Options], Outcome]] = {
    "growth": growth.measure,
    "ledger": ledger.measure,
    "operator": operator_scale.measure,
    "panoramas": panoramas.measure,
    "redaction": redaction.measure,
    "telemetry": telemetry.measure,
    "worker": worker.measure,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Rounds that count.")
@click.option("--models", type=click.Path(path_type=Path), default=Path(".cache/models"), show_default=True)
@click.option("--triton", metavar="HOST:PORT", help="Measure this one, such as on a GPU, where the detector is real.")
@click.option("--output", type=click.Path(path_type=Path), default=Path(".cache/bench"), show_default=True)
@click.option("--short", is_flag=True, help="Only show that it runs; the figures mean nothing.")
@click.option("--docs", is_flag=True, help=f"Put each table into its page in {PAGES}.")
def main(
    names: tuple[str, ...], rounds: int, models: Path, triton: str | None, output: Path, short: bool, docs: bool
) -> None:
    """Run benchmarks, one after the other."""
    output.mkdir(parents=True, exist_ok=True)
    options = Options(rounds=1 if short else rounds, models=models, triton=triton, is_short=short)
    for name in names or BENCHMARKS:
        outcome = BENCHMARKS[name](options)
        ran = f"{datetime.now(UTC):%Y-%m-%d}, {machine.description()}"
        text = f"{markdown(outcome)}\n{ran}.\n"
        click.echo(f"\n## {outcome.title}\n\n{text}")
        (output / f"{name}.md").write_text(text)
        (output / f"{name}.json").write_text(json.dumps({"ran": ran, **asdict(outcome)}, indent=2) + "\n")
        if docs and not short:
            show(PAGES / f"{name}.md", name, text)
            show(FRONT_PAGE, "aims", f"{aims(told(output))}\n{machine.description()}.\n")


def told(folder: Path) -> dict[str, Outcome]:
    """Return what benchmarks have left in a folder, by their names."""
    files = {name: folder / f"{name}.json" for name in BENCHMARKS}
    return {name: read_outcome(json.loads(file.read_text())) for name, file in files.items() if file.exists()}


if __name__ == "__main__":
    main()
