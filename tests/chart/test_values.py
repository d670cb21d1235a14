"""values.yaml is the manual: every value does something, nothing else is taken, and each mistake is named."""

import json
import re
from collections.abc import Iterator
from functools import cache

import pytest
import yaml

from tests.blurjobs import with_change
from tests.chart.rendering import CHART, CLIENT_ID, DIGEST, VALUE_SETS, Object, Refused, manifests

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
ENV = [{"name": "CHANGED", "value": "yes"}]


def _walk(schema: Object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Object]]:
    """Yield all groups and values by their path."""
    yield ".".join(path), schema
    for name, below in schema.get("properties", {}).items():
        if name != "global":
            yield from _walk(below, (*path, name))


EVERYTHING = dict(_walk(SCHEMA))
VALUES = {path: schema for path, schema in EVERYTHING.items() if "default" in schema}
GROUPS = [path for path in EVERYTHING if path not in VALUES]

# Values that mean something only beside others, by the set of values where they do. The longest beginning counts.
WHERE = {
    "": "on CPUs",
    "api.": "an online endpoint",
    "api.autoscaling.enabled": "an endpoint of one size",
    "api.replicas": "an endpoint of one size",
    "api.serviceAccount.create": "an endpoint of one size",
    "audit.signingKey.key": "everything",
    "crds.keep": "the definition",
    "ledger.url": "a ledger by identity",
    "monitoring.": "hpa and service monitors",
    "monitoring.grafanaDashboard.": "a dashboard",
    "monitoring.grafanaDashboard.enabled": "on CPUs",
    "monitoring.prometheusRule.": "everything",
    "monitoring.prometheusRule.enabled": "hpa and service monitors",
    "notifications.": "told",
    "operator.serviceAccount.create": "accounts with names",
    "telemetry.": "told",
    "telemetry.applicationInsights.entra": "insights",
    "telemetry.applicationInsights.entraClientId": "told",
    "triton.serviceAccount.create": "accounts with names",
    "triton.url": "another's Triton",
    "triton.device": "a claim on CPUs",
    "triton.gpus": "a model image",
    "triton.gpuImage.": "a model image",
    "triton.extraArgs": "a model image",
    "triton.modelRepository.image.path": "a model image",
    "triton.modelRepository.persistentVolumeClaim.path": "a claim on CPUs",
    "triton.modelRepository.azureBlob.": "blobs by key",
    "triton.autoscaling.": "hpa and service monitors",
    "triton.autoscaling.kind": "on CPUs",
    "triton.autoscaling.prometheusAddress": "everything",
}
NAMED = {"serviceAccount": {"name": "mine"}}
SETS = VALUE_SETS | {
    "a ledger by identity": {"ledger": {"existingSecret": None, "url": "postgresql://server/baas?auth=entra"}},
    "the definition": {"crds": {"enabled": True}},
    "a dashboard": {"monitoring": {"grafanaDashboard": {"enabled": True}}},
    "insights": {"telemetry": {"applicationInsights": {"existingSecret": "insights"}}},
    "an endpoint of one size": {"api": {"enabled": True, "tokens": {"existingSecret": "tokens"}} | NAMED},
    "accounts with names": {"operator": NAMED, "triton": NAMED},
}

# Other values than those of the sets: by path, then by shape, then by type.
BY_PATH: Object = {
    "api.enabled": False,
    "api.podDisruptionBudget.maxUnavailable": 2,
    "api.workloadIdentity.clientId": "",
    "crds.enabled": True,
    "ledger.url": "postgresql://changed/baas?auth=entra",
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "changed"}}],
    "monitoring.interval": "1m",
    "operator.allowedTritonUrls": ["grpc://changed:8001"],
    "telemetry.applicationInsights.entraClientId": "",
    "telemetry.otlp.endpoint": "https://changed",
    "telemetry.tracedPercent": 100,
    "triton.autoscaling.prometheusAddress": "http://changed:9090",
    "triton.modelRepository.image.path": "/changed",
    "triton.device": "gpu",
    "triton.podDisruptionBudget.maxUnavailable": 2,
    "triton.url": "grpc://changed:8001",
}
BY_SHAPE: Object = {
    "clientId": CLIENT_ID,
    "digest": DIGEST,
    "env": ENV,
    "workerEnv": ENV,
    "objects": [{"key": "changed"}],
    "workerTolerations": [{"key": "changed"}],
    "quantity": "9Gi",
    "resources": {"limits": {"memory": "9Gi"}},
    "workerResources": {"limits": {"memory": "9Gi"}},
}
BY_TYPE: Object = {"array": ["changed"], "number": 7, "string": "changed", "object": {"changed": "yes"}}


def other(path: str) -> object:
    """A value that is neither the default nor wrong."""
    schema = VALUES[path]
    if path in BY_PATH:
        return BY_PATH[path]
    if "enum" in schema:
        return next(it for it in schema["enum"] if it != schema["default"])
    if schema.get("type") in {"boolean", "integer"}:
        return not schema["default"] if schema["type"] == "boolean" else schema["default"] + 1
    if "allOf" in schema:
        shape = schema["allOf"][0]["$ref"].rpartition("/")[2]
        return BY_SHAPE.get(shape, BY_TYPE["object"])
    return BY_TYPE[schema["type"]]


def nested(path: str, value: object) -> Object:
    *above, last = path.split(".")
    change: Object = {last: value}
    for name in reversed(above):
        change = {name: change}
    return change


@cache
def unchanged(name: str) -> str:
    return manifests(SETS[name])


@pytest.mark.parametrize("path", [path for path in VALUES if path != "triton.enabled"])
def test_every_value_does_something(path: str) -> None:
    name = WHERE[max((beginning for beginning in WHERE if path.startswith(beginning)), key=len)]
    now = with_change(SETS[name], nested(path, other(path)))
    assert now != SETS[name], "the value is the same as before"
    assert manifests(now) != unchanged(name)


def test_every_template_reads_only_values_that_exist() -> None:
    for template in (CHART / "templates").iterdir():
        for path in re.findall(r"\.Values\.([A-Za-z.]+)", template.read_text()):
            assert path in EVERYTHING, template.name


def test_the_schema_has_exactly_the_values_of_the_file_with_their_defaults() -> None:
    assert yaml.safe_load((CHART / "values.yaml").read_text()) == _defaults(SCHEMA)


def _defaults(schema: Object) -> object:
    if "default" in schema:
        return schema["default"]
    return {name: _defaults(below) for name, below in schema["properties"].items() if name != "global"}


@pytest.mark.parametrize("group", GROUPS)
def test_an_unknown_value_is_refused(group: str) -> None:
    with pytest.raises(Refused, match=r"additional properties 'replicsa' not allowed"):
        manifests(nested(f"{group}.replicsa".strip("."), 2))


def test_a_chart_above_this_one_may_have_global_values() -> None:
    assert manifests({"global": {"anything": "goes"}}) == unchanged("on CPUs")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("fullnameOverride", "Baas"),
        ("fullnameOverride", "2026"),
        ("commonLabels", {"cost-centre": 4711}),
        ("imagePullSecrets", [{"name": "registry"}]),
        ("image.registry", "registry.example/"),
        ("image.pullPolicy", "Sometimes"),
        ("crds.keep", "yes"),
        ("ledger.existingSecret", "baas_ledger"),
        ("ledger.key", "a/b"),
        ("ledger.url", "postgresql://server/baas"),
        ("ledger.url", "postgresql://me:secret@server/baas?auth=entra"),
        ("migration.grantTo", ["blur-operator,blur-workers"]),
        ("audit.signingKey.existingSecret", "audit_key"),
        ("audit.signingKey.key", "a/b"),
        ("operator.watchNamespaces", "panoramas"),
        ("operator.watchNamespaces", ["panoramas", "panoramas"]),
        ("operator.watchNamespaces", ["pano*"]),
        ("operator.allowedTritonUrls", "grpc://triton:8001"),
        ("operator.allowedTritonUrls", ["grpc://triton"]),
        ("operator.allowedTritonUrls", ["*"]),
        ("operator.allowedTritonUrls", ["grpc://tri*on:8001"]),
        ("operator.allowedTritonUrls", ["grpc://*:8001"]),
        ("operator.image.digest", "sha256:short"),
        ("operator.logLevel", "debug"),
        ("operator.statusIntervalSeconds", 0),
        ("operator.workloadIdentity.clientId", "me"),
        ("operator.resources", {"limit": {"cpu": 1}}),
        ("operator.resources", {"limits": {"memory": "4 GB"}}),
        ("operator.extraEnv", {"HTTPS_PROXY": "http://proxy"}),
        ("operator.extraEnv", [{"value": "nameless"}]),
        ("triton.device", "tpu"),
        ("triton.replicas", 0),
        ("triton.gpus", 0.5),
        ("triton.sharedMemory", "much"),
        ("triton.podDisruptionBudget.maxUnavailable", "half"),
        ("triton.modelRepository.image.path", "models"),
        ("triton.modelRepository.azureBlob.account", "my-models"),
        ("triton.autoscaling.kind", "vpa"),
        ("triton.autoscaling.prometheusAddress", "prometheus:9090"),
        ("monitoring.scrape", "pods"),
        ("monitoring.interval", "often"),
    ],
)
def test_a_wrong_value_is_named(path: str, value: object) -> None:
    with pytest.raises(Refused) as refused:
        manifests(nested(path, value))
    assert f"/{path.replace('.', '/')}" in str(refused.value)
