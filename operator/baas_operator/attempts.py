"""The next Job of a role: when it is made, how often it is tried. Pure."""

from datetime import timedelta

from baas_operator.decision import LOOK_SECONDS, CreateJob, Decision, WriteSpec
from baas_operator.names import Role
from baas_operator.observed import Job, Observed
from baas_operator.reasons import Reason
from baas_operator.wording import how_it_ended, how_to_retry

IDLE_LIMIT = 3
"""So many Jobs in a row that bring nothing end the run."""
IDLE_PAUSES = (timedelta(0), timedelta(seconds=10), timedelta(seconds=60))
"""Pauses before the next Job, by the number of idle ones directly before it."""


def next_job(seen: Observed, role: Role, *, remaining: int | None) -> Decision:
    """Make a role's next Job, after a pause if the last one brought nothing; give up after several such."""
    last = seen.latest(role)
    idle = 0 if last is None or _brought_something(last, remaining) else last.idle_attempts + 1
    if last is not None and idle >= IDLE_LIMIT:
        return _gives_up(seen, last, remaining)
    if last is not None and last.ended_at is not None and (due := last.ended_at + IDLE_PAUSES[idle]) > seen.now:
        return Decision(
            reason=Reason.NEXT_ATTEMPT,
            message=f"{how_it_ended(seen, last)} The next Job is made at {due:%H:%M:%S} UTC.",
            look_again_seconds=(due - seen.now).total_seconds(),
        )
    create = CreateJob(
        role=role,
        attempt=seen.attempts(role) + 1,
        parallelism=seen.spec.parallelism if seen.spec and role is Role.WORK else 1,
        retry=seen.notebook.handled_retry if seen.notebook else seen.wanted_retry,
        idle_attempts=idle,
        remaining=remaining,
    )
    begins = Reason.PLANNING if role is Role.PLAN else Reason.WORKING
    what = f"{remaining} images are to be done." if remaining else "Every image has its fate; what follows is done."
    what = "Listing of the source begins." if role is Role.PLAN else what
    return Decision(
        reason=begins if last is None else Reason.NEXT_ATTEMPT,
        message=what if last is None else f"{how_it_ended(seen, last)} {what}",
        actions=(() if seen.notebook else (WriteSpec(handled_retry=seen.wanted_retry),)) + (create,),
        look_again_seconds=LOOK_SECONDS,
    )


def _brought_something(job: Job, remaining: int | None) -> bool:
    return remaining is not None and job.remaining is not None and remaining < job.remaining


def _gives_up(seen: Observed, last: Job, remaining: int | None) -> Decision:
    what = "give any image its fate" if remaining else "draw the samples or delete the originals"
    what = "list the source" if last.role is Role.PLAN else what
    return Decision(
        reason=Reason.PLAN_FAILED if last.role is Role.PLAN else Reason.NO_PROGRESS,
        message=f"{IDLE_LIMIT} Jobs in a row did not {what}. {how_it_ended(seen, last)}\n{how_to_retry(seen)}",
    )
