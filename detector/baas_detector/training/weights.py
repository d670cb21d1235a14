"""How often each training picture is shown, so that rare groups are not learned least. Pure.

Pictures are repeated in the list that training reads, as Gupta, Dollár and Girshick do with rare classes ("LVIS", CVPR
2019, repeat factor sampling), here with attributes for classes. A repeated picture also occurs more often in mosaics,
and anybody who opens the list can count it; a weighted sampler has neither.
"""

import math
import random
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from baas_detector.categories import ATTRIBUTES, UNKNOWN, Attribute, Category

Group = tuple[Attribute, str]


def picture_weights(
    pictures: Sequence[Collection[Category]], *, by: Collection[Attribute] = tuple(Attribute), power: float, most: float
) -> list[float]:
    """Return a weight from 1 to `most` for each picture, given the categories of its objects.

    A group is one value of an attribute. With f the number of pictures that show it, its weight is (f of the same
    attribute's commonest value / f) ** power; a picture has the weight of its rarest group. `unknown` is no group of
    people and counts for nothing, and neither does a picture without categories: their weight is 1.
    """
    shown = [_groups(categories, by) for categories in pictures]
    counts = Counter(group for groups in shown for group in groups)
    commonest: dict[Attribute, int] = {}
    for (attribute, _), count in counts.items():
        commonest[attribute] = max(count, commonest.get(attribute, 0))
    of_group = {group: (commonest[group[0]] / count) ** power for group, count in counts.items()}
    return [min(most, max((of_group[group] for group in groups), default=1.0)) for groups in shown]


def repetitions(weights: Iterable[float], *, seed: int) -> list[int]:
    """Return how often each picture stands in the list: its weight, rounded by chance so that the mean fits."""
    chance = random.Random(seed)  # noqa: S311 - no secret depends on it
    return [math.floor(weight) + (chance.random() < weight % 1) for weight in weights]


def _groups(categories: Collection[Category], by: Collection[Attribute]) -> set[Group]:
    return {
        (attribute, value)
        for category in categories
        for attribute in ATTRIBUTES[category.object_class]
        if attribute in by
        for value in category.values_of(attribute)
        if value != UNKNOWN
    }
