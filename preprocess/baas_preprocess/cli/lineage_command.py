"""`baas plan --redo-model`: what stands that a model made, for people. It changes nothing."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import click

from baas_ledger.engine import reading
from baas_ledger.lineage import Made, check_made_something, made_by
from baas_preprocess.cli.console import given_ledger, out, printable
from baas_preprocess.cli.name_list import with_names
from baas_preprocess.earlier_runs import is_folder, open_any
from baas_preprocess.results import check_page_apart


@dataclass(slots=True)
class _Sums:
    """Outputs that a model made, by destination and run."""

    standing: Counter[tuple[str, str]] = field(default_factory=Counter)
    without_original: Counter[tuple[str, str]] = field(default_factory=Counter)
    unrecorded: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, made: Made) -> None:
        """Count one more."""
        where = made.destination, made.run_id
        self.standing[where] += 1
        self.without_original[where] += made.original_deleted_at is not None
        self.unrecorded[where] += not made.is_recorded


def tell_lineage(model: str, dest: str | None, ledger: str | None, *, names: Path | None, as_json: bool) -> None:
    """Print what stands at a destination, or at all of them, and was made by a model; write its names into a file.

    Nothing of it is kept in memory but sums. Raises `ConfigurationError`, also when no run had the model.
    """
    if names is not None and dest is not None and is_folder(dest):
        check_page_apart(names, Path(dest), option="--names")
    with ExitStack() as stack:
        engine, destination = stack.enter_context(open_any(dest, given_ledger(ledger)))
        with reading(engine) as connection:
            check_made_something(connection, model, destination)
        found: Iterator[Made] = (made for page in made_by(engine, model, destination) for made in page)
        if names is not None:
            found = with_names(found, names)
        if as_json:
            _print_document(model, found)
            return
        sums = _Sums()
        for made in found:
            sums.add(made)
    _tell_sums(model, sums)


def _print_document(model: str, found: Iterator[Made]) -> None:
    click.echo(f'{{"model": {json.dumps(model)}, "images": [', nl=False)
    separator = "\n "
    for made in found:
        gone = made.original_deleted_at
        document = {
            "destination": made.destination,
            "name": made.name,
            "run": made.run_id,
            "at": made.at.isoformat(),
            "recorded": made.is_recorded,
            "original_deleted_at": None if gone is None else gone.isoformat(),
        }
        click.echo(separator + json.dumps(document), nl=False)
        separator = ",\n "
    click.echo("\n]}")


def _tell_sums(model: str, sums: _Sums) -> None:
    _say(f"{sums.standing.total():,} pictures stand as {model} made them.")
    for where, number in sums.standing.items():
        destination, run_id = where
        without, unrecorded = sums.without_original[where], sums.unrecorded[where]
        parts = [f"{number - without:,} to redo"]
        if without:
            parts.append(f"{without:,} not, since their originals were deleted")
        if unrecorded:
            parts.append(f"{unrecorded:,} of all were begun, and nothing tells whether they were written")
        _say(f"  {destination}, run {run_id}: {', '.join(parts)}")
    if sums.standing.total() > sums.without_original.total():
        _say(
            f"To redo them with another model: `baas blur SOURCE DEST --redo-model {model}`, or a BlurJob's redoModel."
        )
    if sums.without_original.total():
        _say("What has no original can only be taken away: see docs/howto/roll-out.md.")


def _say(sentence: str) -> None:
    out.print(printable(sentence), markup=False, soft_wrap=True)
