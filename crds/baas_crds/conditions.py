"""Conditions of our kinds, as every Kubernetes tool reads them (`kubectl wait --for=condition=Complete`).

Format: metav1.Condition.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import Field

from baas_crds.parts import Part, Time, Whole


class ConditionType(StrEnum):
    """What can be said of a BlurJob, in the order in which it comes true. Each has its sentence in `meaning`."""

    ACCEPTED = "Accepted"
    DETECTOR_READY = "DetectorReady"
    LEDGER_READY = "LedgerReady"
    PLANNED = "Planned"
    PROGRESSING = "Progressing"
    COMPLETE = "Complete"
    FAILED = "Failed"
    SUSPENDED = "Suspended"

    @property
    def meaning(self) -> str:
        """What it means when it is true."""
        return _MEANINGS[self]


_MEANINGS = {
    ConditionType.ACCEPTED: "The spec is valid.",
    ConditionType.DETECTOR_READY: "Triton serves the right model, warm.",
    ConditionType.LEDGER_READY: "The database answers and has the right schema.",
    ConditionType.PLANNED: "The source was listed completely into the ledger.",
    ConditionType.PROGRESSING: "Workers are at it, or about to be.",
    ConditionType.COMPLETE: "Every image has its fate, and few enough are quarantined.",
    ConditionType.FAILED: "The run ended otherwise; the message says why and what to do.",
    ConditionType.SUSPENDED: "The run is paused, by `spec.suspend` or by its queue.",
}


class ScheduleConditionType(StrEnum):
    """What can be said of a BlurSchedule. Each has its sentence in `meaning`."""

    ACCEPTED = "Accepted"
    SCHEDULED = "Scheduled"
    LAST_RUN_COMPLETE = "LastRunComplete"
    SUSPENDED = "Suspended"

    @property
    def meaning(self) -> str:
        """What it means when it is true."""
        return _MEANINGS_OF_SCHEDULES[self]


_MEANINGS_OF_SCHEDULES = {
    ScheduleConditionType.ACCEPTED: "The spec is valid, and its BlurJobs are allowed here.",
    ScheduleConditionType.SCHEDULED: "BlurJobs are made when they are due; when not, the message says why.",
    ScheduleConditionType.LAST_RUN_COMPLETE: "The last BlurJob that is over is complete; its message otherwise.",
    ScheduleConditionType.SUSPENDED: "No BlurJobs are made, because of `spec.suspend`.",
}


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Part):
    """One fact about a BlurJob, since when, and why."""

    type: ConditionType
    """What it is about."""
    status: ConditionStatus
    """Whether it holds."""
    reason: Annotated[str, Field(min_length=1, max_length=128, pattern="^[A-Z][A-Za-z0-9]*$")]
    """Why, in one word for programs."""
    message: Annotated[str, Field(max_length=4096)]
    """Why, in sentences for people, and what to do."""
    last_transition_time: Time
    """Since when the status is what it is."""
    observed_generation: Annotated[Whole, Field(ge=0)] | None = None
    """The generation of the spec that it speaks of."""


AnyCondition = TypeVar("AnyCondition", bound=Condition)


def with_condition(old: Iterable[AnyCondition], new: AnyCondition) -> tuple[AnyCondition, ...]:
    """Return the conditions with a new one in the place of the old one of its type.

    The time of transition moves only when the status flips; everything else is the new one's. The order is that of
    their types, so that equal facts give equal lists.
    """
    by_type = {condition.type: condition for condition in old}
    before = by_type.get(new.type)
    if before is not None and before.status is new.status:
        new = new.model_copy(update={"last_transition_time": before.last_transition_time})
    by_type[new.type] = new
    return tuple(by_type[type_] for type_ in type(new.type) if type_ in by_type)
