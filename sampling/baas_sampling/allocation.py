"""How many pictures are drawn of each cell (a stratum and a bin): exact, whatever order they come in. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping
from fractions import Fraction
from hashlib import blake2b
from math import ceil, floor
from typing import NamedTuple, TypeAlias, TypeVar

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
    Bacharach, Matrix rounding problems, Management Science 12 (1966), 732-742): of one from a cell's stratum to its bin
    where the cell is rounded up. A stratum sends, and a bin takes, the whole part of what its remainders come to, and
    at most one more, by way of its hub. Of all such flows the one of the most worth is taken.
    """
    import networkx as nx  # noqa: PLC0415 - half a second, which few who import this module need

    network = nx.DiGraph()
    remainders = {cell: due % 1 for cell, due in dues.items() if due % 1}
    whole = sum(remainders.values())  # a whole number, as the size is
    for sign, kind in ((-1, "stratum"), (1, "bin")):
        sums: dict[str, Fraction] = defaultdict(Fraction)
        for cell, remainder in remainders.items():
            sums[getattr(cell, kind)] += remainder
        network.add_node(kind, demand=sign * int(whole - sum(map(floor, sums.values()))))
        for name, part in sums.items():
            network.add_node((kind, name), demand=sign * floor(part))
            network.add_edge(*[kind, (kind, name)][::-sign], capacity=ceil(part) - floor(part))
    for cell, remainder in remainders.items():
        worth = float(remainder) + _TIE * chance(seed, *cell)
        # Whole numbers: with those alone the algorithm is exact and sure to end.
        network.add_edge(("stratum", cell.stratum), ("bin", cell.bin), capacity=1, weight=-int(worth * 2**53))
    flow = nx.min_cost_flow(network)
    return {
        cell: floor(due) + (flow["stratum", cell.stratum]["bin", cell.bin] if cell in remainders else 0)
        for cell, due in dues.items()
    }
