"""The chart's renderings before a real API server, and what its roles let people do. Nothing is started here."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from tests.blurjobs import example
from tests.chart.rendering import HERE, THERE, render, value_sets
from tests.e2e.clusters import DEFINITIONS, Cluster, Object, Refused, define_blurjobs, fresh_namespace, is_allowed
from tests.waiting import eventually

# Kinds that other projects define, by the name of their definition. Clusters without it cannot judge them.
FOREIGN = {
    "PodMonitor": "podmonitors.monitoring.coreos.com",
    "PrometheusRule": "prometheusrules.monitoring.coreos.com",
    "ScaledObject": "scaledobjects.keda.sh",
    "ServiceMonitor": "servicemonitors.monitoring.coreos.com",
}


@pytest.fixture(scope="module")
def namespaces(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """The release's namespace and another. Both refuse pods that are not *restricted*, and warn of what makes them."""
    with ExitStack() as stack:
        here, there = (stack.enter_context(fresh_namespace(cluster, f"chart-{name}")) for name in ("here", "there"))
        yield here, there


@pytest.fixture(scope="module")
def unknown(cluster: Cluster) -> set[str]:
    """Kinds that this cluster does not know."""
    there = set(cluster.kubectl("get", "crds", "--output", "name").split())
    return {
        kind for kind, name in FOREIGN.items() if f"customresourcedefinition.apiextensions.k8s.io/{name}" not in there
    }


def try_to_apply(cluster: Cluster, *objects: Object) -> list[str]:
    """Let the API server judge objects without keeping them. Raises `Refused` for an error, also for a mere warning."""
    together = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--warnings-as-errors")
    return cluster.kubectl("apply", *options, "--filename", "-", stdin=together).splitlines()


@pytest.mark.parametrize("name", value_sets(HERE, THERE))
def test_the_api_server_takes_every_rendering(
    cluster: Cluster, namespaces: tuple[str, str], unknown: set[str], name: str
) -> None:
    here, there = namespaces
    changes = value_sets(here, there)[name]
    objects = [it for it in render(changes, namespace=here).objects if it["kind"] not in unknown]
    assert len(try_to_apply(cluster, *objects)) == len(objects) > 5


def test_the_api_server_takes_the_definitions(cluster: Cluster) -> None:
    definitions = render({"crds": {"enabled": True}}).of("CustomResourceDefinition")
    assert len(try_to_apply(cluster, *definitions)) == len(DEFINITIONS)


def test_a_pod_that_is_not_restricted_would_be_noticed(cluster: Cluster, namespaces: tuple[str, str]) -> None:
    operator = render(namespace=namespaces[0]).one("Deployment", "baas-operator")
    operator["spec"]["template"]["spec"]["hostNetwork"] = True
    with pytest.raises(Refused, match='would violate PodSecurity "restricted:latest": host namespaces'):
        try_to_apply(cluster, operator)


def test_a_field_that_does_not_exist_would_be_noticed(cluster: Cluster, namespaces: tuple[str, str]) -> None:
    operator = render(namespace=namespaces[0]).one("Deployment", "baas-operator")
    operator["spec"]["replcas"] = 1
    with pytest.raises(Refused, match='unknown field "replcas"'):
        try_to_apply(cluster, operator)


@pytest.fixture(scope="module")
def people(cluster: Cluster, namespaces: tuple[str, str]) -> Iterator[str]:
    """A namespace where `baas-edit` may edit and `baas-view` may view, with a BlurJob called `theirs`."""
    here, _ = namespaces
    was_there = define_blurjobs(cluster)
    roles = render(namespace=here).of("ClusterRole")
    cluster.apply(here, *roles)
    for role in ("edit", "view"):
        cluster.kubectl("create", "rolebinding", role, "-n", here, f"--clusterrole={role}", f"--user=baas-{role}")
    cluster.apply(here, example("volume") | {"metadata": {"name": "theirs"}})
    # The controller manager adds the rules of aggregated roles in its own time.
    for who, verb in (("view", "get"), ("edit", "create"), ("edit", "get")):  # to `edit` it adds those of `view` last
        eventually(partial(may, cluster, here, who, verb))
    yield here
    cluster.kubectl("delete", "clusterrole", *(role["metadata"]["name"] for role in roles))
    if not was_there:
        cluster.kubectl("delete", "crd", *DEFINITIONS)


def may(cluster: Cluster, namespace: str, who: str, verb: str, subresource: str = "") -> bool:
    """Ask the API server whether somebody may do something with BlurJobs of a namespace."""
    group = "blurring.amsterdam.nl"
    return is_allowed(cluster, namespace, f"baas-{who}", verb, "blurjobs", group=group, subresource=subresource)


LOOK = {("get", ""), ("list", ""), ("watch", ""), ("get", "status"), ("get", "scale")}
CHANGE = {(verb, "") for verb in ("create", "update", "patch", "delete", "deletecollection")}
SCALE = {("update", "scale"), ("patch", "scale")}
TELL = {("update", "status"), ("patch", "status")}


@pytest.mark.parametrize(("who", "allowed"), [("edit", LOOK | CHANGE | SCALE), ("view", LOOK), ("nobody", set())])
def test_people_may_do_with_blurjobs_what_they_may_do_with_a_namespace(
    cluster: Cluster, people: str, namespaces: tuple[str, str], who: str, allowed: set[tuple[str, str]]
) -> None:
    everything = LOOK | CHANGE | SCALE | TELL
    assert {(verb, part) for verb, part in everything if may(cluster, people, who, verb, part)} == allowed
    assert not any(may(cluster, namespaces[1], who, verb, part) for verb, part in everything)


def test_an_editor_makes_and_scales_blurjobs(cluster: Cluster, people: str) -> None:
    as_editor = ("-n", people, "--as", "baas-edit")
    job = json.dumps(example("volume") | {"metadata": {"name": "editors"}})
    assert "editors created" in cluster.kubectl("create", *as_editor, "--filename", "-", stdin=job)
    assert "scaled" in cluster.kubectl("scale", *as_editor, "blurjob/editors", "--replicas", "3")
    assert cluster.get("blurjob", "editors", *as_editor)["spec"]["parallelism"] == 3
    assert "deleted" in cluster.kubectl("delete", *as_editor, "blurjob/editors")


def test_a_viewer_sees_blurjobs_and_changes_nothing(cluster: Cluster, people: str) -> None:
    as_viewer = ("-n", people, "--as", "baas-view")
    assert "theirs" in cluster.kubectl("get", "blurjobs", *as_viewer)
    for command in (("scale", "blurjob/theirs", "--replicas", "3"), ("delete", "blurjob/theirs")):
        with pytest.raises(Refused, match="Forbidden"):
            cluster.kubectl(*command, *as_viewer)
