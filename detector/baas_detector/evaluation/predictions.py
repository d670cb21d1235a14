"""What was predicted for each image: masks of `baas blur --save-masks`, boxes of `baas blur --detections`. The edge."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass
from baas_detector.evaluation.painting import Predicted, PredictedBox, painted
from baas_detector.masks import read_mask
from baas_detector.truth import LabelledImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where predictions are read from. With both, masks say what is covered, boxes everything else."""

    masks: Path | None = None
    detections: Path | None = None
    min_score: float = 0.0
    """Boxes below it are left out."""

    @property
    def kind(self) -> Literal["masks", "detections", "masks and detections"]:
        """What is read."""
        if self.masks and self.detections:
            return "masks and detections"
        return "masks" if self.masks else "detections"

    def read(self, image: LabelledImage) -> Predicted | None:
        """Return what was predicted for an image, None when a file is missing. Raises `ConfigurationError`."""
        mask = read_mask(self.masks, image) if self.masks else None
        boxes = _read_boxes(self.detections, image, self.min_score) if self.detections else None
        if (self.masks and mask is None) or (self.detections and boxes is None):
            return None
        if mask is None:
            mask = painted(boxes or (), image.width_px, image.height_px)
        return Predicted(mask=mask, boxes=boxes)


class _Object(BaseModel):
    object_class: DetectedClass = Field(validation_alias="class")
    score: float = Field(ge=0, le=1, allow_inf_nan=False)
    box: tuple[
        Annotated[float, Field(ge=0, le=1)],
        Annotated[float, Field(ge=-0.001, le=1)],
        Annotated[float, Field(gt=0, le=1.001)],
        Annotated[float, Field(gt=0, le=1.001)],
    ]


class Detections(BaseModel):
    """What is read of a file by `baas_preprocess.sidecar.detections_json`."""

    width: int
    height: int
    input: str = ""
    """Digest of the original, `sha256:…`."""
    objects: tuple[_Object, ...]
    """What the model found."""
    corrections: tuple[dict[str, Any], ...] = ()
    """What people asked for, and the model did not find."""


def read_detections(path: Path) -> Detections:
    """Read one file. Raises `FileNotFoundError`, and `ConfigurationError` when it is something else."""
    try:
        return Detections.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise ConfigurationError(
            f"{path} is not what `baas blur --detections` writes: {where}: {first['msg']}. Make it anew."
        ) from error


def _read_boxes(folder: Path, image: LabelledImage, min_score: float) -> tuple[PredictedBox, ...] | None:
    path = folder / f"{image.name}.json"
    try:
        read = read_detections(path)
    except FileNotFoundError:
        return None
    if (read.width, read.height) != (image.width_px, image.height_px):
        raise ConfigurationError(
            f"{path} tells of a picture of {read.width} x {read.height}, the truth of one of {image.width_px} x "
            f"{image.height_px}: give detections and truth of the same pictures."
        )
    return tuple(
        PredictedBox(
            object_class=one.object_class,
            left=one.box[0] * read.width,
            top=one.box[1] * read.height,
            width=one.box[2] * read.width,
            height=one.box[3] * read.height,
            score=one.score,
        )
        for one in read.objects
        if one.score >= min_score
    )
