"""Events: what `kubectl describe blurjob` lists, one for each change of reason. Pure."""

import hashlib
from typing import Any

from baas_crds.blurjob import KIND
from baas_crds.conditions import ConditionType
from baas_crds.status import BlurJobStatus
from baas_operator.documents import text
from baas_operator.names import API_VERSION, OPERATOR, labels
from baas_operator.observed import Observed
from baas_operator.reasons import Reason, State

NOTE_LIMIT = 1024
"""Kubernetes' own limit."""


def headline(status: BlurJobStatus) -> str | None:
    """Return the reason that a status tells, the one of Progressing."""
    return next((c.reason for c in status.conditions if c.type is ConditionType.PROGRESSING), None)


def event_of(seen: Observed, told: BlurJobStatus, *, instance: str) -> dict[str, Any] | None:
    """Return the event for what was told just now; None when the reason is still the same.

    Its name follows from what it says and when, so that it is not posted twice.
    """
    reason = headline(told)
    if reason is None or reason == headline(seen.told):
        return None
    message = next(c.message for c in told.conditions if c.type is ConditionType.PROGRESSING)
    at = text(seen.now)
    bad = Reason(reason).state in {State.WAITING, State.FAILED}
    digest = hashlib.sha256(f"{seen.uid}/{reason}/{at}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{seen.name}.{digest}",
            "namespace": seen.namespace,
            "labels": labels(seen.name, seen.uid),
        },
        "eventTime": f"{at[:-1]}.000000Z",
        "reportingController": f"blurring.amsterdam.nl/{OPERATOR}",
        "reportingInstance": instance[:128],
        "type": "Warning" if bad else "Normal",
        "reason": reason,
        "action": "Reconcile",
        "note": message[:NOTE_LIMIT],
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": seen.namespace,
            "name": seen.name,
            "uid": seen.uid,
        },
    }
