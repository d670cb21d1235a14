"""Events: what `kubectl describe blurjob` lists, one for each change of reason. Pure."""

import hashlib
from datetime import datetime
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
    return event(
        kind=KIND,
        namespace=seen.namespace,
        name=seen.name,
        uid=seen.uid,
        labels=labels(seen.name, seen.uid),
        reason=reason,
        about=text(seen.now),
        note=message,
        is_bad=Reason(reason).state in {State.WAITING, State.FAILED},
        at=seen.now,
        instance=instance,
    )


def event(
    *,
    kind: str,
    namespace: str,
    name: str,
    uid: str,
    labels: dict[str, str],
    reason: str,
    about: str,
    note: str,
    is_bad: bool,
    at: datetime,
    instance: str,
) -> dict[str, Any]:
    """Return an event of an object. Its own name follows from uid, reason and what it is about, which is told once."""
    digest = hashlib.sha256(f"{uid}/{reason}/{about}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{digest}", "namespace": namespace, "labels": labels},
        "eventTime": f"{text(at)[:-1]}.000000Z",
        "reportingController": f"blurring.amsterdam.nl/{OPERATOR}",
        "reportingInstance": instance[:128],
        "type": "Warning" if is_bad else "Normal",
        "reason": reason,
        "action": "Reconcile",
        "note": note[:NOTE_LIMIT],
        "regarding": {"apiVersion": API_VERSION, "kind": kind, "namespace": namespace, "name": name, "uid": uid},
    }
