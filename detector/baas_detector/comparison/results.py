"""What a comparison of two models found, as plain data: the document that `compare --json` prints.

Shares are 0..1, differences -1..1 and always B less A, None where there is nothing to take a share of. Described in
docs/reference/evaluation-report.md.
"""

from typing import Literal

from baas_detector.evaluation.results import Count, Difference, Interval, MaskedShare, Part, PartOfClass, Share


class Side(Part):
    """One of the two models."""

    source: str
    """The report or folder that it was read from."""
    masked_share: MaskedShare
    without_mask: tuple[str, ...]
    """Images without a prediction: all their objects count as missed."""


class Found(Part):
    """How many objects of a group one model found."""

    found: Count
    share: Share | None
    interval_95: Interval
    """Clopper-Pearson, as if objects were independent."""
    interval_images_95: Interval | None
    """From resampling images; None when fewer than two hold such objects."""


class GroupRow(PartOfClass):
    """What both models found of one group of objects."""

    attribute: str
    """`size`, also for all and for those at the seam, or what annotators said: `sex`, `age`, …"""
    value: str
    total: Count
    a: Found
    b: Found
    only_a: Count
    only_b: Count
    difference: Difference | None
    interval_95: tuple[Difference, Difference]
    """Newcombe's for paired data, as if objects were independent."""
    interval_images_95: tuple[Difference, Difference] | None
    p_value: Share
    """McNemar's exact test, two-sided."""
    p_adjusted: Share
    """The same for all groups of the comparison together (Benjamini and Yekutieli)."""


class OneSided(PartOfClass):
    """An object that only one of the models found."""

    image: str
    number: int | str
    """Its `id` in the truth."""
    category: str
    size: str
    found_by: Literal["A", "B"]
    covered_a: Share
    covered_b: Share


class Comparison(Part):
    """Two models on the same objects."""

    schema_version: Literal["1"] = "1"
    truth_digest: str
    min_coverage: Share
    basis: Literal["masks", "detections"]
    """What says that an object is covered."""
    images: Count
    a: Side
    b: Side
    masked_difference: Difference | None
    """Of all pixels."""
    groups: tuple[GroupRow, ...]
    one_sided: tuple[OneSided, ...]
    """Sorted by image and number."""
