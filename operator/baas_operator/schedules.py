"""Decide what to do about a BlurSchedule. Pure: facts in, decision out. Kubernetes' CronJob is the model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from baas_crds.blurschedule import BlurScheduleSpec, BlurScheduleStatus, ConcurrencyPolicy
from baas_operator.calendars import Calendar

LONGEST_NAP_SECONDS = 3600.0
"""The next start is waited for on a clock that may stand still while the machine sleeps: so often it is looked at."""


class ScheduleReason(StrEnum):
    """The reason of the condition Scheduled, and of the event when it changes."""

    SCHEDULED = "Scheduled"
    STILL_ACTIVE = "BlurJobStillActive"
    MISSED = "StartMissed"
    SUSPENDED = "Suspended"
    INVALID_SPEC = "InvalidSpec"
    REFUSED = "BlurJobRefused"
    NAME_TAKEN = "NameTaken"
    STOPPING = "Stopping"

    @property
    def is_well(self) -> bool:
        """Whether BlurJobs are made when they are due, or a person did not want that."""
        return self in {ScheduleReason.SCHEDULED, ScheduleReason.SUSPENDED, ScheduleReason.STOPPING}


class Outcome(StrEnum):
    """How a BlurJob ended."""

    COMPLETE = "Complete"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A BlurJob that a schedule made."""

    name: str
    uid: str
    due: datetime
    """For when it was scheduled."""
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    message: str = ""
    """How it ended, in its own words."""
    is_being_deleted: bool = False

    @property
    def is_active(self) -> bool:
        """Whether it is not over."""
        return self.outcome is None and not self.is_being_deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSchedule:
    """All there is to know about one BlurSchedule at one moment."""

    now: datetime
    namespace: str
    name: str
    uid: str
    version: str
    """The API server's, of the schedule as it was seen."""
    generation: int
    created_at: datetime
    is_being_deleted: bool = False
    spec: BlurScheduleSpec | None = None
    calendar: Calendar | None = None
    mistake: str = ""
    """What is wrong with the spec: it cannot be read, or its BlurJobs go beyond the installation's limits."""
    told: BlurScheduleStatus = field(default_factory=BlurScheduleStatus)
    """The status as it stands in the cluster."""
    children: tuple[Child, ...] = ()

    @property
    def active(self) -> tuple[Child, ...]:
        """BlurJobs that are not over, the latest first."""
        return tuple(child for child in self.latest_first if child.is_active)

    @property
    def latest_first(self) -> tuple[Child, ...]:
        """Its BlurJobs by when they were due."""
        return tuple(sorted(self.children, key=lambda child: (child.due, child.name), reverse=True))

    @property
    def last_due(self) -> datetime | None:
        """For when the last BlurJob was due that was made, also when it is gone since."""
        return max(_known(self.told.last_schedule_time, *(child.due for child in self.children)), default=None)

    @property
    def last_success_due(self) -> datetime | None:
        """For when the last BlurJob was due that became complete, also when it is gone since."""
        done = (child.due for child in self.children if child.outcome is Outcome.COMPLETE)
        return max(_known(self.told.last_successful_schedule_time, *done), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBlurJob:
    """Make the BlurJob of a start."""

    due: datetime
    taken_since: date | None = None
    """`timestampAfter` of a panoramaApi source, when the schedule looks back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveBlurJob:
    """Delete a BlurJob; the ledger and outputs stay."""

    name: str
    uid: str
    why: str


ScheduleAction: TypeAlias = CreateBlurJob | RemoveBlurJob


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDecision:
    """Where a schedule is, in a word and in sentences, and what is to be done about it."""

    reason: ScheduleReason
    message: str
    actions: tuple[ScheduleAction, ...] = ()
    next_due: datetime | None = None
    look_again_seconds: float | None = None
    """When the next look is due, though nothing happens until then. None: when something happens."""


Check: TypeAlias = Callable[[SeenSchedule], ScheduleDecision | None]


def schedule(seen: SeenSchedule) -> ScheduleDecision:
    """Return the first check's answer, with the history cleared. Once its actions are done, the next has none."""
    decision = next(answer for check in CHECKS if (answer := check(seen)) is not None)
    if seen.is_being_deleted or seen.spec is None:
        return decision
    return replace(decision, actions=(*decision.actions, *_history(seen, seen.spec)))


def is_going_away(seen: SeenSchedule) -> ScheduleDecision | None:
    """Leave a schedule alone that is being deleted: its BlurJobs go by their owner references."""
    if not seen.is_being_deleted:
        return None
    return ScheduleDecision(reason=ScheduleReason.STOPPING, message="It is being deleted.")


def is_refused(seen: SeenSchedule) -> ScheduleDecision | None:
    """Make no BlurJobs of what could never work, or may not."""
    if seen.calendar is not None and not seen.mistake:
        return None
    return ScheduleDecision(reason=ScheduleReason.INVALID_SPEC, message=seen.mistake)


def is_suspended(seen: SeenSchedule) -> ScheduleDecision | None:
    """Make no BlurJobs while a person does not want any."""
    if seen.spec is None or not seen.spec.suspend:
        return None
    message = "No BlurJobs are made: set spec.suspend to false to go on."
    return ScheduleDecision(reason=ScheduleReason.SUSPENDED, message=message)


def is_due(seen: SeenSchedule) -> ScheduleDecision | None:
    """Make the BlurJob of the latest start that was not made, unless another one is at it or it is too late."""
    due = _due(seen)
    if due is None or seen.spec is None:
        return None
    deadline = seen.spec.starting_deadline_seconds
    if deadline is not None and seen.now - due > timedelta(seconds=deadline):
        message = f"The start of {_told(due)} could not come within {deadline} s."
        return _waits(seen, ScheduleReason.MISSED, message)
    policy = seen.spec.concurrency_policy
    if seen.active and policy is ConcurrencyPolicy.FORBID:
        message = f"The start of {_told(due)} waits until BlurJob {seen.active[0].name} is over."
        return _waits(seen, ScheduleReason.STILL_ACTIVE, message)
    replaced = seen.active if policy is ConcurrencyPolicy.REPLACE else ()
    why = f"The BlurJob of {_told(due)} takes its place."
    return replace(
        _waits(seen, ScheduleReason.SCHEDULED, ""),
        actions=(
            *(RemoveBlurJob(name=child.name, uid=child.uid, why=why) for child in replaced),
            CreateBlurJob(due=due, taken_since=_taken_since(seen, seen.spec)),
        ),
    )


def is_waiting(seen: SeenSchedule) -> ScheduleDecision | None:
    """Wait for the next start. Always answers."""
    return _waits(seen, ScheduleReason.SCHEDULED, "")


CHECKS: tuple[Check, ...] = (
    is_going_away,
    is_refused,
    is_suspended,  # a person's word goes before all that follows
    is_due,
    is_waiting,  # the ordinary case: always answers
)


def _due(seen: SeenSchedule) -> datetime | None:
    """Return the latest start that came since the last one that was made; at first since the schedule was."""
    return seen.calendar.latest(seen.last_due or seen.created_at, seen.now) if seen.calendar else None


def _next(seen: SeenSchedule) -> datetime | None:
    return seen.calendar.after(seen.now) if seen.calendar else None


def _waits(seen: SeenSchedule, reason: ScheduleReason, message: str) -> ScheduleDecision:
    """Say when the next start is, and look again then."""
    due = _next(seen)
    if due is None:
        return ScheduleDecision(reason=reason, message=message or "There is no further start.")
    wait = (due - seen.now).total_seconds()
    return ScheduleDecision(
        reason=reason,
        message=f"{message} The next start is due at {_told(due)}.".strip(),
        next_due=due,
        look_again_seconds=min(wait, LONGEST_NAP_SECONDS),
    )


def _taken_since(seen: SeenSchedule, spec: BlurScheduleSpec) -> date | None:
    """Return the day from which on panoramas are listed. None: all, as long as no BlurJob became complete."""
    if spec.look_back_days is None or seen.last_success_due is None:
        return None
    return (seen.last_success_due - timedelta(days=spec.look_back_days)).date()


def _history(seen: SeenSchedule, spec: BlurScheduleSpec) -> Iterator[RemoveBlurJob]:
    limits = {
        Outcome.COMPLETE: ("successfulJobsHistoryLimit", spec.successful_jobs_history_limit),
        Outcome.FAILED: ("failedJobsHistoryLimit", spec.failed_jobs_history_limit),
    }
    for outcome, (name, limit) in limits.items():
        over = [child for child in seen.latest_first if child.outcome is outcome and not child.is_being_deleted]
        for child in over[limit:]:
            yield RemoveBlurJob(name=child.name, uid=child.uid, why=f"{name} is {limit}.")


def _known(*moments: datetime | None) -> list[datetime]:
    return [moment for moment in moments if moment is not None]


def _told(due: datetime) -> str:
    return f"{due:%Y-%m-%d %H:%M} UTC"
