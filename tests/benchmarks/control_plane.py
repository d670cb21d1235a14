"""etcd, a real API server and the Job controller as processes of this machine: Kubernetes without a node.

Pods are made and stay pending for ever, unless a benchmark writes their status as a node would. Everything is gone with
the block. The programs are those of hack/cluster.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.clusters import HACK, PATH, Cluster, define_blurjobs
from tests.e2e.operators import free_port

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / ".cache" / "cluster-programs"
ADMIN_TOKEN = "admin-of-the-benchmark"
START_SECONDS = 60.0
# Only the operator is counted, and never a body.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """Where it is."""

    kubeconfig: Path
    audit_log: Path
    """A JSON object a line for each request of a ServiceAccount, written when it is answered."""

    @property
    def cluster(self) -> Cluster:
        """The same, as end-to-end tests use clusters."""
        return Cluster(kubeconfig=self.kubeconfig, is_ours=False)


@contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """Give a control plane that knows BlurJobs and has the namespace `default`."""
    if not (PROGRAMS / "kube-apiserver").exists():
        subprocess.run([HACK / "build"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="baas-control-plane-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        store, port = _etcd(stack, folder), free_port()
        kubeconfig = _kubeconfig(folder, port)
        _api_server(stack, folder, store, port)
        it = ControlPlane(kubeconfig=kubeconfig, audit_log=folder / "audit.log")
        _await_ready(it.cluster)
        _job_controller(stack, folder, kubeconfig)
        define_blurjobs(it.cluster)
        yield it


def _etcd(stack: ExitStack, folder: Path) -> str:
    store, peers = f"unix://{folder}/etcd.sock", f"unix://{folder}/peers.sock"
    _keep(
        stack,
        folder,
        "etcd",
        *("--data-dir", folder / "etcd", "--unsafe-no-fsync"),
        *("--listen-client-urls", store, "--advertise-client-urls", "http://localhost:2379"),
        *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", "http://localhost:2380"),
        *("--initial-cluster", "default=http://localhost:2380"),
    )
    return store


def _api_server(stack: ExitStack, folder: Path, store: str, port: int) -> None:
    key = folder / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
    (folder / "audit-policy.json").write_text(json.dumps(AUDIT_POLICY))
    _keep(
        stack,
        folder,
        "kube-apiserver",
        *("--etcd-servers", store, "--cert-dir", folder / "certificates"),
        *("--bind-address", "127.0.0.1", "--secure-port", port, "--advertise-address", "127.0.0.1"),
        *("--service-cluster-ip-range", "10.254.0.0/24", "--endpoint-reconciler-type", "none"),
        *("--service-account-issuer", "https://kubernetes.default.svc"),
        *("--service-account-key-file", key, "--service-account-signing-key-file", key),
        *("--token-auth-file", folder / "tokens.csv", "--authorization-mode", "RBAC"),
        # Pods need none here, and nobody makes them.
        *("--disable-admission-plugins", "ServiceAccount", "--profiling=false"),
        *("--audit-policy-file", folder / "audit-policy.json", "--audit-log-path", folder / "audit.log"),
        *("--audit-log-maxsize", "2000"),
    )


def _job_controller(stack: ExitStack, folder: Path, kubeconfig: Path) -> None:
    # By default it makes 20 pods a second, and the benchmark would measure that.
    _keep(
        stack,
        folder,
        "kube-controller-manager",
        *("--kubeconfig", kubeconfig, "--controllers", "job-controller,garbage-collector-controller"),
        *("--bind-address", "127.0.0.1", "--secure-port", free_port(), "--cert-dir", folder / "certificates"),
        *("--leader-elect=false", "--profiling=false", "--kube-api-qps", "500", "--kube-api-burst", "1000"),
    )


def _keep(stack: ExitStack, folder: Path, program: str, *words: object) -> None:
    """Run a program until the block ends, or this process, even when that is killed."""
    command: list[str | Path] = ["setpriv", "--pdeathsig=KILL", "--", PROGRAMS / program, *map(str, words)]
    log = stack.enter_context((folder / f"{program}.log").open("w"))
    process = stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
    stack.callback(process.kill)


def _kubeconfig(folder: Path, port: int) -> Path:
    # The server makes its certificate itself, when it starts.
    server = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    path = folder / "kubeconfig"
    config = {
        "clusters": [{"name": "benchmark", "cluster": server}],
        "users": [{"name": "admin", "user": {"token": ADMIN_TOKEN}}],
        "contexts": [{"name": "benchmark", "context": {"cluster": "benchmark", "user": "admin"}}],
        "current-context": "benchmark",
    }
    path.write_text(json.dumps(config))
    return path


def _await_ready(cluster: Cluster) -> None:
    words = ["kubectl", "--kubeconfig", str(cluster.kubeconfig), "get", "namespace", "default"]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(words, env=os.environ | {"PATH": PATH}, check=False, capture_output=True).returncode:
        if time.monotonic() > deadline:
            raise RuntimeError(f"The API server is not ready after {START_SECONDS:.0f} s.")
        time.sleep(0.1)
