"""The tables of a Log Analytics workspace that Application Insights writes, and which part of an envelope goes where.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/appmetrics, and so on for each table. How the
fields of what is sent became columns: https://learn.microsoft.com/azure/azure-monitor/app/convert-classic-resource
(Table structure), and the schemas of the Breeze protocol, which the exporter follows:
https://github.com/microsoft/ApplicationInsights-Home/tree/master/EndpointSpecs/Schemas/Bond. The service itself could
not be asked: nothing here had a subscription.
"""

from collections.abc import Iterable, Mapping
from typing import Any

COMMON = {
    "TimeGenerated": "datetime",
    "AppRoleName": "string",
    "AppRoleInstance": "string",
    "AppVersion": "string",
    "OperationId": "string",
    "OperationName": "string",
    "ParentId": "string",
    "Properties": "dynamic",
    "ItemCount": "int",
    "SDKVersion": "string",
    "Type": "string",
    "_ResourceId": "string",
}
SPAN = {
    "Id": "string",
    "Name": "string",
    "DurationMs": "real",
    "Success": "bool",
    "ResultCode": "string",
    "Measurements": "dynamic",
    "PerformanceBucket": "string",
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "AppMetrics": COMMON | {"Name": "string", "Sum": "real", "Min": "real", "Max": "real"},
    "AppRequests": COMMON | SPAN | {"Source": "string", "Url": "string"},
    "AppDependencies": COMMON | SPAN | {"DependencyType": "string", "Target": "string", "Data": "string"},
    "AppTraces": COMMON | {"Message": "string", "SeverityLevel": "int", "Measurements": "dynamic"},
    "AppExceptions": COMMON
    | {
        "ExceptionType": "string",
        "OuterMessage": "string",
        "OuterType": "string",
        "InnermostMessage": "string",
        "ProblemId": "string",
        "Details": "dynamic",
        "Measurements": "dynamic",
        "SeverityLevel": "int",
    },
}
"""The columns that a query may ask for, with their types."""

TABLE_OF = {
    "MetricData": "AppMetrics",
    "RequestData": "AppRequests",
    "RemoteDependencyData": "AppDependencies",
    "MessageData": "AppTraces",
    "ExceptionData": "AppExceptions",
}
"""Which table an envelope's `data.baseType` goes to."""

_TAGS = {
    "ai.cloud.role": "AppRoleName",
    "ai.cloud.roleInstance": "AppRoleInstance",
    "ai.application.ver": "AppVersion",
    "ai.operation.id": "OperationId",
    "ai.operation.name": "OperationName",
    "ai.operation.parentId": "ParentId",
}
_FIELDS = {
    "properties": "Properties",
    "measurements": "Measurements",
    "id": "Id",
    "name": "Name",
    "duration": "DurationMs",
    "success": "Success",
    "resultCode": "ResultCode",
    "responseCode": "ResultCode",
    "source": "Source",
    "url": "Url",
    "type": "DependencyType",
    "target": "Target",
    "data": "Data",
    "message": "Message",
    "severityLevel": "SeverityLevel",
}
_METRIC = {"name": "Name", "value": "Sum", "count": "ItemCount", "min": "Min", "max": "Max"}
_EXCEPTION = {"typeName": "ExceptionType", "message": "OuterMessage", "parsedStack": "Details", "stack": "Details"}


def rows_of(envelopes: Iterable[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return each envelope as its table's name and the columns that it fills."""
    return [_row(envelope) for envelope in envelopes if envelope["data"]["baseType"] in TABLE_OF]


def _row(envelope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    kind, data = envelope["data"]["baseType"], envelope["data"]["baseData"]
    row = {"TimeGenerated": envelope["time"]}
    row |= _named(_TAGS, envelope["tags"]) | _named(_FIELDS, data)
    if kind == "MetricData":
        row |= _named(_METRIC, data["metrics"][0])
    if kind == "ExceptionData":
        row |= _named(_EXCEPTION, data["exceptions"][0])
    return TABLE_OF[kind], row


def _named(names: Mapping[str, str], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {column: fields[field] for field, column in names.items() if fields.get(field) is not None}


def schemas(tables: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return tables as Kusto writes them."""
    return {
        name: "(" + ", ".join(f"{column}: {kind}" for column, kind in columns.items()) + ")"
        for name, columns in tables.items()
    }
