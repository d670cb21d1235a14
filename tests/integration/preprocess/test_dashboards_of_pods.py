"""What the workbook asks for is in what a run sends to Application Insights: tables, columns, names and properties."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baas_crds.codes import ExitCode
from baas_operator.names import Role, job_name
from tests.collectors import Collector, collector
from tests.dashboards.queries import faults, kusto_queries, metrics_asked, properties_asked, told_metrics
from tests.dashboards.tables import TABLES, rows_of
from tests.waiting import PATIENCE_SECONDS

from .pods import Pods, make_pods

TRACE, PARENT = "5d1c6d0e6d7a4a579f0c0b7a4d6a1c11", "00f067aa0ba902b7"
WORKER = f"{job_name('amsterdam-2026', Role.WORK, 1)}-x7x4k"
"""As Kubernetes calls a Job's pod."""
PROGRAM = Path(__file__).parents[1] / "telemetry" / "told.py"
LOGS = {"AppTraces", "AppExceptions"}


@pytest.fixture
def collected() -> Iterator[Collector]:
    with collector() as it:
        yield it


@pytest.fixture
def pods(photo: bytes, triton: str, collected: Collector, postgres_url: str, tmp_path: Path) -> Pods:
    """The pods of a run of two pictures, one of which is empty."""
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    output.mkdir()
    for name, data in {"a.jpg": photo, "empty.jpg": b""}.items():
        (source / name).write_bytes(data)
    spec = {"source": {"volume": {"claimName": "in"}}, "output": {"volume": {"claimName": "out"}}}
    return make_pods(
        tmp_path,
        spec=spec,
        ledger=postgres_url,
        triton=triton,
        BAAS_SOURCE_FOLDER=str(source),
        BAAS_OUTPUT_FOLDER=str(output),
        BAAS_TRACED_PERCENT="100",
        APPLICATIONINSIGHTS_CONNECTION_STRING=collected.connection_string,
        TRACEPARENT=f"00-{TRACE}-{PARENT}-01",
    )


@pytest.fixture
def sent(pods: Pods, collected: Collector) -> dict[str, list[dict[str, Any]]]:
    """The rows that each table gets of a plan, a worker, one that finds no database, and a logged exception."""
    assert pods.run("plan")[0] == ExitCode.DONE
    with pods.running("work", WORKER) as worker:
        assert worker.wait(PATIENCE_SECONDS) == ExitCode.DONE
    lost = pods.with_env(BAAS_LEDGER="postgresql://nobody@127.0.0.1:9/none", BAAS_PATIENCE_SECONDS="1")
    assert lost.run("work")[0] == ExitCode.UNREACHABLE
    variables = {**os.environ, "APPLICATIONINSIGHTS_CONNECTION_STRING": collected.connection_string}
    subprocess.run([sys.executable, PROGRAM], env=variables, capture_output=True, check=True, timeout=PATIENCE_SECONDS)
    rows: dict[str, list[dict[str, Any]]] = {}
    for table, row in rows_of(collected.envelopes):
        rows.setdefault(table, []).append(row)
    return rows


def test_what_the_workbook_asks_for_is_what_is_sent(sent: dict[str, list[dict[str, Any]]]) -> None:
    filled = {table: set().union(*rows) for table, rows in sent.items()}
    tables = {name: {column: TABLES[name][column] for column in columns} for name, columns in filled.items()}
    assert faults(kusto_queries(), tables) == {}

    measured = told_metrics()["sent"]
    properties = {table: set().union(*(row["Properties"] for row in rows)) for table, rows in sent.items()}
    properties["AppTraces"].add("step")  # of lines that are written within one: there were none
    properties["AppRequests"] |= {
        "baas.blurjob.name",
        "baas.reason",
    }  # of the operator's span (tests/integration/operator)
    for title, query in kusto_queries().items():
        asked = [properties[table] for table in properties if re.search(rf"\b{table}\b", query)]
        asked += [measured[metric] for metric in metrics_asked(query)]
        assert properties_asked(query) <= set().union(*asked), title

    names = {table: {row["Name"] for row in rows} for table, rows in sent.items() if table not in LOGS}
    assert names["AppRequests"] == {"plan", "work"}
    assert {"process image", "infer person_plate"} <= names["AppDependencies"]
    assert names["AppMetrics"] - {"_OTELRESOURCE_"} <= set(told_metrics()["sent"])
    roles = {row["AppRoleName"] for row in sent["AppMetrics"]}
    assert "blurring-as-a-service.baas-work" in roles
    steps = {row["Properties"].get("baas.step") for row in sent["AppMetrics"]}
    assert {"fetch", "publish"} <= steps
    [failed] = [row for row in sent["AppDependencies"] if row["Name"] == "process image" and row["Success"] is False]
    assert failed["Properties"].items() >= {"baas.image.name": "empty.jpg", "baas.reason": "Empty"}.items()


def test_pods_are_found_by_their_blurjobs_name() -> None:
    looked_for = {found for query in kusto_queries().values() for found in re.findall(r'regex @"([^"]+)"', query)}
    assert looked_for
    for pattern in looked_for:
        assert re.search(pattern, WORKER)
        assert not re.search(pattern, WORKER.replace("2026", "2027"))
