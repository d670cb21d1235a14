"""What people see: names that are safe to print, progress, tables. Results go to stdout, progress to stderr."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from baas_crds.codes import QuarantineReason
from baas_ledger.facts import Claim, Outcome, Published, SecondLookSums
from baas_ledger.facts import Progress as Counts
from baas_preprocess.settings import Settings, read_settings

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

LEDGER_HELP = "Where the run was recorded, when not in DEST/.baas; BAAS_LEDGER and baas.toml count as for `baas blur`."


def printable(text: str) -> str:
    """A name or a message on one line, control characters escaped."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def plain(text: str) -> str:
    """The same for where rich would take `[bold]` in it for markup."""
    return escape(printable(text))


@dataclass(slots=True)
class Tally:
    """What was done in this call (the ledger knows the sum of all calls)."""

    published: int = 0
    quarantined: int = 0
    seconds: Counter[str] = field(default_factory=Counter)
    """Per step, summed over images."""
    second_look: SecondLookSums = field(default_factory=SecondLookSums)

    def add(self, outcome: Outcome) -> None:
        """Count one more image."""
        if isinstance(outcome, Published):
            self.published += 1
            self.seconds.update(dict(outcome.timings))
            one, sums = outcome.second_look, self.second_look
            self.second_look = SecondLookSums(
                images=sums.images + (one.looks > 0),
                found_later=sums.found_later + one.found_later,
                residuals=sums.residuals + one.residuals,
            )
        else:
            self.quarantined += 1


def setting_help(name: str, more: str = "") -> str:
    """The setting's own sentence, so that help and settings cannot drift apart."""
    return f"{Settings.model_fields[name].description} {more}".strip()


def given_ledger(option: str | None) -> str | None:
    """Where `baas blur`, called here, would keep the ledger; None for beside the pictures."""
    return read_settings({} if option is None else {"ledger": option}).ledger


def given_viewer() -> str:
    """Where people look at a panorama of the API, as environment and `baas.toml` say."""
    return read_settings({}).panorama_viewer


def progress_bar() -> Progress:
    """A bar with count, rate and the time that is left, on stderr; nothing when stderr is no terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def tell_quarantined(image: Claim, outcome: Outcome) -> None:
    """Say at once which image is not published, and why."""
    if not isinstance(outcome, Published):
        what = plain(f"{image.name}: {outcome.reason}: {outcome.message}")
        err.print(f"[yellow]not published[/] {what}", markup=True)


def summary_table(counts: Counts, tally: Tally, seconds: float) -> Table:
    """The sum of a run, as `baas blur` ends with it."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column()
    table.add_row("published", f"{counts.published:,}", f"[dim]{tally.published:,} of them now[/]")
    for reason, number in sorted(counts.quarantined_by_reason.items()):
        table.add_row(f"quarantined {reason}", f"{number:,}", f"[dim]{QuarantineReason(reason).explanation}[/]")
    if counts.excluded:
        table.add_row("excluded", f"{counts.excluded:,}", "[dim]on request[/]")
    if counts.remaining:
        table.add_row("waiting", f"{counts.remaining:,}", "[dim]the same command again continues[/]")
    table.add_row("persons", f"{counts.persons:,}", "")
    table.add_row("licence plates", f"{counts.licence_plates:,}", "")
    if tally.second_look.images:
        looked, meaning = tally.second_look, "of these objects found only at the second look"
        table.add_row("looked at again", f"{looked.images:,}", f"[dim]{looked.found_later:,} {meaning}[/]")
        table.add_row(
            "residual hits", f"{looked.residuals:,}", "[dim]what the detector takes for objects is redaction[/]"
        )
    if tally.published:
        table.add_row("time", f"{seconds:,.1f} s", f"[dim]{seconds / tally.published:.1f} s per image[/]")
        table.add_row("per image", "", f"[dim]{_steps(tally)}[/]")
    return table


def summary_document(run_id: str, counts: Counts, tally: Tally, seconds: float) -> Mapping[str, object]:
    """The same as one JSON document."""
    return {
        "run": run_id,
        "images": {
            "total": counts.total,
            "published": counts.published,
            "quarantined": counts.quarantined,
            "excluded": counts.excluded,
            "waiting": counts.remaining,
        },
        "now": {"published": tally.published, "quarantined": tally.quarantined, "seconds": round(seconds, 3)},
        "quarantined": dict(counts.quarantined_by_reason),
        "objects": {"person": counts.persons, "licence_plate": counts.licence_plates},
        "second_look": asdict(tally.second_look),
        "seconds_per_step": {step: round(value, 3) for step, value in tally.seconds.items()},
    }


def _steps(tally: Tally) -> str:
    return ", ".join(f"{step} {value / tally.published:.2f}" for step, value in tally.seconds.items() if value > 0.0005)
