"""The queries of the dashboards as they are delivered, and what Microsoft's own parser says of Kusto's."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.dashboards.tables import schemas
from tests.npm_packages import ROOT, installed
from tests.waiting import PATIENCE_SECONDS

WORKBOOK = ROOT / "dashboard" / "blurring.workbook"
TEMPLATE = ROOT / "dashboard" / "blurring.json"
GRAFANA = ROOT / "charts" / "blurring-as-a-service" / "files" / "grafana-dashboard.json"

CHOSEN = {
    "{TimeRange:grain}": "5m",
    "{BlurJob}": "amsterdam-2026",
    "{Trace}": "0af7651916cd43dd8448eb211c80319c",
    "{NodeHourPrice}": "0.5",
    "{WorkersPerNode}": "2",
    "{TritonHourPrice}": "1",
}
"""What somebody chose in the workbook, as it is put into queries."""

_WORKSPACE = 0
_METRIC = re.compile(r'Name == "(baas\.[^"]+)"')
_PROPERTY = re.compile(r'Properties\["([^"]+)"\]')


def kusto_queries() -> dict[str, str]:
    """Return the workbook's queries of a workspace by name, with what somebody chose."""
    found = {}
    for item in _items(json.loads(WORKBOOK.read_text(encoding="utf-8"))):
        content = item["content"]
        asking = [(item["name"], content), *((one["name"], one) for one in content.get("parameters", ()))]
        found |= {name: _chosen(one["query"]) for name, one in asking if _asks_a_workspace(one)}
    return found


def _items(group: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in group["items"]:
        yield item
        yield from _items(item["content"]) if "items" in item["content"] else ()


def _asks_a_workspace(content: Mapping[str, Any]) -> bool:
    return "query" in content and content["queryType"] == _WORKSPACE


def _chosen(query: str) -> str:
    for parameter, value in CHOSEN.items():
        query = query.replace(parameter, value)
    return query


def prometheus_queries() -> dict[str, list[str]]:
    """Return the Grafana dashboard's queries by title, with what Grafana puts into them."""
    document = json.loads(GRAFANA.read_text(encoding="utf-8"))
    put = {"$__rate_interval": "2m", "$__range": "6h", "$namespace": "panoramas", "$blurjob": "amsterdam-2026"}
    return {
        panel["title"]: [_put(target["expr"], put) for target in panel["targets"]]
        for panel in document["panels"]
        if panel["type"] != "row"
    }


def _put(query: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        query = query.replace(name, value)
    return query


def told_metrics() -> dict[str, dict[str, set[str]]]:
    """Return each metric's attributes, as operator and pods send them (`sent`) and as Prometheus sees them (`scraped`).

    Measured in a process of its own: OpenTelemetry keeps what was set up.
    """
    told = [sys.executable, "-m", "tests.dashboards.told"]
    done = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS)
    found = json.loads(done.stdout)
    return {way: {metric: set(names) for metric, names in found[way].items()} for way in found}


def metrics_asked(query: str) -> set[str]:
    """Return the instruments whose measurements a query of Kusto's reads."""
    return set(_METRIC.findall(query))


def properties_asked(query: str) -> set[str]:
    """Return the names of what a query of Kusto's reads out of Properties."""
    return set(_PROPERTY.findall(query))


def faults(queries: Mapping[str, str], tables: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Return what Microsoft's parser finds wrong with queries, if these were the workspace's tables."""
    program = Path(__file__).with_name("analyse.js")
    asked = json.dumps({"tables": schemas(tables), "queries": queries})
    done = subprocess.run(
        ["node", program, installed("kusto")],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return {title: found for title, found in json.loads(done.stdout).items() if found}
