"""The documents of a BlurJob's children: a ConfigMap with what pods need of the spec, and Jobs. Pure."""

import json
from typing import Any

from baas_crds.blurjob import KIND, BlurJobSpec
from baas_crds.codes import ExitCode
from baas_operator.decision import CreateJob
from baas_operator.names import (
    API_VERSION,
    HANDLED_RETRY,
    IDLE_ATTEMPTS,
    QUEUE,
    REMAINING,
    job_labels,
    job_name,
    labels,
    owner,
    spec_map_name,
)
from baas_operator.pods import CONTAINER, SPEC_KEY, PodDefaults, PodOf, pod_template

BACKOFF_LIMIT = 6
"""Pods that may fail before the Job does, besides two for each worker."""


def spec_map(*, namespace: str, name: str, uid: str, spec: BlurJobSpec, handled_retry: str | None) -> dict[str, Any]:
    """Return the ConfigMap that pods read.

    What may change later is left out: pods do not need it, and the document stays the same for ever.
    """
    fixed = spec.model_dump(mode="json", exclude_none=True, exclude=set(BlurJobSpec.CHANGEABLE))
    blurjob = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "uid": uid},
        "spec": fixed,
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": spec_map_name(name),
            "namespace": namespace,
            "labels": labels(name, uid),
            "annotations": {HANDLED_RETRY: handled_retry} if handled_retry is not None else {},
            "ownerReferences": [owner(name, uid)],
        },
        "immutable": True,
        "data": {SPEC_KEY: json.dumps(blurjob, indent=2)},
    }


def job(
    wanted: CreateJob, *, namespace: str, name: str, uid: str, spec: BlurJobSpec, defaults: PodDefaults
) -> dict[str, Any]:
    """Return the Job of an attempt: a work queue, done when a pod says that nothing is left and all pods are gone.

    With a queue it is made suspended, as Kueue demands; Kueue lets it start.
    """
    marks = job_labels(name, uid, wanted.role, wanted.attempt)
    of = PodOf(namespace=namespace, blurjob=name, uid=uid, job=job_name(name, wanted.role, wanted.attempt))
    notes = {HANDLED_RETRY: wanted.retry, IDLE_ATTEMPTS: wanted.idle_attempts, REMAINING: wanted.remaining}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": of.job,
            "namespace": namespace,
            "labels": marks | ({QUEUE: spec.queue_name} if spec.queue_name else {}),
            "annotations": {key: str(value) for key, value in notes.items() if value is not None},
            "ownerReferences": [owner(name, uid)],
        },
        "spec": {
            "parallelism": wanted.parallelism,
            "backoffLimit": BACKOFF_LIMIT + 2 * wanted.parallelism,
            "podFailurePolicy": {"rules": list(_POD_FAILURES)},
            **({"suspend": True} if spec.queue_name else {}),
            "template": pod_template(of, spec=spec, role=wanted.role, labels=marks, defaults=defaults),
        },
    }


_POD_FAILURES = (
    # Evicted, preempted, or its node went away.
    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    # Told to stop, and stopped in good order.
    {
        "action": "Ignore",
        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [ExitCode.INTERRUPTED]},
    },
    {
        "action": "FailJob",
        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [ExitCode.CONFIGURATION]},
    },
)
