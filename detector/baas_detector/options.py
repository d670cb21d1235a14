"""Values of options that several commands take."""

import itertools
import math
from collections.abc import Callable
from typing import TypeAlias

import click

Edges: TypeAlias = tuple[tuple[float, ...], bool]
"""Numbers, and whether they are shares of 1."""


def number_list(
    *, percents: bool = False, whole: bool = False
) -> Callable[[click.Context, click.Parameter, str], Edges]:
    """Return the reader of an option: ascending numbers above 0, commas between them; perhaps all of them in %."""

    def read(_context: click.Context, _option: click.Parameter, value: str) -> Edges:
        parts = [part.strip() for part in value.split(",")]
        shares = percents and all(part.endswith("%") for part in parts)
        try:
            numbers = [float(part.removesuffix("%")) / 100 if shares else float(part) for part in parts]
        except ValueError:
            numbers = [math.nan]
        is_right = all(math.isfinite(number) and number > 0 for number in numbers)
        is_right &= all(one < other for one, other in itertools.pairwise(numbers))
        is_right &= not whole or all(number.is_integer() for number in numbers)
        if not is_right:
            kind = "whole numbers" if whole else "numbers"
            also = ", or all of them with % behind" if percents else ""
            raise click.BadParameter(f"{value!r} should be {kind} above 0, ascending, with commas between them{also}.")
        return tuple(numbers), shares

    return read
