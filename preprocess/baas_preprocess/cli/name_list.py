"""Lists of names in a file, one a line, as exclude lists have them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from baas_crds.errors import ConfigurationError
from baas_preprocess.cli.console import err, printable


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=_Named)


def with_names(found: Iterator[Item], file: Path) -> Iterator[Item]:
    """Pass things on, and write their names into a file. Raises `ConfigurationError` when it cannot be written."""
    unwritten = 0
    try:
        with file.open("w", encoding="utf-8") as lines:
            for one in found:
                if one.name.strip().splitlines() == [one.name]:
                    lines.write(f"{one.name}\n")
                else:
                    unwritten += 1
                yield one
    except OSError as error:
        raise ConfigurationError(f"--names {file} cannot be written: {error.strerror}.") from error
    if unwritten:
        err.print(f"{unwritten:,} names are not in {printable(str(file))}: no line can hold them. --json has them.")
