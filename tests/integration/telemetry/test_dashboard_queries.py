"""Microsoft's own parser understands the workbook's queries, and every column in them is one that there is."""

import pytest

from tests.dashboards.queries import faults, kusto_queries
from tests.dashboards.tables import TABLES


def test_every_query_is_understood_with_the_tables_of_a_workspace() -> None:
    assert faults(kusto_queries(), TABLES) == {}


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("AppMetrics | where Nmae == 'baas.images'", "The name 'Nmae' does not refer"),
        ("AppMetric | take 1", "The name 'AppMetric' does not refer"),
        ("AppMetrics | summarize total(Sum)", "The name 'total' does not refer"),
        ("AppMetrics | where", "KS"),
    ],
)
def test_what_a_workspace_would_refuse_is_found(query: str, fault: str) -> None:
    [said] = faults({"wrong": query}, TABLES)["wrong"][:1]
    assert fault in said
