"""Which pictures to train on, so that every group of the bias document has enough objects. Pure."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from baas_crds.errors import ConfigurationError
from baas_detector.training.dataset import Dataset
from baas_detector.training.groups import groups_of, read_group
from baas_detector.training.labels import LabelledPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The pictures that were taken, and how far they reach."""

    names: tuple[str, ...]
    """Sorted."""
    wanted: Mapping[str, int]
    found: Mapping[str, int]
    """Objects of each wanted group on the taken pictures."""

    @property
    def short(self) -> dict[str, int]:
        """How many objects are missing, for each group that has too few in all pictures together."""
        return {group: want - self.found[group] for group, want in self.wanted.items() if self.found[group] < want}

    def document(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return {
            "pictures": list(self.names),
            "groups": {g: {"wanted": w, "found": self.found[g]} for g, w in self.wanted.items()},
            "short": self.short,
        }


def count_groups(picture: LabelledPicture) -> Counter[str]:
    """Count a picture's objects in every group that they belong to."""
    counts = Counter(group for category in picture.categories for group in groups_of(category))
    for box in picture.boxes:
        if box.category is None:
            counts[str(box.object_class)] += 1
    return counts


def select(
    pictures: Mapping[str, Mapping[str, int]], wanted: Mapping[str, int], *, images: int | None, seed: int
) -> Selected:
    """Choose pictures by name, given the objects of each group on them, until each group has as many as wanted.

    Greedy: the next picture is the one that brings most of what is still missing, each group measured in shares of what
    is wanted of it; among equals the seed decides, so the order of `pictures` does not matter. The groups come first,
    even where they need more than `images`; chance fills up the rest, pictures without any object too. Greedy takes at
    most about ln(sum of wanted) times the fewest possible (set multicover, Dobson 1982).
    """
    order = sorted(pictures)
    random.Random(seed).shuffle(order)  # noqa: S311 - no secret depends on it
    groups_first = _cover(order, pictures, wanted)
    taken = set(groups_first)
    others = (name for name in order if name not in taken)
    chosen = [*groups_first, *islice(others, max(0, (images or 0) - len(groups_first)))]
    found = {group: sum(pictures[name].get(group, 0) for name in chosen) for group in wanted}
    return Selected(names=tuple(sorted(chosen)), wanted=dict(wanted), found=found)


def _cover(order: Sequence[str], pictures: Mapping[str, Mapping[str, int]], wanted: Mapping[str, int]) -> list[str]:
    """Choose greedily until nothing is missing, or nobody can help.

    What a picture brings never grows while others are taken, so an old figure that still leads is right, and only the
    leaders are computed again (lazy evaluation, Minoux 1978).
    """
    missing = {group: want for group, want in wanted.items() if want > 0}
    chosen = []
    queue = [(-_gain(pictures[name], missing, wanted), position) for position, name in enumerate(order)]
    heapify(queue)
    while missing and queue:
        promised, position = heappop(queue)
        shown = pictures[order[position]]
        gain = _gain(shown, missing, wanted)
        if not gain:
            continue
        if -gain > promised:
            heappush(queue, (-gain, position))
            continue
        chosen.append(order[position])
        missing = {group: rest for group, want in missing.items() if (rest := want - shown.get(group, 0)) > 0}
    return chosen


def _gain(shown: Mapping[str, int], missing: Mapping[str, int], wanted: Mapping[str, int]) -> float:
    return sum(min(shown.get(group, 0), want) / wanted[group] for group, want in missing.items())


def select_pictures(data: Dataset, wanted: dict[str, int], *, images: int | None, seed: int) -> Selected:
    """Choose among the training pictures, by their paths."""
    counts = {str(picture.path): count_groups(picture) for picture in data.splits["train"]}
    return select(counts, wanted, images=images, seed=seed)


def read_wanted(path: Path) -> dict[str, int]:
    """Read `{"woman/child": 200, "aid:wheelchair": 50}`. Raises `ConfigurationError` that names the wrong entry."""
    try:
        document = TypeAdapter(dict[str, int]).validate_python(json.loads(path.read_bytes()), strict=True)
    except (ValueError, ValidationError) as error:
        raise ConfigurationError(
            f'{path} is no JSON object of whole numbers: expected for example {{"age:child": 500}}'
        ) from error
    negative = [name for name, want in document.items() if want < 0]
    if negative:
        raise ConfigurationError(f"{path}: {negative[0]!r} is {document[negative[0]]}; expected 0 or more objects")
    return {read_group(name, source=str(path)): want for name, want in document.items()}
