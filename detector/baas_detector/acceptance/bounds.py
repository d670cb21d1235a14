"""Sample sizes and upper bounds of the miss rate. Pure.

The miss rate is the share of images in which something is left that should have been redacted. An image has a miss or
has none: how many it has does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from scipy.stats import binom, binomtest  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was looked at in one stratum."""

    images: int
    """All that it has, 1 or more."""
    inspected: int
    missed: int
    """Inspected images with a miss."""


def sample_size(miss_rate: float, *, failures: int, confidence: float) -> int:
    """Return the fewest images that prove it when at most `failures` of them have a miss.

    The smallest n with P(X <= failures) <= 1 - confidence for X binomial with n and the miss rate: then the upper bound
    of `upper_bound` is at most the miss rate. `miss_rate` and `confidence` lie between 0 and 1, both excluded. Without
    failures it is log(1 - confidence) / log(1 - miss_rate), rounded up.
    """
    high = next(n for n in (2**power for power in count()) if _is_enough(n, miss_rate, failures, confidence))
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_enough(middle, miss_rate, failures, confidence) else (middle, high)
    return int(high)


def upper_bound(seen: Seen, confidence: float) -> float:
    """Return what the miss rate of a stratum is at most (0..1), one-sided by Clopper and Pearson.

    Nothing seen proves nothing: 1. Where all images were seen it is what was found.
    """
    if seen.inspected == seen.images:
        return seen.missed / seen.images
    if not seen.inspected:
        return 1.0
    return _clopper_pearson(seen.missed, seen.inspected, confidence)


def upper_bound_of_all(strata: Sequence[Seen], confidence: float) -> float:
    """Return what the miss rate of all images together is at most (0..1), whatever it is in the single strata.

    With n images seen in all, K of them with a miss, and U the bound of K of n: no n differing chances with a mean
    above U give K or fewer as often as 1 - confidence (W. Hoeffding, On the distribution of the number of successes in
    independent trials, Annals of Mathematical Statistics 27 (1956), theorem 4, which holds for n U >= K + 1). What a
    stratum weighs among all images may be more than among those seen, so the mean over all images is at most U times
    the largest ratio of the two. When each stratum is seen in proportion to its size the ratio is 1.
    """
    images, inspected = sum(one.images for one in strata), sum(one.inspected for one in strata)
    missed = sum(one.missed for one in strata)
    if all(one.inspected == one.images for one in strata):
        return missed / images
    if any(one.inspected == 0 for one in strata):
        return 1.0
    pooled = _clopper_pearson(missed, inspected, confidence)
    if inspected * pooled < missed + 1:
        return 1.0
    ratio = max((one.images / images) / (one.inspected / inspected) for one in strata)
    return min(1.0, ratio * pooled)


def _clopper_pearson(missed: int, inspected: int, confidence: float) -> float:
    test = binomtest(missed, inspected, alternative="less")
    return float(test.proportion_ci(confidence, method="exact").high)


def _is_enough(n: int, miss_rate: float, failures: int, confidence: float) -> bool:
    return bool(n > failures and binom.cdf(failures, n, miss_rate) <= 1 - confidence)
