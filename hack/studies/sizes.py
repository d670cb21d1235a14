"""Recall by size: how many were found, how much of them is masked, and what masks of that size cost in street."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from hack.studies.masks import FOUND, masked_pixels
from rich.table import Table

from baas_detector.contract import DetectedClass
from baas_detector.coverage import (
    USUAL_SIZES,
    Sizes,
    Verdict,
    clopper_pearson,
    recalls,
    sized_groups,
    usual_groups,
    verdicts,
)
from baas_detector.evaluation.area import AreaCounter
from baas_detector.evaluation.painting import Predicted
from baas_detector.truth import LabelledImage, LabelledObject
from baas_preprocess.facts import Inspection, Region
from baas_preprocess.mask import mask
from baas_preprocess.recipe import Recipe

GROUPS = usual_groups()


@dataclass(slots=True)
class BySize:
    """What one plan came to, by class and size, over all pictures."""

    judged: list[Verdict] = field(default_factory=list)
    area: AreaCounter = field(default_factory=lambda: AreaCounter(GROUPS, with_boxes=False))
    shares: dict[tuple[DetectedClass, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, image: LabelledImage, seen: Inspection, regions: Sequence[Region], recipe: Recipe) -> None:
        """Count a picture."""
        masked = masked_pixels(mask(regions, seen, padding=recipe.padding, cells=recipe.cells))
        self.judged += verdicts(masked, image.objects)
        self.area.add(image, Predicted(mask=masked, boxes=None))
        for object_class, sizes in USUAL_SIZES.items():
            for name, members in _by_size(object_class, sizes, regions).items():
                share = mask(members, seen, padding=recipe.padding, cells=recipe.cells).share
                self.shares[object_class, name].append(share)

    def table(self, title: str) -> Table:
        """Return it for people."""
        table = Table("class", "size", "found", "pixels masked (TBA)", "... of upper halves", "street", title=title)
        area = {(row.object_class, row.group, row.part): row.recall for row in self.area.rows()}
        for row in recalls(self.judged, GROUPS, min_coverage=FOUND):
            if row.total:
                whole, upper = (area.get((row.object_class, row.group, part)) for part in ("whole", "upper half"))
                street = self.shares.get((row.object_class, row.group))
                table.add_row(
                    row.object_class,
                    row.group,
                    told(row.found, row.total),
                    "-" if whole is None else f"{whole:.1%}",
                    "-" if upper is None else f"{upper:.1%}",
                    f"{np.mean(street):.2%}" if street else "-",
                )
        return table


def told(found: int, total: int) -> str:
    """Return how many of some objects were found, with the 95 % interval (Clopper-Pearson)."""
    low, high = clopper_pearson(found, total)
    return f"{found} of {total} ({100 * low:.0f} to {100 * high:.0f})"


def _by_size(object_class: DetectedClass, sizes: Sizes, regions: Sequence[Region]) -> dict[str, list[Region]]:
    """Part the regions of a class as labels of their size are parted."""
    of_class = [one for one in regions if one.object_class.value == object_class.value]
    return {
        group.name: [one for one in of_class if group.holds(_labelled(object_class, one))]
        for group in sized_groups(object_class, sizes)
    }


def _labelled(object_class: DetectedClass, region: Region) -> LabelledObject:
    box = region.box
    return LabelledObject(
        object_class=object_class,
        left=box.left,
        top=box.top,
        width=box.right - box.left,
        height=box.bottom - box.top,
    )
