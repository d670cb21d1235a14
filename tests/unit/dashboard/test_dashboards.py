"""The delivered dashboards hold together: whatever a query needs chosen can be, and no panel hides another."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from baas_crds.blurjob import MAX_NAME_LENGTH
from tests.blurjobs import pod_name
from tests.dashboards.queries import GRAFANA, TEMPLATE, WORKBOOK, kusto_queries, prometheus_queries

# What the workbook has to show, by the words of its panels' titles.
WANTED = (
    "BlurJobs and their images", "Progress", "Quarantined images by reason", "Images that failed", "Images per minute",
    "Cost of 1,000 published images", "Persons and licence plates per image", "Storage operations",
    "Requests that wait for Triton", "Errors in logs by source", "Detections per 1,000 images, by version",
    "Runs and pods that have ended", "One trace",
)  # fmt: skip


def read(path: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_question_has_a_panel() -> None:
    assert set(WANTED) <= set(kusto_queries())


def test_whatever_a_query_needs_chosen_is_a_parameter_or_set_by_a_table() -> None:
    text = WORKBOOK.read_text(encoding="utf-8")
    [parameters] = [item["content"]["parameters"] for item in read(WORKBOOK)["items"] if item["type"] == 9]
    names = {one["name"] for one in parameters}
    assert {"Subscription", "Workspace", "TimeRange", "BlurJob", "NodeHourPrice"} <= names
    assert len({one["id"] for one in parameters}) == len(parameters)
    assert set(re.findall(r"\{([A-Z]\w+)(?::\w+)?\}", text)) <= names | {"Trace"}
    assert re.findall(r'"exportParameterName": "(\w+)"', text) == ["Trace"]


@pytest.mark.parametrize("length", [9, *range(45, MAX_NAME_LENGTH + 1)])
@pytest.mark.parametrize("job", ["plan-1", "work-1", "work-12", "work-99999"])
def test_panels_find_the_pods_of_a_blurjob_whatever_kubernetes_cuts_of_their_names(length: int, job: str) -> None:
    blurjob = "x" * length
    pod = pod_name(f"{blurjob}-{job}")
    of_azure = {it for it in patterns(WORKBOOK, r'AppRoleInstance matches regex @"([^"]+)"') if job[:4] in it}
    assert of_azure
    assert all(re.search(pattern.replace("{BlurJob}", blurjob), pod) for pattern in of_azure)
    (name,) = patterns(WORKBOOK, r'extract\(@"([^"]+)", 1, AppRoleInstance')
    assert re.findall(name, pod) == [(blurjob, job[:4])]
    of_grafana = {it for it in patterns(GRAFANA, r'pod=~"([^"]+)"') if job[:4] in it}
    assert len(of_grafana) == (job != "plan-1")
    assert all(re.fullmatch(pattern.replace("$blurjob", blurjob), pod) for pattern in of_grafana)


def test_panels_do_not_mix_up_blurjobs_whose_names_begin_alike() -> None:
    pod = pod_name("amsterdam-work-north-work-1")
    of_azure = patterns(WORKBOOK, r'AppRoleInstance matches regex @"([^"]+)"')
    assert not any(re.search(pattern.replace("{BlurJob}", "amsterdam"), pod) for pattern in of_azure)


def patterns(path: Path, asked: str) -> set[str]:
    return set(re.findall(asked, path.read_text(encoding="utf-8").replace('\\"', '"')))


def test_the_template_deploys_this_workbook() -> None:
    [resource] = read(TEMPLATE)["resources"]
    assert resource["properties"]["serializedData"] == WORKBOOK.read_text(encoding="utf-8")
    assert resource["properties"]["serializedData"][0] != "["  # Azure would take it for an expression


def test_grafanas_panels_have_a_place_of_their_own() -> None:
    panels = read(GRAFANA)["panels"]
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(prometheus_queries()) >= 15
