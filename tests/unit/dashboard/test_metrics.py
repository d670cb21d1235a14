"""The dashboards ask for metrics that operator and pods measure, by attributes that these have."""

import re

import pytest

from tests.dashboards.queries import kusto_queries, metrics_asked, prometheus_queries, properties_asked, told_metrics

SCRAPE = {"namespace", "pod", "exported_namespace"}
"""Labels that Prometheus adds; a metric's own `namespace` becomes `exported_namespace`."""
TRITON = {
    "nv_inference_queue_duration_us": {"model"},
    "nv_inference_compute_infer_duration_us": {"model"},
    "nv_inference_request_success": {"model"},
}
"""https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html"""


Told = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def told() -> Told:
    """Each metric's attributes, as they are sent and as Prometheus sees them."""
    return told_metrics()


def test_azures_queries_ask_for_metrics_that_are_sent(told: Told) -> None:
    for title, query in kusto_queries().items():
        asked = metrics_asked(query)
        assert asked <= set(told["sent"]), title
        if asked and "AppRequests" not in query:
            assert properties_asked(query) <= set().union(*(told["sent"][name] for name in asked)), title


def test_every_metric_but_the_operators_speed_is_shown_in_azure(told: Told) -> None:
    shown = set().union(*(metrics_asked(query) for query in kusto_queries().values()))
    assert set(told["sent"]) - shown == {"baas.operator.reconcile"}


def test_grafanas_queries_ask_for_metrics_and_labels_that_are_scraped(told: Told) -> None:
    known = told["scraped"] | TRITON
    for title, queries in prometheus_queries().items():
        for query in queries:
            metrics = re.findall(r"(\w+)\{([^}]*)\}", query)
            assert metrics, (title, query)
            assert {name for name, _ in metrics} <= set(known), (title, query)
            names = set().union(*(known[name] for name, _ in metrics)) | SCRAPE
            grouped = {label for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")}
            assert grouped <= names, (title, query)
            for name, labels in metrics:
                assert set(re.findall(r"(\w+)(?:=~|!=|=)\"", labels)) <= known[name] | SCRAPE, (title, query)
