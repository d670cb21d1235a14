"""Reads Kubernetes' documents into facts. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from pydantic import ValidationError

from baas_crds.errors import ConfigurationError
from baas_crds.reading import read_spec
from baas_crds.status import BlurJobStatus
from baas_operator.limits import Limits
from baas_operator.names import (
    ATTEMPT,
    HANDLED_RETRY,
    IDLE_ATTEMPTS,
    PAUSED_SECONDS,
    PAUSED_SINCE,
    REMAINING,
    RETRY,
    ROLE,
    Role,
)
from baas_operator.observed import Job, JobOutcome, Notebook, Observed, Pod

Document: TypeAlias = Mapping[str, Any]
"""An object as the API server gives it."""

LAST_WORDS_LIMIT = 3000
"""A condition's message holds 4,096 characters; Kubernetes gives as many of a pod."""
_STILL_STARTING = {"ContainerCreating", "PodInitializing"}


def moment(text: str) -> datetime:
    """Return a point in time, as Kubernetes writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def text(at: datetime) -> str:
    """Return a point in time as Kubernetes writes it, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_blurjob(document: Document, limits: Limits, *, now: datetime) -> Observed:
    """Return what a BlurJob itself tells. Its mistake is what cannot be read, or what the limits do not allow."""
    metadata = document["metadata"]
    spec, mistake = None, ""
    try:
        spec = read_spec(document.get("spec", {}))
        mistake = limits.refusal(spec)
    except ConfigurationError as error:
        mistake = str(error)
    return Observed(
        now=now,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        generation=metadata["generation"],
        created_at=moment(metadata["creationTimestamp"]),
        is_being_deleted="deletionTimestamp" in metadata,
        spec=spec,
        mistake=mistake,
        told=_read_status(document.get("status", {})),
        wanted_retry=metadata.get("annotations", {}).get(RETRY),
    )


def _read_status(document: Document) -> BlurJobStatus:
    """Return what was told before; nothing if somebody spoiled it, for it is told anew."""
    try:
        return BlurJobStatus.model_validate(document)
    except ValidationError:
        return BlurJobStatus()


def read_job(document: Document) -> Job | None:
    """Return a child Job; None for one that somebody only gave our labels."""
    metadata, spec, status = document["metadata"], document["spec"], document.get("status", {})
    labels, notes = metadata.get("labels", {}), metadata.get("annotations", {})
    if labels.get(ROLE) not in set(Role) or not labels.get(ATTEMPT, "").isdecimal():
        return None
    end = _end(status)
    return Job(
        name=metadata["name"],
        uid=metadata["uid"],
        role=Role(labels[ROLE]),
        attempt=int(labels[ATTEMPT]),
        created_at=moment(metadata["creationTimestamp"]),
        parallelism=spec.get("parallelism", 1),
        is_suspended=spec.get("suspend", False),
        is_being_deleted="deletionTimestamp" in metadata,
        active=status.get("active", 0),
        terminating=status.get("terminating", 0),
        ready=status.get("ready", 0),
        succeeded=status.get("succeeded", 0),
        failed=status.get("failed", 0),
        outcome=JobOutcome(end["type"]) if end else None,
        outcome_reason=end.get("reason", "") if end else "",
        ended_at=moment(end["lastTransitionTime"]) if end else None,
        retry=notes.get(HANDLED_RETRY),
        idle_attempts=int(notes.get(IDLE_ATTEMPTS, 0)),
        remaining=int(notes[REMAINING]) if REMAINING in notes else None,
    )


def _end(status: Document) -> Document | None:
    """Return the condition that ended a Job. Kubernetes sets it when the last pod is gone."""
    ends: list[Document] = [
        condition
        for condition in status.get("conditions", ())
        if condition["type"] in set(JobOutcome) and condition["status"] == "True"
    ]
    return ends[0] if ends else None


def read_pod(document: Document) -> Pod:
    """Return a pod of a child Job."""
    status = document.get("status", {})
    container: Document = next(iter(status.get("containerStatuses", ())), {})
    ended: Document = container.get("state", {}).get("terminated", {})
    return Pod(
        name=document["metadata"]["name"],
        job=document["metadata"]["ownerReferences"][0]["name"],
        trouble=_trouble(status, container.get("state", {}).get("waiting", {})),
        exit_code=ended.get("exitCode"),
        ended_at=moment(ended["finishedAt"]) if ended.get("finishedAt") else None,
        last_words=ended.get("message", "").strip()[:LAST_WORDS_LIMIT],
    )


def _trouble(status: Document, waiting: Document) -> str | None:
    if waiting and waiting.get("reason") not in _STILL_STARTING:
        return ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
    return None


def read_notebook(document: Document) -> Notebook:
    """Return what the operator remembers, from the ConfigMap's metadata."""
    metadata = document["metadata"]
    notes = metadata.get("annotations") or {}
    return Notebook(
        written_at=moment(metadata["creationTimestamp"]),
        handled_retry=notes.get(HANDLED_RETRY),
        paused_since=moment(notes[PAUSED_SINCE]) if PAUSED_SINCE in notes else None,
        paused_seconds=int(notes.get(PAUSED_SECONDS, 0)),
    )


def notebook_annotations(notebook: Notebook) -> dict[str, str | None]:
    """Return the notebook as a merge patch of annotations: what is unset is removed."""
    return {
        HANDLED_RETRY: notebook.handled_retry,
        PAUSED_SINCE: text(notebook.paused_since) if notebook.paused_since else None,
        PAUSED_SECONDS: str(notebook.paused_seconds) if notebook.paused_seconds else None,
    }
