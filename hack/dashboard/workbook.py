"""Azure Monitor's workbook, in gallery format and as an ARM template.

The format: https://github.com/microsoft/Application-Insights-Workbooks, schema/workbook.json and
Documentation/Deployment.md.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hack.dashboard.panels import Panel, Section

TITLE = "Blurring-as-a-Service"
WORKSPACES = "microsoft.operationalinsights/workspaces"
GRAPH = "microsoft.resourcegraph/resources"
LOGS, RESOURCES = 0, 1
"""Kinds of queries: of a workspace, and of Azure's list of resources."""
TEXT_ITEM, QUERY_ITEM, PARAMETER_ITEM = 1, 3, 9
SUBSCRIPTION, RESOURCE, TIME, TEXT, CHOICE = 6, 5, 4, 1, 2
HOURS = (1, 4, 12, 24, 48, 72, 168, 336, 720, 2160)
HOUR_MS = 3_600_000

BLURJOBS = """AppMetrics
| where Name == "baas.operator.images"
| summarize by BlurJob = tostring(Properties["blurjob"])
| union (
    AppRequests
    | where Name in ("plan", "work")
    | summarize by BlurJob = extract(@"^(.+)-(plan|work)-[0-9]*-?[a-z0-9]+$", 1, AppRoleInstance))
| where isnotempty(BlurJob)
| summarize by value = BlurJob, label = BlurJob, selected = false
| union (print value = "*", label = "all", selected = true)
| order by value asc"""
"""The names that can be chosen: of BlurJobs that the operator told of, or whose pods did."""

SUBSCRIPTIONS = """summarize by subscriptionId
| project value = strcat('/subscriptions/', subscriptionId), label = subscriptionId"""

WORKSPACES_OF_SUBSCRIPTION = f"""where type =~ '{WORKSPACES}'
| project id"""

INTRODUCTION = f"""# {TITLE}
What operator and pods sent to Application Insights, as the tables of its workspace have it. Runs send once a minute,
spans of a sample of images and of all that failed. docs/operations.md tells what to do about what you see."""


def workbook(sections: Iterable[Section]) -> dict[str, Any]:
    """Return the workbook, as its advanced editor shows it."""
    return {
        "version": "Notebook/1.0",
        "items": [_text(INTRODUCTION, "introduction"), _parameters(), *_items(sections)],
        "fallbackResourceIds": ["azure monitor"],
        "$schema": "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json",
    }


def arm_template(serialized: str) -> dict[str, Any]:
    """Return the template that deploys a workbook, given as JSON: into a resource group, once for each name."""
    name = "guid(resourceGroup().id, parameters('displayName'))"
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "displayName": {"type": "string", "defaultValue": TITLE, "metadata": {"description": "Its name."}},
            "sourceId": {
                "type": "string",
                "defaultValue": "azure monitor",
                "metadata": {"description": "Id of the resource under which it is listed, such as the workspace."},
            },
            "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
        },
        "resources": [
            {
                "type": "Microsoft.Insights/workbooks",
                "apiVersion": "2022-04-01",
                "name": f"[{name}]",
                "location": "[parameters('location')]",
                "kind": "shared",
                "properties": {
                    "displayName": "[parameters('displayName')]",
                    "serializedData": serialized,
                    "version": "1.0",
                    "sourceId": "[parameters('sourceId')]",
                    "category": "workbook",
                },
            }
        ],
        "outputs": {
            "workbookId": {
                "type": "string",
                "value": f"[resourceId('Microsoft.Insights/workbooks', {name})]",
            }
        },
    }


def _items(sections: Iterable[Section]) -> Iterator[dict[str, Any]]:
    for section in sections:
        shown = [panel for panel in section.panels if panel.kql]
        if shown:
            yield _text(f"## {section.section}", section.section)
            yield from map(_query, shown)


def _text(markdown: str, name: str) -> dict[str, Any]:
    return {"type": TEXT_ITEM, "content": {"json": markdown}, "name": name}


def _query(panel: Panel) -> dict[str, Any]:
    content: dict[str, Any] = {
        "version": "KqlItem/1.0",
        "query": (panel.kql or "").strip(),
        "size": 0,
        "title": panel.title,
        "noDataMessage": f"Nothing was sent in this time. {panel.text}",
        "timeContextFromParameter": "TimeRange",
        "queryType": LOGS,
        "resourceType": WORKSPACES,
        "crossComponentResources": ["{Workspace}"],
        "visualization": "table" if panel.kind == "tree" else panel.kind,
        "exportToExcelOptions": "visible",
    }
    if panel.kind == "tree":
        tree = {"idColumn": "Span", "parentColumn": "Parent", "treeType": 0, "expanderColumn": "What"}
        content["gridSettings"] = {"rowLimit": 2000, "hierarchySettings": tree}
    if panel.sets:
        content |= {"exportFieldName": panel.sets, "exportParameterName": panel.sets, "exportDefaultValue": ""}
    item: dict[str, Any] = {"type": QUERY_ITEM, "content": content, "name": panel.title}
    if panel.needs:
        item["conditionalVisibility"] = {"parameterName": panel.needs, "comparison": "isNotEqualTo", "value": ""}
    # What a panel means stands above it: a workbook's queries have no other place for it.
    explained = _text(f"**{panel.title}.** {panel.text}", f"about {panel.title}")
    return {
        "type": 12,
        "content": {"version": "NotebookGroup/1.0", "groupType": "editable", "items": [explained, item]},
        "customWidth": "100" if panel.kind in {"table", "tree"} else "50",
        "name": f"group {panel.title}",
    }


def _parameters() -> dict[str, Any]:
    choice = {"additionalResourceOptions": ["value::1"]}
    times = {"selectableValues": [{"durationMs": hours * HOUR_MS} for hours in HOURS], "allowCustom": True}
    return {
        "type": PARAMETER_ITEM,
        "content": {
            "version": "KqlParameterItem/1.0",
            "crossComponentResources": ["{Workspace}"],
            "parameters": [
                _parameter(
                    "Subscription",
                    SUBSCRIPTION,
                    "Subscription",
                    query=SUBSCRIPTIONS,
                    crossComponentResources=["value::selected"],
                    queryType=RESOURCES,
                    resourceType=GRAPH,
                    value="value::1",
                    typeSettings=choice,
                ),
                _parameter(
                    "Workspace",
                    RESOURCE,
                    "Workspace",
                    query=WORKSPACES_OF_SUBSCRIPTION,
                    crossComponentResources=["{Subscription}"],
                    queryType=RESOURCES,
                    resourceType=GRAPH,
                    value="value::1",
                    typeSettings=choice | {"resourceTypeFilter": {WORKSPACES: True}},
                ),
                _parameter("TimeRange", TIME, "Time", value={"durationMs": 24 * HOUR_MS}, typeSettings=times),
                _parameter(
                    "BlurJob",
                    CHOICE,
                    "BlurJob",
                    query=BLURJOBS,
                    crossComponentResources=["{Workspace}"],
                    queryType=LOGS,
                    resourceType=WORKSPACES,
                    timeContextFromParameter="TimeRange",
                    value="*",
                ),
                _parameter("NodeHourPrice", TEXT, "Price of a worker node's hour", value="1"),
                _parameter("WorkersPerNode", TEXT, "Workers on a node", value="1"),
                _parameter("TritonHourPrice", TEXT, "Price of an hour of Triton's nodes", value="0"),
            ],
            "style": "pills",
            "queryType": LOGS,
            "resourceType": WORKSPACES,
        },
        "name": "parameters",
    }


def _parameter(name: str, kind: int, label: str, **more: Any) -> dict[str, Any]:
    # An id of its own that is always the same.
    identity = str(uuid5(NAMESPACE_URL, f"https://github.com/Amsterdam/Blurring-as-a-Service#{name}"))
    head = {"id": identity, "version": "KqlParameterItem/1.0", "name": name, "label": label, "type": kind}
    return {**head, "isRequired": True, **more}


def serialized(document: dict[str, Any]) -> str:
    """Return a document as the files have it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
