"""The pod that plans or works: one container, no token, nothing writable but its scratch space and the output. Pure.

The security settings are those of Kubernetes' Pod Security Standard *restricted*.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from baas_crds.blurjob import BlurJobSpec, Detector
from baas_crds.places import SecretKey, Volume
from baas_crds.pods import PodTemplate
from baas_operator.names import Role, spec_map_name
from baas_operator.places import PodPlace, claims_of, places_of
from baas_operator.traces import traceparent

CONTAINER = "worker"
USER = 65532
"""Not root; the number that distroless images call `nonroot`."""
GRACE_SECONDS = 120
"""An image in flight takes about a minute on two cores; the rest is given back."""
SPEC_FOLDER = "/etc/baas"
SPEC_KEY = "blurjob.json"
EXCLUDE_FOLDER = "exclude"
"""Within SPEC_FOLDER: the exclude list under its own key."""
AUDIT_FOLDER = "/etc/baas-audit"
"""Holds a folder with the name of the audit key's Secret, so that a path tells which Secret is meant."""
SCRATCH_FOLDER = "/tmp"  # noqa: S108 - the pod's own: nobody else is in there

ATTRIBUTES, FURTHER_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES", "FURTHER_RESOURCE_ATTRIBUTES"

Part = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodDefaults:
    """What the chart says of pods; a BlurJob's `podTemplate` may differ."""

    image: str
    image_pull_policy: str
    image_pull_secrets: tuple[str, ...]
    detector: Detector
    """Where Triton is, for BlurJobs that do not say."""
    ledger: SecretKey | str
    """Where the ledger's URL is, or the URL, when it holds no password."""
    audit_secret: SecretKey | None = None
    """Where the key is that signs audit records; without one they are not signed."""
    log_level: str | None = None
    """Less important lines are not logged. None: the workers' own default."""
    traced_percent: float | None = None
    """Share of images whose spans are told when all goes well. None: the workers' own default."""
    metrics_port: int | None = None
    """Where Prometheus finds the pods' metrics. None: it does not look."""
    template: PodTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOf:
    """Whose pods they are."""

    namespace: str
    blurjob: str
    uid: str
    """The BlurJob's."""
    job: str


def pod_template(of: PodOf, *, spec: BlurJobSpec, role: Role, labels: dict[str, str], defaults: PodDefaults) -> Part:
    """Return the template of a Job's pods."""
    own, ours = spec.pod_template, defaults.template
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "serviceAccountName": own.service_account_name or ours.service_account_name,
        "priorityClassName": own.priority_class_name or ours.priority_class_name,
        "nodeSelector": _first(own.node_selector, ours.node_selector),
        "affinity": _first(own.affinity, ours.affinity),
        "tolerations": [toleration.as_document() for toleration in _first(own.tolerations, ours.tolerations) or ()],
        "imagePullSecrets": [{"name": secret} for secret in defaults.image_pull_secrets],
        "volumes": list(_volumes(of.blurjob, spec, defaults)),
        "containers": [_container(of, spec=spec, role=role, defaults=defaults)],
    }
    metadata = {
        "labels": {**(ours.labels or {}), **(own.labels or {}), **labels},
        "annotations": {**(ours.annotations or {}), **(own.annotations or {})},
    }
    return {"metadata": metadata, "spec": _without_nothing(pod)}


def _container(of: PodOf, *, spec: BlurJobSpec, role: Role, defaults: PodDefaults) -> Part:
    resources = _first(spec.pod_template.resources, defaults.template.resources)
    further = list(_further_env(spec, defaults))
    has_attributes = any(variable["name"] == FURTHER_ATTRIBUTES for variable in further)
    ports = [{"name": "metrics", "containerPort": defaults.metrics_port}] if defaults.metrics_port else []
    return {
        "name": CONTAINER,
        "image": defaults.image,
        "imagePullPolicy": defaults.image_pull_policy,
        "command": ["baas", role.value],
        "env": [*_own_env(spec, defaults), *further, *_told_env(of, further=has_attributes)],
        **({"ports": ports} if ports else {}),
        "resources": resources.as_document() if resources else {},
        "volumeMounts": list(_mounts(spec, defaults)),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }


def _own_env(spec: BlurJobSpec, defaults: PodDefaults) -> Iterator[Part]:
    detector = spec.detector if spec.detector.triton_url else defaults.detector
    yield {"name": "BAAS_JOB_FILE", "value": f"{SPEC_FOLDER}/{SPEC_KEY}"}
    yield {"name": "BAAS_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    if isinstance(defaults.ledger, str):
        yield {"name": "BAAS_LEDGER", "value": defaults.ledger}
    else:
        yield _from_secret("BAAS_LEDGER", defaults.ledger)
    yield {"name": "BAAS_TRITON", "value": detector.triton_url}
    if key := defaults.audit_secret:
        yield {"name": "BAAS_AUDIT_KEY", "value": f"{AUDIT_FOLDER}/{key.name}/{key.key}"}
    for place in places_of(spec):
        if place.azure_blob and (secret := place.azure_blob.connection_string_secret):
            yield _from_secret(place.variable, secret)
    if defaults.log_level is not None:
        yield {"name": "BAAS_LOG_LEVEL", "value": defaults.log_level}
    if defaults.traced_percent is not None:
        yield {"name": "BAAS_TRACED_PERCENT", "value": f"{defaults.traced_percent:g}"}


def _further_env(spec: BlurJobSpec, defaults: PodDefaults) -> Iterator[Part]:
    """Give the chart's variables, then the BlurJob's; of two with the same name, the BlurJob's.

    Attributes of a resource get another name: ours come behind them.
    """
    further = {variable.name: variable for variable in (*(defaults.template.env or ()), *(spec.pod_template.env or ()))}
    for name, variable in further.items():
        yield variable.as_document() | ({"name": FURTHER_ATTRIBUTES} if name == ATTRIBUTES else {})


def _told_env(of: PodOf, *, further: bool) -> Iterator[Part]:
    """Give what tells a pod which trace it goes on with, and who it is."""
    yield {"name": "TRACEPARENT", "value": traceparent(of.uid, of.job)}
    yield {"name": "BAAS_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    attributes = {
        "k8s.namespace.name": of.namespace,
        "k8s.job.name": of.job,
        "k8s.pod.name": "$(BAAS_POD_NAME)",
        "k8s.node.name": "$(BAAS_NODE_NAME)",
        "baas.blurjob.name": of.blurjob,
    }
    # Of two with the same name the last one counts: nobody passes for another BlurJob.
    words = [f"$({FURTHER_ATTRIBUTES})"] if further else []
    words += [f"{key}={value}" for key, value in attributes.items()]
    yield {"name": ATTRIBUTES, "value": ",".join(words)}


def _from_secret(variable: str, secret: SecretKey) -> Part:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret.name, "key": secret.key}}}


def _volumes(name: str, spec: BlurJobSpec, defaults: PodDefaults) -> Iterator[Part]:
    files: list[Part] = [{"configMap": {"name": spec_map_name(name)}}]
    if spec.source.exclude_list and (listed := spec.source.exclude_list.config_map):
        item = {"key": listed.key, "path": f"{EXCLUDE_FOLDER}/{listed.key}"}
        files.append({"configMap": {"name": listed.name, "items": [item]}})
    yield {"name": "spec", "projected": {"sources": files}}
    yield {"name": "scratch", "emptyDir": {}}
    if defaults.audit_secret:
        yield {"name": "audit", "secret": _audit_files(defaults.audit_secret)}
    for claim, volume in claims_of(spec).items():
        yield {"name": volume, "persistentVolumeClaim": {"claimName": claim}}


def _audit_files(key: SecretKey) -> Part:
    return {
        "secretName": key.name,
        "items": [{"key": key.key, "path": key.key}],
        # Of the owner, which is root; fsGroup lets our group read it, too.
        "defaultMode": 0o400,
        # A pod that lacks a volume waits for ever without a word. One that lacks the file ends, and says so.
        "optional": True,
    }


def _mounts(spec: BlurJobSpec, defaults: PodDefaults) -> Iterator[Part]:
    yield {"name": "spec", "mountPath": SPEC_FOLDER, "readOnly": True}
    yield {"name": "scratch", "mountPath": SCRATCH_FOLDER}
    if key := defaults.audit_secret:
        yield {"name": "audit", "mountPath": f"{AUDIT_FOLDER}/{key.name}", "readOnly": True}
    names = claims_of(spec)
    yield from (_mount(names, place, place.volume) for place in places_of(spec) if place.volume)


def _mount(names: Mapping[str, str], place: PodPlace, volume: Volume) -> Part:
    # Pods see the folder and nothing beside it.
    below = {"subPath": volume.path} if volume.path else {}
    return {
        "name": names[volume.claim_name],
        "mountPath": place.folder,
        "readOnly": place.is_read_only,
        **below,
    }


def _first(own: Any, ours: Any) -> Any:
    return ours if own is None else own


def _without_nothing(pod: Part) -> Part:
    return {key: value for key, value in pod.items() if value not in (None, [], {})}
