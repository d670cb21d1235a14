"""Laws that hold whatever happens to a BlurJob: a made-up cluster lets anything happen, in any order."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from baas_crds.conditions import ConditionStatus, ConditionType
from baas_ledger.tables import RunState
from baas_operator.decision import (
    Action,
    CreateJob,
    Decision,
    DeleteBlurJob,
    DeleteJob,
    FinishRun,
    Remember,
    RetryQuarantined,
    Scale,
    WriteSpec,
)
from baas_operator.names import Role
from baas_operator.observed import Detector, Job, JobOutcome, Ledger, Notebook, Observed
from baas_operator.reasons import State
from baas_operator.reconcile import reconcile
from baas_operator.status import status_of
from tests.unit.operator.seeing import NEW, NO_LEDGER, NO_TRITON, TRITON, changed, job, ledger

MAX_ROUNDS = 7
"""A retry is told, noted, then planned or worked on; an end is told to the ledger, then noted; the last is quiet."""
IMAGES = 20


def done(seen: Observed, action: Action) -> Observed:  # noqa: PLR0911 - one for each action
    """The world after an action, as Kubernetes and the ledger would make it."""
    match action:
        case WriteSpec(handled_retry=token):
            assert seen.notebook is None
            return replace(seen, notebook=Notebook(written_at=seen.now, handled_retry=token))
        case Remember(notebook=notebook):
            return replace(seen, notebook=notebook)
        case CreateJob():
            made = job(
                action.role,
                action.attempt,
                created_at=seen.now,
                parallelism=action.parallelism,
                active=action.parallelism,
                retry=action.retry,
                idle_attempts=action.idle_attempts,
                remaining=action.remaining,
            )
            assert made.name not in {known.name for known in seen.jobs}, "a Job's name is used twice"
            return replace(seen, jobs=(*seen.jobs, made))
        case Scale(job=name, parallelism=pods):
            return with_job(seen, name, parallelism=pods, active=pods)
        case DeleteJob(job=name):
            return with_job(seen, name, is_being_deleted=True)
        case RetryQuarantined():
            assert isinstance(seen.ledger, Ledger)
            back = seen.ledger.progress.quarantined
            return with_progress(seen, pending=back, quarantined=-back)
        case FinishRun():
            assert isinstance(seen.ledger, Ledger)
            assert seen.ledger.run is not None
            return replace(seen, ledger=replace(seen.ledger, run=replace(seen.ledger.run, state=RunState.FINISHED)))
        case DeleteBlurJob():
            return replace(seen, is_being_deleted=True)


def with_job(seen: Observed, name: str, **facts: object) -> Observed:
    return replace(seen, jobs=tuple(replace(j, **facts) if j.name == name else j for j in seen.jobs))  # type: ignore[arg-type]


def with_progress(seen: Observed, **changes: int) -> Observed:
    assert isinstance(seen.ledger, Ledger)
    assert seen.ledger.run is not None
    before = seen.ledger.progress
    after = replace(before, **{name: getattr(before, name) + by for name, by in changes.items()})
    state = RunState.PLANNED if after.remaining else seen.ledger.run.state
    return replace(seen, ledger=Ledger(run=replace(seen.ledger.run, state=state), progress=after))


class AnythingMayHappen(RuleBasedStateMachine):
    """One BlurJob in a cluster of which only the operator's own part is certain."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = NEW
        self.ledger: Ledger = Ledger(run=None)
        self.has_ledger = True
        self.detector: Detector | None = TRITON
        self.decision = reconcile(self.seen)

    @initialize(fields=st.sampled_from([{}, {"retention": {"deleteSource": "AfterVerified"}}]))
    def it_is_asked_for(self, fields: dict[str, object]) -> None:
        self.seen = changed(self.seen, **fields)

    def look(self) -> None:
        """What the world is now, as `world.py` would see it."""
        at_rest = self.seen.is_at_rest
        self.seen = replace(
            self.seen,
            ledger=None if at_rest else self.ledger if self.has_ledger else NO_LEDGER,
            detector=None if at_rest else self.detector or NO_TRITON,
        )

    @rule()
    def the_operator_dies_before_it_tells(self) -> None:
        self.look()
        asked = self.seen.wants_retry and self.has_ledger
        for action in reconcile(self.seen).actions:
            self.seen = done(self.seen, action)
            self.ledger = self.seen.ledger if isinstance(self.seen.ledger, Ledger) else self.ledger
        assert not (asked and self.seen.is_at_rest), "what was asked for is forgotten"

    @rule()
    def the_operator_looks_until_there_is_nothing_to_do(self) -> None:
        for _ in range(MAX_ROUNDS):
            self.look()
            self.decision = reconcile(self.seen)
            before = self.seen
            assert not (before.mistake and any(isinstance(it, WriteSpec | CreateJob) for it in self.decision.actions))
            closing = before.spec is not None and before.spec.has_closing_work
            assert not (closing and FinishRun() in self.decision.actions), "only workers know that all is done"
            for action in self.decision.actions:
                self.seen = done(self.seen, action)
                self.ledger = self.seen.ledger if isinstance(self.seen.ledger, Ledger) else self.ledger
            self.seen = replace(self.seen, told=status_of(before, self.decision))
            if not self.decision.actions and self.seen.told == before.told:
                break
        else:
            raise AssertionError(f"the operator does not come to rest: {self.decision}")
        self.check(self.decision)

    def check(self, decision: Decision) -> None:
        """What must be true whenever the operator has done what it can."""
        assert status_of(self.seen, decision) == self.seen.told, "the same facts are told differently"
        conditions = [condition.type for condition in self.seen.told.conditions]
        assert self.seen.is_being_deleted or conditions == list(ConditionType)
        true = {c.type for c in self.seen.told.conditions if c.status is ConditionStatus.TRUE}
        assert len(true & {"Complete", "Failed", "Suspended", "Progressing"}) <= 1
        if self.seen.spec and self.seen.spec.suspend and not decision.reason.is_final:
            assert decision.reason.state is State.PAUSED
            assert all(j.parallelism == 0 for j in self.seen.underway)
        if decision.reason.is_final:
            assert not self.seen.underway
        if self.seen.mistake:
            assert decision.reason.is_final or self.seen.is_being_deleted
        if decision.reason.state is State.COMPLETE:
            assert self.ledger.progress.remaining == 0
            assert self.ledger.is_finished

    @invariant()
    def never_two_jobs_at_once(self) -> None:
        assert len([j for j in self.seen.jobs if not j.is_over]) <= 1

    @rule(seconds=st.sampled_from([1, 11, 100, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.seen = replace(self.seen, now=self.seen.now + timedelta(seconds=seconds))

    @rule(fields=st.sampled_from([{"suspend": True}, {"suspend": False}, {"parallelism": 1}, {"parallelism": 3}]))
    def a_person_changes_the_spec(self, fields: dict[str, object]) -> None:
        self.seen = replace(changed(self.seen, **fields), generation=self.seen.generation + 1)

    @rule(limits=st.sampled_from([{"activeDeadlineSeconds": 3000}, {"maxQuarantinedPercent": 0}]))
    def a_person_sets_a_limit(self, limits: dict[str, object]) -> None:
        self.seen = replace(changed(self.seen, **limits), generation=self.seen.generation + 1)

    @rule(mistake=st.sampled_from(["", "It sends pictures elsewhere."]))
    def the_installations_limits_change(self, mistake: str) -> None:
        self.seen = replace(self.seen, mistake=mistake)

    @rule(word=st.sampled_from(["one", "two", "three"]))
    def a_person_asks_for_a_retry(self, word: str) -> None:
        self.seen = replace(self.seen, wanted_retry=word)

    @rule(there=st.booleans())
    def the_ledger_comes_and_goes(self, there: bool) -> None:
        self.has_ledger = there

    @rule(found=st.sampled_from([TRITON, None, replace(TRITON, digest="sha256:other")]))
    def the_detector_comes_and_goes(self, found: Detector | None) -> None:
        self.detector = found

    def running(self, role: Role) -> Job | None:
        jobs = [j for j in self.seen.jobs if not j.is_over and j.role is role and j.parallelism]
        return jobs[0] if jobs else None

    @precondition(lambda self: self.running(Role.PLAN) is not None)
    @rule()
    def the_plan_is_made(self) -> None:
        self.ledger = ledger(pending=IMAGES) if not self.ledger.is_planned else self.ledger

    @precondition(lambda self: self.running(Role.WORK) is not None and self.ledger.progress.pending)
    @rule(published=st.integers(0, IMAGES), quarantined=st.integers(0, 1))
    def images_get_their_fate(self, published: int, quarantined: int) -> None:
        before = self.ledger.progress
        quarantined = min(quarantined, before.pending)
        published = min(published, before.pending - quarantined)
        seen = with_progress(
            replace(self.seen, ledger=self.ledger),
            pending=-published - quarantined,
            published=published,
            quarantined=quarantined,
        )
        assert isinstance(seen.ledger, Ledger)
        self.ledger = seen.ledger

    @precondition(lambda self: self.running(Role.WORK) is not None and self.ledger.is_planned)
    @rule()
    def workers_do_what_follows_the_last_image(self) -> None:
        if not self.ledger.progress.remaining:
            seen = done(replace(self.seen, ledger=self.ledger), FinishRun())
            assert isinstance(seen.ledger, Ledger)
            self.ledger = seen.ledger

    @precondition(lambda self: any(not j.is_over for j in self.seen.jobs))
    @rule(how=st.sampled_from(["", "BackoffLimitExceeded", "PodFailurePolicy"]))
    def the_job_ends(self, how: str) -> None:
        (unfinished,) = (j for j in self.seen.jobs if not j.is_over)
        outcome = JobOutcome.FAILED if how else JobOutcome.COMPLETE
        self.seen = with_job(
            self.seen, unfinished.name, outcome=outcome, outcome_reason=how, ended_at=self.seen.now, active=0, ready=0
        )

    @precondition(lambda self: any(j.is_being_deleted for j in self.seen.jobs))
    @rule()
    def deleted_jobs_are_gone(self) -> None:
        self.seen = replace(self.seen, jobs=tuple(j for j in self.seen.jobs if not j.is_being_deleted))

    @precondition(lambda self: bool(self.seen.jobs))
    @rule()
    def somebody_deletes_a_job(self) -> None:
        self.seen = with_job(self.seen, self.seen.jobs[-1].name, is_being_deleted=True)

    @precondition(lambda self: any(not j.is_over for j in self.seen.jobs))
    @rule(suspended=st.booleans())
    def a_queue_suspends_the_job(self, suspended: bool) -> None:
        (unfinished,) = (j for j in self.seen.jobs if not j.is_over)
        self.seen = with_job(self.seen, unfinished.name, is_suspended=suspended)


TestAnythingMayHappen = AnythingMayHappen.TestCase
TestAnythingMayHappen.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
