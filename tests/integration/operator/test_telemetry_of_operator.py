"""The operator's whole process tells a collector of a run: one trace, metrics, log lines; and a webhook of its end."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baas_crds.codes import ExitCode
from baas_ledger.engine import open_ledger, transaction
from baas_ledger.plan import plan_images
from baas_ledger.runs import finish_planning, open_run
from baas_operator.traces import root_span_id, trace_id
from tests.collectors import Collector, collector
from tests.e2e.operators import OPERATOR, Operator
from tests.waiting import PATIENCE_SECONDS, eventually

from .api_server import ApiServer, api_server

UID, OTHER = "0af76519-16cd-43dd-8448-eb211c80319c", "1af76519-16cd-43dd-8448-eb211c80319c"
BLURJOBS = "/apis/blurring.amsterdam.nl/v1alpha1/namespaces/panoramas/blurjobs"
CONFIG_MAPS = "/api/v1/namespaces/panoramas/configmaps"
EVENTS = "/apis/events.k8s.io/v1/namespaces/panoramas/events"
SECRETS = ("secret-of-the-api-server", "token-of-the-webhook", "password-of-the-webhook")


@pytest.fixture
def collected() -> Iterator[Collector]:
    with collector() as it:
        yield it


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server() as it:
        yield it


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """A ledger in which the run is planned: nothing is in its source."""
    path = str(tmp_path / "ledger.sqlite")
    engine = open_ledger(path)
    with transaction(engine) as connection:
        open_run(
            connection,
            run_id=UID,
            source="s",
            destination="d",
            model_digest="m",
            config_digest="c",
            configuration={"blurjob": "panoramas/amsterdam"},
        )
    result = plan_images(engine, UID, [])
    with transaction(engine) as connection:
        finish_planning(connection, UID, result)
    engine.dispose()
    return path


def blurjob(name: str, uid: str, **spec: Any) -> dict[str, Any]:
    places = {"source": {"volume": {"claimName": "raw"}}, "output": {"volume": {"claimName": "safe"}}}
    metadata = {"namespace": "panoramas", "name": name, "uid": uid, "generation": 1, "resourceVersion": "1"}
    return {"metadata": metadata | {"creationTimestamp": "2026-06-01T11:00:00Z"}, "spec": places | spec}


@pytest.fixture
def operator(api: ApiServer, ledger: str, collected: Collector, tmp_path: Path) -> Iterator[Operator]:
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(api.kubeconfig(tmp_path)),
        "BAAS_LEDGER": ledger,
        "BAAS_OPERATOR_NAMESPACES": "panoramas",
        "BAAS_OPERATOR_TRITON_URL": "grpc://127.0.0.1:9",
        "BAAS_OPERATOR_LEDGER_SECRET_NAME": "baas-ledger",
        "BAAS_OPERATOR_WORKER_IMAGE": "worker:1",
        "BAAS_OPERATOR_WEBHOOK_URL": f"http://127.0.0.1:{collected.port}/hook?password-of-the-webhook",
        "BAAS_OPERATOR_WEBHOOK_TOKEN": "token-of-the-webhook",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collected.endpoint,
    }
    it = Operator(environment=environment, log=tmp_path / "operator.log")
    yield it
    if it.process is not None:
        it.stop()


def page_once(phase: str, api: ApiServer, operator: Operator) -> str:
    """What Prometheus sees when the one BlurJob is in a phase.

    It is counted there when all else is told: its status, an Event, spans, notices.
    """
    counted = f'baas_operator_blurjobs{{phase="{phase}"}} 1.0'
    page = eventually(lambda: page if counted in (page := operator.metrics()) else None)
    (status,) = [it["status"] for path, it in api.objects.items() if path.startswith(BLURJOBS)]
    assert status["phase"] == phase
    return page


def test_a_run_is_one_trace_with_its_log_and_metrics_and_a_webhook_hears_of_its_end(
    api: ApiServer, operator: Operator, collected: Collector
) -> None:
    began = time.time_ns()
    api.objects[f"{BLURJOBS}/amsterdam"] = blurjob("amsterdam", UID)
    operator.start()
    page = page_once("Complete", api, operator)
    assert operator.stop() == 0

    spans = {span.name: span for span in collected.spans if span.trace_id == trace_id(UID)}
    root, look, action = spans["BlurJob"], spans["reconcile"], spans["FinishRun"]
    assert (root.span_id, root.parent_id, root.error) == (root_span_id(UID), "", False)
    assert (look.parent_id, action.parent_id) == (root.span_id, look.span_id)
    assert root.start_ns < began < look.start_ns <= action.start_ns <= action.end_ns <= look.end_ns
    assert len(collected.spans) == len(spans), "looks that did nothing tell nothing"
    facts = {"k8s.namespace.name": "panoramas", "baas.blurjob.name": "amsterdam", "baas.run.id": UID}
    assert root.attributes == {**facts, "baas.reason": "Completed"}
    assert look.attributes == action.attributes == facts
    assert root.resource["service.name"] == "baas-operator"

    lines = [line for line in operator.lines() if line.get("blurjob") == "amsterdam"]
    assert {(line["namespace"], line["run"], line["trace_id"]) for line in lines} == {("panoramas", UID, trace_id(UID))}
    assert any(line["message"] == "FinishRun" and line["span_id"] == action.span_id for line in lines)
    sent = {record["body"]["stringValue"] for record in collected.logs if record.get("traceId") == trace_id(UID)}
    assert sent == {line["message"] for line in lines}

    assert "baas_operator_queue_age_seconds " in page
    assert {one["name"] for one in collected.metrics} >= {"baas.operator.reconcile", "baas.operator.images"}

    (event,) = collected.events
    assert (event["type"], event["data"]["runId"]) == ("nl.amsterdam.blurring.blurjob.completed", UID)

    everything = operator.log.read_bytes() + b"".join(collected.bodies)
    assert not any(secret.encode() in everything for secret in SECRETS)


@pytest.mark.parametrize("status", [403, 500])
def test_an_event_that_kubernetes_refuses_does_not_keep_the_end_of_a_run_from_others(
    api: ApiServer, operator: Operator, collected: Collector, status: int
) -> None:
    api.objects[f"{BLURJOBS}/amsterdam"] = blurjob("amsterdam", UID)
    api.refusals[EVENTS] = status
    operator.start()
    page_once("Complete", api, operator)
    assert operator.stop() == 0
    assert [event["type"] for event in collected.events] == ["nl.amsterdam.blurring.blurjob.completed"]
    assert [span.name for span in collected.spans].count("BlurJob") == 1
    told = [line["message"] for line in operator.lines() if line["level"] == "warning" and line.get("run") == UID]
    assert any(f"An Event could not be made: The API server answered {status}" in message for message in told)


def test_a_look_that_fails_is_told_within_the_blurjobs_trace(
    api: ApiServer, operator: Operator, collected: Collector
) -> None:
    api.objects[f"{BLURJOBS}/rotterdam"] = blurjob("rotterdam", OTHER, suspend=True)
    api.failures[f"{CONFIG_MAPS}/rotterdam-spec"] = 500
    operator.start()
    page = page_once("Suspended", api, operator)
    assert operator.stop() == 0
    (span,) = collected.spans
    assert (span.name, span.trace_id, span.parent_id) == ("reconcile", trace_id(OTHER), root_span_id(OTHER))
    assert span.error
    assert span.attributes["error.type"] == "DependencyUnavailable"
    (line,) = [line for line in operator.lines() if line["level"] == "error"]
    assert (line["trace_id"], line["span_id"], line["run"]) == (span.trace_id, span.span_id, OTHER)
    assert 'baas_operator_reconcile_errors_total{error="DependencyUnavailable"} 1.0' in page


def test_azure_monitor_lists_the_blurjob_as_a_request_with_its_looks_below(
    api: ApiServer, operator: Operator, collected: Collector
) -> None:
    del operator.environment["OTEL_EXPORTER_OTLP_ENDPOINT"]
    operator.environment["APPLICATIONINSIGHTS_CONNECTION_STRING"] = collected.connection_string
    api.objects[f"{BLURJOBS}/amsterdam"] = blurjob("amsterdam", UID)
    operator.start()
    page_once("Complete", api, operator)
    assert operator.stop() == 0
    ours = [one for one in collected.envelopes if one["tags"].get("ai.operation.id") == trace_id(UID)]
    data = {one["data"]["baseData"].get("name"): one for one in ours}
    assert data["BlurJob"]["data"]["baseType"] == "RequestData"
    root = data["BlurJob"]["data"]["baseData"]
    assert (root["id"], root["success"], root["properties"]["baas.reason"]) == (root_span_id(UID), True, "Completed")
    assert data["reconcile"]["tags"]["ai.operation.parentId"] == root["id"]
    assert {one["data"]["baseType"] for one in ours} == {"RequestData", "RemoteDependencyData", "MessageData"}
    metrics = [point for one in collected.envelopes for point in one["data"]["baseData"].get("metrics", ())]
    assert {one["name"] for one in metrics} >= {"baas.operator.images", "baas.operator.reconcile"}


def test_a_wrong_exporter_ends_the_operator_with_its_sentence(operator: Operator) -> None:
    environment = {**operator.environment, "OTEL_TRACES_EXPORTER": "zipkin"}
    ended = subprocess.run(
        [OPERATOR], env=environment, check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert ended.returncode == ExitCode.CONFIGURATION
    assert "OTEL_TRACES_EXPORTER names 'zipkin'" in ended.stderr


def test_a_collector_that_does_not_answer_holds_nothing_up(api: ApiServer, operator: Operator) -> None:
    operator.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    operator.environment["BAAS_OPERATOR_WEBHOOK_URL"] = "http://127.0.0.1:9"
    api.objects[f"{BLURJOBS}/amsterdam"] = blurjob("amsterdam", UID)
    operator.start()
    page_once("Complete", api, operator)
    assert operator.stop() == 0
