"""A comparison as tables of text. Pure."""

from baas_detector.comparison.comparing import SIZE
from baas_detector.comparison.results import Comparison, GroupRow
from baas_detector.coverage import ALL
from baas_detector.evaluation.tables import NOTHING, Table, percent, span

_NOTE = (
    "Of the same objects; the difference is B less A, with Newcombe's interval for paired data by objects, and by "
    "resampling images. p of McNemar's exact test, and adjusted for all rows together."
)


def tables(found: Comparison) -> list[Table]:
    """Return all tables that have rows, in reading order."""
    return [table for table in (groups(found), _one_sided(found)) if table.rows]


def groups(found: Comparison) -> Table:
    """Return recall of both by group."""
    return Table(
        f"Objects whose box is covered at least {found.min_coverage:.0%}",
        _NOTE,
        (
            *("class", "group", "of", "A", "A, interval", "B", "B, interval", "only A", "only B"),
            *("difference", "by objects", "by images", "p", "adjusted"),
        ),
        tuple(
            (
                str(row.object_class),
                group_name(row),
                str(row.total),
                percent(row.a.share),
                span(row.a.interval_95),
                percent(row.b.share),
                span(row.b.interval_95),
                str(row.only_a),
                str(row.only_b),
                signed(row.difference),
                span(row.interval_95),
                span(row.interval_images_95),
                f"{row.p_value:.3f}",
                f"{row.p_adjusted:.3f}",
            )
            for row in found.groups
        ),
    )


def group_name(row: GroupRow) -> str:
    """Return what a group is called: `all`, a size, or such as `age child`."""
    return row.value if row.attribute == SIZE else f"{row.attribute} {row.value}"


def signed(difference: float | None) -> str:
    """Return a difference as text, with its sign."""
    return NOTHING if difference is None else f"{difference:+.1%}"


def remarks(found: Comparison) -> list[str]:
    """Return what stands beside the tables: which is which, the price, and what was missing."""
    lines = [f"{found.images} images, by {found.basis}"]
    for name, side in (("A", found.a), ("B", found.b)):
        total = side.masked_share.total
        lines.append(f"{name}: {side.source}, masked {NOTHING if total is None else f'{total:.2%}'} of all pixels")
        if side.without_mask:
            missing = ", ".join(side.without_mask)
            lines.append(f"{name} has no {found.basis}, so all their objects count as missed: {missing}")
    if found.masked_difference is not None:
        word = "more" if found.masked_difference >= 0 else "less"
        lines.append(f"B masks {abs(found.masked_difference):.2%} of all pixels {word}")
    lines += [
        f"{row.object_class}: {row.only_a} found by A alone, {row.only_b} by B alone"
        for row in found.groups
        if row.attribute == SIZE and row.value == ALL
    ]
    return lines


def _one_sided(found: Comparison) -> Table:
    return Table(
        "Objects that only one of them finds",
        "Covered share of its box by each.",
        ("image", "number", "class", "category", "size", "found by", "A covers", "B covers"),
        tuple(
            (
                one.image,
                str(one.number),
                str(one.object_class),
                one.category,
                one.size,
                one.found_by,
                percent(one.covered_a),
                percent(one.covered_b),
            )
            for one in found.one_sided
        ),
    )
