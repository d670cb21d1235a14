"""An installation that says nothing but what it must."""

import re

import pytest
import yaml

from baas_crds.reading import read_blurjob
from tests.chart.rendering import BASE, CHART, HERE, VALUE_SETS, helm, manifests, rendering, values_of


def test_these_objects_are_made() -> None:
    assert sorted(f"{found['kind']} {found['metadata']['name']}" for found in rendering("on CPUs").objects) == [
        "ClusterRole panoramas:baas-blurjobs-edit",
        "ClusterRole panoramas:baas-blurjobs-view",
        "ConfigMap baas-operator",
        "Deployment baas-operator",
        "Deployment baas-triton",
        "Job baas-migration",
        "Pod baas-test",
        "PodDisruptionBudget baas-triton",
        "Role baas-operator",
        "RoleBinding baas-operator",
        "Service baas-operator",
        "Service baas-triton",
        "Service baas-triton-headless",
        "ServiceAccount baas-operator",
        "ServiceAccount baas-triton",
        "ServiceAccount baas-worker",
    ]


def test_images_come_from_one_registry_with_the_charts_version() -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    images = {container["image"] for pod in rendering("on CPUs").pods for container in pod.containers}
    assert images | {rendering("on CPUs").settings["BAAS_OPERATOR_WORKER_IMAGE"]} == {
        f"registry.example/baas/{name}:{version}" for name in ("operator", "preprocess", "triton-cpu")
    }


@pytest.mark.parametrize("name", VALUE_SETS)
def test_helm_finds_nothing_to_complain_about(name: str) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", CHART, values=values_of(VALUE_SETS[name]))


def test_the_same_values_give_the_same_text() -> None:
    assert manifests(VALUE_SETS["everything"]) == manifests(VALUE_SETS["everything"])


def test_the_notes_end_with_a_blurjob_that_is_right() -> None:
    notes = helm("install", "baas", CHART, "--namespace", HERE, "--dry-run=client", values=BASE).split("NOTES:")[1]
    assert "helm test baas --namespace panoramas" in notes
    assert "the Secret baas-ledger" in notes
    document = yaml.safe_load(notes.split("<<END\n")[1].split("  END\n")[0])
    document["metadata"] |= {"namespace": HERE, "uid": "0"}
    assert read_blurjob(document).metadata.name == "my-first-run"


def test_the_notes_name_what_each_watched_namespace_needs() -> None:
    changes = {"operator": {"watchNamespaces": ["*"]}, "worker": {"serviceAccount": {"name": "blurring"}}}
    key = {"audit": {"signingKey": {"existingSecret": "city-key"}}}
    values = values_of(changes, key, {"imagePullSecrets": ["registry"]})
    notes = helm("install", "baas", CHART, "--namespace", HERE, "--dry-run=client", values=values).split("NOTES:")[1]
    assert "It works on BlurJobs in all namespaces." in notes
    for needed in (
        "the Secret baas-ledger",
        "the Secret city-key with the key that signs audit records under audit.pem",
        "the ServiceAccount blurring",
        "the Secret registry for pulling images",
    ):
        assert f"  - {needed}" in notes


README = (CHART / "README.md").read_text()


def test_the_readmes_installation_works() -> None:
    (said,) = re.findall(r"--set (\S+)", README)
    assert "kind: Deployment" in helm("template", "baas", CHART, "--namespace", HERE, "--set", said, values={})


def test_the_readmes_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    assert links
    assert all((CHART / link).exists() for link in links)
