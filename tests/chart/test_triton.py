"""Triton: on which device, from which repository, how many."""

import pytest

from tests.chart.rendering import CLIENT_ID, VALUE_SETS, Object, Rendering, render, rendering

AUTOSCALED = {"minReplicas": 2, "maxReplicas": 6, "queueMicroseconds": 2000000}


def volume(found: Rendering, name: str) -> Object:
    its: dict[str, Object] = {it["name"]: it for it in found.pod("Deployment baas-triton").spec["volumes"]}
    return its[name]


def repository_of(found: Rendering) -> str:
    options: dict[str, str] = dict(arg.split("=", 1) for arg in found.triton["args"] if "=" in arg)
    return options.get("--model-repository") or options["--repository"]


def test_on_gpus_nvidias_image_gets_gpus_beside_what_else_it_asks_for() -> None:
    found = rendering("a model image")
    assert found.triton["image"].startswith("nvcr.io/nvidia/tritonserver:")
    assert found.triton["command"] == ["tritonserver"]
    assert found.triton["resources"]["limits"] == {"memory": "8Gi", "nvidia.com/gpu": 1}
    two = render(VALUE_SETS["a model image"], {"triton": {"gpus": 2}})
    assert two.triton["resources"]["limits"] == {"memory": "8Gi", "nvidia.com/gpu": 2}


def test_on_cpus_our_image_serves_its_own_models_to_the_cluster() -> None:
    found = rendering("on CPUs")
    assert found.triton["args"][:2] == ["--verbose", "serve"]
    assert "--address=0.0.0.0" in found.triton["args"]
    assert repository_of(found) == "/models"
    assert "nvidia.com/gpu" not in found.triton["resources"]["limits"]


def test_a_repository_in_an_image_is_copied_when_a_pod_starts() -> None:
    found = rendering("a model image")
    (copy,) = found.pod("Deployment baas-triton").spec["initContainers"]
    assert (copy["image"], copy["command"]) == ("models:3", ["cp", "-R", "/models/.", "/repository"])
    assert repository_of(found) == "/repository"
    assert volume(found, "repository") == {"name": "repository", "emptyDir": {}}
    (mount,) = [mount for mount in found.triton["volumeMounts"] if mount["name"] == "repository"]
    assert mount["readOnly"] is True


@pytest.mark.parametrize("name", ["a claim on CPUs", "everything"])
def test_a_repository_in_a_claim_is_read_only(name: str) -> None:
    found = rendering(name)
    assert repository_of(found) == "/repository/v3"
    assert volume(found, "repository")["persistentVolumeClaim"] == {"claimName": "models", "readOnly": True}


def test_a_repository_in_blobs_is_read_by_an_identity_of_tritons_own() -> None:
    found = rendering("blobs by identity")
    assert repository_of(found) == "as://mymodels/models/person_plate"
    assert {"name": "AZURE_STORAGE_AUTH_TYPE", "value": "default"} in found.triton["env"]
    annotations = found.one("ServiceAccount", "baas-triton")["metadata"]["annotations"]
    assert annotations == {"azure.workload.identity/client-id": CLIENT_ID}
    assert found.pod("Deployment baas-triton").labels["azure.workload.identity/use"] == "true"


def test_a_repository_in_blobs_is_read_with_a_key_where_there_is_one() -> None:
    assert rendering("blobs by key").triton["env"] == [
        {"name": "AZURE_STORAGE_ACCOUNT", "value": "mymodels"},
        {"name": "AZURE_STORAGE_KEY", "valueFrom": {"secretKeyRef": {"name": "models-key", "key": "key"}}},
    ]


def test_operator_and_workers_use_the_charts_triton_or_the_one_that_is_named() -> None:
    assert rendering("on CPUs").settings["BAAS_OPERATOR_TRITON_URL"] == "grpc://baas-triton.panoramas.svc:8001"
    elsewhere = rendering("another's Triton")
    assert elsewhere.settings["BAAS_OPERATOR_TRITON_URL"] == "grpcs://triton.example:8001"
    assert not [it for it in elsewhere.objects if "triton" in it["metadata"]["name"]]
    (test,) = elsewhere.pod("Pod baas-test").containers
    assert not any("triton" in word for word in test["command"])


def test_helm_test_asks_operator_and_model() -> None:
    (test,) = rendering("on CPUs").pod("Pod baas-test").containers
    assert test["command"][3:] == [
        "http://baas-operator:8080/healthz",
        "http://baas-triton:8000/v2/models/person_plate/ready",
    ]


@pytest.mark.parametrize("name", ["on CPUs", "a model image"])
def test_ready_means_that_the_model_is_warm_and_starting_may_take_long(name: str) -> None:
    container = render(VALUE_SETS[name], {"triton": {"startupSeconds": 61}}).triton
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == "/v2/models/person_plate/ready"
    assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] >= 61
    assert container["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"


def test_replicas_are_the_values_or_the_autoscalers_never_both() -> None:
    for kind, replicas in (("none", 3), ("hpa", None), ("keda", None)):
        scaled = {"autoscaling": {"kind": kind, "prometheusAddress": "http://prometheus:9090"}, "replicas": 3}
        found = render({"triton": scaled})
        assert found.one("Deployment", "baas-triton")["spec"].get("replicas") == replicas
        assert len(found.of("HorizontalPodAutoscaler")) == (kind == "hpa")
        assert len(found.of("ScaledObject")) == (kind == "keda")


def test_an_hpa_follows_the_time_in_the_queue() -> None:
    spec = render({"triton": {"autoscaling": AUTOSCALED | {"kind": "hpa"}}}).one(
        "HorizontalPodAutoscaler", "baas-triton"
    )["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "baas-triton"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    (metric,) = spec["metrics"]
    assert metric["pods"]["metric"] == {"name": "nv_inference_queue_us_per_request"}
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "2000000"}


def test_keda_asks_prometheus_for_this_releases_pods() -> None:
    keda = {"kind": "keda", "prometheusAddress": "http://prometheus:9090"}
    spec = render({"triton": {"autoscaling": AUTOSCALED | keda}}).one("ScaledObject", "baas-triton")["spec"]
    assert spec["scaleTargetRef"] == {"name": "baas-triton"}
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 6)
    (trigger,) = spec["triggers"]
    assert trigger["metadata"]["serverAddress"] == "http://prometheus:9090"
    assert trigger["metadata"]["threshold"] == "2000000"
    assert 'namespace="panoramas", pod=~"baas-triton-.+"' in trigger["metadata"]["query"]


@pytest.mark.parametrize("allowed", [1, "50%"])
def test_drains_take_pods_one_after_the_other(allowed: object) -> None:
    found = render({"triton": {"podDisruptionBudget": {"maxUnavailable": allowed}}})
    spec = found.one("PodDisruptionBudget", "baas-triton")["spec"]
    assert spec["maxUnavailable"] == allowed
    assert spec["selector"] == found.one("Deployment", "baas-triton")["spec"]["selector"]
    assert not render({"triton": {"podDisruptionBudget": {"enabled": False}}}).of("PodDisruptionBudget")


def test_pods_are_spread_over_nodes() -> None:
    spec = rendering("on CPUs").pod("Deployment baas-triton").spec
    (constraint,) = spec["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert constraint["labelSelector"] == rendering("on CPUs").one("Deployment", "baas-triton")["spec"]["selector"]
    own = {
        "topologyKey": "zone",
        "maxSkew": 2,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"a": "b"}},
    }
    changed = render({"triton": {"topologySpreadConstraints": [own]}}).pod("Deployment baas-triton").spec
    assert changed["topologySpreadConstraints"] == [own]


def test_further_arguments_come_last() -> None:
    assert rendering("everything").triton["args"][-1] == "--log-verbose=1"


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_address_that_workers_are_told_is_open(replicas: int) -> None:
    found = render({"triton": {"replicas": replicas}})
    host, port = found.settings["BAAS_OPERATOR_TRITON_URL"].removeprefix("grpc://").split(":")
    service = found.one("Service", host.split(".")[0])
    assert int(port) in {it["port"] for it in service["spec"]["ports"] if it["targetPort"] == "grpc"}
    assert f"--grpc-port={port}" in found.triton["args"]


ONE, ALL = "grpc://baas-triton.panoramas.svc:8001", "grpc://baas-triton-headless.panoramas.svc:8001"


@pytest.mark.parametrize(
    ("triton", "told", "allowed"),
    [
        ({"replicas": 1}, ONE, ALL),
        ({"replicas": 2}, ALL, ONE),
        ({"autoscaling": {"kind": "hpa"}}, ALL, ONE),
        ({"autoscaling": {"kind": "keda", "prometheusAddress": "http://prometheus:9090"}}, ALL, ONE),
    ],
)
def test_workers_are_told_of_all_pods_where_there_may_be_several(triton: Object, told: str, allowed: str) -> None:
    """BlurJobs that name the other address go on: it is the same Triton."""
    found = render({"triton": triton, "operator": {"allowedTritonUrls": ["grpc://other:8001"]}})
    assert found.settings["BAAS_OPERATOR_TRITON_URL"] == told
    assert found.settings["BAAS_OPERATOR_ALLOWED_TRITON_URLS"] == f"{allowed},grpc://other:8001"


def test_one_address_gives_one_of_the_pods_and_the_other_all_that_are_ready() -> None:
    found = rendering("on CPUs")
    one, all_of_them = (found.one("Service", f"baas-triton{suffix}")["spec"] for suffix in ("", "-headless"))
    assert "clusterIP" not in one
    assert all_of_them["clusterIP"] == "None"
    assert not all_of_them.get("publishNotReadyAddresses")
    assert one["selector"] == all_of_them["selector"]
    assert one["ports"] == all_of_them["ports"]


def test_connections_end_so_that_workers_find_new_pods() -> None:
    assert "--grpc-max-connection-age=30000" in rendering("a model image").triton["args"]


def test_tiles_are_handed_over_in_memory() -> None:
    shared = volume(render({"triton": {"sharedMemory": "3Gi"}}), "shared-memory")
    assert shared["emptyDir"] == {"medium": "Memory", "sizeLimit": "3Gi"}
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in rendering("on CPUs").triton["volumeMounts"]  # noqa: S108


def test_a_pod_outlives_the_requests_it_has_taken() -> None:
    found = rendering("a model image")
    grace = found.pod("Deployment baas-triton").spec["terminationGracePeriodSeconds"]
    (exit_timeout,) = [arg.partition("=")[2] for arg in found.triton["args"] if arg.startswith("--exit-timeout-secs")]
    assert found.triton["lifecycle"]["preStop"]["sleep"]["seconds"] + int(exit_timeout) < grace


def test_a_pod_that_does_not_work_blocks_no_drain() -> None:
    budget = rendering("on CPUs").one("PodDisruptionBudget", "baas-triton")
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
