"""What is told of a BlurSchedule: its status, and events that `kubectl describe blurschedule` lists. Pure."""

from collections.abc import Iterator
from typing import Any

from baas_crds.blurschedule import KIND, MAX_ACTIVE_SHOWN, ActiveBlurJob, BlurScheduleStatus, ScheduleCondition
from baas_crds.conditions import ScheduleConditionType, with_condition
from baas_operator.events import event
from baas_operator.names import blurjob_name
from baas_operator.schedules import (
    CreateBlurJob,
    Outcome,
    RemoveBlurJob,
    ScheduleDecision,
    ScheduleReason,
    SeenSchedule,
)
from baas_operator.status import FALSE, MESSAGE_LIMIT, TRUE, UNKNOWN, Fact


def schedule_status(seen: SeenSchedule, decision: ScheduleDecision) -> BlurScheduleStatus:
    """Return the whole status. The same facts give the same status."""
    made = [action.due for action in decision.actions if isinstance(action, CreateBlurJob)]
    ended = [child.ended_at for child in seen.children if child.outcome is Outcome.COMPLETE and child.ended_at]
    before = [seen.told.last_successful_time] if seen.told.last_successful_time else []
    active = seen.active[:MAX_ACTIVE_SHOWN]
    return BlurScheduleStatus(
        observed_generation=seen.generation,
        conditions=_conditions(seen, decision),
        active=tuple(ActiveBlurJob(name=child.name, uid=child.uid) for child in active),
        last_schedule_time=max([*made, *([seen.last_due] if seen.last_due else [])], default=None),
        last_successful_time=max([*ended, *before], default=None),
        last_successful_schedule_time=seen.last_success_due,
        next_schedule_time=decision.next_due,
    )


def _conditions(seen: SeenSchedule, decision: ScheduleDecision) -> tuple[ScheduleCondition, ...]:
    suspended = decision.reason is ScheduleReason.SUSPENDED
    facts: dict[ScheduleConditionType, Fact | None] = {
        ScheduleConditionType.ACCEPTED: _accepted(decision),
        ScheduleConditionType.SCHEDULED: (
            TRUE if decision.reason is ScheduleReason.SCHEDULED else FALSE,
            decision.reason,
            decision.message,
        ),
        ScheduleConditionType.LAST_RUN_COMPLETE: _last_run(seen),
        ScheduleConditionType.SUSPENDED: (TRUE if suspended else FALSE, decision.reason, ""),
    }
    conditions = seen.told.conditions
    for type_, fact in facts.items():
        if fact is None:
            continue
        status, reason, message = fact
        new = ScheduleCondition(
            type=type_,
            status=status,
            reason=reason,
            message=message[:MESSAGE_LIMIT],
            last_transition_time=seen.now,
            observed_generation=seen.generation,
        )
        conditions = with_condition(conditions, new)
    return conditions


def _accepted(decision: ScheduleDecision) -> Fact:
    if decision.reason is ScheduleReason.INVALID_SPEC:
        return FALSE, decision.reason, decision.message
    return TRUE, "Valid", "The spec is valid."


def _last_run(seen: SeenSchedule) -> Fact | None:
    """Say how the last BlurJob that is over has ended; None: as it was told, for it may be gone."""
    last = next((child for child in seen.latest_first if child.outcome is not None), None)
    if last is not None and last.outcome is not None:
        is_complete = last.outcome is Outcome.COMPLETE
        return TRUE if is_complete else FALSE, last.outcome, f"BlurJob {last.name}: {last.message}"
    if any(condition.type is ScheduleConditionType.LAST_RUN_COMPLETE for condition in seen.told.conditions):
        return None
    return UNKNOWN, "NoneYet", "No BlurJob of this schedule is over yet."


def schedule_events(
    seen: SeenSchedule, decision: ScheduleDecision, told: BlurScheduleStatus, *, instance: str
) -> Iterator[dict[str, Any]]:
    """Give an event for each thing that was done, for each BlurJob that ended, and when the reason changed."""
    for reason, note, about, is_bad in (*_deeds(seen, decision), *_ends(seen), *_change(seen, told)):
        yield event(
            kind=KIND,
            namespace=seen.namespace,
            name=seen.name,
            uid=seen.uid,
            labels={},
            reason=reason,
            about=about,
            note=note,
            is_bad=is_bad,
            at=seen.now,
            instance=instance,
        )


_Event = tuple[str, str, str, bool]
"""Reason, note, what it is about, and whether it is bad. With one schedule the first and the third tell it apart."""


def _deeds(seen: SeenSchedule, decision: ScheduleDecision) -> Iterator[_Event]:
    for action in decision.actions:
        match action:
            case CreateBlurJob(due=due):
                name = blurjob_name(seen.name, due)
                yield "BlurJobCreated", f"BlurJob {name} was made.", name, False
            case RemoveBlurJob(name=name, why=why):
                yield "BlurJobDeleted", f"BlurJob {name} was deleted. {why}", name, False


def _ends(seen: SeenSchedule) -> Iterator[_Event]:
    was_active = {one.uid for one in seen.told.active}
    for child in seen.children:
        if child.uid in was_active and child.outcome is not None:
            is_bad = child.outcome is Outcome.FAILED
            yield f"BlurJob{child.outcome}", f"BlurJob {child.name}: {child.message}", child.uid, is_bad


def _change(seen: SeenSchedule, told: BlurScheduleStatus) -> Iterator[_Event]:
    before, after = _headline(seen.told), _headline(told)
    if after is None or (before is not None and before.reason == after.reason):
        return
    if before is None and after.reason == ScheduleReason.SCHEDULED:
        return  # that it is as it should be is no news
    is_bad = not ScheduleReason(after.reason).is_well
    yield after.reason, after.message, seen.now.isoformat(), is_bad


def _headline(status: BlurScheduleStatus) -> ScheduleCondition | None:
    return next((one for one in status.conditions if one.type is ScheduleConditionType.SCHEDULED), None)
