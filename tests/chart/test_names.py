"""Names and labels: two releases never share an object, and everything tells whose it is."""

import re
from itertools import product

import pytest

from tests.chart.rendering import HERE, VALUE_SETS, Object, Rendering, render, rendering

CLUSTER = {"operator": {"watchNamespaces": ["*"]}}
LONG = "a-release-with-a-name-as-long-as-helm-can-bear-it-but"
SELECTORS = ("Deployment", "PodDisruptionBudget", "NetworkPolicy", "PodMonitor", "Service")


def names(found: Rendering) -> set[tuple[str, str, str]]:
    return {(it["kind"], it["metadata"].get("namespace", ""), it["metadata"]["name"]) for it in found.objects}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("baas", "a"), ("baas", "b"), id="the same name in two namespaces"),
        pytest.param(("baas", "a"), ("other", "a"), id="two names in one namespace"),
        pytest.param(("baas", "a"), ("baas-triton", "a"), id="one named like a part of the other"),
        pytest.param(("c", "a-b"), ("b-c", "a"), id="namespace and name read the same together"),
        pytest.param((f"{LONG[:52]}x", "a"), (f"{LONG[:52]}y", "a"), id="long names that begin alike"),
    ],
)
@pytest.mark.parametrize("values", [VALUE_SETS["on CPUs"], VALUE_SETS["hpa and service monitors"], CLUSTER])
def test_two_releases_share_no_object(first: tuple[str, str], second: tuple[str, str], values: Object) -> None:
    one, other = (render(values, release=release, namespace=namespace) for release, namespace in (first, second))
    assert not names(one) & names(other)


def selected(found: Rendering) -> list[set[tuple[str, str]]]:
    specs = [it["spec"] for kind in SELECTORS for it in found.of(kind)]
    selectors = [spec.get("selector") or spec["podSelector"] for spec in specs]
    return [set(selector.get("matchLabels", selector).items()) for selector in selectors]


def test_no_release_selects_pods_of_another_in_its_namespace() -> None:
    values = VALUE_SETS["hpa and service monitors"]
    one, other = (render(values, release=release) for release in ("baas", "other"))
    # Workers are no part of a release.
    ours = [s for s in selected(one) if s != {("app.kubernetes.io/managed-by", "baas-operator")}]
    assert not [s for s, pod in product(ours, other.pods) if s <= set(pod.labels.items())]
    assert all(any(s <= set(pod.labels.items()) for pod in one.pods) for s in ours)


@pytest.mark.parametrize(
    ("release", "override"), [("b", ""), (LONG, ""), ("2026.streets", LONG[:46])], ids=["short", "long", "replaced"]
)
def test_every_name_is_one_that_kubernetes_takes(release: str, override: str) -> None:
    found = render(VALUE_SETS["everything"], {"fullnameOverride": override, "extraObjects": []}, release=release)
    for kind, _, name in names(found):
        if kind != "ClusterRole":
            assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name), (kind, name)


def test_the_longest_release_name_fits_and_stays_recognisable() -> None:
    assert len(LONG) == 53
    (account, *_) = render(release=LONG).of("ServiceAccount")
    assert account["metadata"]["name"].startswith("a-release-with-a-name-as-long-as-helm-ca-")


def test_a_name_of_your_own_replaces_the_releases() -> None:
    found = render({"fullnameOverride": "streets"})
    ours = {name for _, _, name in names(found)}
    assert all(name.removeprefix("panoramas:").startswith("streets-") for name in ours)
    assert found.one("Deployment", "streets-operator")["metadata"]["labels"]["app.kubernetes.io/instance"] == "baas"


def test_every_object_says_whose_it_is_and_where(each: Rendering) -> None:
    for found in each.objects:
        if found["metadata"]["name"] == "baas-more":  # one of extraObjects
            continue
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "blurring-as-a-service"
        assert labels["app.kubernetes.io/instance"] == "baas"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/part-of"] == "blurring-as-a-service"
        assert labels["app.kubernetes.io/component"]
        assert labels["app.kubernetes.io/version"]
        assert re.fullmatch(r"blurring-as-a-service-\d+\.\d+\.\d+", labels["helm.sh/chart"])
        assert ("namespace" in found["metadata"]) is (found["kind"] not in {"ClusterRole", "ClusterRoleBinding"})


def test_labels_of_your_own_are_on_everything_and_replace_none_of_ours() -> None:
    common = {"cost-centre": "4711", "app.kubernetes.io/instance": "mine", "app.kubernetes.io/component": "mine"}
    found = render(VALUE_SETS["hpa and service monitors"], {"commonLabels": common})
    labels = [it["metadata"]["labels"] for it in found.objects] + [pod.labels for pod in found.pods]
    for own in labels:
        assert own["cost-centre"] == "4711"
        assert own["app.kubernetes.io/instance"] == "baas"
        assert own["app.kubernetes.io/component"] != "mine"


def test_further_objects_may_use_the_releases_facts() -> None:
    assert rendering("everything").one("ConfigMap", "baas-more")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Namespace }}-more\n"
    assert render({"extraObjects": [text]}).one("ConfigMap", f"{HERE}-more")
