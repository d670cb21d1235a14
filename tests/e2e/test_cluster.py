"""What the other end-to-end tests take for granted of a cluster, shown on real pods."""

import json
import subprocess
import sys

import pytest

from tests.e2e.clusters import PATIENTLY, RESTRICTED, Cluster, Object, ready_pods
from tests.waiting import PATIENCE_SECONDS, eventually

WEB_LABELS = {"app": "web"}
CLAIM: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "pages"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
SERVICE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": WEB_LABELS, "ports": [{"port": 80, "targetPort": 8000}]},
}

# A Service leads to a pod that has just become ready soon, not at once.
FETCH = f"""
import sys, time, urllib.request
deadline = time.monotonic() + {PATIENCE_SECONDS}
while True:
    try:
        print(urllib.request.urlopen(sys.argv[1], timeout=10).read())
        break
    except OSError as error:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.2)
"""


@pytest.fixture(scope="session")
def image(cluster: Cluster) -> str:
    return cluster.image("tests/e2e/hello")


def container(image: str, *command: str) -> Object:
    own = {"command": list(command)} if command else {}
    return {"name": "main", "image": image, "securityContext": RESTRICTED} | own


def job(name: str, image: str, *command: str) -> Object:
    pod = {"restartPolicy": "Never", "containers": [container(image, *command)]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }


def web(image: str) -> Object:
    """A web server whose pages lie on a volume of the default StorageClass, owned by the pod's own group."""
    serving = container(image, "python", "-m", "http.server", "--directory", "/pages", "8000") | {
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
        "volumeMounts": [{"name": "pages", "mountPath": "/pages"}],
    }
    pod = {
        "containers": [serving],
        "securityContext": {"fsGroup": 4242},
        "terminationGracePeriodSeconds": 0,  # http.server as a container's first process ignores SIGTERM
        "volumes": [{"name": "pages", "persistentVolumeClaim": {"claimName": "pages"}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": WEB_LABELS},
            "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": WEB_LABELS}, "spec": pod},
        },
    }


def output_of(cluster: Cluster, namespace: str, wanted: Object) -> str:
    """Run a job to its end and return what its pod printed."""
    name = wanted["metadata"]["name"]
    cluster.apply(namespace, wanted)
    cluster.kubectl("wait", "-n", namespace, "--for", "condition=Complete", f"job/{name}", *PATIENTLY)
    return cluster.kubectl("logs", "-n", namespace, f"job/{name}")


@pytest.fixture
def website(cluster: Cluster, namespace: str, image: str) -> str:
    """The namespace of a web server that runs behind a Service and has one page on its volume."""
    cluster.apply(namespace, CLAIM, SERVICE, web(image))
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", *PATIENTLY)
    cluster.kubectl("exec", "-n", namespace, "deployment/web", "--", "sh", "-c", "echo no face here >/pages/index.html")
    return namespace


def test_a_pod_reaches_the_api_server_by_its_service_and_by_name(cluster: Cluster, namespace: str, image: str) -> None:
    said = json.loads(output_of(cluster, namespace, job("hello", image)))
    service = cluster.get("service", "kubernetes", "-n", "default")
    assert said == {
        "address": service["spec"]["clusterIP"],
        "version": json.loads(cluster.kubectl("version", "--output", "json"))["serverVersion"]["gitVersion"],
    }


def test_a_pod_reaches_another_by_the_name_of_its_service(cluster: Cluster, website: str, image: str) -> None:
    page = output_of(
        cluster, website, job("fetch", image, "python", "-c", FETCH, f"http://web.{website}.svc.cluster.local")
    )
    assert "no face here" in page


def test_a_volume_belongs_to_the_pods_group_and_outlives_an_evicted_pod(cluster: Cluster, website: str) -> None:
    (evicted,) = ready_pods(cluster, website, "app=web")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": evicted, "namespace": website}}
    path = f"/api/v1/namespaces/{website}/pods/{evicted}/eviction"
    cluster.kubectl("create", "--raw", path, "--filename", "-", stdin=json.dumps(eviction))
    cluster.kubectl("wait", "-n", website, "--for", "delete", f"pod/{evicted}", *PATIENTLY)
    # Only later the Deployment tells that it lacks a pod.
    (another,) = eventually(lambda: ready_pods(cluster, website, "app=web"))

    assert another != evicted
    page = cluster.kubectl("exec", "-n", website, another, "--", "sh", "-c", "stat -c %g /pages; cat /pages/index.html")
    assert page.split("\n", 1) == ["4242", "no face here\n"]


def test_a_deleted_claim_takes_its_volume_along(cluster: Cluster, website: str) -> None:
    volume = cluster.get("pvc", "pages", "-n", website)["spec"]["volumeName"]
    cluster.kubectl("delete", "-n", website, "deployment/web", "pvc/pages", *PATIENTLY)
    cluster.kubectl("wait", "--for", "delete", f"pv/{volume}", *PATIENTLY)


def test_a_namespace_refuses_pods_that_are_not_restricted(cluster: Cluster, namespace: str, image: str) -> None:
    privileged = container(image) | {"securityContext": {"privileged": True}}
    root = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": {"containers": [privileged]}}
    with pytest.raises(pytest.fail.Exception, match='violates PodSecurity "restricted:latest": privileged'):
        cluster.apply(namespace, root)


def test_the_audit_log_says_who_asked_for_what_and_whether_it_was_allowed(cluster: Cluster, namespace: str) -> None:
    user = f"system:serviceaccount:{namespace}:default"
    with pytest.raises(pytest.fail.Exception, match="secrets is forbidden"):
        cluster.kubectl("get", "secrets", "-n", namespace, "--as", user)
    seen = [
        entry for line in cluster.audit_log.read_text().splitlines() if user in line for entry in [json.loads(line)]
    ]
    assert [
        (entry["verb"], entry["objectRef"]["resource"], entry["annotations"]["authorization.k8s.io/decision"])
        for entry in seen
        if entry.get("impersonatedUser", {}).get("username") == user and "objectRef" in entry
    ] == [("list", "secrets", "forbid")]


def test_a_service_answers_on_the_machine_that_runs_the_tests(cluster: Cluster, website: str) -> None:
    if not cluster.is_ours:
        pytest.skip("Only hack/cluster routes Services to this machine.")
    address = cluster.get("service", "web", "-n", website)["spec"]["clusterIP"]
    page = subprocess.run(
        [sys.executable, "-c", FETCH, f"http://{address}"], capture_output=True, check=True, text=True
    )
    assert "no face here" in page.stdout
