"""Names that the operator gives and reads: children, labels, annotations.

They follow from the BlurJob alone, so that nothing is made twice.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from baas_crds.blurjob import GROUP, KIND, VERSION
from baas_crds.pods import OURS

API_VERSION = f"{GROUP}/{VERSION}"
PLURAL = "blurjobs"
SCHEDULES = "blurschedules"
OPERATOR = "baas-operator"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """Which BlurJob, or which BlurSchedule."""

    namespace: str
    name: str


class Role(StrEnum):
    """What a child Job does."""

    PLAN = "plan"
    """Lists the source into the ledger, in one pod."""
    WORK = "work"
    """Works through the ledger's images, in as many pods as the spec says."""


MANAGED_BY = "app.kubernetes.io/managed-by"
"""On every child: `baas-operator`. The operator watches Jobs with this label only."""
BLURJOB = f"{OURS}blurjob"
"""On every child and pod: the BlurJob's name, for people."""
BLURJOB_UID = f"{OURS}blurjob-uid"
"""On every child and pod: the BlurJob's uid, by which the operator finds them."""
ROLE = f"{OURS}role"
"""On Jobs and pods: a `Role`."""
ATTEMPT = f"{OURS}attempt"
"""On Jobs and pods: the attempt's number, from 1."""
QUEUE = "kueue.x-k8s.io/queue-name"
"""On Jobs with `spec.queueName`: Kueue reads it, and from then on `spec.suspend` of the Job is Kueue's."""

RETRY = f"{OURS}retry-quarantined"
"""On a BlurJob: a person writes any new text to have quarantined images, or a failed run, tried again."""
HANDLED_RETRY = f"{OURS}handled-retry"
"""On the ConfigMap: the last text under RETRY that was acted upon. On Jobs: what it was when the Job was made."""
PAUSED_SINCE = f"{OURS}paused-since"
"""On the ConfigMap: since when the clock of `activeDeadlineSeconds` stands still."""
PAUSED_SECONDS = f"{OURS}paused-seconds"
"""On the ConfigMap: how long it stood still before."""
IDLE_ATTEMPTS = f"{OURS}idle-attempts"
"""On Jobs: how many attempts directly before it brought nothing."""
REMAINING = f"{OURS}remaining-at-start"
"""On Jobs that work: how many images had no fate when it was made."""


SCHEDULE = f"{OURS}blurschedule"
"""On BlurJobs that a BlurSchedule made: its name, for people."""
SCHEDULE_UID = f"{OURS}blurschedule-uid"
"""On BlurJobs that a BlurSchedule made: its uid, by which the operator finds them."""
SCHEDULED_AT = f"{OURS}scheduled-at"
"""On BlurJobs that a BlurSchedule made: for when they were due."""


def blurjob_name(schedule: str, due: datetime) -> str:
    """Return the name of the BlurJob of a start: the minute in UTC, which no change of clocks shows twice."""
    return f"{schedule}-{due.astimezone(UTC):%Y%m%d%H%M}"


def spec_map_name(blurjob: str) -> str:
    """Return the name of the ConfigMap with what pods need of the spec."""
    return f"{blurjob}-spec"


def job_name(blurjob: str, role: Role, attempt: int) -> str:
    """Return the name of a Job. At most 11 characters behind the BlurJob's name: 63 in all, as pods' labels demand."""
    return f"{blurjob}-{role}-{attempt}"


def labels(blurjob: str, uid: str) -> dict[str, str]:
    """Return the labels of every child."""
    return {MANAGED_BY: OPERATOR, BLURJOB: blurjob, BLURJOB_UID: uid}


def job_labels(blurjob: str, uid: str, role: Role, attempt: int) -> dict[str, str]:
    """Return the labels of a Job and its pods."""
    return labels(blurjob, uid) | {ROLE: role, ATTEMPT: str(attempt)}


def selector(uid: str, role: Role | None = None) -> str:
    """Return the label selector of a BlurJob's Jobs and pods, of one role if given."""
    return f"{BLURJOB_UID}={uid}" + (f",{ROLE}={role}" if role else "")


def owner(name: str, uid: str, *, kind: str = KIND) -> dict[str, object]:
    """Return the owner reference of a child: Kubernetes deletes it with its BlurJob, or with what `kind` says."""
    return {"apiVersion": API_VERSION, "kind": kind, "name": name, "uid": uid, "controller": True}
