"""Facts for tests of the operator, short enough to read in one line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from baas_crds.blurjob import BlurJobSpec
from baas_crds.conditions import Condition, ConditionStatus, ConditionType
from baas_crds.reading import read_spec
from baas_crds.status import BlurJobStatus
from baas_ledger.facts import Progress, Run
from baas_ledger.tables import RunState
from baas_operator.names import Role, job_name
from baas_operator.observed import Detector, Job, JobOutcome, Ledger, Notebook, NotReady, Observed, Pod

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
AN_HOUR_AGO = NOON - timedelta(hours=1)
UID = "0af76519-16cd-43dd-8448-eb211c80319c"
DIGEST = "sha256:" + "a" * 64

TRITON = Detector(address="triton:8001", model="person_plate", digest=DIGEST)
NO_TRITON = NotReady(reason="Unavailable", message="Triton at triton:8001 does not answer.")
NO_LEDGER = NotReady(reason="Unavailable", message="PostgreSQL at db does not answer.")
NOTES = Notebook(written_at=AN_HOUR_AGO)


def spec(**changes: Any) -> BlurJobSpec:
    """The smallest spec, with some fields as in YAML."""
    places = {"source": {"volume": {"claimName": "raw"}}, "output": {"volume": {"claimName": "safe"}}}
    return read_spec(places | changes)


def ledger(*, state: RunState = RunState.PLANNED, finished_at: datetime = NOON, **progress: Any) -> Ledger:
    """What the ledger says of a run: planned, unless said otherwise."""
    run = Run(
        id=UID,
        source="s",
        destination="d",
        model_digest=DIGEST,
        config_digest="sha256:c",
        configuration={},
        state=state,
        created_at=AN_HOUR_AGO,
        opened_at=AN_HOUR_AGO,
        planned_at=None if state is RunState.CREATED else AN_HOUR_AGO,
        finished_at=finished_at if state is RunState.FINISHED else None,
    )
    return Ledger(run=run, progress=Progress(**progress))


def job(role: Role, attempt: int = 1, **facts: Any) -> Job:
    """A Job with one pod at work."""
    name = job_name("amsterdam", role, attempt)
    running: dict[str, Any] = {
        "parallelism": 1,
        "active": 1,
        "ready": 1,
        "created_at": AN_HOUR_AGO,
        "uid": f"uid-{name}",
    }
    return Job(name=name, role=role, attempt=attempt, **(running | facts))


def ended(role: Role, attempt: int = 1, *, reason: str = "", **facts: Any) -> Job:
    """A Job that ended half an hour ago: completed, or failed for a reason."""
    outcome = JobOutcome.FAILED if reason else JobOutcome.COMPLETE
    how = {
        "active": 0,
        "ready": 0,
        "outcome": outcome,
        "outcome_reason": reason,
        "ended_at": NOON - timedelta(minutes=30),
    }
    return job(role, attempt, **(how | facts))


def pod(of: Job, *, exit_code: int | None = None, said: str = "", **facts: Any) -> Pod:
    """A pod of a Job, ended with an exit code if given."""
    end: dict[str, Any] = (
        {"exit_code": exit_code, "ended_at": NOON, "last_words": said} if exit_code is not None else {}
    )
    named: dict[str, Any] = {"name": f"{of.name}-x", "job": of.name}
    return Pod(**(named | end | facts))


def told(type_: ConditionType, reason: str, *, ended_at: datetime = NOON, generation: int = 1) -> BlurJobStatus:
    """A status that says how the run ended."""
    condition = Condition(
        type=type_, status=ConditionStatus.TRUE, reason=reason, message="As it was.", last_transition_time=ended_at
    )
    return BlurJobStatus(conditions=(condition,), completion_time=ended_at, observed_generation=generation)


def changed(seen: Observed, **changes: Any) -> Observed:
    """The same BlurJob with other fields in its spec."""
    assert seen.spec is not None
    return replace(seen, spec=read_spec(seen.spec.as_document() | changes))


NEW = Observed(
    now=NOON,
    namespace="panoramas",
    name="amsterdam",
    uid=UID,
    version="7",
    generation=1,
    created_at=AN_HOUR_AGO,
    spec=spec(),
    ledger=Ledger(run=None),
    detector=TRITON,
)
PLANNING = replace(NEW, notebook=NOTES, jobs=(job(Role.PLAN),))
PLANNED = replace(PLANNING, jobs=(ended(Role.PLAN),), ledger=ledger(pending=100))
WORKING = replace(
    PLANNED, jobs=(ended(Role.PLAN), job(Role.WORK, remaining=100)), ledger=ledger(pending=40, leased=10, published=50)
)
STOPPED_HALFWAY = replace(WORKING, jobs=(ended(Role.PLAN), ended(Role.WORK, remaining=100)))
ACCOUNTED = replace(
    STOPPED_HALFWAY,
    ledger=ledger(state=RunState.FINISHED, published=99, quarantined=1, quarantined_by_reason={"Damaged": 1}),
)
COMPLETE = replace(
    ACCOUNTED,
    told=told(ConditionType.COMPLETE, "Completed"),
    notebook=replace(NOTES, paused_since=NOON),
    ledger=None,
    detector=None,
)
FAILED = replace(COMPLETE, told=told(ConditionType.FAILED, "NoProgress"))
