"""The online endpoint in the chart: off unless it is wanted, and then it uses the release's Triton."""

import pytest

from tests.chart.rendering import CLIENT_ID, DIGEST, VALUE_SETS, Object, Refused, Rendering, render, rendering

ON: Object = {"api": {"enabled": True, "tokens": {"existingSecret": "tokens"}}}
OWNER = "Deployment baas-api"


def container(found: Rendering) -> Object:
    (it,) = found.pod(OWNER).spec["containers"]
    return dict(it)


def environment(found: Rendering) -> dict[str, object]:
    return {it["name"]: it.get("value", it.get("valueFrom")) for it in container(found)["env"]}


def ports(rules: list[Object]) -> list[object]:
    return [port["port"] for rule in rules for port in rule["ports"]]


def test_by_default_there_is_none() -> None:
    assert "api" not in {it["metadata"]["labels"]["app.kubernetes.io/component"] for it in rendering("on CPUs").objects}


def test_it_has_its_image_its_tokens_and_the_releases_triton() -> None:
    found = render(ON)
    assert container(found)["image"].startswith("registry.example/baas/api:")
    env = environment(found)
    assert env["BAAS_TRITON"] == "grpc://baas-triton.panoramas.svc:8001"
    assert env["BAAS_API_TOKENS_FILE"] == "/etc/baas/tokens/tokens"
    assert (env["BAAS_API_HOST"], env["BAAS_API_MAX_MEGABYTES"], env["BAAS_IN_FLIGHT"]) == ("0.0.0.0", "50", "2")  # noqa: S104
    (mount,) = container(found)["volumeMounts"]
    assert mount == {"name": "tokens", "mountPath": "/etc/baas/tokens", "readOnly": True}
    assert found.pod(OWNER).spec["volumes"] == [{"name": "tokens", "secret": {"secretName": "tokens"}}]
    assert render(ON, {"api": {"image": {"digest": DIGEST}}}).pod(OWNER).spec["containers"][0]["image"].endswith(DIGEST)


def test_it_asks_every_pod_of_triton_or_another_ones() -> None:
    assert environment(render(ON, {"triton": {"replicas": 2}}))["BAAS_TRITON"] == (
        "grpc://baas-triton-headless.panoramas.svc:8001"
    )
    assert environment(render(VALUE_SETS["another's Triton"], ON))["BAAS_TRITON"] == "grpcs://triton.example:8001"


def test_how_pictures_are_redacted_is_said_by_variables() -> None:
    more = [{"name": "BAAS_METHOD", "value": "solid"}, {"name": "BAAS_API_QUEUE", "value": "3"}]
    env = environment(render(ON, {"api": {"extraEnv": more}}))
    assert (env["BAAS_METHOD"], env["BAAS_API_QUEUE"]) == ("solid", "3")


def test_what_has_begun_may_be_finished_before_a_pod_ends() -> None:
    spec = render(ON, {"api": {"timeLimitSeconds": 60}}).pod(OWNER).spec
    assert spec["terminationGracePeriodSeconds"] > 2 * 60
    assert spec["containers"][0]["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert spec["containers"][0]["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_helm_test_asks_whether_it_is_ready() -> None:
    url = "http://baas-api:8080/readyz"
    for found, is_asked in ((render(ON), True), (rendering("on CPUs"), False)):
        (container,) = found.pod("Pod baas-test").spec["containers"]
        assert (url in container["command"]) is is_asked


def test_an_autoscaler_decides_on_the_number_of_pods_in_place_of_replicas() -> None:
    fixed = render(ON, {"api": {"replicas": 3}})
    assert fixed.one("Deployment", "baas-api")["spec"]["replicas"] == 3
    assert not fixed.of("HorizontalPodAutoscaler")
    found = render(ON, {"api": {"autoscaling": {"enabled": True, "maxReplicas": 9, "cpuPercent": 50}}})
    assert "replicas" not in found.one("Deployment", "baas-api")["spec"]
    spec = found.one("HorizontalPodAutoscaler", "baas-api")["spec"]
    assert (spec["scaleTargetRef"]["name"], spec["minReplicas"], spec["maxReplicas"]) == ("baas-api", 1, 9)
    assert spec["metrics"][0]["resource"] == {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 50},
    }


def test_drains_take_its_pods_one_after_the_other() -> None:
    budget = render(ON).one("PodDisruptionBudget", "baas-api")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= render(ON).pod(OWNER).labels.items()
    off = render(ON, {"api": {"podDisruptionBudget": {"enabled": False}}})
    assert [it["metadata"]["name"] for it in off.of("PodDisruptionBudget")] == ["baas-triton"]


def test_it_reaches_triton_and_telemetry_and_nothing_else() -> None:
    found = render(ON, {"networkPolicies": {"enabled": True}})
    spec = found.one("NetworkPolicy", "baas-api")["spec"]
    assert ports(spec["ingress"]) == ["http", "metrics"]
    assert ports(spec["egress"]) == [53, 53, "grpc"]
    assert spec["egress"][1]["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "triton"
    (grpc,) = [
        rule for rule in found.one("NetworkPolicy", "baas-triton")["spec"]["ingress"] if ports([rule]) == ["grpc"]
    ]
    components = [it["podSelector"]["matchLabels"].get("app.kubernetes.io/component") for it in grpc["from"]]
    assert components == ["operator", "api", None]
    told = render(VALUE_SETS["told"], ON).one("NetworkPolicy", "baas-api")["spec"]["egress"]
    assert ports(told) == [53, 53, "grpc", 4318, 443]
    elsewhere = render(VALUE_SETS["another's Triton"], ON).one("NetworkPolicy", "baas-api")["spec"]["egress"]
    assert ports(elsewhere) == [53, 53, 8001]


@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_prometheus_finds_it(kind: str) -> None:
    found = render(ON, {"monitoring": {"scrape": f"{kind[0].lower()}{kind[1:]}"}})
    wanted = found.one(kind, "baas-api")["spec"]["selector"]["matchLabels"].items()
    (labels,) = [
        it
        for it in ([pod.labels for pod in found.pods] if kind == "PodMonitor" else services(found))
        if wanted <= it.items()
    ]
    assert labels["app.kubernetes.io/component"] == "api"


def services(found: Rendering) -> list[dict[str, str]]:
    return [it["metadata"]["labels"] for it in found.of("Service")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tokens": {"existingSecret": ""}}, "nobody could ask"),
        ({"serviceAccount": {"create": False}}, "api.serviceAccount.create is false and its name is empty"),
        (
            {"serviceAccount": {"create": False, "name": "mine"}, "workloadIdentity": {"clientId": CLIENT_ID}},
            "makes no ServiceAccount to carry it",
        ),
        ({"autoscaling": {"minReplicas": 5}}, "less than minReplicas"),
        ({"maxMegabytes": 0}, "maxMegabytes"),
    ],
)
def test_contradictions_stop_the_installation(change: Object, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        render(ON, {"api": change})
