"""Values that contradict each other, or that nobody can guess, stop everything with what to do."""

import json
import re

import pytest

from tests.chart.rendering import CHART, CLIENT_ID, DIGEST, Object, Refused, render

GPU = {"device": "gpu"}
IMAGE = {"image": {"reference": "models:3"}}
CLAIM = {"persistentVolumeClaim": {"claimName": "models"}}
BLOB = {"azureBlob": {"account": "mymodels", "path": "models/person_plate"}}
IDENTITY = {"workloadIdentity": {"clientId": CLIENT_ID}}
NO_ACCOUNT = {"serviceAccount": {"create": False}}
MINE = {"serviceAccount": {"create": False, "name": "mine"}}


def claim(path: str) -> Object:
    return {"persistentVolumeClaim": {"claimName": "models", "path": path}}


CONTRADICTIONS: list[tuple[Object, str]] = [
    ({"image": {"registry": None}}, "image.registry is empty. Build the images, push them"),
    ({"ledger": {"existingSecret": None}}, "ledger.existingSecret is empty, and so is ledger.url. Make a Secret"),
    ({"ledger": {"url": "postgresql://server/baas?auth=entra"}}, "ledger.existingSecret and ledger.url are both set"),
    ({"migration": IDENTITY | {"serviceAccount": {"name": "mine"}}}, "migration.serviceAccount.name is set, so"),
    ({"operator": {"watchNamespaces": ["*", "a"]}}, "Remove \"*\" or the names."),
    ({"operator": NO_ACCOUNT}, "operator.serviceAccount.create is false and its name is empty."),
    ({"triton": NO_ACCOUNT}, "triton.serviceAccount.create is false and its name is empty."),
    ({"operator": MINE | IDENTITY}, "set operator.podLabels to {azure.workload.identity/use"),
    ({"triton": MINE | IDENTITY}, "set triton.podLabels to {azure.workload.identity/use"),
    ({"worker": MINE | IDENTITY}, "set worker.podLabels to {azure.workload.identity/use"),
    ({"worker": IDENTITY, "operator": {"watchNamespaces": ["*"]}}, "Annotate the ServiceAccounts yourself"),
    ({"triton": {"url": "grpc://triton:8001"}}, "triton.url is set and triton.enabled is true"),
    ({"triton": {"enabled": False}}, "triton.enabled is false and triton.url is empty."),
    ({"triton": {"extraArgs": ["--log-verbose=1"]}}, "triton.extraArgs are arguments of tritonserver"),
    ({"triton": {"autoscaling": {"kind": "keda"}}}, "Name the Prometheus that scrapes Triton"),
    ({"triton": {"autoscaling": {"minReplicas": 5}}}, "maxReplicas is 4, less than minReplicas, which is 5."),
    ({"telemetry": {"otlp": {"headersSecret": "otlp"}}}, "telemetry.otlp.endpoint is empty: nothing would be sent."),
    ({"telemetry": {"applicationInsights": {"entra": True}}}, "Name the Secret with the connection string"),
    (
        {"telemetry": {"applicationInsights": {"existingSecret": "a", "entraClientId": CLIENT_ID}}},
        "entraClientId is set and entra is false.",
    ),
    ({"triton": GPU}, "triton.modelRepository is empty. Make one with"),
    ({"triton": GPU | {"modelRepository": IMAGE | CLAIM}}, "has image and persistentVolumeClaim. A Triton has one"),
    ({"triton": GPU | {"modelRepository": CLAIM | BLOB}}, "has persistentVolumeClaim and azureBlob. A Triton has"),
    ({"triton": {"modelRepository": BLOB}}, "triton.modelRepository.azureBlob is read by NVIDIA's Triton only."),
    ({"triton": GPU | {"modelRepository": {"azureBlob": {"account": "mymodels"}}}}, "needs both account and path"),
    ({"triton": {"modelRepository": {"azureBlob": {"path": "models"}}}}, "needs both account and path"),
    ({"triton": {"modelRepository": {"image": {"reference": "m: 3"}}}}, "is 'm: 3', which is no image's name."),
    ({"triton": {"modelRepository": claim("../etc")}}, "path is '../etc', which leads out of the claim."),
    ({"triton": {"modelRepository": claim("v3/../../etc")}}, "path is 'v3/../../etc', which leads out of the claim."),
    ({"triton": {"modelRepository": claim("v3/..")}}, "path is 'v3/..', which leads out of the claim."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), CONTRADICTIONS)
def test_a_contradiction_ends_with_what_to_do(changes: Object, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        render(changes)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("path", ["", "v3", "2026/v3/", "..v3/a..b", "a: b"])
def test_a_folder_of_a_claim_may_have_any_other_name(path: str) -> None:
    args = render({"triton": {"modelRepository": claim(path)}}).triton["args"]
    assert f"--repository=/repository/{path}".rstrip("/") in args


@pytest.mark.parametrize(
    "reference",
    ["models", "models:3", "localhost:5000/models", f"myregistry.azurecr.io/baas/person_plate:2026-01@{DIGEST}"],
)
def test_an_image_of_models_may_be_anywhere(reference: str) -> None:
    found = render({"triton": {"modelRepository": {"image": {"reference": reference}}}})
    (copies,) = found.pod("Deployment baas-triton").spec["initContainers"]
    assert copies["image"] == reference


@pytest.mark.parametrize("release", ["2026-panoramas", "my.release"])
def test_a_release_that_no_service_can_be_called_after_is_refused(release: str) -> None:
    with pytest.raises(Refused, match="Call it otherwise, or set fullnameOverride"):
        render(release=release)
    assert render({"fullnameOverride": "baas"}, release=release).one("Service", "baas-triton")


def test_without_a_triton_nothing_is_said_about_it() -> None:
    elsewhere = {"enabled": False, "url": "grpc://triton:8001"}
    assert render({"triton": elsewhere | NO_ACCOUNT | GPU})


def test_every_sentence_of_the_checks_was_heard() -> None:
    heard = []
    for changes, release in [*((changes, "baas") for changes, _ in CONTRADICTIONS), ({}, "my.release")]:
        with pytest.raises(Refused) as refused:
            render(changes, release=release)
        heard.append(str(refused.value))
    checks = (CHART / "templates" / "_checks.tpl").read_text()
    sentences = [json.loads(text) for text in re.findall(r'fail (?:\(printf )?("(?:[^"\\]|\\.)*")', checks)]
    assert len(sentences) == checks.count("{{- fail ")
    patterns = {sentence: ".+".join(map(re.escape, re.split("%[sd]", sentence))) for sentence in sentences}
    unheard = {sentence for sentence, it in patterns.items() if not any(re.search(it, said) for said in heard)}
    # Only a cluster knows whose the definition is: tests/e2e/test_releases.py hears that one.
    (of_the_cluster,) = unheard
    assert of_the_cluster.startswith("The definition of %s is there already")
