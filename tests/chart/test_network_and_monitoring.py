"""Who reaches whom, and how Prometheus finds what there is to see."""

import pytest

from tests.chart.rendering import HERE, THERE, VALUE_SETS, Object, Rendering, render, rendering

ON = {"networkPolicies": {"enabled": True}}
WORKERS = {"matchLabels": {"app.kubernetes.io/managed-by": "baas-operator"}}


def ports(rules: list[Object]) -> list[object]:
    return [port["port"] for rule in rules for port in rule["ports"]]


def callers(found: Rendering, port: str) -> list[Object]:
    """Who may call Triton there."""
    rules = found.one("NetworkPolicy", "baas-triton")["spec"]["ingress"]
    (rule,) = [rule for rule in rules if ports([rule]) == [port]]
    who: list[Object] = rule["from"]
    return who


def test_by_default_there_are_no_policies() -> None:
    assert not rendering("on CPUs").of("NetworkPolicy")


def test_nobody_opens_a_connection_to_workers() -> None:
    found = render(VALUE_SETS["everything"], {"monitoring": {"scrape": "none"}})
    policies = [it for it in found.of("NetworkPolicy") if it["metadata"]["name"] == "baas-worker"]
    assert [it["metadata"]["namespace"] for it in policies] == [HERE, THERE]
    assert all(it["spec"] == {"podSelector": WORKERS, "policyTypes": ["Ingress"], "ingress": []} for it in policies)


def test_only_their_metrics_are_read_from_workers_where_prometheus_looks() -> None:
    found = rendering("everything")
    policies = [it for it in found.of("NetworkPolicy") if it["metadata"]["name"] == "baas-worker"]
    assert [it["spec"]["ingress"] for it in policies] == [[{"ports": [{"port": "metrics"}]}]] * 2


def test_the_operator_is_reached_on_its_own_ports_only() -> None:
    spec = render(ON).one("NetworkPolicy", "baas-operator")["spec"]
    assert ports(spec["ingress"]) == ["health", "metrics"]
    assert spec["policyTypes"] == ["Ingress"]


def test_workers_of_watched_namespaces_and_the_operator_reach_triton() -> None:
    operator, *workers = callers(rendering("everything"), "grpc")
    assert operator["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "operator"
    assert workers == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}, "podSelector": WORKERS}
        for name in (HERE, THERE)
    ]
    (test,) = callers(rendering("everything"), "http")
    assert test["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "test"


def test_workers_of_the_whole_cluster_reach_triton_where_it_is_watched() -> None:
    _, workers = callers(rendering("the whole cluster"), "grpc")
    assert workers == {"namespaceSelector": {}, "podSelector": WORKERS}


def test_triton_reaches_nothing_but_what_it_reads_its_models_from() -> None:
    for name in ("everything", "the whole cluster"):
        spec = rendering(name).one("NetworkPolicy", "baas-triton")["spec"]
        assert (spec["policyTypes"], spec["egress"]) == (["Ingress", "Egress"], [])
    spec = rendering("blobs by identity").one("NetworkPolicy", "baas-triton")["spec"]
    assert ports(spec["egress"]) == [53, 53, 443]
    spec = rendering("told").one("NetworkPolicy", "baas-triton")["spec"]
    assert ports(spec["egress"]) == [53, 53, 4318]
    for endpoint, port in (("https://collector/path", 443), ("http://collector", 80)):
        found = render(ON, {"telemetry": {"otlp": {"endpoint": endpoint}}})
        assert ports(found.one("NetworkPolicy", "baas-triton")["spec"]["egress"]) == [53, 53, port]


def test_without_a_triton_there_is_no_policy_for_it() -> None:
    names = [it["metadata"]["name"] for it in rendering("another's Triton").of("NetworkPolicy")]
    assert names == ["baas-operator", "baas-worker"]


def test_by_default_nothing_of_the_prometheus_operator_is_made() -> None:
    kinds = {it["apiVersion"].split("/")[0] for it in rendering("on CPUs").objects}
    assert not kinds & {"monitoring.coreos.com", "keda.sh"}


@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_a_monitor_finds_each_component_once(kind: str) -> None:
    scrape = f"{kind[0].lower()}{kind[1:]}"
    found = render({"monitoring": {"scrape": scrape, "interval": "10s", "labels": {"release": "p"}}})
    endpoints = {"PodMonitor": "podMetricsEndpoints", "ServiceMonitor": "endpoints"}[kind]
    seen = (
        [pod.labels for pod in found.pods]
        if kind == "PodMonitor"
        else [it["metadata"]["labels"] for it in found.of("Service")]
    )
    of_pods = [it["metadata"]["name"] for it in found.of("PodMonitor")]
    assert of_pods == (["baas-worker", "baas-operator", "baas-triton"] if kind == "PodMonitor" else ["baas-worker"])
    monitors = [it for it in found.of(kind) if it["metadata"]["name"] != "baas-worker"]
    assert [it["metadata"]["name"] for it in monitors] == ["baas-operator", "baas-triton"]
    for monitor in monitors:
        assert monitor["metadata"]["labels"]["release"] == "p"
        assert monitor["spec"][endpoints] == [{"port": "metrics", "interval": "10s"}]
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        assert len([labels for labels in seen if wanted <= labels.items()]) == 1


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("everything", {"matchNames": [HERE, THERE]}),
        ("hpa and service monitors", {"matchNames": [HERE]}),
    ],
)
def test_workers_are_found_in_all_namespaces_that_are_watched(name: str, where: Object) -> None:
    (monitor,) = [it for it in rendering(name).of("PodMonitor") if it["metadata"]["name"] == "baas-worker"]
    assert monitor["spec"]["namespaceSelector"] == where
    assert monitor["spec"]["selector"] == WORKERS
    assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "metrics", "interval": "30s"}]
    everywhere = render({"operator": {"watchNamespaces": ["*"]}, "monitoring": {"scrape": "podMonitor"}})
    (monitor,) = [it for it in everywhere.of("PodMonitor") if it["metadata"]["name"] == "baas-worker"]
    assert monitor["spec"]["namespaceSelector"] == {"any": True}


def test_a_monitor_of_a_triton_elsewhere_is_not_ours_to_make() -> None:
    (monitor,) = rendering("another's Triton").of("ServiceMonitor")
    assert monitor["metadata"]["name"] == "baas-operator"
