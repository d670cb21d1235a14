"""What `helm template` makes of values, and the sets of values that all tests of the chart share."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path

import yaml

from tests.blurjobs import with_change
from tests.e2e.clusters import CHART, PATH, Object, Refused, run

__all__ = ["CHART", "Object", "Refused"]

HERE, THERE = "panoramas", "streets"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
CLIENT_ID = "0a1b2c3d-0000-1111-2222-333344445555"

BASE: Object = {
    "image": {"registry": "registry.example/baas"},
    "ledger": {"existingSecret": "baas-ledger"},
    "triton": {"device": "cpu"},
    # Rendered only where a test is about it: it is longer than all else together.
    "crds": {"enabled": False},
}
"""The least that an installation says."""


def value_sets(here: str, there: str) -> dict[str, Object]:
    """Return changes of BASE by what they are for. `here` is the release's namespace, `there` another."""
    claim = {"persistentVolumeClaim": {"claimName": "models", "path": "v3"}}
    blob = {"account": "mymodels", "path": "models/person_plate"}
    more = {"name": "{{ .Release.Name }}-more", "namespace": "{{ .Release.Namespace }}"}
    everything: Object = {
        "commonLabels": {"cost-centre": "4711"},
        "imagePullSecrets": ["registry", "mirror"],
        "audit": {"signingKey": {"existingSecret": "city-key", "key": "2026.pem"}},
        "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": more}],
        "operator": {
            "watchNamespaces": [here, there],
            "allowedTritonUrls": ["grpc://triton.models.svc:8001", "grpcs://*.example.org:443"],
            "image": {"digest": DIGEST},
            "workloadIdentity": {"clientId": CLIENT_ID},
            **_placement("operator"),
        },
        "worker": {
            "image": {"digest": DIGEST},
            "workloadIdentity": {"clientId": CLIENT_ID.replace("0a", "1a")},
            "podLabels": {"team": "streets"},
            "podAnnotations": {"note": "a: b"},
            "nodeSelector": {"pool": "worker"},
            "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"nodeAffinity": {}},
            "priorityClassName": "system-cluster-critical",
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        },
        "triton": {
            "device": "gpu",
            "modelRepository": claim,
            "gpuImage": {"digest": DIGEST},
            "extraArgs": ["--log-verbose=1"],
            "autoscaling": {"kind": "keda", "prometheusAddress": "http://prometheus:9090"},
            **_placement("triton"),
        },
        "notifications": {"webhook": {"existingSecret": "hook", "urlKey": "address", "tokenKey": "password"}},
        "monitoring": {"scrape": "podMonitor", "prometheusRule": {"enabled": True}, "labels": {"release": "p"}},
        "networkPolicies": {"enabled": True},
    }
    own_accounts = {"serviceAccount": {"create": False, "name": "mine"}}
    return {
        "on CPUs": {},
        "everything": everything,
        "a model image": {"triton": {"device": "gpu", "modelRepository": {"image": {"reference": "models:3"}}}},
        "a claim on CPUs": {"triton": {"modelRepository": claim}},
        "blobs by identity": {
            "triton": {
                "device": "gpu",
                "modelRepository": {"azureBlob": blob},
                "workloadIdentity": {"clientId": CLIENT_ID},
            },
            "networkPolicies": {"enabled": True},
        },
        "blobs by key": {
            "triton": {"device": "gpu", "modelRepository": {"azureBlob": blob | {"keySecret": "models-key"}}}
        },
        "another's Triton": {
            "triton": {"enabled": False, "url": "grpcs://triton.example:8001"},
            "monitoring": {"scrape": "serviceMonitor", "prometheusRule": {"enabled": True}},
            "networkPolicies": {"enabled": True},
        },
        "told": {
            "telemetry": {
                "otlp": {"endpoint": "http://collector.monitoring:4318", "headersSecret": "otlp"},
                "applicationInsights": {"existingSecret": "insights", "entra": True, "entraClientId": CLIENT_ID},
                "tracedPercent": 2.5,
            },
            "notifications": {"webhook": {"existingSecret": "webhook"}},
            "triton": {"device": "gpu", "modelRepository": claim},
            "networkPolicies": {"enabled": True},
        },
        "an online endpoint": {
            "api": {
                "enabled": True,
                "tokens": {"existingSecret": "tokens"},
                "autoscaling": {"enabled": True},
                "workloadIdentity": {"clientId": CLIENT_ID},
                **_placement("api"),
            },
            "monitoring": {"scrape": "serviceMonitor"},
            "networkPolicies": {"enabled": True},
        },
        "the whole cluster": {"operator": {"watchNamespaces": ["*"]}, "networkPolicies": {"enabled": True}},
        "hpa and service monitors": {
            "triton": {"autoscaling": {"kind": "hpa"}},
            "monitoring": {"scrape": "serviceMonitor"},
        },
        "no rights of its own making": {
            "rbac": {"create": False, "aggregate": False},
            "operator": own_accounts,
            "worker": own_accounts,
            "triton": own_accounts,
            "migration": {"enabled": False},
        },
    }


def _placement(of: str) -> Object:
    return {
        "podLabels": {"team": of},
        "podAnnotations": {"note": "a: b"},
        "nodeSelector": {"pool": of},
        "tolerations": [{"key": of, "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "system-cluster-critical",
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "extraVolumes": [{"name": "authority", "configMap": {"name": "authority"}}],
        "extraVolumeMounts": [{"name": "authority", "mountPath": "/etc/authority"}],
    }


VALUE_SETS = value_sets(HERE, THERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod, or the template of pods."""

    owner: str
    """Its own kind and name, or those of what makes it."""
    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Object

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """All objects of a release."""

    objects: tuple[Object, ...]

    def of(self, kind: str) -> list[Object]:
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        (found,) = [it for it in self.of(kind) if it["metadata"]["name"] == name]
        return found

    @property
    def pods(self) -> Iterator[Pod]:
        for found in self.objects:
            template = found if found["kind"] == "Pod" else found.get("spec", {}).get("template")
            if template:
                yield Pod(
                    owner=f"{found['kind']} {found['metadata']['name']}",
                    labels=template["metadata"]["labels"],
                    annotations=template["metadata"].get("annotations", {}),
                    spec=template["spec"],
                )

    def pod(self, owner: str) -> Pod:
        (found,) = [pod for pod in self.pods if pod.owner == owner]
        return found

    @property
    def triton(self) -> Object:
        """Triton's container."""
        container: Object = self.pod("Deployment baas-triton").spec["containers"][0]
        return container

    @property
    def settings(self) -> dict[str, str]:
        """What the operator is told."""
        data: dict[str, str] = self.one("ConfigMap", "baas-operator")["data"]
        return data


def helm(*words: str | Path, values: Object) -> str:
    """Return what helm prints with these values. Raises `Refused` with its words when it does not like them."""
    return run("helm", *words, "--values", "-", stdin=json.dumps(values), env={"PATH": PATH})


def values_of(*changes: Object) -> Object:
    """Return BASE with merge patches."""
    values: Object = reduce(with_change, changes, BASE)
    return values


def manifests(*changes: Object, release: str = "baas", namespace: str = HERE, chart: Path = CHART) -> str:
    """Return what `helm template` prints, hooks and all."""
    return helm("template", release, chart, "--namespace", namespace, values=values_of(*changes))


def render(*changes: Object, release: str = "baas", namespace: str = HERE, chart: Path = CHART) -> Rendering:
    """Return the objects of a release with BASE's values and these changes."""
    text = manifests(*changes, release=release, namespace=namespace, chart=chart)
    return Rendering(objects=tuple(found for found in yaml.load_all(text, Loader=yaml.CSafeLoader) if found))


@cache
def rendering(name: str) -> Rendering:
    """Return the objects of one of VALUE_SETS."""
    return render(VALUE_SETS[name])
