"""What the operator decides: one row for each behaviour."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from baas_crds.conditions import ConditionType
from baas_ledger.tables import RunState
from baas_operator.decision import (
    Action,
    CreateJob,
    DeleteBlurJob,
    DeleteJob,
    FinishRun,
    Remember,
    RetryQuarantined,
    Scale,
    WriteSpec,
)
from baas_operator.names import Role
from baas_operator.observed import Notebook, Observed
from baas_operator.reasons import Reason
from baas_operator.reconcile import CHECKS, reconcile
from tests.unit.operator.seeing import (
    ACCOUNTED,
    AN_HOUR_AGO,
    COMPLETE,
    DIGEST,
    FAILED,
    NEW,
    NO_LEDGER,
    NO_TRITON,
    NOON,
    NOTES,
    PLANNED,
    PLANNING,
    STOPPED_HALFWAY,
    TRITON,
    WORKING,
    changed,
    ended,
    job,
    ledger,
    pod,
    told,
)

PLAN_1 = CreateJob(role=Role.PLAN, attempt=1, parallelism=1)
PLAN_2 = CreateJob(role=Role.PLAN, attempt=2, parallelism=1, idle_attempts=1)
WORK_1 = CreateJob(role=Role.WORK, attempt=1, parallelism=1, remaining=100)
WORK_2 = CreateJob(role=Role.WORK, attempt=2, parallelism=1, remaining=50)
STOP_WORK_1 = DeleteJob(job="amsterdam-work-1", uid="uid-amsterdam-work-1")
BY_CONFIGURATION = "PodFailurePolicy"
BY_BACKOFF = "BackoffLimitExceeded"


def note(notebook: Notebook = NOTES, **changes: Any) -> Remember:
    return Remember(notebook=replace(notebook, **changes))


def with_work(**facts: Any) -> Observed:
    """A run whose first work Job is as given."""
    return replace(WORKING, jobs=(ended(Role.PLAN), job(Role.WORK, **({"remaining": 100} | facts))))


SAMPLING = {
    "qualityCheck": {"sampleSize": 10},
    "output": {"volume": {"claimName": "safe", "path": "2026"}},
}


def after_work(*, remaining: int = 100, reason: str = BY_BACKOFF, **facts: Any) -> Observed:
    """A run whose work Job ended when `remaining` of 100 images were left."""
    end = ended(Role.WORK, reason=reason, **({"remaining": 100} | facts))
    return replace(WORKING, jobs=(ended(Role.PLAN), end), ledger=ledger(pending=remaining, published=100 - remaining))


def asked(seen: Observed, **changes: Any) -> Observed:
    """The same with a new word in the retry annotation, and the ledger looked at."""
    looked: dict[str, Any] = {"ledger": ledger(published=99, quarantined=1), "detector": TRITON}
    return replace(seen, wanted_retry="again", **(looked | changes))


def ago(**time: float) -> Any:
    return NOON - timedelta(**time)


BEGINNING = [
    pytest.param(NEW, Reason.PLANNING, (WriteSpec(), PLAN_1), id="a new BlurJob is planned"),
    pytest.param(
        replace(NEW, wanted_retry="old"),
        Reason.PLANNING,
        (WriteSpec(handled_retry="old"), replace(PLAN_1, retry="old")),
        id="a retry asked for before the start is no retry",
    ),
    pytest.param(
        replace(NEW, spec=None, mistake="spec.source: Required value"), Reason.INVALID_SPEC, (), id="a bad spec fails"
    ),
    pytest.param(
        replace(WORKING, spec=None, mistake="x"),
        Reason.INVALID_SPEC,
        (STOP_WORK_1, note(paused_since=NOON)),
        id="a spec that became bad stops its workers",
    ),
    pytest.param(
        replace(NEW, mistake="It sends pictures elsewhere.", ledger=None, detector=None),
        Reason.INVALID_SPEC,
        (),
        id="what goes too far fails before anything is made",
    ),
    pytest.param(
        replace(WORKING, mistake="It sends pictures elsewhere."),
        Reason.INVALID_SPEC,
        (STOP_WORK_1, note(paused_since=NOON)),
        id="what goes too far since the limits changed stops its workers",
    ),
    pytest.param(
        replace(changed(NEW, suspend=True), mistake="It sends pictures elsewhere."),
        Reason.INVALID_SPEC,
        (),
        id="what goes too far fails although it is suspended",
    ),
    pytest.param(replace(NEW, ledger=NO_LEDGER), Reason.LEDGER_NOT_READY, (), id="nothing begins without a ledger"),
    pytest.param(
        replace(NEW, detector=NO_TRITON), Reason.DETECTOR_NOT_READY, (), id="nothing begins without a detector"
    ),
    pytest.param(
        replace(NEW, detector=NO_TRITON, ledger=NO_LEDGER), Reason.LEDGER_NOT_READY, (), id="the ledger is named first"
    ),
    pytest.param(
        changed(NEW, detector={"modelDigest": "sha256:" + "b" * 64}),
        Reason.DETECTOR_NOT_READY,
        (),
        id="another model than the pinned one is not used",
    ),
    pytest.param(
        changed(NEW, detector={"modelDigest": DIGEST}), Reason.PLANNING, (WriteSpec(), PLAN_1), id="the pinned model is"
    ),
    pytest.param(changed(NEW, suspend=True), Reason.SUSPENDED, (), id="a BlurJob can be born suspended"),
]
PLANS = [
    pytest.param(PLANNING, Reason.PLANNING, (), id="planning takes its time"),
    pytest.param(
        replace(PLANNING, notebook=None),
        Reason.PLANNING,
        (WriteSpec(),),
        id="a ConfigMap that somebody deleted comes back",
    ),
    pytest.param(replace(PLANNING, detector=NO_TRITON), Reason.PLANNING, (), id="a plan under way needs no permission"),
    pytest.param(
        replace(PLANNING, ledger=ledger(pending=100)), Reason.PLANNING, (), id="work waits for the plan's pod to end"
    ),
    pytest.param(PLANNED, Reason.WORKING, (WORK_1,), id="a planned run is worked on"),
    pytest.param(
        changed(PLANNED, parallelism=7),
        Reason.WORKING,
        (replace(WORK_1, parallelism=7),),
        id="by as many as the spec says",
    ),
    pytest.param(
        replace(PLANNED, jobs=(ended(Role.PLAN, reason=BY_BACKOFF),)),
        Reason.WORKING,
        (WORK_1,),
        id="the ledger's word counts, not the plan Job's",
    ),
    pytest.param(replace(PLANNED, jobs=()), Reason.WORKING, (WORK_1,), id="a plan Job that is gone is not missed"),
    pytest.param(
        replace(PLANNING, jobs=(ended(Role.PLAN),)),
        Reason.NEXT_ATTEMPT,
        (PLAN_2,),
        id="a plan Job that completed without planning is made again",
    ),
    pytest.param(
        replace(PLANNING, jobs=(ended(Role.PLAN, reason=BY_BACKOFF, ended_at=ago(seconds=3)),)),
        Reason.NEXT_ATTEMPT,
        (),
        id="after a pause",
    ),
    pytest.param(
        replace(PLANNING, jobs=(ended(Role.PLAN, 3, reason=BY_BACKOFF, idle_attempts=2),)),
        Reason.PLAN_FAILED,
        (note(paused_since=NOON),),
        id="three plan Jobs in vain are enough",
    ),
    pytest.param(
        replace(PLANNING, jobs=(ended(Role.PLAN, reason=BY_CONFIGURATION),)),
        Reason.CONFIGURATION_ERROR,
        (note(paused_since=NOON),),
        id="a plan that nothing can repair fails at once",
    ),
    pytest.param(
        replace(PLANNED, jobs=(), detector=replace(TRITON, digest="sha256:" + "b" * 64)),
        Reason.DETECTOR_NOT_READY,
        (),
        id="a run keeps the model it began with",
    ),
]
WORK = [
    pytest.param(WORKING, Reason.WORKING, (), id="nothing to do while all is as wished"),
    pytest.param(
        changed(WORKING, parallelism=3),
        Reason.WORKING,
        (Scale(job="amsterdam-work-1", parallelism=3),),
        id="more workers",
    ),
    pytest.param(
        with_work(parallelism=5), Reason.WORKING, (Scale(job="amsterdam-work-1", parallelism=1),), id="fewer workers"
    ),
    pytest.param(replace(WORKING, ledger=NO_LEDGER), Reason.WORKING, (), id="workers outlast a ledger that is away"),
    pytest.param(
        changed(replace(WORKING, ledger=NO_LEDGER), parallelism=2),
        Reason.WORKING,
        (Scale(job="amsterdam-work-1", parallelism=2),),
        id="and can be scaled meanwhile",
    ),
    pytest.param(
        replace(WORKING, detector=NO_TRITON), Reason.WORKING, (), id="workers outlast a detector that is away"
    ),
    pytest.param(
        replace(WORKING, ledger=ledger(published=100)),
        Reason.WORKING,
        (FinishRun(),),
        id="after the last image the ledger is told, and the workers end by themselves",
    ),
    pytest.param(
        replace(WORKING, ledger=ledger(state=RunState.FINISHED, published=100)),
        Reason.WORKING,
        (),
        id="which may take a moment",
    ),
    pytest.param(
        changed(replace(WORKING, ledger=ledger(published=100)), **SAMPLING),
        Reason.WORKING,
        (),
        id="workers that draw a sample then tell the ledger themselves",
    ),
    pytest.param(
        changed(after_work(remaining=0), **SAMPLING),
        Reason.NEXT_ATTEMPT,
        (replace(WORK_2, remaining=0),),
        id="a sample that workers did not draw is drawn by the next",
    ),
    pytest.param(
        changed(after_work(remaining=0), retention={"deleteSource": "AfterVerified"}),
        Reason.NEXT_ATTEMPT,
        (replace(WORK_2, remaining=0),),
        id="so are originals deleted that were to be deleted",
    ),
    pytest.param(
        replace(WORKING, ledger=ledger(published=99, quarantined=1, quarantined_by_reason={"TooManyAttempts": 1})),
        Reason.WORKING,
        (),
        id="workers take away what an earlier run published of an image that the ledger gave up",
    ),
    pytest.param(
        replace(WORKING, ledger=ledger(state=RunState.FINISHED, published=100, finished_at=ago(minutes=6))),
        Reason.COMPLETED,
        (STOP_WORK_1, note(paused_since=NOON)),
        id="but not for ever, for their node may be dead",
    ),
    pytest.param(
        replace(
            with_work(is_being_deleted=True),
            ledger=ledger(state=RunState.FINISHED, published=100, finished_at=ago(minutes=6)),
        ),
        Reason.COMPLETED,
        (note(paused_since=NOON),),
        id="nor is a Job waited for that cannot be deleted",
    ),
    pytest.param(
        replace(WORKING, jobs=(ended(Role.PLAN),), told=WORKING.told.model_copy(update={"attempt": 1})),
        Reason.WORKING,
        (replace(WORK_2, remaining=50),),
        id="a lost Job comes back under the next number",
    ),
    pytest.param(
        with_work(is_being_deleted=True), Reason.STOPPING, (), id="a Job being deleted is waited for, never doubled"
    ),
    pytest.param(STOPPED_HALFWAY, Reason.NEXT_ATTEMPT, (WORK_2,), id="the next Job takes what the last one left"),
    pytest.param(
        after_work(remaining=99, ended_at=NOON),
        Reason.NEXT_ATTEMPT,
        (replace(WORK_2, remaining=99),),
        id="at once after progress",
    ),
    pytest.param(after_work(ended_at=ago(seconds=5)), Reason.NEXT_ATTEMPT, (), id="after a pause without progress"),
    pytest.param(
        after_work(),
        Reason.NEXT_ATTEMPT,
        (replace(WORK_2, idle_attempts=1, remaining=100),),
        id="a Job in vain is counted",
    ),
    pytest.param(
        after_work(remaining=99, idle_attempts=2),
        Reason.NEXT_ATTEMPT,
        (replace(WORK_2, remaining=99),),
        id="progress forgives Jobs in vain",
    ),
    pytest.param(
        after_work(idle_attempts=2), Reason.NO_PROGRESS, (note(paused_since=NOON),), id="three Jobs in vain are enough"
    ),
    pytest.param(
        replace(STOPPED_HALFWAY, detector=NO_TRITON),
        Reason.DETECTOR_NOT_READY,
        (),
        id="the next Job waits for the detector",
    ),
    pytest.param(
        after_work(reason=BY_CONFIGURATION),
        Reason.CONFIGURATION_ERROR,
        (note(paused_since=NOON),),
        id="a worker that nothing can repair fails the run",
    ),
    pytest.param(
        replace(after_work(reason=BY_CONFIGURATION), notebook=replace(NOTES, handled_retry="again")),
        Reason.WORKING,
        (replace(WORK_1, attempt=2, retry="again"),),
        id="but not what failed before the last retry",
    ),
    pytest.param(
        with_work(is_suspended=True),
        Reason.QUEUED,
        (note(paused_since=NOON),),
        id="a Job in a queue is left to the queue",
    ),
]
PAUSES = [
    pytest.param(
        changed(WORKING, suspend=True),
        Reason.SUSPENDED,
        (Scale(job="amsterdam-work-1", parallelism=0), note(paused_since=NOON)),
        id="suspend takes the pods away",
    ),
    pytest.param(
        changed(PLANNING, suspend=True),
        Reason.SUSPENDED,
        (Scale(job="amsterdam-plan-1", parallelism=0), note(paused_since=NOON)),
        id="those of the plan too",
    ),
    pytest.param(
        changed(replace(with_work(parallelism=0), notebook=replace(NOTES, paused_since=ago(minutes=5))), suspend=True),
        Reason.SUSPENDED,
        (),
        id="and then leaves all as it is",
    ),
    pytest.param(
        replace(with_work(parallelism=0), notebook=replace(NOTES, paused_since=ago(minutes=5), paused_seconds=10)),
        Reason.WORKING,
        (Scale(job="amsterdam-work-1", parallelism=1), note(paused_seconds=310)),
        id="resume brings the pods back and notes how long it was",
    ),
    pytest.param(
        changed(replace(WORKING, ledger=NO_LEDGER), suspend=True),
        Reason.SUSPENDED,
        (Scale(job="amsterdam-work-1", parallelism=0), note(paused_since=NOON)),
        id="suspend needs no ledger",
    ),
    pytest.param(
        changed(with_work(is_suspended=True), suspend=True),
        Reason.SUSPENDED,
        (Scale(job="amsterdam-work-1", parallelism=0), note(paused_since=NOON)),
        id="suspend leaves the queue's own switch alone",
    ),
]
DEADLINES = [
    pytest.param(changed(WORKING, activeDeadlineSeconds=3601), Reason.WORKING, (), id="in time"),
    pytest.param(
        changed(WORKING, activeDeadlineSeconds=3600),
        Reason.DEADLINE_EXCEEDED,
        (STOP_WORK_1, note(paused_since=NOON)),
        id="too late: the workers are stopped",
    ),
    pytest.param(
        changed(replace(WORKING, notebook=replace(NOTES, paused_seconds=1)), activeDeadlineSeconds=3600),
        Reason.WORKING,
        (),
        id="pauses do not count",
    ),
    pytest.param(
        changed(
            replace(with_work(is_suspended=True), notebook=replace(NOTES, paused_since=ago(minutes=1))),
            activeDeadlineSeconds=3600,
        ),
        Reason.QUEUED,
        (),
        id="nor does the queue",
    ),
    pytest.param(
        changed(replace(STOPPED_HALFWAY, detector=NO_TRITON), activeDeadlineSeconds=3600),
        Reason.DEADLINE_EXCEEDED,
        (note(paused_since=NOON),),
        id="waiting for the detector does",
    ),
]
ENDS = [
    pytest.param(
        replace(ACCOUNTED, ledger=ledger(published=99, quarantined=1)),
        Reason.FINISHING,
        (FinishRun(),),
        id="the ledger is told first",
    ),
    pytest.param(ACCOUNTED, Reason.COMPLETED, (note(paused_since=NOON),), id="few enough are quarantined"),
    pytest.param(
        changed(ACCOUNTED, **SAMPLING),
        Reason.COMPLETED,
        (note(paused_since=NOON),),
        id="and the sample that was asked for was drawn",
    ),
    pytest.param(
        changed(
            replace(after_work(remaining=0), jobs=(ended(Role.WORK, reason=BY_BACKOFF, remaining=0, idle_attempts=2),)),
            **SAMPLING,
        ),
        Reason.NO_PROGRESS,
        (note(paused_since=NOON),),
        id="a sample that nobody can draw ends the run",
    ),
    pytest.param(
        changed(ACCOUNTED, maxQuarantinedPercent=0),
        Reason.TOO_MANY_QUARANTINED,
        (note(paused_since=NOON),),
        id="one is too many",
    ),
    pytest.param(
        replace(ACCOUNTED, ledger=ledger(state=RunState.FINISHED, published=98, quarantined=1, excluded=100)),
        Reason.TOO_MANY_QUARANTINED,
        (note(paused_since=NOON),),
        id="what was left out on request does not dilute",
    ),
    pytest.param(
        changed(replace(ACCOUNTED, ledger=ledger(state=RunState.FINISHED, quarantined=3)), maxQuarantinedPercent=100),
        Reason.COMPLETED,
        (note(paused_since=NOON),),
        id="with 100 % allowed nothing is too many",
    ),
    pytest.param(
        replace(ACCOUNTED, detector=NO_TRITON),
        Reason.COMPLETED,
        (note(paused_since=NOON),),
        id="the end needs no detector",
    ),
    pytest.param(
        replace(PLANNED, ledger=ledger(state=RunState.FINISHED)),
        Reason.COMPLETED,
        (note(paused_since=NOON),),
        id="an empty source is complete at once",
    ),
    pytest.param(COMPLETE, Reason.COMPLETED, (), id="an end stays an end"),
    pytest.param(FAILED, Reason.NO_PROGRESS, (), id="a failure too"),
    pytest.param(
        replace(FAILED, jobs=(job(Role.WORK),)), Reason.NO_PROGRESS, (STOP_WORK_1,), id="no pod outlives the end"
    ),
    pytest.param(
        replace(COMPLETE, told=told(ConditionType.FAILED, "SomethingNewer")),
        Reason.CONFIGURATION_ERROR,
        (),
        id="an end in words of a newer operator stays an end",
    ),
    pytest.param(
        changed(
            replace(COMPLETE, told=told(ConditionType.COMPLETE, "Completed", ended_at=ago(seconds=59))),
            ttlSecondsAfterFinished=60,
        ),
        Reason.COMPLETED,
        (),
        id="it is kept as long as was asked",
    ),
    pytest.param(
        changed(
            replace(COMPLETE, told=told(ConditionType.COMPLETE, "Completed", ended_at=ago(seconds=60))),
            ttlSecondsAfterFinished=60,
        ),
        Reason.COMPLETED,
        (DeleteBlurJob(),),
        id="and deleted then",
    ),
    pytest.param(changed(WORKING, ttlSecondsAfterFinished=0), Reason.WORKING, (), id="what works has no time to live"),
    pytest.param(replace(WORKING, is_being_deleted=True), Reason.STOPPING, (), id="deletion is left to Kubernetes"),
    pytest.param(
        replace(
            changed(FAILED, activeDeadlineSeconds=7200), generation=2, ledger=STOPPED_HALFWAY.ledger, detector=TRITON
        ),
        Reason.NEXT_ATTEMPT,
        (WORK_2, note(paused_since=None)),
        id="a change of the spec has it looked at again",
    ),
]
RETRIES = [
    pytest.param(asked(COMPLETE), Reason.RETRYING, (RetryQuarantined(), note(paused_since=None)), id="after the end"),
    pytest.param(asked(FAILED), Reason.RETRYING, (RetryQuarantined(), note(paused_since=None)), id="after a failure"),
    pytest.param(
        asked(WORKING), Reason.RETRYING, (RetryQuarantined(), note(handled_retry="again")), id="while workers are at it"
    ),
    pytest.param(
        asked(PLANNING, ledger=NEW.ledger),
        Reason.RETRYING,
        (note(handled_retry="again"),),
        id="before anything is planned there is nothing to send back",
    ),
    pytest.param(
        asked(COMPLETE, ledger=NO_LEDGER),
        Reason.LEDGER_NOT_READY,
        (note(paused_since=None),),
        id="once the ledger is there",
    ),
    pytest.param(
        asked(COMPLETE, notebook=replace(NOTES, handled_retry="again", paused_since=NOON)),
        Reason.COMPLETED,
        (),
        id="once for each word",
    ),
    pytest.param(
        replace(
            STOPPED_HALFWAY,
            notebook=replace(NOTES, handled_retry="again"),
            jobs=(ended(Role.PLAN), ended(Role.WORK, 3, reason=BY_BACKOFF, idle_attempts=2, remaining=1)),
            ledger=ledger(pending=1, published=99),
        ),
        Reason.WORKING,
        (CreateJob(role=Role.WORK, attempt=4, parallelism=1, retry="again", remaining=1),),
        id="and what failed before is forgiven",
    ),
]


@pytest.mark.parametrize(
    ("seen", "reason", "actions"), [*BEGINNING, *PLANS, *WORK, *PAUSES, *DEADLINES, *ENDS, *RETRIES]
)
def test_reconcile(seen: Observed, reason: Reason, actions: tuple[Action, ...]) -> None:
    decision = reconcile(seen)
    assert (decision.reason, decision.actions) == (reason, actions)


def test_every_reason_but_those_of_the_api_server_is_decided_somewhere() -> None:
    rows = [*BEGINNING, *PLANS, *WORK, *PAUSES, *DEADLINES, *ENDS, *RETRIES]
    assert {row.values[1] for row in rows} == set(Reason) - {Reason.NAME_TAKEN, Reason.REFUSED}


def test_each_check_is_the_first_to_answer_somewhere() -> None:
    rows = [*BEGINNING, *PLANS, *WORK, *PAUSES, *DEADLINES, *ENDS, *RETRIES]
    first = {next(check for check in CHECKS if check(row.values[0])) for row in rows}  # type: ignore[arg-type]
    assert first == set(CHECKS)


MESSAGES = [
    pytest.param(
        replace(
            PLANNING,
            jobs=(failed := ended(Role.PLAN, reason=BY_CONFIGURATION),),
            pods=(pod(failed, exit_code=2, said="No such container: raw."),),
        ),
        "No such container: raw.\nOnce that is repaired: kubectl annotate blurjob amsterdam "
        "blurring.amsterdam.nl/retry-quarantined=<a new word> --overwrite",
        id="a configuration error has the pod's own words and the way on",
    ),
    pytest.param(
        replace(
            PLANNING,
            jobs=(failed,),
            pods=(
                pod(failed, exit_code=2, said="The cause.", ended_at=AN_HOUR_AGO),
                pod(failed, exit_code=130, said="Interrupted.", name="later"),
            ),
        ),
        "The cause.",
        id="not those of pods that were only stopped after it",
    ),
    pytest.param(
        replace(PLANNING, jobs=(failed,)),
        "`kubectl logs job/amsterdam-plan-1` says why.",
        id="without words: where to look",
    ),
    pytest.param(
        replace(
            after_work(idle_attempts=2), pods=(pod(ended(Role.WORK), exit_code=4, said="Triton does not answer."),)
        ),
        "3 Jobs in a row did not give any image its fate. Job amsterdam-work-1 failed (BackoffLimitExceeded). "
        "Triton does not answer.",
        id="giving up says after what",
    ),
    pytest.param(
        changed(
            replace(
                after_work(remaining=0),
                jobs=(ended(Role.WORK, reason=BY_BACKOFF, remaining=0, idle_attempts=2),),
                pods=(pod(ended(Role.WORK), exit_code=4, said="The volume does not answer."),),
            ),
            **SAMPLING,
        ),
        "3 Jobs in a row did not draw the samples or delete the originals. Job amsterdam-work-1 failed "
        "(BackoffLimitExceeded). The volume does not answer.",
        id="also when every image had its fate",
    ),
    pytest.param(
        replace(
            ACCOUNTED, ledger=replace(ledger(state=RunState.FINISHED, published=9), samples=("3 of 9 were copied.",))
        ),
        "9 images are published, 0 are quarantined, 0 were left out on request. 3 of 9 were copied.",
        id="the end tells where samples are",
    ),
    pytest.param(
        replace(
            changed(ACCOUNTED, maxQuarantinedPercent=0),
            ledger=replace(ledger(state=RunState.FINISHED, quarantined=1), samples=("Copying has begun.",)),
        ),
        "Copying has begun.",
        id="a failed run tells where copies may be",
    ),
    pytest.param(
        replace(
            WORKING,
            jobs=(slow := job(Role.WORK, active=3, ready=1),),
            pods=(pod(slow, trouble="ImagePullBackOff: not found"), pod(slow)),
        ),
        "Job amsterdam-work-1 is at it. 1 of its 3 pods cannot start: ImagePullBackOff: not found",
        id="pods that cannot start say why",
    ),
    pytest.param(
        replace(WORKING, jobs=(job(Role.WORK, active=0, ready=0),)),
        "No pod could be made yet: `kubectl describe job amsterdam-work-1` says why.",
        id="a Job without pods says where to look",
    ),
    pytest.param(
        changed(with_work(is_suspended=True), queueName="night"),
        "waits to be let in by queue night.",
        id="the queue's name",
    ),
    pytest.param(
        changed(ACCOUNTED, maxQuarantinedPercent=0),
        "1 of 100 images are quarantined; maxQuarantinedPercent allows 0 %. Most frequent: Damaged, 1 times. "
        "The picture's data is damaged",
        id="too many quarantined: how many, and why most",
    ),
    pytest.param(
        replace(PLANNED, ledger=ledger(state=RunState.FINISHED)),
        "The source holds no picture",
        id="an empty source says so",
    ),
    pytest.param(
        replace(PLANNED, jobs=(), detector=replace(TRITON, digest="sha256:b")),
        f"serves person_plate with digest sha256:b; the run began with {DIGEST}.",
        id="another model: which, and which was expected",
    ),
]


@pytest.mark.parametrize(("seen", "words"), MESSAGES)
def test_the_message_says_what_a_person_needs(seen: Observed, words: str) -> None:
    assert words in reconcile(seen).message


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        pytest.param(WORKING, 5, id="workers are looked at every few seconds"),
        pytest.param(ACCOUNTED, 5, id="an end is looked at once more"),
        pytest.param(COMPLETE, None, id="an end is not looked at any more"),
        pytest.param(after_work(ended_at=ago(seconds=4)), 6, id="a pause is waited for exactly"),
        pytest.param(
            changed(replace(COMPLETE, told=told(ConditionType.COMPLETE, "Completed")), ttlSecondsAfterFinished=90),
            90,
            id="so is the time to live",
        ),
        pytest.param(asked(COMPLETE), 0, id="a retry goes on at once"),
    ],
)
def test_the_next_look_is_due(seen: Observed, seconds: float | None) -> None:
    assert reconcile(seen).look_again_seconds == seconds
