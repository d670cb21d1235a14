"""What the operator may do, and what it decides."""

from dataclasses import dataclass
from typing import TypeAlias

from baas_operator.names import Role
from baas_operator.observed import Notebook
from baas_operator.reasons import Reason

LOOK_SECONDS = 5.0
"""How often pods at work are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSpec:
    """Make the ConfigMap with the spec, which is the operator's notebook too."""

    handled_retry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remember:
    """Write into the notebook."""

    notebook: Notebook


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateJob:
    """Make the Job of an attempt."""

    role: Role
    attempt: int
    parallelism: int
    retry: str | None = None
    idle_attempts: int = 0
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Let a Job have so many pods."""

    job: str
    parallelism: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJob:
    """Delete a Job; its pods finish what they are at, and go."""

    job: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryQuarantined:
    """Send all quarantined images back to be done again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRun:
    """Tell the ledger that the run is finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteBlurJob:
    """Delete the BlurJob itself, because its time to live is over."""


Action: TypeAlias = WriteSpec | Remember | CreateJob | Scale | DeleteJob | RetryQuarantined | FinishRun | DeleteBlurJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where the BlurJob is, in a word and in sentences, and what is to be done about it."""

    reason: Reason
    message: str
    actions: tuple[Action, ...] = ()
    look_again_seconds: float | None = None
    """When the next look is due, though nothing happens until then. None: when something happens."""
    polls: bool = False
    """Whether that is how often something is looked for that nobody tells of: it may be later where many wait.
    Otherwise it is an appointment."""
