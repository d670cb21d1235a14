"""What is told in a BlurJob's status. Pure."""

import math
from datetime import UTC, datetime, timedelta

from baas_crds.codes import QuarantineReason
from baas_crds.conditions import Condition, ConditionStatus, ConditionType, with_condition
from baas_crds.status import BlurJobStatus, Detections, Images, QuarantineCount, phase_of
from baas_ledger.facts import Progress
from baas_operator.decision import Decision
from baas_operator.names import Role, selector
from baas_operator.observed import Ledger, NotReady, Observed
from baas_operator.reasons import Reason, State
from baas_operator.reconcile import detector_problem
from baas_operator.traces import trace_id

MESSAGE_LIMIT = 4096
TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
# Status, reason, message.
Fact = tuple[ConditionStatus, str, str]


def status_of(seen: Observed, decision: Decision) -> BlurJobStatus:
    """Return the whole status. The same facts give the same status; what was not looked at stays as it was told."""
    told = seen.told
    if seen.is_at_rest:
        return told.model_copy(update={"workers": seen.workers})
    conditions = _conditions(seen, decision)
    ended = decision.reason.is_final
    return told.model_copy(
        update={
            "phase": phase_of(conditions),
            "observed_generation": seen.generation,
            "conditions": conditions,
            "start_time": told.start_time or (seen.notebook.written_at if seen.notebook else None),
            "completion_time": (told.completion_time or seen.now) if ended else None,
            "attempt": seen.attempts(Role.WORK) or None,
            "workers": seen.workers,
            "selector": selector(seen.uid, Role.WORK),
            "trace_id": trace_id(seen.uid),
            **_counts(seen, ended=ended),
        }
    )


def _counts(seen: Observed, *, ended: bool) -> dict[str, object]:
    """Say what the ledger counts; nothing when it was not looked at or has no run yet."""
    if not isinstance(seen.ledger, Ledger) or seen.ledger.run is None:
        return {}
    progress = seen.ledger.progress
    return {
        "run_id": seen.ledger.run.id,
        "model_digest": seen.ledger.run.model_digest,
        "images": Images(
            total=progress.total,
            published=progress.published,
            quarantined=progress.quarantined,
            excluded=progress.excluded,
            pending=progress.remaining,
        ),
        "detections": Detections(person=progress.persons, licence_plate=progress.licence_plates),
        "quarantined_reasons": _reasons(progress),
        "images_per_minute": None if ended else round(progress.images_per_second * 60),
        "eta": None if ended else _eta(progress, seen.now),
    }


def _reasons(progress: Progress) -> tuple[QuarantineCount, ...]:
    known = [
        (reason, count) for reason, count in progress.quarantined_by_reason.items() if reason in set(QuarantineReason)
    ]
    known.sort(key=lambda item: (-item[1], item[0]))
    return tuple(QuarantineCount(reason=QuarantineReason(reason), count=count) for reason, count in known)


def _eta(progress: Progress, now: datetime) -> datetime | None:
    """Return when the run is expected to end, in whole minutes: more would only be noise."""
    seconds = progress.seconds_left
    if not progress.remaining or seconds is None:
        return None
    try:
        end = now + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return datetime.fromtimestamp(math.ceil(end.timestamp() / 60) * 60, tz=UTC)


def _conditions(seen: Observed, decision: Decision) -> tuple[Condition, ...]:
    facts: dict[ConditionType, Fact | None] = {
        ConditionType.ACCEPTED: _accepted(decision),
        ConditionType.DETECTOR_READY: _detector_ready(seen),
        ConditionType.LEDGER_READY: _ledger_ready(seen),
        ConditionType.PLANNED: _planned(seen),
        ConditionType.PROGRESSING: _progressing(decision),
        ConditionType.COMPLETE: _is(decision, State.COMPLETE),
        ConditionType.FAILED: _is(decision, State.FAILED),
        ConditionType.SUSPENDED: _is(decision, State.PAUSED),
    }
    conditions = seen.told.conditions
    known = {condition.type for condition in conditions}
    for type_, fact in facts.items():
        if fact is None and type_ in known:
            continue
        status, reason, message = fact or (UNKNOWN, "NotLookedAt", "It was not looked at yet.")
        new = Condition(
            type=type_,
            status=status,
            reason=reason,
            message=message[:MESSAGE_LIMIT],
            last_transition_time=seen.now,
            observed_generation=seen.generation,
        )
        conditions = with_condition(conditions, new)
    return conditions


def _progressing(decision: Decision) -> Fact:
    """Say where the run is, whether it moves or not: this condition always has the whole sentence."""
    return TRUE if decision.reason.state is State.MOVING else FALSE, decision.reason, decision.message


def _is(decision: Decision, state: State) -> Fact:
    """Say whether the run is in a state; why not is told by Progressing."""
    holds = decision.reason.state is state
    return TRUE if holds else FALSE, decision.reason, decision.message if holds else ""


def _accepted(decision: Decision) -> Fact:
    if decision.reason is Reason.INVALID_SPEC:
        return FALSE, decision.reason, decision.message
    return TRUE, "Valid", "The spec is valid."


def _detector_ready(seen: Observed) -> Fact | None:
    if seen.detector is None:
        return None
    if (problem := detector_problem(seen)) is not None:
        return FALSE, problem.reason, problem.message
    if isinstance(seen.detector, NotReady):
        raise TypeError("a detector that is not ready is a problem")
    found = seen.detector
    return TRUE, "Ready", f"Triton at {found.address} serves {found.model} with digest {found.digest}."


def _ledger_ready(seen: Observed) -> Fact | None:
    if isinstance(seen.ledger, NotReady):
        return FALSE, seen.ledger.reason, seen.ledger.message
    return None if seen.ledger is None else (TRUE, "Ready", "The ledger answers.")


def _planned(seen: Observed) -> Fact | None:
    if not isinstance(seen.ledger, Ledger):
        return None
    if not seen.ledger.is_planned:
        return FALSE, "NotPlanned", "The source is not listed completely yet."
    return TRUE, "Planned", f"{seen.ledger.progress.total} images are in the ledger."
