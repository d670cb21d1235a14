"""Plain data that goes into the ledger and comes out of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeAlias

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_ledger.tables import ImageState, RunState
from baas_ledger.text import printable

Timings: TypeAlias = Mapping[str, float]
"""Seconds per step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One source on its way to one destination, with one model and one configuration."""

    id: str
    source: str
    destination: str
    model_digest: str
    config_digest: str
    configuration: Mapping[str, object]
    state: RunState
    created_at: datetime
    opened_at: datetime
    """When it was last started or resumed."""
    planned_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedObject:
    """One object, in shares (0..1) of the stored picture's width and height.

    `x` and `y` are the upper left corner. `x + width > 1`: the object crosses the seam of a 360° panorama and goes on
    at the left edge. Raises `ValueError` for anything else, such as pixels.
    """

    object_class: ObjectClass
    score: float
    x: float
    y: float
    width: float
    height: float
    joined: int = 1
    """How many boxes of the detector it unites."""
    tile: tuple[int, int, int, int] | None = None
    """Left, top, width and height in pixels of what the detector was shown when it was surest of this object."""

    def __post_init__(self) -> None:
        """Refuse what is not a share of the picture."""
        _check_shares(self.x, self.y, self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One box that people want to be redacted in what is published under a name, whatever a detector finds there.

    In shares (0..1) of the picture as viewers show it, turned by its Exif orientation; else as `DetectedObject`.
    """

    object_class: ObjectClass
    x: float
    y: float
    width: float
    height: float
    padding: float
    """At least this share of the box's size is redacted around it."""
    reference: str = ""
    """The reporter's own word for it, such as the number of a case; never who it was."""

    def __post_init__(self) -> None:
        """Refuse what is not a share of the picture."""
        _check_shares(self.x, self.y, self.width, self.height)

    def as_facts(self) -> dict[str, object]:
        """Return it as an audit record tells it."""
        facts = asdict(self)
        return {"class": facts.pop("object_class"), **facts, "reference": printable(self.reference)}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return what `as_facts` told."""
        rest = dict(facts)
        return cls(object_class=ObjectClass(rest.pop("class")), **rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What a correction makes of a published image."""

    earlier_digest: str
    """Of the output that it begins with."""
    output_digest: str
    output_size_bytes: int
    masked_share: float
    """Redacted share of the picture's area by then, 0..1."""
    added: tuple[Correction, ...]
    evidence: Mapping[str, object] = field(default_factory=dict)
    """What else the audit record says: JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """What came of looking at a finished picture again; of one that nobody looked at again, nothing."""

    looks: int = 0
    found_later: int = 0
    """So many of its objects were found only then."""
    residuals: int = 0
    """So many objects the detector still saw under the mask, at the last look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The fate of an image whose safe picture is at the destination."""

    input_digest: str
    output_digest: str
    output_size_bytes: int
    model_digest: str
    config_digest: str
    width_px: int
    height_px: int
    masked_share: float
    """Redacted share of the picture's area, 0..1."""
    detections: tuple[DetectedObject, ...]
    second_look: SecondLook = field(default_factory=SecondLook)
    output_version: str | None = None
    """The store's own version of the output, such as an ETag."""
    timings: Timings = field(default_factory=dict)
    evidence: Mapping[str, object] = field(default_factory=dict)
    """What else the audit record says: JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """The fate of an image that was not published. What is not known stays `None`."""

    reason: QuarantineReason
    message: str
    input_digest: str | None = None
    model_digest: str | None = None
    config_digest: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    timings: Timings = field(default_factory=dict)
    evidence: Mapping[str, object] = field(default_factory=dict)
    """What else the audit record says: JSON values."""


Outcome: TypeAlias = Published | Quarantined
"""What came of an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedImage:
    """What the source says about one image."""

    name: str
    """Path relative to the source with forward slashes."""
    source_version: str
    """Changes when the content does. Only ever compared."""
    size_bytes: int
    excluded: str | None = None
    """The sentence that says why it is left out, if it is."""
    problem: Quarantined | None = None
    """Set when it is already clear that it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """What planning found; every entry is counted in one of the first five."""

    added: int = 0
    """New, and waiting for a worker now."""
    changed: int = 0
    """Known, but changed or no longer excluded: waiting again."""
    unchanged: int = 0
    """Known: their state stays."""
    excluded: int = 0
    """Left out, and had not been before."""
    quarantined: int = 0
    """Unreadable at first sight, and had not been before."""
    gone: int = 0
    """In the ledger, but not in the source any more. Their state stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One image, leased to one worker. Another lease of the same image has a higher token."""

    image_id: int
    run_id: str
    name: str
    source_version: str
    size_bytes: int
    token: int
    attempt: int
    """1 for the first."""
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """All that the ledger knows of one image, apart from its detections."""

    id: int
    run_id: str
    name: str
    source_version: str
    size_bytes: int
    state: ImageState
    attempts: int
    token: int
    worker: str | None
    """Who has or last had a lease."""
    lease_until: datetime | None
    input_digest: str | None
    output_digest: str | None
    output_size_bytes: int | None
    output_version: str | None
    model_digest: str | None
    config_digest: str | None
    reason: str | None
    """A `QuarantineReason`; as text, since a newer worker may write a newer one."""
    message: str | None
    width_px: int | None
    height_px: int | None
    masked_share: float | None
    persons: int | None
    licence_plates: int | None
    second_looks: int | None
    found_later: int | None
    residuals: int | None
    timings: Timings
    finished_at: datetime | None
    source_deleted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLookSums:
    """What second looks came to, over a run's published images."""

    images: int = 0
    """Looked at again, at least once."""
    found_later: int = 0
    residuals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is."""

    pending: int = 0
    leased: int = 0
    published: int = 0
    quarantined: int = 0
    excluded: int = 0
    quarantined_by_reason: Mapping[str, int] = field(default_factory=dict)
    """`QuarantineReason`s as text, since a newer worker may write a newer one."""
    persons: int = 0
    """In published images."""
    licence_plates: int = 0
    """In published images."""
    images_per_second: float = 0.0
    """Published and quarantined images, over the last minutes."""

    @property
    def total(self) -> int:
        """Images of the run, whatever their state."""
        return self.pending + self.leased + self.published + self.quarantined + self.excluded

    @property
    def remaining(self) -> int:
        """Images without a fate yet."""
        return self.pending + self.leased

    @property
    def seconds_left(self) -> float | None:
        """The remaining images at the speed of the last minutes; `None` while that is not known."""
        if not self.remaining:
            return 0.0
        return self.remaining / self.images_per_second if self.images_per_second else None


class EventKind(StrEnum):
    """What may happen to a run or to one of its images, besides the ordinary."""

    RUN_OPENED = "RunOpened"
    RUN_PLANNED = "RunPlanned"
    RUN_FINISHED = "RunFinished"
    RUN_ABANDONED = "RunAbandoned"
    IMAGE_QUARANTINED = "ImageQuarantined"
    LEASE_EXPIRED = "LeaseExpired"
    LEASES_RETURNED = "LeasesReturned"
    IMAGES_REOPENED = "ImagesReopened"
    QUARANTINE_RETRIED = "QuarantineRetried"
    QUALITY_CHECK_BEGUN = "QualityCheckBegun"
    QUALITY_CHECK_DRAWN = "QualityCheckDrawn"
    RETRAINING_SAMPLE_BEGUN = "RetrainingSampleBegun"
    RETRAINING_SAMPLE_DRAWN = "RetrainingSampleDrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a run's history. Lines are only ever added."""

    id: int
    run_id: str
    image_id: int | None
    kind: str
    """An `EventKind`; as text, since a newer worker may write a newer one."""
    message: str
    at: datetime
    data: Mapping[str, object]


def _check_shares(x: float, y: float, width: float, height: float) -> None:
    if not (0 <= x < 1 and 0 <= y < 1 and 0 <= width <= 1 and 0 <= height <= 1):
        raise ValueError(
            f"a box needs shares of the picture from 0 to 1, got x {x}, y {y}, width {width}, height {height}"
        )
