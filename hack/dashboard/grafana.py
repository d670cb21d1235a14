"""Grafana's dashboard: what Prometheus can answer of the panels.

The format: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from hack.dashboard.panels import Panel, Section

UID = "blurring-as-a-service"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
TYPES = {"timechart": "timeseries", "barchart": "bargauge", "table": "bargauge"}
WIDTH, HEIGHT = 24, 8
"""Grafana's grid is 24 wide."""


def dashboard(sections: Iterable[Section]) -> dict[str, Any]:
    """Return the dashboard."""
    panels = list(_placed(sections))
    return {
        "uid": UID,
        "title": "Blurring-as-a-Service",
        "description": "Runs of BlurJobs. docs/operations.md tells what to do about what you see.",
        "tags": ["blurring-as-a-service"],
        "editable": True,
        "schemaVersion": 39,
        "timezone": "",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _variable("namespace", "baas_operator_blurjobs"), _variable("blurjob")]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, start=1)],
    }


def _placed(sections: Iterable[Section]) -> Iterator[dict[str, Any]]:
    """Return rows and panels, two beside each other."""
    top = 0
    for section in sections:
        shown = [panel for panel in section.panels if panel.promql]
        if not shown:
            continue
        place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        yield {"type": "row", "title": section.section, "collapsed": False, "gridPos": place, "panels": []}
        top += 1
        for number, panel in enumerate(shown):
            x, y = number % 2 * WIDTH // 2, top + number // 2 * HEIGHT
            yield _panel(panel) | {"gridPos": {"x": x, "y": y, "w": WIDTH // 2, "h": HEIGHT}}
        top += (len(shown) + 1) // 2 * HEIGHT


def _panel(panel: Panel) -> dict[str, Any]:
    is_instant = panel.kind != "timechart"
    options = (
        {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": {"calcs": ["lastNotNull"]}}
        if is_instant
        else {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    )
    return {
        "type": TYPES[panel.kind],
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": options,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": SOURCE,
                "expr": query.strip(),
                "legendFormat": legend,
                "instant": is_instant,
                "range": not is_instant,
            }
            for number, (legend, query) in enumerate(panel.promql.items())
        ],
    }


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(name: str, metric: str = 'baas_operator_images{namespace=~"$namespace"}') -> dict[str, Any]:
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }
