"""How many pictures are drawn of each cell (a stratum and a bin): exact, whatever order they come in. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from math import ceil, floor
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped]
from scipy.sparse import csr_array  # type: ignore[import-untyped]

_TIE = 1e-6
"""What chance adds to a remainder, so that equal ones do not always favour the same cell."""
KeyT = TypeVar("KeyT", bound=Hashable)


class Cell(NamedTuple):
    """Pictures of one stratum with about as many detections."""

    stratum: str
    bin: str


Weights: TypeAlias = Callable[[Collection[str]], Mapping[str, Fraction]]
"""What each of some bins of a stratum shall have of its sample, relative to the others."""


def allocate(counts: Mapping[Cell, int], size: int, weights: Weights, *, seed: int) -> dict[Cell, int]:
    """Return how many pictures to draw of each cell, `size` in all; all of them when there are not more.

    `counts` are the pictures of each cell, 1 or more. A stratum's due is what its pictures are of all; its bins share
    it by `weights`. Dues are fractions: cells, strata and bins over all strata get theirs rounded up or down, and of
    all tables of that kind the one with the largest remainders rounded up.
    """
    if size >= sum(counts.values()):
        return dict(counts)
    return _rounded(_dues(counts, size, weights), seed)


def chance(seed: int, *words: str) -> float:
    """Return a number from 0 up to 1, 1 excluded, that looks random and follows from the seed and the words alone."""
    text = "\0".join([str(seed), *words])
    return (int.from_bytes(blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()) >> 11) / 2**53


def _dues(counts: Mapping[Cell, int], size: int, weights: Weights) -> dict[Cell, Fraction]:
    strata: dict[str, dict[str, int]] = defaultdict(dict)
    for cell, count in sorted(counts.items()):
        strata[cell.stratum][cell.bin] = count
    everything = sum(counts.values())
    return {
        Cell(stratum, name): due
        for stratum, bins in strata.items()
        for name, due in share_out(Fraction(size * sum(bins.values()), everything), bins, weights(bins)).items()
    }


def share_out(amount: Fraction, there: Mapping[KeyT, int], weights: Mapping[KeyT, Fraction]) -> dict[KeyT, Fraction]:
    """Part an amount by weights, giving nobody more than is there of it; what one cannot use goes to the others.

    `amount` is at most the sum of `there`. Those without weight get what is left when all others have all of theirs.
    """
    given = dict.fromkeys(there, Fraction(0))
    for weighted in (True, False):
        some = {key for key in there if bool(weights[key]) is weighted}
        while some and amount:
            whole = sum((weights[key] for key in some), Fraction(0))
            parts = {key: amount * (weights[key] / whole if weighted else Fraction(1, len(some))) for key in some}
            full = {key for key in some if parts[key] >= there[key]}
            given |= {key: Fraction(there[key]) for key in full} or parts
            amount -= sum(there[key] for key in full) if full else amount
            some -= full
    return given


def _rounded(dues: Mapping[Cell, Fraction], seed: int) -> dict[Cell, int]:
    """Round a table so that its margins are rounded, too.

    Such a table always exists, since the fractions are a flow through a network whose bounds are whole numbers (M.
    Bacharach, Matrix rounding problems, Management Science 12 (1966), 732-742).
    """
    cells = [cell for cell, due in dues.items() if due.denominator > 1]
    if not cells:
        return {cell: int(due) for cell, due in dues.items()}
    remainders = np.array([float(dues[cell] % 1) + _TIE * chance(seed, *cell) for cell in cells])
    rounded_up = milp(
        -remainders,
        integrality=np.ones(len(cells)),
        bounds=Bounds(0, 1),
        constraints=[
            _margins(cells, [cell.stratum for cell in cells], dues),
            _margins(cells, [cell.bin for cell in cells], dues),
            _margins(cells, [""] * len(cells), dues),  # all together: exactly the size
        ],
        options={"mip_rel_gap": 0},
    ).x
    extra = {cell: round(one) for cell, one in zip(cells, rounded_up, strict=True)}
    return {cell: floor(due) + extra.get(cell, 0) for cell, due in dues.items()}


def _margins(cells: Sequence[Cell], groups: Sequence[str], dues: Mapping[Cell, Fraction]) -> LinearConstraint:
    """Say that of each group so many cells are rounded up that its sum is rounded up or down."""
    names, rows = np.unique(np.array(groups, object), return_inverse=True)
    remainders = [Fraction(0)] * len(names)
    for cell, row in zip(cells, rows, strict=True):
        remainders[row] += dues[cell] % 1
    ones = csr_array((np.ones(len(cells)), (rows, np.arange(len(cells)))), shape=(len(names), len(cells)))
    return LinearConstraint(ones, [floor(one) for one in remainders], [ceil(one) for one in remainders])
