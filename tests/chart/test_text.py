"""Kubernetes wants text for names, labels and settings, also where the text could be read as a number."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.rendering import BASE, CHART, Object, Rendering, render, values_of

NAMES = {"claimName", "name", "namespace", "priorityClassName", "serviceAccountName", "serverAddress"}
TEXTS = {"annotations", "data", "labels", "matchLabels", "nodeSelector"}
POLICIES = {"networkPolicies": {"enabled": True}}
COUNTS = {
    "automountServiceAccountToken",
    "averageUtilization",
    "failureThreshold",
    "maxReplicaCount",
    "maxReplicas",
    "maxUnavailable",
    "minReplicaCount",
    "minReplicas",
    "replicas",
    "terminationGracePeriodSeconds",
}
"""Keys of which Kubernetes wants a number, a share, or yes or no."""
GPU_BLOB = {"account": "123456", "path": "models/person_plate", "keySecret": "2026", "keySecretKey": "1"}


def no_text(found: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield what should be text and is none."""
    if isinstance(found, list):
        for number, below in enumerate(found):
            yield from no_text(below, f"{path}[{number}]")
    elif isinstance(found, dict):
        of_texts = path.rpartition(".")[2] in TEXTS or path.endswith("secretKeyRef")
        for name, below in found.items():
            is_text = (of_texts or name in NAMES) and name != "optional"
            if is_text and not isinstance(below, str):
                yield f"{path}.{name}", below
            yield from no_text(below, f"{path}.{name}")


def numbers_among_names(found: Rendering) -> list[tuple[str, object]]:
    return [(it["kind"] + path, value) for it in found.objects for path, value in no_text(it)]


def test_names_labels_and_settings_are_text(each: Rendering) -> None:
    assert not numbers_among_names(each)


def test_a_number_among_names_would_be_noticed() -> None:
    (pod,) = render().of("Pod")
    pod["metadata"]["namespace"] = 2026
    pod["metadata"]["labels"]["year"] = 2026
    assert dict(numbers_among_names(Rendering(objects=(pod,)))) == {
        "Pod.metadata.namespace": 2026,
        "Pod.metadata.labels.year": 2026,
    }


def bare(template: str) -> list[str]:
    """Keys and items of lists whose whole value a template writes without quotes."""
    written = re.findall(r"^ *(?:- )?(?:([\w./-]+): |- )\{\{-? ([^{}]+) \}\}$", template, flags=re.MULTILINE)
    as_text = ("| quote", "| trim")  # trimmed is what toYaml has made
    return [key for key, expression in written if key not in COUNTS and not expression.endswith(as_text)]


@pytest.mark.parametrize("template", sorted((CHART / "templates").glob("*.*")), ids=lambda path: path.name)
def test_no_template_writes_text_without_quotes(template: Path) -> None:
    assert not bare(template.read_text(encoding="utf-8"))


def test_text_without_quotes_would_be_noticed() -> None:
    found = "a:\n  name: {{ .name }}\n  - key: {{ .key | quote }}\n  - {{ . }}\n  replicas: {{ .replicas }}\n"
    assert bare(found) == ["name", ""]


@pytest.mark.parametrize("value", ["2026", "true", "1e3", "null", "a: b"])
def test_labels_and_annotations_of_your_own_stay_text(value: str) -> None:
    label = {"note": value.replace(": ", "-")}
    found = render(
        {
            "commonLabels": label,
            "operator": {"podAnnotations": {"own": value}, "nodeSelector": label},
            "worker": {"podAnnotations": {"own": value}, "serviceAccount": {"annotations": {"own": value}}},
            "monitoring": {"scrape": "podMonitor", "labels": label},
        }
    )
    assert not numbers_among_names(found)
    assert found.pod("Deployment baas-operator").annotations["own"] == value
    assert found.one("ServiceAccount", "baas-worker")["metadata"]["annotations"] == {"own": value}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"operator": {"watchNamespaces": ["2026"]}} | POLICIES, id="a watched namespace"),
        pytest.param({"ledger": {"existingSecret": "2026"}}, id="the ledger's Secret"),
        pytest.param({"ledger": {"key": "1"}}, id="the key in it"),
        pytest.param({"audit": {"signingKey": {"existingSecret": "2026", "key": "1"}}}, id="the audit key's Secret"),
        pytest.param({"imagePullSecrets": ["2026"]}, id="a pull secret"),
        pytest.param({"operator": {"serviceAccount": {"name": "2026"}}}, id="the operator's account"),
        pytest.param({"worker": {"serviceAccount": {"name": "2026"}}}, id="the workers' account"),
        pytest.param({"triton": {"serviceAccount": {"name": "2026"}}}, id="Triton's account"),
        pytest.param({"operator": {"priorityClassName": "1"}}, id="the operator's priority"),
        pytest.param({"worker": {"priorityClassName": "1"}}, id="the workers' priority"),
        pytest.param({"triton": {"modelRepository": {"persistentVolumeClaim": {"claimName": "2026"}}}}, id="a claim"),
        pytest.param({"triton": {"device": "gpu", "modelRepository": {"azureBlob": GPU_BLOB}}}, id="a blob's Secret"),
        pytest.param({"triton": {"autoscaling": {"kind": "hpa", "hpaMetric": "2026"}}}, id="a metric"),
    ],
)
def test_a_name_that_the_schema_takes_stays_text(changes: Object) -> None:
    assert values_of(changes) != BASE
    assert not numbers_among_names(render(changes))


@pytest.mark.parametrize(
    ("release", "namespace"), [("baas", "2026"), ("true", "panoramas"), ("2026", "panoramas")], ids=str
)
def test_release_and_namespace_stay_text(release: str, namespace: str) -> None:
    override = {"fullnameOverride": "baas"}
    assert not numbers_among_names(render(POLICIES, override, release=release, namespace=namespace))


def test_triton_can_be_replaced_all_at_once() -> None:
    strategy = render({"triton": {"updateStrategy": {"type": "Recreate"}}}).one("Deployment", "baas-triton")["spec"]
    assert strategy["strategy"] == {"type": "Recreate"}


def test_no_annotation_of_your_own_hides_that_settings_changed() -> None:
    annotations = {"checksum/settings": "mine"}
    pod = render({"operator": {"podAnnotations": annotations}}).pod("Deployment baas-operator")
    assert pod.annotations["checksum/settings"] != "mine"
