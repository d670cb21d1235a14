"""The operator as a process of this machine, with exactly the rights that it needs in a cluster."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.clusters import Cluster, Object, is_allowed
from tests.waiting import eventually

OPERATOR = Path(sys.executable).with_name("baas-operator")
STOP_SECONDS = 60
"""Twice the time that Kubernetes gives a pod."""

# All that the operator may do, and does. The chart grants the same.
RULES = [
    {
        "apiGroups": ["blurring.amsterdam.nl"],
        "resources": ["blurjobs"],
        "verbs": ["create", "get", "list", "watch", "delete"],
    },
    {"apiGroups": ["blurring.amsterdam.nl"], "resources": ["blurschedules"], "verbs": ["get", "list", "watch"]},
    {
        "apiGroups": ["blurring.amsterdam.nl"],
        "resources": ["blurjobs/status", "blurschedules/status"],
        "verbs": ["patch"],
    },
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "list", "watch", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
]


def asked_for(cluster: Cluster, user: str) -> set[tuple[str, str, str]]:
    """Return what a ServiceAccount has asked the API server for: group, resource, verb. Fails if it was refused."""
    asked = set()
    for line in cluster.audit_log.read_text().splitlines(keepends=True):
        if user not in line or not line.endswith("\n"):  # the last one may be half written
            continue
        entry = json.loads(line)
        if entry["user"]["username"] != user or "objectRef" not in entry:
            continue
        assert entry["annotations"]["authorization.k8s.io/decision"] == "allow", entry
        reference = entry["objectRef"]
        resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
        asked.add((reference.get("apiGroup", ""), resource, entry["verb"]))
    return asked


def granted_by(rules: list[Object]) -> set[tuple[str, str, str]]:
    """Return what the rules of a Role allow: group, resource, verb."""
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kubeconfig_for(cluster: Cluster, namespace: str, folder: Path, *, everywhere: bool = False) -> Path:
    """Make a ServiceAccount with the operator's rights, in its namespace or everywhere, and a kubeconfig of it."""
    kind = "ClusterRole" if everywhere else "Role"
    named = {"name": f"baas-operator-{namespace}"}
    account = {"kind": "ServiceAccount", "name": "baas-operator", "namespace": namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": named["name"]}
    cluster.apply(
        namespace,
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "baas-operator"}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": named, "rules": RULES},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": f"{kind}Binding",
            "metadata": named,
            "roleRef": reference,
            "subjects": [account],
        },
    )
    # What rules say is known to those who ask a moment after they are there.
    user = f"system:serviceaccount:{namespace}:baas-operator"
    eventually(lambda: is_allowed(cluster, namespace, user, "create", "events", group="events.k8s.io"))
    config = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "--output", "json"))
    token = cluster.kubectl("create", "token", "-n", namespace, "baas-operator", "--duration", "1h").strip()
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    path = folder / f"kubeconfig-{namespace}"
    path.write_text(json.dumps(config))
    return path


@dataclass(kw_only=True)
class Operator:
    """An operator's process, which can be ended and started again."""

    environment: dict[str, str]
    log: Path
    health_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is well."""
        ports = {
            "BAAS_OPERATOR_HEALTH_PORT": str(self.health_port),
            "BAAS_OPERATOR_METRICS_PORT": str(self.metrics_port),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([OPERATOR], env=self.environment | ports, stdout=log, stderr=log)
        eventually(self._is_well)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(STOP_SECONDS)
        self.process = None
        return code

    def health(self) -> str | None:
        """What the liveness probe would see; None while nobody answers."""
        try:
            return self._page(self.health_port, "healthz")
        except OSError:
            return None

    def metrics(self) -> str:
        """What Prometheus would see."""
        return self._page(self.metrics_port, "metrics")

    def lines(self) -> list[Object]:
        """All that it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def _is_well(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        return self.health() == "ok"

    @staticmethod
    def _page(port: int, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as page:
            text: str = page.read().decode()
            return text


@contextmanager
def operator(
    *, kubeconfig: Path, ledger_url: str, triton: str, image: str, folder: Path, **settings: str
) -> Iterator[Operator]:
    """Give an operator that runs; its log is shown when a test fails."""
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(kubeconfig),
        "BAAS_LEDGER": ledger_url,
        "BAAS_OPERATOR_TRITON_URL": f"grpc://{triton}",
        "BAAS_OPERATOR_LEDGER_SECRET_NAME": "baas-ledger",
        "BAAS_OPERATOR_WORKER_IMAGE": image,
        "BAAS_OPERATOR_STATUS_INTERVAL_SECONDS": "1",
        **{f"BAAS_OPERATOR_{name.upper()}": value for name, value in settings.items()},
    }
    it = Operator(environment=environment, log=folder / f"operator-{time.monotonic_ns()}.log")
    try:
        it.start()
        yield it
    finally:
        if it.process is not None:
            it.stop()
        print(it.log.read_text())
