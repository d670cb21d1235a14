"""What has changed from one status to the next that others should hear of, once. Pure."""

from baas_crds.blurjob import BlurJobSpec
from baas_crds.conditions import Condition, ConditionStatus, ConditionType
from baas_crds.status import BlurJobStatus
from baas_operator.observed import verdict_of


def is_news(before: BlurJobStatus, after: BlurJobStatus) -> bool:
    """Return whether more has changed than counts, speed, and the words of a message."""
    return before.phase != after.phase or _states(before) != _states(after)


def end_of(before: BlurJobStatus, after: BlurJobStatus) -> Condition | None:
    """Return how the run ended, if it ended just now, or otherwise than before."""
    old, new = verdict_of(before), verdict_of(after)
    is_new = new is not None and (old is None or (old.type, old.reason) != (new.type, new.reason))
    return new if is_new else None


def passed_threshold(spec: BlurJobSpec, before: BlurJobStatus, after: BlurJobStatus) -> bool:
    """Return whether so many images are quarantined since just now that the run fails for it, whatever comes."""
    return _is_beyond(spec, after) and not _is_beyond(spec, before)


def _is_beyond(spec: BlurJobSpec, status: BlurJobStatus) -> bool:
    planned = ConditionType.PLANNED, ConditionStatus.TRUE
    if status.images is None or planned not in {(c.type, c.status) for c in status.conditions}:
        return False  # as long as it is planned, nobody knows of how many images they are too many
    at_most = status.images.total - status.images.excluded
    return status.images.quarantined * 100 > spec.max_quarantined_percent * at_most


def _states(status: BlurJobStatus) -> list[tuple[object, ...]]:
    return [(c.type, c.status, c.reason, c.observed_generation) for c in status.conditions]
