"""What the operator knows when it decides: frozen facts, collected once by `world.py`."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from baas_crds.blurjob import BlurJobSpec
from baas_crds.conditions import Condition, ConditionStatus, ConditionType
from baas_crds.status import BlurJobStatus
from baas_ledger.facts import Progress, Run
from baas_ledger.tables import RunState
from baas_operator.names import Role


def verdict_of(status: BlurJobStatus) -> Condition | None:
    """Return the condition that says how a run ended, if it has."""
    ends = {ConditionType.COMPLETE, ConditionType.FAILED}
    return next((c for c in status.conditions if c.type in ends and c.status is ConditionStatus.TRUE), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    """Why something that the run needs cannot be used now, in one word and in a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A model that Triton has ready."""

    address: str
    model: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the ledger says of the BlurJob's run."""

    run: Run | None
    """None until its planning began."""
    progress: Progress = field(default_factory=Progress)
    samples: tuple[str, ...] = ()
    """A sentence for each that was drawn, or that somebody began to copy."""

    @property
    def is_planned(self) -> bool:
        """Whether every image of the source is in the ledger."""
        return self.run is not None and self.run.planned_at is not None

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.run is not None and self.run.state is RunState.FINISHED


class JobOutcome(StrEnum):
    """How a Job ended; its pods are gone by then. The types of its conditions, as Kubernetes names them."""

    COMPLETE = "Complete"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A child Job."""

    name: str
    uid: str
    role: Role
    attempt: int
    created_at: datetime
    parallelism: int
    is_suspended: bool = False
    """`spec.suspend` of the Job: Kueue's, never the operator's."""
    is_being_deleted: bool = False
    active: int = 0
    """Pods that are pending or running and were not told to end."""
    terminating: int = 0
    """Pods that were told to end and finish what they are at."""
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    outcome: JobOutcome | None = None
    outcome_reason: str = ""
    """Kubernetes' word, such as PodFailurePolicy or BackoffLimitExceeded."""
    ended_at: datetime | None = None
    retry: str | None = None
    """What was the last handled retry when the Job was made."""
    idle_attempts: int = 0
    """Attempts directly before it that brought nothing."""
    remaining: int | None = None
    """Images without a fate when it was made."""

    @property
    def is_over(self) -> bool:
        """Whether it ended by itself."""
        return self.outcome is not None

    @property
    def is_underway(self) -> bool:
        """Whether it may have pods, now or later."""
        return self.outcome is None and not self.is_being_deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod of a child Job, as far as it has something to tell."""

    name: str
    job: str
    trouble: str | None = None
    """Why it cannot start."""
    exit_code: int | None = None
    ended_at: datetime | None = None
    last_words: str = ""
    """Its termination message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """What the operator must remember of a BlurJob: annotations of its ConfigMap, which lives as long as the run."""

    written_at: datetime
    """When the ConfigMap was made, and with it the first Job: the run's start."""
    handled_retry: str | None = None
    paused_since: datetime | None = None
    paused_seconds: int = 0

    def seconds_at_work(self, now: datetime) -> int:
        """Return how long the run has taken, pauses left out."""
        return int(((self.paused_since or now) - self.written_at).total_seconds()) - self.paused_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All there is to know about one BlurJob at one moment."""

    now: datetime
    namespace: str
    name: str
    uid: str
    version: str
    """The API server's, of the BlurJob as it was seen."""
    generation: int
    created_at: datetime
    is_being_deleted: bool = False
    spec: BlurJobSpec | None = None
    mistake: str = ""
    """What is wrong with the spec: it cannot be read, or goes beyond the installation's limits."""
    told: BlurJobStatus = field(default_factory=BlurJobStatus)
    """The status as it stands in the cluster."""
    wanted_retry: str | None = None
    notebook: Notebook | None = None
    jobs: tuple[Job, ...] = ()
    pods: tuple[Pod, ...] = ()
    """Looked for only when a Job failed or has pods that are not ready."""
    ledger: Ledger | NotReady | None = None
    """None when it was not looked at: the BlurJob is at rest."""
    detector: Detector | NotReady | None = None
    """None when it was not looked at."""

    @property
    def verdict(self) -> Condition | None:
        """How the run ended, if it was told so."""
        return verdict_of(self.told)

    @property
    def wants_retry(self) -> bool:
        """Whether a person asks for a retry that was not done yet."""
        return self.notebook is not None and self.wanted_retry not in {None, self.notebook.handled_retry}

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is left to find out: it ended, and nobody has asked for anything since."""
        is_over = self.verdict is not None and self.told.observed_generation == self.generation
        return self.is_being_deleted or (is_over and not self.wants_retry)

    @property
    def outlives(self) -> datetime | None:
        """When it is to be deleted, as `ttlSecondsAfterFinished` says."""
        ttl = self.spec.ttl_seconds_after_finished if self.spec else None
        ended = self.told.completion_time
        return None if ttl is None or ended is None or self.verdict is None else ended + timedelta(seconds=ttl)

    @property
    def underway(self) -> tuple[Job, ...]:
        """Jobs that may have pods, now or later."""
        return tuple(job for job in self.jobs if job.is_underway)

    @property
    def workers(self) -> int:
        """Pods that work, with those that finish what they are at: as long as there is one, images are held."""
        return sum(job.active + job.terminating for job in self.jobs if job.role is Role.WORK)

    def latest(self, role: Role) -> Job | None:
        """Return the last Job of a role that was made since the last retry."""
        handled = self.notebook.handled_retry if self.notebook else None
        jobs = [job for job in self.jobs if job.role is role and job.retry == handled]
        return max(jobs, key=lambda job: job.attempt, default=None)

    def attempts(self, role: Role) -> int:
        """Return how many Jobs of a role there were, those included that somebody has removed since."""
        seen = max((job.attempt for job in self.jobs if job.role is role), default=0)
        return max(seen, (self.told.attempt or 0) if role is Role.WORK else 0)
