"""Releases of the chart beside each other: namespaced and cluster-wide, upgraded while they work, uninstalled."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.blurjobs import example
from tests.e2e.clusters import DEFINITION, DEFINITIONS, Cluster, Object, Refused, fresh_namespace
from tests.e2e.operators import asked_for, granted_by
from tests.e2e.pictures import Blurred
from tests.e2e.schedules import Schedule
from tests.e2e.services import Backends, Images, Release, release
from tests.waiting import eventually

FEW = ("street 0/*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two releases of one name in two namespaces, each with a ledger of its own; the second uses the first's Triton."""

    first: Release
    second: Release


def without_triton_or_crds(first: Release) -> Object:
    """The values of a release that shares what another one has installed."""
    triton = {"enabled": False, "url": f"grpc://{first.name}-triton.{first.namespace}.svc:8001"}
    return {"triton": triton, "crds": {"enabled": False}}


@pytest.fixture(scope="module")
def pair(cluster: Cluster, service_images: Images, servers: Backends) -> Iterator[Pair]:
    with ExitStack() as stack:
        one, other = (stack.enter_context(fresh_namespace(cluster, what)) for what in ("first", "second"))
        first = stack.enter_context(release(cluster, service_images, servers, namespace=one))
        first.install()
        second = stack.enter_context(
            release(cluster, service_images, servers, namespace=other, **without_triton_or_crds(first))
        )
        second.install()
        yield Pair(first=first, second=second)


def test_two_releases_work_side_by_side_and_do_not_meet(pair: Pair, baseline: Blurred) -> None:
    runs = [(it, it.blur("same-name", include=FEW)) for it in (pair.first, pair.second)]
    for it, run in runs:
        run.wait("Complete")
        assert [row[0] for row in it.sql("SELECT id FROM runs")] == [run.uid]
        assert it.output(run).items() <= baseline.outputs.items()
        assert run.images()["published"] == sum(name.startswith("street 0/") for name in baseline.originals)


def test_a_release_that_watches_its_own_namespace_has_roles_only(pair: Pair, cluster: Cluster) -> None:
    for it in (pair.first, pair.second):
        subject = {"kind": "ServiceAccount", "name": "baas-operator", "namespace": it.namespace}
        bindings = cluster.get("clusterrolebindings")["items"]
        assert not any(subject in binding.get("subjects", ()) for binding in bindings)
        assert cluster.get("role", "baas-operator", "-n", it.namespace)["rules"]


def test_an_upgrade_with_other_values_does_not_disturb_a_run(pair: Pair, baseline: Blurred) -> None:
    it = pair.first
    run = it.blur("during-upgrade", imagesInFlight=1)
    it.wait_until_published(run, 2)
    before = it.pod("operator")
    said = it.install(operator={"logLevel": "DEBUG"}, worker={"podLabels": {"team": "streets"}})
    assert "has been upgraded" in said
    assert it.pod("operator") != before
    run.wait("Complete", seconds=600)
    assert it.output(run) == baseline.outputs
    assert run.names("jobs") == ["during-upgrade-plan-1", "during-upgrade-work-1"]
    again = it.blur("after-upgrade", include=FEW)
    again.wait("Complete")
    assert {pod["metadata"]["labels"]["team"] for pod in again.children("pods")} == {"streets"}


def test_the_operator_asks_for_exactly_what_its_role_grants(pair: Pair, cluster: Cluster) -> None:
    it = pair.second
    paused = it.blur("paused")
    paused.wait_for_job("work")
    paused.change({"suspend": True})
    paused.wait("Suspended")
    late = it.blur("late")
    late.wait_for_job("work")
    late.change({"activeDeadlineSeconds": 1})
    late.wait("Failed")
    short_lived = it.blur("short-lived", source="nowhere", ttlSecondsAfterFinished=1)
    short_lived.wait_for("delete", f"blurjob/{short_lived.name}")

    nightly = Schedule.made(cluster, it.namespace, "nightly", example("azure")["spec"])
    nightly.let_miss(2)
    nightly.first_blurjob()
    nightly.delete()

    granted = granted_by(cluster.get("role", "baas-operator", "-n", it.namespace)["rules"])
    eventually(lambda: asked_for(cluster, f"system:serviceaccount:{it.namespace}:baas-operator") == granted)


def test_uninstalling_keeps_blurjobs_ledger_and_pictures(pair: Pair, cluster: Cluster) -> None:
    it = pair.second
    run = it.blur("kept", include=FEW)
    run.wait("Complete")
    run.wait_for_workers(0)
    before, rows, blobs = run.blurjob(), it.rows(run), it.output(run)
    it.uninstall()
    ours = ("all,roles,rolebindings,serviceaccounts,configmaps", "-l", "app.kubernetes.io/instance=baas")
    eventually(lambda: not cluster.get("-n", it.namespace, *ours)["items"])
    assert cluster.get("crd", DEFINITION)
    assert (run.blurjob(), it.rows(run), it.output(run)) == (before, rows, blobs)
    it.install()
    assert run.blurjob() == before, "a restart writes nothing"


def test_a_definition_of_another_release_is_left_alone(pair: Pair, cluster: Cluster) -> None:
    with pytest.raises(Refused, match="is there already and belongs to") as refused:
        pair.second.install(crds={"enabled": True})
    assert "Set crds.enabled=false" in str(refused.value)


def test_an_upgrade_brings_the_definition_up_to_date_and_keeps_blurjobs(pair: Pair, cluster: Cluster) -> None:
    if not cluster.is_ours:
        pytest.skip("The definition of BlurJobs is changed only in a cluster that hack/cluster made.")
    it = pair.first
    run = it.blur("older", include=FEW)
    run.wait("Complete")
    run.wait_for_workers(0)
    owner = (f"meta.helm.sh/release-name={it.name}", f"meta.helm.sh/release-namespace={it.namespace}")
    for definition in DEFINITIONS:
        cluster.kubectl("annotate", "--overwrite", "crd", definition, *owner)
        cluster.kubectl("label", "--overwrite", "crd", definition, "app.kubernetes.io/managed-by=Helm")
    stale = [{"op": "remove", "path": "/spec/names/shortNames"}]
    cluster.kubectl("patch", "crd", DEFINITION, "--type=json", "--patch", json.dumps(stale))
    before = run.blurjob()
    it.install(crds={"enabled": True})
    assert cluster.get("crd", DEFINITION)["spec"]["names"]["shortNames"] == ["bj"]
    it.install(crds={"enabled": False})
    assert run.blurjob() == before


def test_a_cluster_wide_release_works_on_every_namespace(
    cluster: Cluster, service_images: Images, servers: Backends, pair: Pair
) -> None:
    """The pair's operators are away meanwhile: one BlurJob is for one operator."""
    for it in (pair.first, pair.second):
        cluster.kubectl("scale", "-n", it.namespace, "deployment/baas-operator", "--replicas", "0")
    with fresh_namespace(cluster, "wide") as home, fresh_namespace(cluster, "elsewhere") as elsewhere:
        changes = {"operator": {"watchNamespaces": ["*"]}, **without_triton_or_crds(pair.first)}
        with release(cluster, service_images, servers, namespace=home, name="wide", **changes) as it:
            it.prepare(elsewhere)
            it.install()
            run = it.blur("far", include=FEW, namespace=elsewhere)
            run.wait("Complete")
            run.delete()
            eventually(lambda: it.sql("SELECT state FROM runs") == [["finished"]])
            assert json.loads(cluster.kubectl("get", "roles", "-n", elsewhere, "-o", "json"))["items"] == []
