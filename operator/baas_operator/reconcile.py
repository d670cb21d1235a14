"""Decide what to do about a BlurJob. Pure: facts in, decision out; the list of checks at the end is the behaviour."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

from baas_crds.blurjob import BlurJobSpec
from baas_crds.codes import ExitCode, QuarantineReason
from baas_crds.conditions import ConditionType
from baas_ledger.facts import Progress
from baas_operator.attempts import next_job
from baas_operator.decision import (
    LOOK_SECONDS,
    Action,
    Decision,
    DeleteBlurJob,
    DeleteJob,
    FinishRun,
    Remember,
    RetryQuarantined,
    Scale,
    WriteSpec,
)
from baas_operator.names import RETRY, Role
from baas_operator.observed import JobOutcome, Ledger, NotReady, Observed
from baas_operator.reasons import Reason, State
from baas_operator.wording import (
    all_done,
    how_to_retry,
    last_words,
    of_samples,
    too_many_quarantined,
    trouble,
    waits_for,
)

Check: TypeAlias = Callable[[Observed], Decision | None]

WAIT_SECONDS = 10.0
"""How often something missing is looked for."""
LINGERING = timedelta(minutes=5)
"""So long after its last image a run waits for pods to end, before it ends without them: their node may be dead."""
BY_POD_FAILURE_POLICY = "PodFailurePolicy"
"""Why Kubernetes ends a Job whose pod exited with the code for a configuration error."""


def reconcile(seen: Observed) -> Decision:
    """Return the first check's answer. Once its actions are done, the next answer has none.

    Every BlurJob has an answer: the last check always gives one.
    """
    decision = next(answer for check in CHECKS if (answer := check(seen)) is not None)
    if decision.reason.is_final and not seen.is_at_rest and decision.reason is not Reason.COMPLETED:
        decision = replace(decision, message=f"{decision.message}{of_samples(seen.ledger)}")
    again = decision.look_again_seconds
    if decision.reason.is_final and not seen.is_at_rest:
        again = LOOK_SECONDS  # whether it is to be deleted some day is found out then
    return replace(decision, actions=decision.actions + _notes(seen, decision), look_again_seconds=again)


def is_going_away(seen: Observed) -> Decision | None:
    """Leave a BlurJob alone that is being deleted: its children go by their owner references."""
    return Decision(reason=Reason.STOPPING, message="It is being deleted.") if seen.is_being_deleted else None


def is_over(seen: Observed) -> Decision | None:
    """Keep what was said of a run that ended, stop what may still run, and delete it when its time has come."""
    if not seen.is_at_rest or seen.verdict is None:
        return None
    failed = seen.verdict.type is ConditionType.FAILED
    known = seen.verdict.reason in set(Reason)
    reason = Reason(seen.verdict.reason) if known else Reason.CONFIGURATION_ERROR if failed else Reason.COMPLETED
    actions: tuple[Action, ...] = _stop(seen)
    wait = None
    if seen.outlives is not None:
        wait = max(0.0, (seen.outlives - seen.now).total_seconds())
        actions += () if wait else (DeleteBlurJob(),)
    return Decision(reason=reason, message=seen.verdict.message, actions=actions, look_again_seconds=wait or None)


def is_refused(seen: Observed) -> Decision | None:
    """Fail what could never work, or may not. The API server refuses nearly all that could never before."""
    if seen.spec is not None and not seen.mistake:
        return None
    return Decision(reason=Reason.INVALID_SPEC, message=seen.mistake, actions=_stop(seen))


def is_to_be_retried(seen: Observed) -> Decision | None:
    """Send quarantined images back, once for each new text of the annotation, also after the end."""
    if not seen.wants_retry or not isinstance(seen.ledger, Ledger):
        return None  # without a ledger it must wait, and everything else goes on
    return Decision(
        reason=Reason.RETRYING,
        message=f"What failed is tried again, as annotation {RETRY} asked ({seen.wanted_retry}).",
        actions=(RetryQuarantined(),) if seen.ledger.is_planned else (),
        look_again_seconds=0,
    )


def is_misconfigured(seen: Observed) -> Decision | None:
    """Fail when a pod said that no retry can help."""
    planned = isinstance(seen.ledger, Ledger) and seen.ledger.is_planned
    for job in (seen.latest(Role.WORK), None if planned else seen.latest(Role.PLAN)):
        if job is not None and job.outcome is JobOutcome.FAILED and job.outcome_reason == BY_POD_FAILURE_POLICY:
            words = last_words(seen, job, ExitCode.CONFIGURATION) or f"`kubectl logs job/{job.name}` says why."
            return Decision(
                reason=Reason.CONFIGURATION_ERROR, message=f"{words}\n{how_to_retry(seen)}", actions=_stop(seen)
            )
    return None


def is_suspended(seen: Observed) -> Decision | None:
    """Take the pods away and keep the Jobs. A Job with no pods is not a suspended one, which would be Kueue's word."""
    if seen.spec is None or not seen.spec.suspend:
        return None
    pods = sum(job.active + job.terminating for job in seen.underway)
    return Decision(
        reason=Reason.SUSPENDED,
        message=f"Paused; {pods} pods are finishing what they are at."
        if pods
        else "Paused: set spec.suspend to false to go on.",
        actions=tuple(Scale(job=job.name, parallelism=0) for job in seen.underway if job.parallelism != 0),
        look_again_seconds=LOOK_SECONDS if pods else None,
        polls=True,
    )


def is_too_late(seen: Observed) -> Decision | None:
    """Stop the workers when the run takes too long."""
    limit = seen.spec.active_deadline_seconds if seen.spec else None
    if limit is None or seen.notebook is None or seen.notebook.seconds_at_work(seen.now) < limit:
        return None
    return Decision(
        reason=Reason.DEADLINE_EXCEEDED,
        message=f"The run took longer than activeDeadlineSeconds: {limit}. What is published stays. Raise it to go on.",
        actions=_stop(seen),
    )


def has_a_job(seen: Observed) -> Decision | None:
    """Let the Job that is under way have as many pods as are wanted now."""
    if not seen.underway or seen.spec is None or _only_lingers(seen):
        return None
    job = max(seen.underway, key=lambda job: (job.role is Role.WORK, job.attempt))
    wanted = seen.spec.parallelism if job.role is Role.WORK else 1
    actions: tuple[Action, ...] = () if seen.notebook else (WriteSpec(handled_retry=seen.wanted_retry),)
    actions += () if job.parallelism == wanted else (Scale(job=job.name, parallelism=wanted),)
    actions += (FinishRun(),) if _can_finish(seen) else ()
    if job.is_suspended:
        queue = f"queue {seen.spec.queue_name}" if seen.spec.queue_name else "whoever suspended it"
        reason, message = Reason.QUEUED, f"Job {job.name} waits to be let in by {queue}."
    elif job.role is Role.PLAN:
        reason, message = Reason.PLANNING, f"Job {job.name} lists the source. {trouble(seen, job)}"
    else:
        reason, message = Reason.WORKING, f"Job {job.name} is at it. {trouble(seen, job)}"
    message = message.strip()
    return Decision(reason=reason, message=message, actions=actions, look_again_seconds=LOOK_SECONDS, polls=True)


def has_a_job_that_goes(seen: Observed) -> Decision | None:
    """Wait until a Job that is being deleted is gone, so that two never work side by side."""
    going = [job.name for job in seen.jobs if job.is_being_deleted and not job.is_over]
    if not going or _only_lingers(seen):
        return None
    message = f"Job {going[0]} is being deleted; its pods are finishing."
    return Decision(reason=Reason.STOPPING, message=message, look_again_seconds=LOOK_SECONDS, polls=True)


def lacks_ledger(seen: Observed) -> Decision | None:
    """Wait for the database."""
    if isinstance(seen.ledger, Ledger):
        return None
    message = waits_for(seen.ledger)
    return Decision(reason=Reason.LEDGER_NOT_READY, message=message, look_again_seconds=WAIT_SECONDS, polls=True)


def has_all_fates(seen: Observed) -> Decision | None:
    """End the run when no image is left; few enough must be quarantined."""
    if seen.spec is None or not isinstance(seen.ledger, Ledger) or seen.ledger.run is None:
        return None
    progress = seen.ledger.progress
    if not seen.ledger.is_planned or progress.remaining:
        return None
    if _workers_close(seen.spec, progress) and not seen.ledger.is_finished:
        return None
    if _can_finish(seen):
        return Decision(
            reason=Reason.FINISHING, message="Every image has its fate.", actions=(FinishRun(),), look_again_seconds=0
        )
    tried = progress.published + progress.quarantined
    if progress.quarantined * 100 > seen.spec.max_quarantined_percent * tried:
        message = too_many_quarantined(seen, seen.ledger)
        return Decision(reason=Reason.TOO_MANY_QUARANTINED, message=message, actions=_stop(seen))
    message = all_done(seen.ledger, only_new=bool(seen.spec.source.only_new))
    return Decision(reason=Reason.COMPLETED, message=message, actions=_stop(seen))


def lacks_detector(seen: Observed) -> Decision | None:
    """Wait for the right model."""
    missing = detector_problem(seen)
    if missing is None:
        return None
    message = missing.message
    return Decision(reason=Reason.DETECTOR_NOT_READY, message=message, look_again_seconds=WAIT_SECONDS, polls=True)


def wants_planning(seen: Observed) -> Decision | None:
    """List the source until the ledger says that it was listed completely."""
    if isinstance(seen.ledger, Ledger) and seen.ledger.is_planned:
        return None
    return next_job(seen, Role.PLAN, remaining=None)


def wants_workers(seen: Observed) -> Decision | None:
    """Work until no image is left; a new Job takes what the last one left. Always answers."""
    remaining = seen.ledger.progress.remaining if isinstance(seen.ledger, Ledger) else None
    return next_job(seen, Role.WORK, remaining=remaining)


CHECKS: tuple[Check, ...] = (
    is_going_away,
    is_over,  # an end stays an end, until somebody asks for something else
    is_refused,
    is_to_be_retried,
    is_misconfigured,
    is_suspended,  # a person's word goes before all that follows
    is_too_late,
    has_a_job,  # the ordinary case: pods are at it
    has_a_job_that_goes,
    lacks_ledger,
    has_all_fates,  # needs no detector
    lacks_detector,
    wants_planning,
    wants_workers,  # always answers
)


def detector_problem(seen: Observed) -> NotReady | None:
    """Return why the detector cannot be used for this run: not there, or not the model that the run is bound to."""
    if seen.detector is None or isinstance(seen.detector, NotReady):
        return seen.detector
    pinned = seen.spec.detector.model_digest if seen.spec else None
    run = seen.ledger.run if isinstance(seen.ledger, Ledger) else None
    wanted, who = (
        (pinned, "spec.detector.modelDigest demands") if pinned else (run and run.model_digest, "the run began with")
    )
    if wanted is None or wanted == seen.detector.digest:
        return None
    return NotReady(
        reason="WrongModel",
        message=f"Triton at {seen.detector.address} serves {seen.detector.model} with digest {seen.detector.digest}; "
        f"{who} {wanted}. Serve that model, or apply a new BlurJob.",
    )


def _can_finish(seen: Observed) -> bool:
    """Whether the ledger may be told that nothing is left to do. Where more than images is, workers tell it."""
    if seen.spec is None or not isinstance(seen.ledger, Ledger) or seen.ledger.is_finished:
        return False
    if _workers_close(seen.spec, seen.ledger.progress):
        return False
    return seen.ledger.is_planned and not seen.ledger.progress.remaining


def _workers_close(spec: BlurJobSpec, progress: Progress) -> bool:
    """Whether workers have more to do when every image has its fate.

    They draw samples and delete originals; and an image that the ledger itself gave up may have an output of an earlier
    run, which is to be taken away.
    """
    return spec.has_closing_work or QuarantineReason.TOO_MANY_ATTEMPTS in progress.quarantined_by_reason


def _only_lingers(seen: Observed) -> bool:
    """Whether the run has long been finished, and only its pods do not end."""
    run = seen.ledger.run if isinstance(seen.ledger, Ledger) else None
    return run is not None and run.finished_at is not None and seen.now - run.finished_at > LINGERING


def _stop(seen: Observed) -> tuple[Action, ...]:
    return tuple(DeleteJob(job=job.name, uid=job.uid) for job in seen.underway)


def _notes(seen: Observed, decision: Decision) -> tuple[Action, ...]:
    """Keep the notebook true: the retry that was done, and whether the deadline's clock stands still."""
    if seen.notebook is None or seen.is_being_deleted:
        return ()
    note = seen.notebook
    # Not before the end that it undoes is told no more: an operator that dies in between asks what is to be retried.
    if decision.reason is Reason.RETRYING and seen.verdict is None:
        note = replace(note, handled_retry=seen.wanted_retry)
    stands_still = decision.reason.is_final or decision.reason.state is State.PAUSED
    if stands_still and note.paused_since is None:
        note = replace(note, paused_since=seen.now)
    elif not stands_still and note.paused_since is not None:
        pause = int((seen.now - note.paused_since).total_seconds())
        note = replace(note, paused_since=None, paused_seconds=note.paused_seconds + pause)
    return () if note == seen.notebook else (Remember(notebook=note),)
