"""hack/cluster leaves a machine as it found it, and survives what machines do to it. Tried on a cluster of its own."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.clusters import HACK, PATH, run

NET = "10.214"
LINK = "baas-10-214"
# Where Kubernetes, containerd and CNI plugins keep things unless they are kept from it.
USUAL_PLACES = (
    *("/etc/cni/net.d", "/etc/kubernetes", "/opt/cni", "/run/containerd", "/run/netns", "/usr/libexec/kubernetes"),
    *("/var/lib/cni", "/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet"),
    *("/var/log/containers", "/var/log/pods"),
)
KERNEL_SETTINGS = (
    *("kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"),
    *("vm/overcommit_memory", "vm/panic_on_oom", "net/ipv4/ip_forward"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """All that a cluster could leave on a machine, as far as it can be listed."""

    devices: str
    routes: str
    packet_filter: str
    mounts: frozenset[str]
    cgroups: frozenset[str]
    kernel_settings: tuple[str, ...]
    usual_places: tuple[bool, ...]


def footprint() -> Footprint:
    return Footprint(
        devices=run("ip", "-brief", "link", env={"PATH": PATH}),
        routes=run("ip", "-4", "route", "show", "table", "all", env={"PATH": PATH}),
        packet_filter=re.sub(r"#.*|\[\d+:\d+\]", "", run("iptables-save", env={"PATH": PATH})),  # no dates, no counters
        mounts=frozenset(line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()),
        cgroups=frozenset(str(group) for group in Path("/sys/fs/cgroup").glob(f"**/{LINK}")),
        kernel_settings=tuple((Path("/proc/sys") / name).read_text() for name in KERNEL_SETTINGS),
        usual_places=tuple(Path(place).exists() for place in USUAL_PLACES),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCluster:
    state: Path

    def run(self, script: str, *words: str) -> str:
        env = {"BAAS_CLUSTER_STATE": str(self.state), "BAAS_CLUSTER_NET": NET}
        return run(HACK / script, *words, env=env)

    def kubectl(self, *words: str) -> str:
        env = {"KUBECONFIG": str(self.state / "kubeconfig"), "KUBECACHEDIR": str(self.state / "cache"), "PATH": PATH}
        return run("kubectl", *words, env=env)

    def processes(self) -> list[int]:
        """The node's first process and its descendants, daemons and pods alike, by this machine's ids."""
        found = [int((self.state / "node").read_text().split()[0])]
        parents = dict(parent_of(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
        for process in found:  # grows as it goes
            found += [child for child, parent in parents.items() if parent == process]
        return found


def parent_of(process: int) -> tuple[int, int | None]:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return process, None
    return process, int(status.rpartition(")")[2].split()[1])


def kill(process: int) -> None:
    with suppress(ProcessLookupError):  # another's end may have ended it
        os.kill(process, signal.SIGKILL)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnCluster]:
    """A cluster beside the one that the other tests share."""
    run(HACK.parent / "prerequisites", "cluster")  # what a package installs is no trace of the cluster
    own = OwnCluster(state=tmp_path / "cluster")
    yield own
    own.run("down")


def test_down_leaves_the_machine_as_up_found_it(own: OwnCluster) -> None:
    before = footprint()
    own.run("up")
    during, processes = footprint(), own.processes()
    own.run("down")

    assert LINK in during.devices, "the footprint must see a cluster that is there"
    assert len(processes) > 10
    assert footprint() == before
    assert [process for process in processes if Path(f"/proc/{process}").exists()] == []
    assert not own.state.exists()


def test_up_works_after_all_processes_were_killed(own: OwnCluster) -> None:
    before = footprint()
    own.run("up")
    for process in reversed(own.processes()):
        kill(process)

    own.run("up")
    assert "True" in own.kubectl(
        "get", "nodes", "-o", "jsonpath={.items[0].status.conditions[?(@.type=='Ready')].status}"
    )
    own.run("down")
    assert footprint() == before


def test_a_daemon_that_is_killed_comes_back_while_pods_run_on(own: OwnCluster) -> None:
    containers = ("get", "pods", "-A", "-o", "jsonpath={.items[*].status.containerStatuses[*].state}")
    own.run("up")
    before = own.kubectl(*containers)
    assert "running" in before
    for daemon in ("kube-apiserver", "kubelet", "containerd"):
        own.run("enter", "pkill", "-KILL", "-x", daemon)
    own.run("up")  # waits until the same cluster is well again
    assert own.kubectl(*containers) == before
