"""A report as Markdown. Pure."""

from collections.abc import Iterable

from baas_detector.evaluation.results import Report
from baas_detector.evaluation.tables import Table, remarks, tables


def markdown(report: Report) -> str:
    """Return the whole text."""
    return document("Evaluation", remarks(report), tables(report))


def document(title: str, lines: Iterable[str], of: Iterable[Table]) -> str:
    """Return a title, a list of remarks, and tables, as Markdown."""
    head = "\n".join([f"# {title}", "", *(f"- {_safe(line)}" for line in lines)])
    return "\n\n".join([head, *map(_table, of)]) + "\n"


def _table(table: Table) -> str:
    rule = ["---"] * len(table.headings)
    lines = [" | ".join(_safe(cell) for cell in row) for row in (table.headings, rule, *table.rows)]
    return "\n".join([f"## {table.title}", "", table.note, "", *(f"| {line} |" for line in lines)])


def _safe(text: str) -> str:
    """Names come from strangers' files: a name neither ends a cell nor is markup."""
    spelled = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    for special in ("\\", "|", "<", "`", "[", "*", "_"):
        spelled = spelled.replace(special, f"\\{special}")
    return spelled
