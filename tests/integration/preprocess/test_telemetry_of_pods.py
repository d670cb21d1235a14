"""One trace from the operator through plan and workers to Triton, and metrics that equal the ledger."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind

from baas_crds.codes import ExitCode
from tests.collectors import Collector, Span, collector
from tests.waiting import PATIENCE_SECONDS

from .pods import Pods, make_pods

TRACE, PARENT = "5d1c6d0e6d7a4a579f0c0b7a4d6a1c11", "00f067aa0ba902b7"
ANOTHER_TRACE = TRACE[::-1]
STEPS = {"fetch", "inspect", "decode", "tile", "detect", "merge", "mask", "redact", "scrub", "verify", "publish"}


@pytest.fixture(scope="module")
def collected() -> Iterator[Collector]:
    with collector() as it:
        yield it


@pytest.fixture(scope="module")
def traced_triton(model_repository: Path, collected: Collector) -> Iterator[str]:
    """A Triton that tells of what it does, too."""
    serve = [str(Path(sys.executable).with_name("baas-detector")), "serve", "--repository", str(model_repository)]
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collected.endpoint}
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["grpc"]
        server.terminate()
        assert server.wait(PATIENCE_SECONDS) == 0


@pytest.fixture
def pods(photo: bytes, traced_triton: str, collected: Collector, postgres_url: str, tmp_path: Path) -> Pods:
    """The pods of a run of three pictures, one of which is empty."""
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    output.mkdir()
    for name, data in {"a.jpg": photo, "b.jpg": photo, "empty.jpg": b""}.items():
        (source / name).write_bytes(data)
    spec = {
        "source": {"volume": {"claimName": "in"}},
        "output": {"volume": {"claimName": "out"}},
        "imagesPerClaim": 1,
    }
    return make_pods(
        tmp_path,
        spec=spec,
        ledger=postgres_url,
        triton=traced_triton,
        BAAS_SOURCE_FOLDER=str(source),
        BAAS_OUTPUT_FOLDER=str(output),
        BAAS_TRACED_PERCENT="100",
        OTEL_EXPORTER_OTLP_ENDPOINT=collected.endpoint,
        TRACEPARENT=f"00-{TRACE}-{PARENT}-01",
    )


@pytest.fixture
def logged(pods: Pods) -> list[dict[str, object]]:
    """The log of a plan and two workers that ran at once."""
    code, lines = pods.run("plan")
    assert code == ExitCode.DONE
    with pods.running("work", "pod-1") as first, pods.running("work", "pod-2") as second:
        for process in (first, second):
            out, err = process.communicate(timeout=300)
            assert (process.returncode, err) == (ExitCode.DONE, "")
            lines += [json.loads(line) for line in out.splitlines()]
    return lines


def test_a_run_is_one_trace_that_metrics_and_logs_agree_with(
    pods: Pods, logged: list[dict[str, object]], collected: Collector
) -> None:
    # Triton tells every few seconds, a span's children often before it.
    collected.eventually(
        lambda it: named(it, "InferRequest") != [] and named(it, "compute") != [] and not orphans(it.spans)
    )
    spans = {span.span_id: span for span in collected.spans if span.trace_id == TRACE}
    told = Counter(span.name for span in spans.values())
    assert {one.trace_id for one in collected.spans} == {TRACE}
    assert orphans(spans.values()) == []
    roots = [span for span in spans.values() if span.parent_id == PARENT]
    assert sorted(
        (span.name, span.resource["service.name"], span.resource["service.instance.id"]) for span in roots
    ) == [
        ("plan", "baas-plan", "pod-1"),
        ("work", "baas-work", "pod-1"),
        ("work", "baas-work", "pod-2"),
    ]
    assert {span.kind for span in roots} == {SpanKind.CONSUMER}
    pictures = [span for span in spans.values() if span.name == "process image"]
    assert {span.attributes["baas.image.name"]: span.error for span in pictures} == {
        "a.jpg": False,
        "b.jpg": False,
        "empty.jpg": True,
    }
    assert {spans[span.parent_id].name for span in pictures} == {"work"}
    [good, *_] = [span for span in pictures if not span.error]
    assert {span.name for span in spans.values() if span.parent_id == good.span_id} >= STEPS
    asked, answered = named(collected, "infer person_plate"), named(collected, "InferRequest")
    assert {span.parent_id for span in answered} <= {span.span_id for span in asked}  # Triton loses some
    assert {span.resource["service.name"] for span in answered} == {"baas-triton"}
    assert 2 <= told["claim images"] <= 3

    counts = pods.progress()
    assert total(collected, "baas.images", {"baas.outcome": "published"}) == counts.published == 2
    assert total(collected, "baas.images", {"baas.outcome": "quarantined"}) == counts.quarantined == 1
    assert total(collected, "baas.detections", {"baas.class": "person"}) == counts.persons
    assert total(collected, "baas.io", {"baas.io.direction": "publish"}) == sum(
        record.output_size_bytes or 0 for record in pods.records().values()
    )
    assert counted(collected, "baas.step.duration", {"baas.step": "fetch"}) == 3
    assert total(collected, "baas.detector.requests", {}) == 0

    fates = {line["image"]: line for line in logged if line["message"] in {"image published", "image quarantined"}}
    assert {line["trace_id"] for line in logged} == {TRACE}
    assert set(fates) == {"a.jpg", "b.jpg", "empty.jpg"}
    assert {span.resource["service.instance.id"] for span in roots} == {"pod-1", "pod-2"}


def test_what_went_well_leaves_no_spans_when_nobody_wants_them_and_what_failed_all(
    pods: Pods, collected: Collector
) -> None:
    quiet = pods.with_env(
        BAAS_TRACED_PERCENT="0", BAAS_LOG_LEVEL="ERROR", TRACEPARENT=f"00-{ANOTHER_TRACE}-{PARENT}-01"
    )
    assert [quiet.run(role) for role in ("plan", "work")] == [(ExitCode.DONE, []), (ExitCode.DONE, [])]
    spans = [span for span in collected.spans if span.trace_id == ANOTHER_TRACE]
    pictures = [span for span in spans if span.name == "process image"]
    assert [span.attributes["baas.image.name"] for span in pictures] == ["empty.jpg"]
    assert {"fetch", "inspect"} <= {span.name for span in spans if span.parent_id == pictures[0].span_id}
    assert "InferRequest" not in {span.name for span in spans}
    assert pods.progress().published == 2


def test_a_dead_collector_changes_nothing(pods: Pods) -> None:
    deaf = pods.with_env(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    codes_and_logs = [deaf.run(role) for role in ("plan", "work")]
    assert [code for code, _ in codes_and_logs] == [ExitCode.DONE, ExitCode.DONE]
    assert (pods.progress().published, pods.progress().quarantined) == (2, 1)


def test_a_wrong_exporter_ends_the_pod_as_a_wrong_setting_with_its_sentence(pods: Pods) -> None:
    code, _ = pods.with_env(OTEL_TRACES_EXPORTER="zipkin").run("plan")
    assert code == ExitCode.CONFIGURATION
    assert "OTEL_TRACES_EXPORTER names 'zipkin'" in pods.last_words


def orphans(spans: Iterable[Span]) -> list[str]:
    """The names of spans whose parents were not told."""
    told = list(spans)
    known = {span.span_id for span in told} | {PARENT}
    return [span.name for span in told if span.parent_id not in known]


def named(collected: Collector, name: str) -> list[Span]:
    return [span for span in collected.spans if span.name == name]


def points(collected: Collector, name: str, attributes: dict[str, str]) -> Iterator[dict[str, object]]:
    """The last data point of each process that has these attributes."""
    latest: dict[tuple[object, str], dict[str, object]] = {}
    for metric in collected.metrics:
        if metric["name"] == name:
            body = metric.get("sum") or metric["histogram"]
            for point in body["dataPoints"]:
                has = {one["key"]: next(iter(one["value"].values())) for one in point.get("attributes", ())}
                if has.items() >= attributes.items():
                    latest[metric["resource"]["service.instance.id"], json.dumps(has)] = point
    yield from latest.values()


def total(collected: Collector, name: str, attributes: dict[str, str]) -> int:
    return sum(int(str(point["asInt"])) for point in points(collected, name, attributes))


def counted(collected: Collector, name: str, attributes: dict[str, str]) -> int:
    return sum(int(str(point["count"])) for point in points(collected, name, attributes))
