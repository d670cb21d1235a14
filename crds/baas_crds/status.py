"""What people read back: the BlurJob's status. Written by the operator only."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from baas_crds.codes import QuarantineReason
from baas_crds.conditions import Condition, ConditionStatus, ConditionType
from baas_crds.parts import Part, Time, Unique, Whole

Count = Annotated[Whole, Field(ge=0)]


class Phase(StrEnum):
    """The conditions in one word, for the column of `kubectl get`. Programs should read the conditions."""

    PENDING = "Pending"
    WAITING = "Waiting"
    PLANNING = "Planning"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    COMPLETE = "Complete"
    FAILED = "Failed"

    @property
    def meaning(self) -> str:
        """What a person should make of it."""
        return _MEANINGS[self]


_MEANINGS = {
    Phase.PENDING: "The operator has not looked at it yet.",
    Phase.WAITING: "The detector or the ledger is not ready; their conditions say what is missing.",
    Phase.PLANNING: "The source is being listed.",
    Phase.RUNNING: "Workers are at it.",
    Phase.SUSPENDED: "Paused, by `spec.suspend` or by its queue.",
    Phase.COMPLETE: "Every image has its fate, and few enough are quarantined.",
    Phase.FAILED: "Ended otherwise; the condition Failed says why and what to do.",
}


class Images(Part):
    """How many images the run has, by fate. The last four sum up to the first."""

    total: Count
    """All that the source held when it was planned."""
    published: Count
    """Safe, checked, in the output."""
    quarantined: Count
    """Not published, for a reason."""
    excluded: Count
    """Left out on request."""
    pending: Count
    """Still to do, or being done."""


class Detections(Part):
    """How many objects were redacted in published images."""

    person: Count
    """Persons."""
    licence_plate: Count
    """Licence plates."""


class QuarantineCount(Part):
    """How many images are quarantined for one reason."""

    reason: QuarantineReason
    """The reason, with its explanation in the reference of codes."""
    count: Count
    """How many images."""


class BlurJobStatus(Part):
    """What has happened so far."""

    # An older operator must be able to read what a newer one wrote.
    model_config = ConfigDict(extra="ignore")

    phase: Phase | None = None
    """The conditions in one word."""
    observed_generation: Count | None = None
    """The generation of the spec that this status speaks of."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16), Unique("type")] = ()
    """Accepted, DetectorReady, LedgerReady, Planned, Progressing and Complete are wished for; Failed and Suspended
    are not. The messages say what happened and what to do."""
    images: Images | None = None
    """How many images the run has, by fate."""
    detections: Detections | None = None
    """How many objects were redacted."""
    quarantined_reasons: Annotated[tuple[QuarantineCount, ...], Field(max_length=32), Unique("reason")] = ()
    """Why images were quarantined, the most frequent first."""
    images_per_minute: Count | None = None
    """How many images got their fate per minute, lately, by all workers together."""
    eta: Time | None = None
    """When the run is expected to end, if it goes on at this rate."""
    start_time: Time | None = None
    """When the operator began to look after it, before the source is listed."""
    completion_time: Time | None = None
    """When the run ended."""
    attempt: Count | None = None
    """The number of the worker Job, from 1; each new one takes what the earlier left undone."""
    workers: Count | None = None
    """How many worker pods there are, with those that were told to end and finish what they are at.

    `kubectl scale` and autoscalers read it.
    """
    selector: Annotated[str, Field(max_length=512)] | None = None
    """The label selector of the worker pods, for autoscalers."""
    run_id: Annotated[str, Field(max_length=64)] | None = None
    """The run in the ledger."""
    model_digest: Annotated[str, Field(max_length=71)] | None = None
    """The model that the run uses."""
    trace_id: Annotated[str, Field(max_length=32, pattern="^[0-9a-f]{32}$")] | None = None
    """The trace that joins operator, pods and Triton."""


def phase_of(conditions: Iterable[Condition]) -> Phase:
    """Say the conditions in one word. The end goes first, then what a person did, then what is waited for."""
    true = {condition.type for condition in conditions if condition.status is ConditionStatus.TRUE}
    if ConditionType.FAILED in true:
        return Phase.FAILED
    if ConditionType.COMPLETE in true:
        return Phase.COMPLETE
    if ConditionType.SUSPENDED in true:
        return Phase.SUSPENDED
    if ConditionType.ACCEPTED not in true:
        return Phase.PENDING
    if not {ConditionType.DETECTOR_READY, ConditionType.LEDGER_READY} <= true:
        return Phase.WAITING
    return Phase.RUNNING if ConditionType.PLANNED in true else Phase.PLANNING
