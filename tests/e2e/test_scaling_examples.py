"""The examples are what Kueue and KEDA take, by the definitions in their Go modules. Their controllers do not run."""

import json
from pathlib import Path

import pytest
import yaml

from tests.blurjobs import ROOT
from tests.chart.rendering import render
from tests.e2e.clusters import Cluster, Object, Refused, define_blurjobs, run, wait_until_defined

EXAMPLES = ROOT / "examples"
DEFINITIONS = {
    "sigs.k8s.io/kueue@v0.17.0": (
        "config/components/crd/bases/kueue.x-k8s.io_resourceflavors.yaml",
        "config/components/crd/bases/kueue.x-k8s.io_clusterqueues.yaml",
        "config/components/crd/bases/kueue.x-k8s.io_localqueues.yaml",
    ),
    "github.com/kedacore/keda/v2@v2.21.0": ("config/crd/bases/keda.sh_scaledobjects.yaml",),
}


@pytest.fixture(scope="module")
def foreign(cluster: Cluster) -> Cluster:
    """A cluster that knows BlurJobs, Kueue's kinds and KEDA's."""
    define_blurjobs(cluster)
    names = []
    for module, files in DEFINITIONS.items():
        folder = Path(json.loads(run("go", "mod", "download", "-json", module))["Dir"])
        for file in files:
            definition = str(folder / file)
            cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename", definition)
            # A file is called after the group and the plural, a definition after the plural and the group.
            group, _, plural = Path(file).stem.partition("_")
            names.append(f"{plural}.{group}")
    wait_until_defined(cluster, *names)
    return cluster


def objects(file: str, namespace: str) -> list[Object]:
    """Return an example's objects, those with a namespace in this one."""
    found: list[Object] = list(yaml.safe_load_all((EXAMPLES / file).read_text(encoding="utf-8")))
    for it in found:
        if "namespace" in it["metadata"]:
            it["metadata"]["namespace"] = namespace
    return found


def dry_run(cluster: Cluster, namespace: str, *made: Object) -> str:
    """Return what the API server says of objects that it checks and does not keep."""
    words = ("--namespace", namespace, "--dry-run=server", "--validate=strict", "--filename", "-")
    return cluster.kubectl("create", *words, stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))


@pytest.mark.parametrize("file", ["kueue/queues.yaml", "kueue/blurjob.yaml", "autoscaling/workers.yaml"])
def test_an_example_is_taken(foreign: Cluster, namespace: str, file: str) -> None:
    made = objects(file, namespace)
    said = dry_run(foreign, namespace, *made)
    assert said.count("created (server dry run)") == len(made)


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_what_the_chart_makes_for_autoscaling_is_taken(foreign: Cluster, namespace: str, kind: str) -> None:
    scaling = {"kind": kind, "prometheusAddress": "http://prometheus.monitoring:9090"}
    found = render({"triton": {"autoscaling": scaling}})
    (made,) = found.of("HorizontalPodAutoscaler") or found.of("ScaledObject")
    made["metadata"]["namespace"] = namespace
    assert "created (server dry run)" in dry_run(foreign, namespace, made)


def test_a_field_that_kueue_does_not_know_is_refused(foreign: Cluster, namespace: str) -> None:
    flavor, *_ = objects("kueue/queues.yaml", namespace)
    with pytest.raises(Refused, match="unknown field"):
        dry_run(foreign, namespace, {**flavor, "spec": {**flavor["spec"], "nodes": {}}})


def test_the_queue_that_the_example_names_is_the_one_that_the_other_makes() -> None:
    made = {it["kind"]: it for it in objects("kueue/queues.yaml", "panoramas")}
    (run_,) = objects("kueue/blurjob.yaml", "panoramas")
    assert run_["spec"]["queueName"] == made["LocalQueue"]["metadata"]["name"]
    assert made["LocalQueue"]["spec"]["clusterQueue"] == made["ClusterQueue"]["metadata"]["name"]
    (group,) = made["ClusterQueue"]["spec"]["resourceGroups"]
    (flavor,) = group["flavors"]
    assert flavor["name"] == made["ResourceFlavor"]["metadata"]["name"]
    (cpu,) = [it["nominalQuota"] for it in flavor["resources"] if it["name"] == "cpu"]
    assert run_["spec"]["parallelism"] <= cpu, "with the chart's worker.resources of one CPU it would never be admitted"
