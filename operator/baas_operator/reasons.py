"""Why a BlurJob is where it is. The same words stand in conditions, events, metrics and docs, and never change."""

from enum import Enum, StrEnum, auto


class State(Enum):
    """What a reason means for the run."""

    WAITING = auto()
    """Something is missing that the operator cannot make."""
    PAUSED = auto()
    """Somebody wants it to rest; the deadline's clock stands still."""
    MOVING = auto()
    """Pods are at it, or about to be."""
    COMPLETE = auto()
    FAILED = auto()


class Reason(StrEnum):
    """The reason of the condition Progressing, and of the event when it changes."""

    LEDGER_NOT_READY = "WaitingForLedger"
    DETECTOR_NOT_READY = "WaitingForDetector"
    REFUSED = "ChildRefused"
    NAME_TAKEN = "NameTaken"
    SUSPENDED = "Suspended"
    QUEUED = "Queued"
    PLANNING = "Planning"
    WORKING = "Working"
    NEXT_ATTEMPT = "NextAttempt"
    RETRYING = "Retrying"
    FINISHING = "Finishing"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    INVALID_SPEC = "InvalidSpec"
    CONFIGURATION_ERROR = "ConfigurationError"
    TOO_MANY_QUARANTINED = "TooManyQuarantined"
    NO_PROGRESS = "NoProgress"
    PLAN_FAILED = "PlanFailed"
    DEADLINE_EXCEEDED = "DeadlineExceeded"

    @property
    def state(self) -> State:
        """What it means for the run."""
        return _STATES[self]

    @property
    def meaning(self) -> str:
        """What a person should make of it."""
        return _MEANINGS[self]

    @property
    def is_final(self) -> bool:
        """Whether the run is over."""
        return self.state in {State.COMPLETE, State.FAILED}


_MEANINGS = {
    Reason.LEDGER_NOT_READY: "The database does not answer, or is no ledger yet; the condition LedgerReady says more.",
    Reason.DETECTOR_NOT_READY: "Triton does not serve the right model yet; the condition DetectorReady says more.",
    Reason.REFUSED: "The API server did not let the operator make a Job; it tries again.",
    Reason.NAME_TAKEN: "A Job that is not this BlurJob's has the name that its Job needs.",
    Reason.SUSPENDED: "`spec.suspend` is true.",
    Reason.QUEUED: "Kueue, or whoever else suspended the Job, has not let it start.",
    Reason.PLANNING: "The source is being listed.",
    Reason.WORKING: "Workers are at it.",
    Reason.NEXT_ATTEMPT: "A Job ended before everything was done; another one takes what is left.",
    Reason.RETRYING: "What had failed is tried again, as the annotation asked.",
    Reason.FINISHING: "Every image has its fate; the ledger is told.",
    Reason.STOPPING: "A Job that is being deleted is waited for.",
    Reason.COMPLETED: "Every image has its fate, and few enough are quarantined.",
    Reason.INVALID_SPEC: "The spec cannot work, or is not allowed here; the message says what to change.",
    Reason.CONFIGURATION_ERROR: "A pod found something that no retry can repair; the message is its own.",
    Reason.TOO_MANY_QUARANTINED: "More images are quarantined than `maxQuarantinedPercent` allows.",
    Reason.NO_PROGRESS: "Several Jobs in a row ended without any image getting its fate, or without what follows "
    "the last one: samples drawn, originals deleted.",
    Reason.PLAN_FAILED: "Several Jobs in a row could not list the source.",
    Reason.DEADLINE_EXCEEDED: "The run took longer than `activeDeadlineSeconds`.",
}
_STATES = {
    Reason.LEDGER_NOT_READY: State.WAITING,
    Reason.DETECTOR_NOT_READY: State.WAITING,
    Reason.REFUSED: State.WAITING,
    Reason.NAME_TAKEN: State.WAITING,
    Reason.SUSPENDED: State.PAUSED,
    Reason.QUEUED: State.PAUSED,
    Reason.PLANNING: State.MOVING,
    Reason.WORKING: State.MOVING,
    Reason.NEXT_ATTEMPT: State.MOVING,
    Reason.RETRYING: State.MOVING,
    Reason.FINISHING: State.MOVING,
    Reason.STOPPING: State.MOVING,
    Reason.COMPLETED: State.COMPLETE,
    Reason.INVALID_SPEC: State.FAILED,
    Reason.CONFIGURATION_ERROR: State.FAILED,
    Reason.TOO_MANY_QUARANTINED: State.FAILED,
    Reason.NO_PROGRESS: State.FAILED,
    Reason.PLAN_FAILED: State.FAILED,
    Reason.DEADLINE_EXCEEDED: State.FAILED,
}
