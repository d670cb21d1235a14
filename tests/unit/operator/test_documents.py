"""Kubernetes' documents, read into facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baas_operator.documents import notebook_annotations, read_blurjob, read_job, read_notebook, read_pod
from baas_operator.limits import Limits
from baas_operator.names import Role
from baas_operator.observed import JobOutcome, Ledger, Notebook
from baas_operator.reasons import Reason
from baas_operator.reconcile import reconcile
from tests.unit.operator.seeing import AN_HOUR_AGO, NOON, TRITON

Document = dict[str, Any]
LIMITS = Limits(triton_url="grpc://triton.baas.svc:8001")
LABELS = {"blurring.amsterdam.nl/role": "work", "blurring.amsterdam.nl/attempt": "2"}


def a_job(status: Document, **metadata: Any) -> Document:
    named = {"name": "a-work-2", "uid": "u", "creationTimestamp": "2026-06-01T11:00:00Z", "labels": LABELS}
    return {"metadata": named | metadata, "spec": {"parallelism": 3}, "status": status}


def a_pod(container: Document, *, conditions: tuple[Document, ...] = ()) -> Document:
    return {
        "metadata": {"name": "a-work-2-x", "ownerReferences": [{"name": "a-work-2"}]},
        "status": {"containerStatuses": [{"state": container}], "conditions": list(conditions)},
    }


def ending(type_: str, reason: str, status: str = "True") -> Document:
    return {"type": type_, "status": status, "reason": reason, "lastTransitionTime": "2026-06-01T12:00:00Z"}


def a_blurjob(**spec: Any) -> Document:
    places = {"source": {"volume": {"claimName": "raw"}}, "output": {"volume": {"claimName": "safe"}}}
    return {
        "metadata": {
            "namespace": "panoramas",
            "name": "a",
            "uid": "u",
            "generation": 2,
            "resourceVersion": "7",
            "creationTimestamp": "2026-06-01T11:00:00Z",
        },
        "spec": places | spec,
    }


def test_a_blurjob_within_the_limits() -> None:
    seen = read_blurjob(a_blurjob(detector={"tritonUrl": LIMITS.triton_url}), LIMITS, now=NOON)
    assert (seen.namespace, seen.name, seen.uid, seen.generation, seen.mistake) == ("panoramas", "a", "u", 2, "")
    assert seen.created_at == NOON - timedelta(hours=1)
    assert seen.spec is not None
    assert reconcile(replace(seen, ledger=Ledger(run=None), detector=TRITON)).reason is Reason.PLANNING


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"detector": {"tritonUrl": "grpc://elsewhere:8001"}}, "spec.detector.tritonUrl is grpc://elsewhere:8001,"),
        ({"podTemplate": {"env": [{"name": "grpc_proxy", "value": "x"}]}}, "spec.podTemplate.env sets grpc_proxy"),
        ({"podTemplate": {"env": [{"name": "BAAS_TRITON", "value": "x"}]}}, "are the operator's"),
        ({"source": {}}, "spec.source"),
    ],
)
def test_of_a_blurjob_that_is_refused_nothing_is_made(spec: Document, sentence: str) -> None:
    decision = reconcile(read_blurjob(a_blurjob(**spec), LIMITS, now=NOON))
    assert (decision.reason, decision.actions) == (Reason.INVALID_SPEC, ())
    assert sentence in decision.message


def test_a_job_at_work() -> None:
    job = read_job(a_job({"active": 3, "terminating": 1, "ready": 2, "failed": 1}))
    assert job is not None
    assert (job.role, job.attempt, job.parallelism, job.created_at) == (Role.WORK, 2, 3, AN_HOUR_AGO)
    assert (job.active, job.terminating, job.ready, job.failed, job.is_underway) == (3, 1, 2, 1, True)


@pytest.mark.parametrize(
    ("conditions", "outcome", "reason"),
    [
        ([], None, ""),
        ([ending("FailureTarget", "PodFailurePolicy")], None, ""),
        ([ending("Suspended", "JobSuspended")], None, ""),
        ([ending("Complete", "", status="False")], None, ""),
        ([ending("FailureTarget", "x"), ending("Failed", "PodFailurePolicy")], JobOutcome.FAILED, "PodFailurePolicy"),
        (
            [ending("SuccessCriteriaMet", "x"), ending("Complete", "CompletionsReached")],
            JobOutcome.COMPLETE,
            "CompletionsReached",
        ),
    ],
)
def test_a_job_is_over_when_its_pods_are_gone(
    conditions: list[Document], outcome: JobOutcome | None, reason: str
) -> None:
    job = read_job(a_job({"conditions": conditions}))
    assert job is not None
    assert (job.outcome, job.outcome_reason, job.ended_at) == (outcome, reason, NOON if outcome else None)


def test_a_job_being_deleted_is_not_underway() -> None:
    job = read_job(a_job({}, deletionTimestamp="2026-06-01T12:00:00Z"))
    assert job is not None
    assert (job.is_being_deleted, job.is_underway) == (True, False)


@pytest.mark.parametrize(
    "labels", [{}, LABELS | {"blurring.amsterdam.nl/role": "x"}, {"blurring.amsterdam.nl/role": "work"}]
)
def test_a_job_with_borrowed_labels_is_none_of_ours(labels: dict[str, str]) -> None:
    assert read_job(a_job({}, labels=labels)) is None


@pytest.mark.parametrize(
    ("document", "trouble"),
    [
        pytest.param(a_pod({"running": {}}), None, id="runs"),
        pytest.param(a_pod({"waiting": {"reason": "ContainerCreating"}}), None, id="is about to start"),
        pytest.param(
            a_pod({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}}),
            'CreateContainerConfigError: secret "x" not found',
            id="lacks something",
        ),
        pytest.param({"metadata": {"name": "p", "ownerReferences": [{"name": "j"}]}}, None, id="was just made"),
        pytest.param(
            {
                "metadata": {"name": "p", "ownerReferences": [{"name": "j"}]},
                "status": {
                    "conditions": [
                        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
                    ]
                },
            },
            "Unschedulable: 0/1 nodes",
            id="finds no node",
        ),
    ],
)
def test_why_a_pod_cannot_start(document: Document, trouble: str | None) -> None:
    assert read_pod(document).trouble == trouble


def test_a_pods_last_words() -> None:
    said = {"exitCode": 2, "finishedAt": "2026-06-01T12:00:00Z", "message": "No such container: raw.\n"}
    pod = read_pod(a_pod({"terminated": said}))
    assert (pod.job, pod.exit_code, pod.ended_at, pod.last_words) == ("a-work-2", 2, NOON, "No such container: raw.")


@pytest.mark.parametrize(
    "notebook",
    [
        Notebook(written_at=AN_HOUR_AGO),
        Notebook(written_at=AN_HOUR_AGO, handled_retry="a word", paused_since=NOON, paused_seconds=7),
        Notebook(written_at=AN_HOUR_AGO, handled_retry=""),
    ],
)
def test_what_is_remembered_is_read_back(notebook: Notebook) -> None:
    notes = {key: value for key, value in notebook_annotations(notebook).items() if value is not None}
    metadata = {"creationTimestamp": "2026-06-01T11:00:00Z", "annotations": notes}
    assert read_notebook({"metadata": metadata}) == notebook


def test_the_clock_stands_still_during_pauses() -> None:
    later = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
    assert Notebook(written_at=AN_HOUR_AGO, paused_seconds=600).seconds_at_work(NOON) == 3000
    paused = Notebook(written_at=AN_HOUR_AGO, paused_seconds=600, paused_since=NOON)
    assert paused.seconds_at_work(NOON) == paused.seconds_at_work(later) == 3000
