"""Intervals and tests for shares and their differences. Pure; whatever is random follows from a seed."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, fisher_exact  # type: ignore[import-untyped]

RESAMPLES = 1000
_AT_ONCE = 100
"""Resamples drawn at once: of a hundred thousand images they take 80 MB."""

Flags = npt.NDArray[np.bool_]
"""(objects,): found or not."""
Images = npt.NDArray[np.str_]
"""(objects,): the name of the image that each lies in."""


def newcombe(hits: int, total: int, other_hits: int, other_total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval (-1..1) of `hits / total - other_hits / other_total`.

    Newcombe's hybrid score interval: method 10 of R. G. Newcombe, Interval estimation for the difference between
    independent proportions, Statistics in Medicine 17 (1998), 873-890. Raises `ValueError` for a total of zero.
    """
    share, other = hits / total, other_hits / other_total
    low, high = _wilson(hits, total, confidence)
    other_low, other_high = _wilson(other_hits, other_total, confidence)
    difference = share - other
    below = float(np.hypot(share - low, other_high - other))
    above = float(np.hypot(high - share, other - other_low))
    return max(-1.0, difference - below), min(1.0, difference + above)


def fisher(hits: int, total: int, other_hits: int, other_total: int) -> float:
    """Return the two-sided p-value (0..1) of Fisher's exact test that both shares are one."""
    table = [[hits, total - hits], [other_hits, other_total - other_hits]]
    return min(1.0, float(fisher_exact(table).pvalue))


def newcombe_paired(
    both: int, only_first: int, only_second: int, neither: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval (-1..1) of the first share less the second, when both are of the same objects.

    Newcombe's square-and-add interval: method 10 of R. G. Newcombe, Improved confidence intervals for the difference
    between binomial proportions based on paired data, Statistics in Medicine 17 (1998), 2635-2650. Raises `ValueError`
    when all four counts are zero.
    """
    total = both + only_first + only_second + neither
    first, second = both + only_first, both + only_second
    share, other = first / total, second / total
    low, high = _wilson(first, total, confidence)
    other_low, other_high = _wilson(second, total, confidence)
    margins = first * (total - first) * second * (total - second)
    product = both * neither - only_first * only_second
    corrected = max(product - total / 2, 0.0) if product > 0 else float(product)
    phi = corrected / margins**0.5 if margins else 0.0
    below = _side(share - low, other_high - other, phi)
    above = _side(high - share, other - other_low, phi)
    return max(-1.0, share - other - below), min(1.0, share - other + above)


def mcnemar(lost: int, gained: int, *, alternative: Literal["two-sided", "greater"]) -> float:
    """Return the p-value (0..1) of McNemar's exact test on objects that only one of two models found.

    Is either model as likely to be the one? `greater`: or are more of them lost than gained? (Q. McNemar, Psychometrika
    12 (1947), 153-157, with binomial probabilities.) 1 when there are none.
    """
    return float(binomtest(lost, lost + gained, alternative=alternative).pvalue) if lost + gained else 1.0


def image_interval(found: Flags, images: Images, *, seed: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return the interval (0..1) of the share that is found, from resampling images with all their objects.

    Objects of one image are not independent: it has one light, one camera, one street. The bootstrap's percentiles
    (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). None when fewer than two images hold
    objects. Where all are found it is (1, 1): the exact interval tells more then.
    """
    resampled = _resample([found], [images], seed)
    return None if resampled is None else _percentiles(resampled[0], confidence)


def image_gap_interval(
    found: Sequence[Flags], images: Sequence[Images], *, seed: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the interval (-1..1) of the first group's share less the second's, from resampling images.

    Both groups are drawn together, since they stand in the same images. None when fewer than two images hold objects.
    """
    resampled = _resample(found, images, seed)
    return None if resampled is None else _percentiles(resampled[0] - resampled[1], confidence)


def _resample(found: Sequence[Flags], images: Sequence[Images], seed: int) -> list[npt.NDArray[np.float64]] | None:
    """Return each group's share in every resample, NaN where none of its objects was drawn."""
    names, positions = np.unique(np.concatenate(images), return_inverse=True)
    count = len(names)
    if count < 2:
        return None
    groups = np.split(positions, np.cumsum([len(one) for one in images])[:-1])
    hits = np.array([np.bincount(at, flags, count) for at, flags in zip(groups, found, strict=True)])
    totals = np.array([np.bincount(at, minlength=count) for at in groups])
    generator = np.random.default_rng(seed)
    shares = []
    for _ in range(RESAMPLES // _AT_ONCE):
        times = generator.multinomial(count, np.full(count, 1 / count), size=_AT_ONCE).T
        drawn = totals @ times
        shares.append(np.divide(hits @ times, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0))
    return list(np.concatenate(shares, axis=1))


def _percentiles(values: npt.NDArray[np.float64], confidence: float) -> tuple[float, float] | None:
    drawn = values[~np.isnan(values)]
    if not len(drawn):
        return None
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _side(own: float, other: float, phi: float) -> float:
    return float(max(0.0, own**2 - 2 * phi * own * other + other**2) ** 0.5)


def _wilson(hits: int, total: int, confidence: float) -> tuple[float, float]:
    if not total:
        raise ValueError("a share of nothing has no interval")
    score = binomtest(hits, total).proportion_ci(confidence, method="wilson")
    return float(score.low), float(score.high)
