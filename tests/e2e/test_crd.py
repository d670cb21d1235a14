"""The CustomResourceDefinition in a real API server: what it takes, what it refuses, what it shows."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.conditions import Condition, ConditionStatus, ConditionType
from baas_crds.errors import ConfigurationError
from baas_crds.reading import read_blurjob, read_spec
from baas_crds.reference import Refusal
from baas_crds.status import BlurJobStatus, Detections, Images, Phase, QuarantineCount
from tests.blurjobs import EXAMPLES, documents, example, refusals, refused, with_change
from tests.e2e.clusters import DEFINITION, DEFINITIONS, PATIENTLY, Cluster, Refused, define_blurjobs, fresh_namespace


@pytest.fixture(scope="module", autouse=True)
def definition(cluster: Cluster) -> Iterator[None]:
    """The definition as it is checked in. Gone afterwards, unless the cluster had one."""
    was_there = define_blurjobs(cluster)
    yield
    if not was_there:
        cluster.kubectl("delete", "crd", *DEFINITIONS)


@pytest.fixture(scope="module")
def home(cluster: Cluster, definition: None) -> Iterator[str]:
    """A namespace with one BlurJob of each example."""
    with fresh_namespace(cluster, "crd") as name:
        for path in EXAMPLES:
            cluster.kubectl("create", "--namespace", name, "--filename", str(path))
        yield name


def try_to_create(cluster: Cluster, *jobs: dict[str, Any]) -> str:
    """Let the API server judge BlurJobs without keeping them. Raises `Refused` when it does not take them all."""
    stream = "\n---\n".join(json.dumps(job) for job in jobs)
    return cluster.kubectl("create", "--dry-run=server", "--filename", "-", stdin=stream)


def try_to_change(cluster: Cluster, home: str, name: str, change: dict[str, Any]) -> str:
    """Let the API server judge a change without keeping it. Raises `Refused` when it does not take it."""
    patch = json.dumps(change)
    return cluster.kubectl("patch", "-n", home, "--dry-run=server", "--type=merge", "blurjob", name, "--patch", patch)


def test_the_definition_is_structural(cluster: Cluster) -> None:
    conditions = {c["type"]: c["status"] for c in cluster.get("crd", DEFINITION)["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert "NonStructuralSchema" not in conditions


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_accepted(cluster: Cluster, path: Path) -> None:
    answer = cluster.kubectl("apply", "--dry-run=server", "--filename", str(path))
    assert len(answer.splitlines()) == len(documents(path))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_server_fills_in_the_defaults_of_the_models(cluster: Cluster, home: str, path: Path) -> None:
    for document in documents(path):
        stored = cluster.get("blurjob", "--namespace", home, document["metadata"]["name"])
        assert stored["spec"] == read_spec(document["spec"]).as_document()


@pytest.mark.parametrize("refusal", refusals("created"))
def test_a_bad_spec_is_refused_with_the_sentence(cluster: Cluster, refusal: Refusal) -> None:
    with pytest.raises(Refused) as answer:
        try_to_create(cluster, refused(refusal))
    assert refusal.sentence in str(answer.value)


@pytest.mark.parametrize("refusal", refusals("changed"))
def test_a_forbidden_change_is_refused_with_the_sentence(cluster: Cluster, home: str, refusal: Refusal) -> None:
    name = example(refusal.example)["metadata"]["name"]
    with pytest.raises(Refused) as answer:
        try_to_change(cluster, home, name, refusal.change)
    assert refusal.sentence in str(answer.value)


@pytest.mark.parametrize("name", ["my-first-run", "all-fields"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"parallelism": 20}, id="more workers"),
        pytest.param({"suspend": True}, id="a pause"),
        pytest.param({"maxQuarantinedPercent": 5}, id="more leniency"),
        pytest.param({"activeDeadlineSeconds": 60}, id="another deadline"),
        pytest.param({"activeDeadlineSeconds": None}, id="no deadline"),
        pytest.param({"ttlSecondsAfterFinished": 60}, id="another time to live"),
        pytest.param({"ttlSecondsAfterFinished": None}, id="kept for ever"),
    ],
)
def test_what_may_change_can_change(cluster: Cluster, home: str, name: str, change: dict[str, Any]) -> None:
    assert name in try_to_change(cluster, home, name, {"spec": change})


NASTY = [
    *[
        "",
        "a",
        "A",
        "-a",
        "a-",
        "a--b",
        "a.b",
        "a..b",
        ".",
        "..",
        "...",
        ".a",
        "a/.",
        "a/../b",
        "/a",
        "a/",
        "a//b",
        "a b",
    ],
    *[
        "a\\b",
        "a\nb",
        "a\n",
        "a\x7fb",
        "a_b",
        "é",
        "名",
        "ab%2f",
        "a" * 63,
        "a" * 64,
        "a" * 600,
        "1",
        "1.5",
        "500m",
        "2Gi",
    ],
    *["-1", "1e3", "4,52", "4.8952,52.3702", "4.,5", "4,5\n", "2026-01-31", "2026-1-31", "sha256:" + "0" * 64],
    *["https://", "https://a", "https://a.b.c", "https://a/b", "https://a:443/b", "https://a:443/b/", "https://A"],
    *[
        "http://a",
        "http://a:1",
        "http://a.b",
        "http://a.svc",
        "http://a.svc.b:1/c",
        "http://10.0.0.1:1/a",
        "http://a.svcx",
    ],
    *["https://a?b", "https://a:b@c", "https://a#b", "ftp://a", "grpc://a:1", "grpcs://a.b:65535", "grpc://a", "a:1"],
    *["http://a@b.svc", "https://a\n", "http://a:1/\nb", "BAAS_X", "TRACEPARENT", "_a", "a1"],
]
TEXTS = {
    "accountUrl": ("azure", "source.azureBlob.accountUrl"),
    "container": ("azure", "output.azureBlob.container"),
    "prefix": ("azure", "source.azureBlob.prefix"),
    "secret": ("azure", "source.azureBlob.connectionStringSecret.name"),
    "claim": ("minimal", "output.volume.claimName"),
    "path": ("volume", "source.volume.path"),
    "baseUrl": ("all-fields", "source.panoramaApi.baseUrl"),
    "near": ("all-fields", "source.panoramaApi.filters.near"),
    "timestamp": ("all-fields", "source.panoramaApi.filters.timestampAfter"),
    "triton": ("minimal", "detector.tritonUrl"),
    "model": ("minimal", "detector.model"),
    "digest": ("minimal", "detector.modelDigest"),
    "queue": ("minimal", "queueName"),
    "env": ("minimal", "podTemplate.env"),
    "amount": ("minimal", "podTemplate.resources.limits.cpu"),
    "label": ("minimal", "podTemplate.labels.a"),
}


def with_text(field: str, text: str) -> dict[str, Any]:
    """An example with a text in one of its fields."""
    name, path = TEXTS[field]
    change: Any = [{"name": text}] if field == "env" else text
    for part in reversed(path.split(".")):
        change = {part: change}
    if name == "all-fields":
        filters = {"near": "1,2", "radiusMeters": 1} if field == "near" else {}
        panoramas = with_change({"filters": filters}, change["source"]["panoramaApi"])
        change = {"source": {"azureBlob": None, "panoramaApi": panoramas}, "retrainingSample": None}
    changed: dict[str, Any] = with_change(example(name), {"spec": change})
    return changed


@pytest.mark.parametrize("field", TEXTS)
def test_models_and_server_judge_odd_texts_alike(cluster: Cluster, field: str) -> None:
    jobs = [
        with_change(with_text(field, text), {"metadata": {"name": f"odd-{number}"}})
        for number, text in enumerate(NASTY)
    ]
    try:
        answer = try_to_create(cluster, *jobs)
    except Refused as error:
        answer = str(error)
    taken = set(re.findall(r"/(odd-\d+) created", answer))
    assert len(set(re.findall(r'"(odd-\d+)" is invalid', answer))) == len(NASTY) - len(taken)
    assert 0 < len(taken) < len(NASTY)
    judged_otherwise = [
        text
        for text, job in zip(NASTY, jobs, strict=True)
        if is_taken_by_the_models(job) != (job["metadata"]["name"] in taken)
    ]
    assert judged_otherwise == []


def is_taken_by_the_models(job: dict[str, Any]) -> bool:
    try:
        read_blurjob(job)
    except ConfigurationError:
        return False
    return True


def test_kubectl_scale_sets_parallelism(cluster: Cluster, home: str) -> None:
    cluster.kubectl("scale", "--namespace", home, "blurjob", "amsterdam-2026", "--replicas", "7")
    assert cluster.get("blurjob", "--namespace", home, "amsterdam-2026")["spec"]["parallelism"] == 7
    with pytest.raises(Refused, match="should be greater than or equal to 1"):
        cluster.kubectl("scale", "--namespace", home, "blurjob", "amsterdam-2026", "--replicas", "0")


def a_whole_status() -> BlurJobStatus:
    now = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
    return BlurJobStatus(
        phase=Phase.COMPLETE,
        observed_generation=1,
        conditions=tuple(
            Condition(
                type=type_,
                status=ConditionStatus.FALSE if type_ in {"Failed", "Suspended"} else ConditionStatus.TRUE,
                reason="Done",
                message="All is done.",
                last_transition_time=now,
                observed_generation=1,
            )
            for type_ in ConditionType
        ),
        images=Images(total=100, published=97, quarantined=2, excluded=1, pending=0),
        detections=Detections(person=1234, licence_plate=567),
        quarantined_reasons=tuple(QuarantineCount(reason=reason, count=1) for reason in QuarantineReason),
        images_per_minute=42,
        eta=now,
        start_time=now,
        completion_time=now,
        attempt=2,
        workers=3,
        selector="blurring.amsterdam.nl/blurjob=archive-2019",
        run_id=uuid4().hex,
        model_digest="sha256:" + "0" * 64,
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


def tell(cluster: Cluster, home: str, name: str, status: dict[str, Any]) -> None:
    patch = json.dumps({"status": status})
    cluster.kubectl("patch", "-n", home, "--subresource=status", "--type=merge", "blurjob", name, "--patch", patch)


def test_a_whole_status_is_kept_and_read_back(cluster: Cluster, home: str) -> None:
    status = a_whole_status()
    assert set(status.as_document()) == {*status.model_dump()}, "a field is missing here"
    tell(cluster, home, "archive-2019", status.model_dump(mode="json"))
    stored = cluster.get("blurjob", "--namespace", home, "archive-2019")
    assert BlurJobStatus.model_validate(stored["status"]) == status
    cluster.kubectl("wait", "-n", home, "--for", "condition=Complete", *PATIENTLY, "blurjob/archive-2019")
    assert cluster.get("blurjob", "-n", home, "archive-2019", "--subresource=scale")["status"] == {
        "replicas": 3,
        "selector": "blurring.amsterdam.nl/blurjob=archive-2019",
    }


def test_a_merge_patch_of_the_whole_status_removes_what_is_unset(cluster: Cluster, home: str) -> None:
    tell(cluster, home, "amsterdam-2026", a_whole_status().model_dump(mode="json"))
    tell(cluster, home, "amsterdam-2026", BlurJobStatus(phase=Phase.RUNNING).model_dump(mode="json"))
    stored = cluster.get("blurjob", "--namespace", home, "amsterdam-2026")["status"]
    assert stored == {"phase": "Running", "conditions": [], "quarantinedReasons": []}


def test_the_columns_tell_the_story(cluster: Cluster, home: str) -> None:
    tell(cluster, home, "archive-2019", a_whole_status().model_dump(mode="json"))
    lines = [
        line.split() for line in cluster.kubectl("get", "bj", "-n", home, "archive-2019", "-o", "wide").splitlines()
    ]
    assert lines[0] == ["NAME", "PHASE", "DONE", "TOTAL", "QUARANTINED", "RATE", "ETA", "AGE"]
    assert lines[1][:-1] == ["archive-2019", "Complete", "97", "100", "2", "42", "2026-01-31T12:00:00Z"]


def test_a_blurjob_is_among_all_and_has_a_short_name(cluster: Cluster) -> None:
    listed = cluster.kubectl("api-resources", "--api-group", "blurring.amsterdam.nl", "--output", "wide").splitlines()
    assert listed[1].split()[:5] == ["blurjobs", "bj", "blurring.amsterdam.nl/v1alpha1", "true", "BlurJob"]
    assert listed[1].endswith(" all")


def test_the_spec_cannot_be_written_through_the_status(cluster: Cluster, home: str) -> None:
    patch = json.dumps({"spec": {"parallelism": 99}, "status": {"phase": "Pending"}})
    cluster.kubectl("patch", "-n", home, "--subresource=status", "--type=merge", "blurjob", "my-first-run", "-p", patch)
    assert cluster.get("blurjob", "-n", home, "my-first-run")["spec"]["parallelism"] == 1


def test_kubectl_explain_tells_default_range_and_what_may_change(cluster: Cluster) -> None:
    told = " ".join(cluster.kubectl("explain", "blurjob.spec.parallelism").split())
    assert "1 to 1000. Default: 1. May change at any time." in told
