"""A Kubernetes cluster as end-to-end tests use it: through `kubectl` and `helm`, as a person would."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from baas_crds.__main__ import CRD, SCHEDULE_CRD
from tests.waiting import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).resolve().parents[2]
HACK = ROOT / "hack" / "cluster"
OWN_KUBECONFIG = ROOT / ".cache" / "cluster" / "kubeconfig"
PATH = f"{ROOT / '.cache' / 'cluster-programs'}{os.pathsep}{os.environ['PATH']}"

CHART = ROOT / "charts" / "blurring-as-a-service"
DEFINITION = "blurjobs.blurring.amsterdam.nl"
DEFINITIONS = (DEFINITION, "blurschedules.blurring.amsterdam.nl")

PATIENTLY = ("--timeout", f"{PATIENCE_SECONDS}s")
"""What kubectl is told wherever it waits."""

Object = dict[str, Any]
Refused = pytest.fail.Exception
"""What `run` raises when a command does not succeed."""
USER = 65532
RESTRICTED: Object = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What a container says so that a *restricted* namespace admits it."""


def run(*command: str | Path, stdin: str | None = None, env: dict[str, str] | None = None) -> str:
    """Return what a command prints; fail with all that it said when it does not succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, check=False, input=stdin, env=os.environ | (env or {}), capture_output=True, text=True)
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}".strip()
        pytest.fail(f"{' '.join(words)} ended with {done.returncode}:\n{said}", pytrace=False)
    return done.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Kubernetes cluster that tests may change."""

    kubeconfig: Path
    is_ours: bool
    """Made by hack/cluster: its node and its audit log are at hand."""

    @property
    def audit_log(self) -> Path:
        """A JSON object a line for each request of a service account or a person (config/audit-policy.yaml)."""
        if not self.is_ours:
            pytest.skip("Only hack/cluster keeps its audit log where tests can read it.")
        return self.kubeconfig.parent / "audit.log"

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        return run("kubectl", *words, stdin=stdin, env=self._environment)

    def helm(self, *words: str, stdin: str | None = None) -> str:
        return run("helm", *words, stdin=stdin, env=self._environment)

    def get(self, *words: str) -> Object:
        """Return an object, or a list of them, as the API server gives it."""
        answer: Object = json.loads(self.kubectl("get", "--output", "json", *words))
        return answer

    def apply(self, namespace: str, *objects: Object) -> None:
        together = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "--namespace", namespace, "--filename", "-", stdin=json.dumps(together))

    @contextmanager
    def forwarded(self, namespace: str, target: str, port: int) -> Iterator[int]:
        """Give the port of this machine by which a pod's or Service's port is reached."""
        words = ["kubectl", "port-forward", "--namespace", namespace, target, f":{port}"]
        with subprocess.Popen(words, env=os.environ | self._environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            match = re.match(r"Forwarding from 127\.0\.0\.1:(\d+)", said)
            try:
                assert match is not None, f"kubectl port-forward to {target} said {said!r}"
                yield int(match[1])
            finally:
                process.terminate()

    def kill(self, namespace: str, pod: str) -> None:
        """Kill a pod's one container as nothing but the kernel can: no signal is handled, no grace is given."""
        if not self.is_ours:
            pytest.skip("Only in the node of hack/cluster can tests kill a container.")
        (status,) = self.get("pod", pod, "-n", namespace)["status"]["containerStatuses"]
        container = status["containerID"].removeprefix("containerd://")
        run(HACK / "enter", "ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container)

    def image(self, folder: str) -> str:
        """Build the Dockerfile in a folder of the repository and return the name by which pods can run it.

        A cluster that is not ours pulls it from the registry and path in E2E_IMAGES, where a person has pushed it.
        """
        name = f"{Path(folder).name}:dev"
        if self.is_ours:
            run(HACK / "images", folder)
            return f"localhost/baas/{name}"
        if registry := os.environ.get("E2E_IMAGES"):
            return f"{registry}/{name}"
        pytest.fail(
            f"{self.kubeconfig} cannot see images built here: push {name} and name its registry and path in E2E_IMAGES."
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(ROOT / ".cache" / "kubectl"), "PATH": PATH}


@contextmanager
def fresh_namespace(cluster: Cluster, what: str) -> Iterator[str]:
    """Give a namespace that admits *restricted* pods only, and warns of what makes others; gone with the block."""
    name = f"e2e-{what}-{uuid4().hex[:6]}"
    # Made with its labels: admission may know a namespace for a moment as it was before it got them.
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    cluster.kubectl("create", "--filename", "-", stdin=json.dumps(made))
    try:
        cluster.kubectl("wait", "--namespace", name, "--for", "create", "serviceaccount/default", *PATIENTLY)
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")


def define_blurjobs(cluster: Cluster) -> bool:
    """Let the cluster know BlurJobs and BlurSchedules as they are checked in; return whether it knew some before."""
    was_there = bool(cluster.kubectl("get", "crd", *DEFINITIONS, "--ignore-not-found"))
    for file in (CRD, SCHEDULE_CRD):
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename", str(ROOT / file))
    wait_until_defined(cluster, *DEFINITIONS)
    return was_there


def wait_until_defined(cluster: Cluster, *definitions: str) -> None:
    """Wait until the API server has CustomResourceDefinitions, and tells clients of their kinds."""
    cluster.kubectl("wait", "--for", "condition=Established", *PATIENTLY, *(f"crd/{name}" for name in definitions))
    # Which kinds there are is gathered by another part of the API server, in its own time.
    eventually(lambda: set(definitions) <= set(cluster.kubectl("api-resources", "--output", "name").split()))


def is_allowed(
    cluster: Cluster, namespace: str, user: str, verb: str, resource: str, *, group: str, subresource: str = ""
) -> bool:
    """Ask the API server whether somebody may do something in a namespace."""
    what = {"group": group, "resource": resource, "subresource": subresource, "verb": verb, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": what},
    }
    answer = json.loads(cluster.kubectl("create", "--filename", "-", "--output", "json", stdin=json.dumps(review)))
    allowed: bool = answer["status"]["allowed"]
    return allowed


def ready_pods(cluster: Cluster, namespace: str, labels: str) -> list[str]:
    """The names of pods that are ready, and not about to end."""
    found = cluster.get("-n", namespace, "pods", "-l", labels)["items"]
    return [pod["metadata"]["name"] for pod in found if _is_ready(pod)]


def _is_ready(pod: Object) -> bool:
    conditions = {it["type"]: it["status"] for it in pod["status"].get("conditions", ())}
    return "deletionTimestamp" not in pod["metadata"] and conditions.get("Ready") == "True"
