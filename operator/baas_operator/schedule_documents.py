"""Reads a BlurSchedule and its BlurJobs into facts, and writes the BlurJob of a start. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from baas_crds.blurjob import KIND as BLURJOB_KIND
from baas_crds.blurjob import BlurJobSpec
from baas_crds.blurschedule import KIND, BlurScheduleSpec, BlurScheduleStatus
from baas_crds.conditions import ConditionStatus
from baas_crds.errors import ConfigurationError
from baas_crds.reading import read_schedule_spec
from baas_operator.calendars import calendar_of
from baas_operator.documents import Document, moment, text
from baas_operator.limits import Limits
from baas_operator.names import (
    API_VERSION,
    MANAGED_BY,
    OPERATOR,
    SCHEDULE,
    SCHEDULE_UID,
    SCHEDULED_AT,
    blurjob_name,
    owner,
)
from baas_operator.schedules import Child, CreateBlurJob, Outcome, SeenSchedule


def read_schedule(document: Document, children: Iterable[Document], limits: Limits, *, now: datetime) -> SeenSchedule:
    """Return all there is to know. Its mistake is what cannot be read, or what its BlurJobs may not say."""
    metadata = document["metadata"]
    spec, calendar, mistake = None, None, ""
    try:
        spec = read_schedule_spec(document.get("spec", {}))
        calendar = calendar_of(spec.schedule, spec.time_zone)
        mistake = limits.refusal(spec.blur_job_template.spec)
    except ConfigurationError as error:
        mistake = str(error)
    return SeenSchedule(
        now=now,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        generation=metadata["generation"],
        created_at=moment(metadata["creationTimestamp"]),
        is_being_deleted="deletionTimestamp" in metadata,
        spec=spec,
        calendar=calendar,
        mistake=mistake,
        told=_read_status(document.get("status", {})),
        children=tuple(child for one in children if (child := read_child(one, metadata["uid"])) is not None),
    )


def _read_status(document: Document) -> BlurScheduleStatus:
    """Return what was told before; nothing if somebody spoiled it, for it is told anew."""
    try:
        return BlurScheduleStatus.model_validate(document)
    except ValidationError:
        return BlurScheduleStatus()


def read_child(document: Document, schedule_uid: str) -> Child | None:
    """Return a BlurJob of the schedule with this uid; None for one that only has its labels."""
    metadata, status = document["metadata"], document.get("status", {})
    owners = {reference["uid"] for reference in metadata.get("ownerReferences", ())}
    due = metadata.get("annotations", {}).get(SCHEDULED_AT)
    if schedule_uid not in owners or due is None:
        return None
    end = _end(status)
    return Child(
        name=metadata["name"],
        uid=metadata["uid"],
        due=moment(due),
        outcome=Outcome(end["type"]) if end else None,
        ended_at=moment(status.get("completionTime", end["lastTransitionTime"])) if end else None,
        message=end["message"] if end else "",
        is_being_deleted="deletionTimestamp" in metadata,
    )


def is_over(blurjob: Document) -> bool:
    """Whether a BlurJob's status says that it ended."""
    return _end(blurjob.get("status", {})) is not None


def _end(status: Document) -> Document | None:
    ends: list[Document] = [
        condition
        for condition in status.get("conditions", ())
        if condition["type"] in set(Outcome) and condition["status"] == ConditionStatus.TRUE
    ]
    return ends[0] if ends else None


def blurjob_of(wanted: CreateBlurJob, seen: SeenSchedule, spec: BlurScheduleSpec) -> dict[str, Any]:
    """Return the BlurJob of a start. Its name follows from the start, so that none is made twice."""
    metadata = spec.blur_job_template.metadata
    ours = {MANAGED_BY: OPERATOR, SCHEDULE: seen.name, SCHEDULE_UID: seen.uid}
    return {
        "apiVersion": API_VERSION,
        "kind": BLURJOB_KIND,
        "metadata": {
            "name": blurjob_name(seen.name, wanted.due),
            "namespace": seen.namespace,
            "labels": {**(metadata.labels or {}), **ours},
            "annotations": {**(metadata.annotations or {}), SCHEDULED_AT: text(wanted.due)},
            "ownerReferences": [owner(seen.name, seen.uid, kind=KIND)],
        },
        "spec": _spec(wanted, spec).as_document(),
    }


def _spec(wanted: CreateBlurJob, spec: BlurScheduleSpec) -> BlurJobSpec:
    template = spec.blur_job_template.spec
    source = template.source
    if spec.takes_only_new:
        source = source.model_copy(update={"only_new": True})
    if wanted.taken_since is not None and source.panorama_api is not None:
        filters = source.panorama_api.filters.model_copy(update={"timestamp_after": wanted.taken_since.isoformat()})
        api = source.panorama_api.model_copy(update={"filters": filters})
        source = source.model_copy(update={"panorama_api": api})
    return template.model_copy(update={"source": source})
