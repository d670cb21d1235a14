"""Results as tables, for a terminal and for a page of documentation. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from baas_detector.attack.finding import REDACTED
from baas_detector.attack.lineups import OTHER, RANKS, SAME
from baas_detector.attack.results import Attack, Result
from baas_detector.contract import DetectedClass

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Plain text in rows."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remark: str


def tables(results: Sequence[Result]) -> list[Table]:
    """Make a table for each attack that was tried."""
    every = (_found(results), _plates(results), _persons(results), _restored(results))
    return [table for table in every if table.rows]


def markdown(every: Iterable[Table]) -> str:
    """Write tables as a page wants them."""
    return "\n".join(line for table in every for line in _page(table))


def _page(table: Table) -> Iterator[str]:
    yield f"**{table.title}**"
    yield ""
    yield f"| {' | '.join(table.headings)} |"
    yield "|" + "---|" * len(table.headings)
    yield from (f"| {' | '.join(row)} |" for row in table.rows)
    yield ""
    yield table.remark
    yield ""


def _found(results: Sequence[Result]) -> Table:
    found = [one for one in results if one.attack is Attack.FIND and one.condition == REDACTED]
    classes = _different(one.group for one in found)
    totals = {name: max(one.total for one in found if one.group == name) for name in classes}
    return Table(
        title="The detector looks again: % and 95 % interval",
        headings=("redaction", *(f"{_plural(name)} found, of {totals[name]}" for name in classes)),
        rows=tuple(
            (name, *(_cell(one for one in found if (one.redaction, one.group) == (name, group)) for group in classes))
            for name in _different(one.redaction for one in found)
        ),
        remark="A box of the class, scored at least 0.25, shares at least half of what it and the labelled box cover.",
    )


def _plates(results: Sequence[Result]) -> Table:
    return _identified(results, Attack.READ, "Plates are read by trying texts: % and 95 % interval")


def _persons(results: Sequence[Result]) -> Table:
    return _identified(results, Attack.MATCH, "Persons are matched with candidates: % and 95 % interval")


def _identified(results: Sequence[Result], attack: Attack, title: str) -> Table:
    ranked = [one for one in results if one.attack is attack and one.condition in (SAME, OTHER)]
    columns = [(condition, rank) for condition in (SAME, OTHER) for rank in RANKS]
    rows = []
    for redaction, group in _different((one.redaction, one.group) for one in ranked):
        some = [one for one in ranked if (one.redaction, one.group) == (redaction, group)]
        cells = [_cell(one for one in some if (one.condition, one.rank) == column) for column in columns]
        rows.append((group, redaction, *cells, "yes" if all(one.is_at_chance for one in some) else "no"))
    chances = {one.rank: f"{one.chance:.2%}" for one in ranked if one.chance is not None}
    shown = ", ".join(_different(f"{one.total:,}" for one in ranked))
    return Table(
        title=title,
        headings=(
            "size",
            "redaction",
            *(f"{condition}, {'first guess' if rank == 1 else f'{rank} guesses'}" for condition, rank in columns),
            "at chance",
        ),
        rows=tuple(rows),
        remark=f"{shown} shown of each size. Chance: "
        + ", ".join(f"{chance} with {rank} guess{'es' * (rank != 1)}" for rank, chance in chances.items() if rank)
        + ".",
    )


def _restored(results: Sequence[Result]) -> Table:
    tried = [one for one in results if one.condition not in (SAME, OTHER, REDACTED) and one.rank in (None, 1)]
    columns: tuple[tuple[str, Attack, str | None], ...] = (
        ("persons found", Attack.FIND, DetectedClass.PERSON),
        ("plates found", Attack.FIND, DetectedClass.LICENCE_PLATE),
        ("plates read, first guess", Attack.READ, None),
        ("persons matched, first guess", Attack.MATCH, None),
    )
    rows = []
    for redaction, attempt in _different((one.redaction, one.condition) for one in tried):
        some = [one for one in tried if (one.redaction, one.condition) == (redaction, attempt)]
        cells = [
            _cell(one for one in some if one.attack is attack and group in (None, one.group))
            for _, attack, group in columns
        ]
        rows.append((redaction, attempt, *cells))
    return Table(
        title="Restored, then looked at by the detector and compared with unredacted candidates: % and 95 % interval",
        headings=("redaction", "attempt", *(heading for heading, _, _ in columns)),
        rows=tuple(rows),
        remark="All sizes together.",
    )


def _cell(results: Iterable[Result]) -> str:
    """Join results of one kind: share and interval in percent."""
    some = list(results)
    if not some:
        return "-"
    joined = Result.joined(some)
    low, high = joined.interval()
    return f"{100 * joined.share:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _different(values: Iterable[T]) -> list[T]:
    """Each once, in their order."""
    return list(dict.fromkeys(values))


def _plural(object_class: str) -> str:
    return f"{object_class.replace('_', ' ')}s"
