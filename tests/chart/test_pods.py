"""What is true of every pod, whatever the values."""

from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CHART, DIGEST, HERE, VALUE_SETS, Object, Rendering, render, rendering

# Pod Security Standard "restricted": https://kubernetes.io/docs/concepts/security/pod-security-standards/
ALLOWED_VOLUMES = {
    "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip


def test_every_pod_is_restricted(each: Rendering) -> None:
    for pod in each.pods:
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod.spec)
        for container in pod.containers:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert not {"privileged", "runAsUser", "runAsNonRoot", "seccompProfile", "procMount"} & set(own)
            assert not any("hostPort" in port for port in container.get("ports", ()))
        for volume in pod.spec.get("volumes", ()):
            assert set(volume) <= ALLOWED_VOLUMES


def test_nobody_writes_to_a_root_filesystem(each: Rendering) -> None:
    for pod in each.pods:
        for container in pod.containers:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_every_container_asks_for_resources_and_is_bounded(each: Rendering) -> None:
    for pod in each.pods:
        for container in pod.containers:
            assert set(container["resources"]["requests"]) >= {"cpu", "memory"}, (pod.owner, container["name"])
            assert "memory" in container["resources"]["limits"], (pod.owner, container["name"])


def test_only_the_operator_gets_a_token_for_kubernetes(each: Rendering) -> None:
    given = {pod.owner for pod in each.pods if pod.spec["automountServiceAccountToken"]}
    assert given == {"Deployment baas-operator"}
    assert not any(account["automountServiceAccountToken"] for account in each.of("ServiceAccount"))


def test_kubernetes_sets_no_variables_that_look_like_settings(each: Rendering) -> None:
    assert not any(pod.spec["enableServiceLinks"] for pod in each.pods)


def test_every_mount_has_its_volume(each: Rendering) -> None:
    for pod in each.pods:
        volumes = [volume["name"] for volume in pod.spec.get("volumes", ())]
        assert len(volumes) == len(set(volumes))
        for container in pod.containers:
            assert {mount["name"] for mount in container.get("volumeMounts", ())} <= set(volumes)


def test_every_port_that_is_asked_for_is_open(each: Rendering) -> None:
    for service in each.of("Service"):
        selector = service["spec"]["selector"].items()
        (pod,) = [pod for pod in each.pods if selector <= pod.labels.items()]
        (container,) = pod.spec["containers"]
        ports = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
        probes = [container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]
        assert {probe["httpGet"]["port"] for probe in probes} <= ports


@pytest.mark.parametrize("component", ["operator", "triton"])
def test_a_deployment_is_placed_as_values_say(component: str) -> None:
    pod = rendering("everything").pod(f"Deployment baas-{component}")
    assert pod.labels.items() >= {"team": component, "cost-centre": "4711"}.items()
    assert pod.annotations["note"] == "a: b"
    assert pod.spec["nodeSelector"] == {"pool": component}
    assert pod.spec["tolerations"] == [{"key": component, "operator": "Exists"}]
    assert pod.spec["affinity"] == {"nodeAffinity": {}}
    assert pod.spec["priorityClassName"] == "system-cluster-critical"
    (container,) = pod.spec["containers"]
    assert {"name": "HTTPS_PROXY", "value": "http://proxy:3128"} in container["env"]
    assert {"name": "authority", "mountPath": "/etc/authority"} in container["volumeMounts"]
    assert {"name": "authority", "configMap": {"name": "authority"}} in pod.spec["volumes"]


def test_every_pod_pulls_with_the_secrets() -> None:
    for pod in rendering("everything").pods:
        assert pod.spec["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}]


def test_a_digest_pins_an_image_whatever_the_tag() -> None:
    pinned = {"digest": DIGEST}
    found = render(
        {"image": {"tag": "9"}},
        {"operator": {"image": pinned}, "worker": {"image": pinned}, "triton": {"cpuImage": pinned}},
    )
    images = {container["image"] for pod in found.pods for container in pod.containers}
    images.add(found.settings["BAAS_OPERATOR_WORKER_IMAGE"])
    assert images == {f"registry.example/baas/{name}@{DIGEST}" for name in ("operator", "preprocess", "triton-cpu")}
    gpu = render(VALUE_SETS["a model image"], {"triton": {"gpuImage": pinned}})
    assert gpu.triton["image"] == f"nvcr.io/nvidia/tritonserver@{DIGEST}"


@pytest.mark.parametrize(
    ("change", "restarts"),
    [
        ({"operator": {"logLevel": "DEBUG"}}, True),
        ({"worker": {"podLabels": {"team": "streets"}}}, True),
        ({"operator": {"watchNamespaces": ["streets"]}}, True),
        ({"monitoring": {"scrape": "podMonitor"}}, True),
        ({"triton": {"replicas": 2}}, True),  # workers are to know of both
        ({"triton": {"startupSeconds": 60}}, False),
        ({"networkPolicies": {"enabled": True}}, False),
    ],
)
def test_the_operator_restarts_when_its_settings_change_and_only_then(change: Object, restarts: bool) -> None:
    before, after = (found.pod("Deployment baas-operator") for found in (rendering("on CPUs"), render(change)))
    assert (before != after) is restarts
    assert (before.annotations["checksum/settings"] != after.annotations["checksum/settings"]) is restarts


def test_there_is_one_operator_at_a_time_and_it_knows_where_it_lives() -> None:
    spec = rendering("on CPUs").one("Deployment", "baas-operator")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    env = {it["name"]: it.get("valueFrom") for it in spec["template"]["spec"]["containers"][0]["env"]}
    assert env["POD_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_only_helm_test_starts_the_pod_that_tests() -> None:
    (pod,) = rendering("on CPUs").of("Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["restartPolicy"] == "Never"


@pytest.fixture(scope="module")
def next_chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as it might look in its next version."""
    folder = tmp_path_factory.mktemp("chart")
    for path in CHART.rglob("*"):
        if path.is_file():
            copy = folder / path.relative_to(CHART)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    about = yaml.safe_load((folder / "Chart.yaml").read_text())
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": "9.9.9", "appVersion": "9.9.9"}))
    return folder


def test_a_new_version_keeps_what_cannot_change(next_chart: Path) -> None:
    values = VALUE_SETS["everything"]
    before, after = rendering("everything"), render(values, chart=next_chart)
    assert after.one("Deployment", "baas-operator")["metadata"]["labels"]["app.kubernetes.io/version"] == "9.9.9"
    for kind in ("Deployment", "Service", "PodDisruptionBudget", "PodMonitor", "NetworkPolicy"):
        for found in before.of(kind):
            (again,) = [it for it in after.of(kind) if _identity(it) == _identity(found)]
            for field in ("selector", "podSelector"):
                assert again["spec"].get(field) == found["spec"].get(field)


def test_a_new_version_does_not_restart_a_triton_that_stays_the_same(next_chart: Path) -> None:
    before = rendering("everything").pod("Deployment baas-triton")
    assert render(VALUE_SETS["everything"], chart=next_chart).pod("Deployment baas-triton") == before


def _identity(found: Object) -> tuple[str, str]:
    return found["metadata"].get("namespace", HERE), found["metadata"]["name"]
