"""Put what was measured where pages show it."""

import re
from pathlib import Path

import click

PAGES = Path("docs/performance")
FRONT_PAGE = PAGES.with_suffix(".md")


def show(page: Path, name: str, text: str) -> None:
    """Put a text between the two comments of that name. Raises `ClickException` for a page that lacks them."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    shown, places = between.subn(lambda _: f"{begin}\n{text}\n{end}", page.read_text())
    if places != 1:
        raise click.ClickException(
            f"{page} has no place for the table: it needs the lines {begin.strip()} and {end.strip()}"
        )
    page.write_text(shown)
