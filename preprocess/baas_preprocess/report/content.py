"""What the report page says, as plain data.

Whoever fills it reads the ledger; the page knows neither ledger nor file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_preprocess.facts import Digest


class ImageState(StrEnum):
    """What became of an image. One that a worker holds is pending."""

    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    EXCLUDED = "excluded"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBox:
    """One object that was redacted, unpadded, as shares (0..1) of the stored picture's width and height.

    `x + width` may exceed 1 where the picture wraps: the box goes on at the left edge.
    """

    x: float
    y: float
    width: float
    height: float
    object_class: ObjectClass
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportImage:
    """One image of the run. Raises `ValueError` for a picture or a link of an image that is not published."""

    name: str
    """As the ledger knows it; may hold anything, the page makes it harmless and visible."""
    state: ImageState
    reason: QuarantineReason | None = None
    message: str = ""
    """What was found in this very image; empty when the reason says it all."""
    width_px: int | None = None
    """Of the stored picture; None when the image was refused before its size was known."""
    height_px: int | None = None
    wraps: bool = False
    orientation: int = 1
    """EXIF orientation, 1..8, of the published file: `picture` is upright, `boxes` are in the stored frame."""
    boxes: Sequence[ReportBox] = ()
    masked_share: float | None = None
    second_looks: int = 0
    """How often the finished picture was looked at again."""
    found_later: int = 0
    """So many of the boxes were found only then."""
    residuals: int = 0
    """So many objects the detector still saw under the mask at last."""
    seconds_per_step: Mapping[str, float] = field(default_factory=dict)
    """Wall-clock seconds, in the order of the steps."""
    input_digest: Digest | None = None
    output_digest: Digest | None = None
    picture: bytes | None = None
    """JPEG of the published file, from `page_picture`; None where the page has no room for it."""
    link: str | None = None
    """URL of the published file, percent-encoded, relative to the page."""
    viewer: str | None = None
    """Where people look at this panorama, whatever became of it here; None when nobody knows such a place."""

    def __post_init__(self) -> None:
        if self.state is not ImageState.PUBLISHED and (self.picture is not None or self.link is not None):
            raise ValueError(f"{self.name!r} is {self.state}, so the page may hold no picture of it and no link to it")
        if self.link is not None and any(urlsplit(self.link)[:2]):
            raise ValueError(f"{self.name!r}: the link {self.link!r} is not relative to the page; give a quoted path")
        if self.viewer is not None and not self.viewer.startswith("https://"):
            raise ValueError(f"{self.name!r}: the viewer {self.viewer!r} is no https:// address")

    @property
    def objects(self) -> Mapping[ObjectClass, int]:
        """How many objects of each class were redacted."""
        return {kind: sum(box.object_class is kind for box in self.boxes) for kind in ObjectClass}

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of all steps."""
        return sum(self.seconds_per_step.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run, its settings and the fate of each of its images."""

    title: str
    generated_at: datetime
    """With its time zone, like every time here."""
    source: str
    destination: str
    model_digest: Digest | None
    """None when no image has met a detector yet."""
    config_digest: Digest
    settings: Mapping[str, str]
    started: datetime | None
    finished: datetime | None
    """None while the run goes on."""
    seconds: float | None
    """Time at work on these images, pauses between runs left out; the rate comes from it. None when unknown."""
    images: Sequence[ReportImage]
