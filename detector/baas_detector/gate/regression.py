"""Whether a model is worse than another one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from baas_detector.evaluation.bias import flags_of, images_of
from baas_detector.evaluation.intervals import image_gap_interval, mcnemar, newcombe
from baas_detector.evaluation.pairing import in_pairs
from baas_detector.evaluation.results import JudgedObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """How much recall is lost."""

    share: float
    """Recall in production less that of the candidate, -1..1."""
    is_worse: bool
    """What the test says."""
    test: str
    finding: str
    counts: str


def drop(candidate: Sequence[JudgedObject], production: Sequence[JudgedObject], *, alpha: float | None) -> Drop | None:
    """Compare a candidate with the model in production; None when either has no objects.

    On the same objects by McNemar's exact test, one-sided: of the objects that only one of them found, are too many
    those of production? On different objects it is worse when Newcombe's interval of the drop, at 1 - 2 alpha, lies
    above zero. `alpha` of None stands for 0.05.
    """
    if not candidate or not production:
        return None
    level = 0.05 if alpha is None else alpha
    pairs = in_pairs(candidate, production)
    if pairs is not None:
        return _paired(pairs, level)
    return _apart(candidate, production, level)


def _paired(pairs: Sequence[tuple[JudgedObject, JudgedObject]], level: float) -> Drop:
    candidate, production = zip(*pairs, strict=True)
    now, before = flags_of(candidate), flags_of(production)
    lost, gained = int(np.count_nonzero(before & ~now)), int(np.count_nonzero(now & ~before))
    p_value = mcnemar(lost, gained, alternative="greater")
    images = images_of(candidate)
    interval = image_gap_interval([before, now], [images, images], seed=0)
    by_images = f", 95 % by images {interval[0]:.1%} to {interval[1]:.1%}" if interval else ""
    return Drop(
        share=(lost - gained) / len(candidate),
        is_worse=p_value < level,
        test="McNemar",
        finding=f"p {p_value:.3f}",
        counts=f"of {len(candidate)} objects {lost} lost, {gained} gained{by_images}",
    )


def _apart(candidate: Sequence[JudgedObject], production: Sequence[JudgedObject], level: float) -> Drop:
    now, before = sum(one.found for one in candidate), sum(one.found for one in production)
    low, high = newcombe(before, len(production), now, len(candidate), 1 - 2 * level)
    return Drop(
        share=before / len(production) - now / len(candidate),
        is_worse=low > 0,
        test="intervals",
        finding=f"drop {low:.1%} to {high:.1%}",
        counts=f"other objects: {now} of {len(candidate)} now, {before} of {len(production)} in production",
    )
