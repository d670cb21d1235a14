"""What others are told of a BlurJob, as CloudEvents 1.0: that it ended, or that too many images are quarantined. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, and formats/json-format.md beside it. An event
tells counts and fixed words only: no name of a picture, no text that a pod wrote.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

from baas_crds.conditions import ConditionType
from baas_crds.status import BlurJobStatus
from baas_operator.changes import end_of, passed_threshold
from baas_operator.documents import text
from baas_operator.names import API_VERSION, PLURAL
from baas_operator.observed import Observed
from baas_operator.reasons import Reason
from baas_operator.traces import trace_id

CONTENT_TYPE = "application/cloudevents+json"
TYPE = "nl.amsterdam.blurring.blurjob"

Notice = dict[str, Any]
"""A CloudEvent in its JSON format."""


def notices(seen: Observed, status: BlurJobStatus) -> Iterator[Notice]:
    """Give what is to be told when `status` takes the place of the one that was seen.

    The id of an event follows from the BlurJob's uid, its generation, the last retry and the reason: who hears it twice
    can tell. The same state is told again only after somebody has asked for a retry or changed the spec.
    """
    if (end := end_of(seen.told, status)) is not None:
        word = "completed" if end.type is ConditionType.COMPLETE else "failed"
        yield _notice(seen, status, word, Reason(end.reason))
    elif seen.spec is not None and passed_threshold(seen.spec, seen.told, status):
        yield _notice(seen, status, "quarantine-threshold", Reason.TOO_MANY_QUARANTINED)


def _notice(seen: Observed, status: BlurJobStatus, word: str, reason: Reason) -> Notice:
    retry = seen.notebook.handled_retry if seen.notebook else None
    return {
        "specversion": "1.0",
        "id": str(uuid5(UUID(seen.uid), "\0".join([str(seen.generation), retry or "", word, reason]))),
        "source": f"/apis/{API_VERSION}/namespaces/{seen.namespace}/{PLURAL}/{seen.name}",
        "type": f"{TYPE}.{word}",
        "time": text(seen.now),
        "datacontenttype": "application/json",
        "data": {
            "namespace": seen.namespace,
            "blurjob": seen.name,
            "runId": seen.uid,
            "traceId": trace_id(seen.uid),
            "reason": reason.value,
            "meaning": reason.meaning,
            "images": status.images.as_document() if status.images else None,
        },
    }
