"""Which pictures are drawn: the same ones for the same seed, in whatever order they come. Pure.

How many are drawn of each stratum (a district) and bin (about as many detections) is settled first, exactly. Which
ones, chance decides, and doubtful pictures weigh more.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import log1p
from typing import Literal

from baas_sampling.allocation import Cell, Weights, allocate, chance
from baas_sampling.strata import ALL

NOTHING_FOUND, ANY = "0", "any"
"""The bins of pictures without detections, and of a sample that does not ask for them."""
_DOUBTFUL = 0.5


class Reason(StrEnum):
    """Why a picture is in a sample; the first that holds."""

    RANDOM = "random"
    CORRECTED = "corrected by people"
    NOTHING_FOUND = "nothing found"
    DOUBTFUL = "doubtful scores"
    COUNT = "number of detections"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One picture that may be drawn."""

    name: str
    scores: tuple[float, ...] = ()
    """Of its detections, 0..1."""
    is_corrected: bool = False
    """Whether people had something redacted that was not found."""
    stratum: str = ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One picture of a sample."""

    image: str
    bin: str
    reason: Reason
    weight: float
    """What its chance is multiplied by, among the pictures of its stratum and bin; 1 or more."""
    stratum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was drawn."""

    drawn: tuple[Drawn, ...]
    """Sorted by name."""
    there: Mapping[Cell, int]
    """All pictures, counted by stratum and bin."""

    def by(self, part: Literal["stratum", "bin"]) -> dict[str, tuple[int, int]]:
        """Return how many pictures are there and how many were drawn, by stratum or by bin."""
        there, drawn = Counter[str](), Counter(getattr(one, part) for one in self.drawn)
        for cell, count in self.there.items():
            there[getattr(cell, part)] += count
        return {name: (count, drawn[name]) for name, count in there.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """How pictures are chosen for labelling. The defaults are those of the command."""

    seed: int = 0
    share_without: Fraction = Fraction(1, 5)
    """Share of the sample that shall have no detections, 0..1. The other bins get equal parts of the rest."""
    edges: tuple[int, ...] = (2, 4, 8, 16, 32)
    """Numbers of detections at which bins begin, ascending, besides 0 and 1."""
    threshold: float = 0.05
    """The score from which on objects were redacted, below 1."""
    doubt_factor: float = 4.0
    """Weight of a picture of which all scores are at the threshold; 1 is that of one of which all scores are 1."""


def retraining_sample(candidates: Iterable[Candidate], size: int, how: Retraining) -> Sample:
    """Draw `size` pictures for labelling, or all when there are not more. Names differ.

    A stratum gets what its pictures are of all, and of that, its bins get their parts. A bin with too few pictures
    gives all that it has, and the other bins of its stratum give more.
    """
    pool = (_weighed(one, how) for one in candidates)
    return _draw(pool, size, lambda bins: _weights(bins, how.share_without), how.seed)


def random_sample(candidates: Iterable[Candidate], size: int, *, seed: int) -> Sample:
    """Draw `size` pictures that are all as likely, or all when there are not more. Names differ.

    A stratum gets what its pictures are of all, by largest remainders.
    """
    pool = (Drawn(image=one.name, bin=ANY, reason=Reason.RANDOM, weight=1.0, stratum=one.stratum) for one in candidates)
    return _draw(pool, size, lambda bins: dict.fromkeys(bins, Fraction(1)), seed)


def bin_of(count: int, edges: Sequence[int]) -> str:
    """Return the name of the bin that a number of detections is in, such as `4-7` or `32+`."""
    if not count:
        return NOTHING_FOUND
    starts = (1, *edges)
    position = bisect_right(starts, count)
    first = starts[position - 1]
    if position == len(starts):
        return f"{first}+"
    last = starts[position] - 1
    return str(first) if first == last else f"{first}-{last}"


def bin_names(edges: Sequence[int]) -> list[str]:
    """Return the names of all bins, from no detections to most."""
    return [bin_of(first, edges) for first in (0, 1, *edges)]


def doubt_of(scores: Sequence[float], threshold: float) -> float:
    """Return how doubtful a picture is: 0 when all scores are 1, 1 when none is above the threshold, linear between.

    The mean over its detections: it does not grow with their number, for which there are bins. Without detections 0.
    """
    if not scores:
        return 0.0
    return sum(min(1.0, (1 - score) / (1 - threshold)) for score in scores) / len(scores)


def _weighed(one: Candidate, how: Retraining) -> Drawn:
    doubt = 1.0 if one.is_corrected else doubt_of(one.scores, how.threshold)
    return Drawn(
        image=one.name,
        bin=bin_of(len(one.scores), how.edges),
        reason=_reason(one, doubt),
        weight=1 + (how.doubt_factor - 1) * doubt,
        stratum=one.stratum,
    )


def _reason(one: Candidate, doubt: float) -> Reason:
    if one.is_corrected:
        return Reason.CORRECTED
    if not one.scores:
        return Reason.NOTHING_FOUND
    return Reason.DOUBTFUL if doubt >= _DOUBTFUL else Reason.COUNT


def _weights(bins: Collection[str], share_without: Fraction) -> Mapping[str, Fraction]:
    others = sum(name != NOTHING_FOUND for name in bins)
    return {name: share_without if name == NOTHING_FOUND else (1 - share_without) / others for name in bins}


def _draw(pool: Iterable[Drawn], size: int, weights: Weights, seed: int) -> Sample:
    cells: dict[Cell, list[Drawn]] = defaultdict(list)
    for one in pool:
        cells[Cell(one.stratum, one.bin)].append(one)
    there = {cell: len(members) for cell, members in cells.items()}
    wanted = allocate(there, size, weights, seed=seed)
    drawn = (one for cell, members in cells.items() for one in _first(members, wanted[cell], seed))
    return Sample(drawn=tuple(sorted(drawn, key=lambda one: one.image)), there=there)


def _first(members: Iterable[Drawn], count: int, seed: int) -> list[Drawn]:
    """Draw by weight without putting back: the first of as many exponential waiting times, whose rates are the weights.

    P. S. Efraimidis, P. G. Spirakis, Weighted random sampling with a reservoir, Information Processing Letters 97
    (2006), 181-185. A picture's time follows from its name alone, so other pictures do not change it.
    """

    def waiting_time(one: Drawn) -> tuple[float, str]:
        return -log1p(-chance(seed, one.image)) / one.weight, one.image

    return sorted(members, key=waiting_time)[:count]
