"""What an evaluation found, as plain data: the document that `--json` prints and `baas-detector gate` reads.

Shares are 0..1, None where there is nothing to take a share of. Intervals hold the true value in 95 of 100 cases.
Described in docs/reference/evaluation-report.md.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass

SCHEMA_VERSION: Literal["1"] = "1"

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Interval: TypeAlias = tuple[Share, Share]
Difference: TypeAlias = Annotated[float, Field(ge=-1, le=1)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, serialize_by_alias=True)


class PartOfClass(Part):
    object_class: DetectedClass = Field(validation_alias="class", serialization_alias="class")


class RecallRow(PartOfClass):
    """How many objects of a group are covered."""

    group: str
    """`all`, a size, or `at the seam`."""
    found: Count
    total: Count
    share: Share | None
    interval_95: Interval
    """Clopper-Pearson, as if objects were independent."""
    interval_images_95: Interval | None
    """From resampling images; None when fewer than two hold such objects."""


class AreaRow(PartOfClass):
    """Total blurred area (TBA): predicted pixels against labelled ones, each pixel counted once."""

    group: str
    part: Literal["whole", "upper half"]
    predicted: Literal["any class", "same class"]
    true_positive_px: Count
    false_positive_px: Count
    """Predicted, and not labelled as an object of this group."""
    false_negative_px: Count
    precision: Share | None
    recall: Share | None
    f1: Share | None


class MissRow(PartOfClass):
    """False-negative rate of a group of people or plates, at one size."""

    attribute: str
    """`sex`, `age`, …, or `category` for a level of the tree of categories."""
    value: str
    size: str
    missed: Count
    total: Count
    rate: Share
    interval_95: Interval


class GapRow(PartOfClass):
    """Recall of one group less that of another."""

    attribute: str
    size: str
    value: str
    other: str
    found: Count
    total: Count
    other_found: Count
    other_total: Count
    gap: Difference
    interval_95: tuple[Difference, Difference]
    """Newcombe's, as if objects were independent."""
    interval_images_95: tuple[Difference, Difference] | None
    p_value: Share
    """Fisher's exact test, two-sided."""
    p_adjusted: Share
    """The same for all gaps of the report together (Benjamini and Yekutieli)."""


class PrecisionRow(PartOfClass):
    """COCO's average precision and recall."""

    area: str
    """Area of the labelled boxes in pixels."""
    objects: Count
    average_precision: Share | None
    """Mean over IoU 0.50, 0.55 … 0.95."""
    average_precision_50: Share | None
    average_precision_75: Share | None
    average_recall: dict[int, Share | None]
    """By the largest number of predictions in an image."""


class CurvePoint(Part):
    """Predictions of at least this confidence, matched with labelled boxes at IoU 0.5."""

    confidence: Share
    right: Count
    wrong: Count
    precision: Share | None
    recall: Share
    f1: Share
    f05: Share
    f2: Share


class Curve(PartOfClass):
    """Precision, recall and F over confidence."""

    objects: Count
    points: tuple[CurvePoint, ...]


class Detection(Part):
    """What needs boxes with confidences."""

    max_detections: tuple[Count, ...]
    average: tuple[PrecisionRow, ...]
    curves: tuple[Curve, ...]


class ImageRow(PartOfClass):
    """One image. Found by coverage; right by IoU 0.5, None when boxes are not known."""

    image: str
    objects: Count
    found: Count
    recall: Share | None
    false_negative_rate: Share | None
    predicted: Count | None
    right: Count | None
    precision: Share | None


class ImageLevel(PartOfClass):
    """Images as a whole: is there any such object, and was any predicted?"""

    true_positive: Count
    false_positive: Count
    false_negative: Count
    true_negative: Count
    precision: Share | None
    recall: Share | None
    false_negative_rate: Share | None


class JudgedObject(PartOfClass):
    """One labelled object and what became of it."""

    image: str
    number: int | str
    """Its `id` in the truth."""
    category: str
    size: str
    crosses_seam: bool
    covered: Share
    found: bool


class MaskedShare(Part):
    """Share of the pixels that is predicted, over images with a prediction."""

    mean: Share | None
    total: Share | None


class Report(Part):
    """One evaluation."""

    schema_version: Literal["1"] = SCHEMA_VERSION
    truth_digest: str
    """SHA-256 of the truth's bytes: two reports with the same one judge the same objects."""
    min_coverage: Share
    predictions: Literal["masks", "detections", "masks and detections"]
    images: Count
    without_mask: tuple[str, ...]
    """Images without a prediction: all their objects count as missed."""
    ignored_objects: Count
    objects_of_other_classes: dict[str, Count]
    masked_share: MaskedShare
    recall: tuple[RecallRow, ...]
    area: tuple[AreaRow, ...]
    misses: tuple[MissRow, ...]
    gaps: tuple[GapRow, ...]
    detection: Detection | None
    image_level: tuple[ImageLevel, ...]
    per_image: tuple[ImageRow, ...]
    objects: tuple[JudgedObject, ...]


def load_report(path: Path) -> Report:
    """Read what `evaluate --json` printed. Raises `ConfigurationError` for anything else."""
    try:
        return Report.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise ConfigurationError(
            f"{path} is no report of `baas-detector evaluate --json` of this version: {where}: {first['msg']}. "
            "Evaluate again."
        ) from error
