"""The definition of BlurSchedules in a real API server: what it takes, what it refuses, what it shows."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from baas_crds.blurschedule import ActiveBlurJob, BlurScheduleStatus, ScheduleCondition
from baas_crds.conditions import ConditionStatus, ScheduleConditionType
from baas_crds.errors import ConfigurationError
from baas_crds.reading import read_schedule, read_schedule_spec
from baas_crds.reference import Refusal
from tests.blurjobs import refusals, schedule, with_change
from tests.e2e.clusters import DEFINITIONS, Cluster, Refused, define_blurjobs, fresh_namespace
from tests.e2e.test_crd import NASTY

CRONS = [
    *("* * * * *", "0 2 * * *", "0  2 * * *", " 0 2 * * *", "0 2 * * * ", "0 2 * * *\n", "0\t2 * * *", "0 2 * *"),
    *("60 * * * *", "059 * * * *", "05 * * * *", "* 24 * * *", "* 23 * * *", "* * 0 * *", "* * 31 * *", "* * 32 * *"),
    *("* * * 13 *", "* * * Jan *", "* * * jann *", "* * * * 7", "* * * * 8", "* * * * mon-FRI", "* * L * *", "@daily"),
    *("*/5 * * * *", "*/0 * * * *", "*/100 * * * *", "1-5/2,7 * * * *", "1,,2 * * * *", "1- * * * *", "0 0 2 * * *"),
]


@pytest.fixture(scope="module", autouse=True)
def definition(cluster: Cluster) -> Iterator[None]:
    """The definitions as they are checked in. Gone afterwards, unless the cluster had some."""
    was_there = define_blurjobs(cluster)
    yield
    if not was_there:
        cluster.kubectl("delete", "crd", *DEFINITIONS)


@pytest.fixture(scope="module")
def home(cluster: Cluster, definition: None) -> Iterator[str]:
    """A namespace with the example."""
    with fresh_namespace(cluster, "schedules") as name:
        cluster.apply(name, schedule())
        yield name


def judged(cluster: Cluster, *documents: dict[str, Any]) -> str:
    """What the API server says to schedules, without keeping them."""
    stream = "\n---\n".join(json.dumps(document) for document in documents)
    try:
        return cluster.kubectl("create", "--dry-run=server", "--filename", "-", stdin=stream)
    except Refused as error:
        return str(error)


def test_the_definition_is_structural(cluster: Cluster) -> None:
    conditions = {c["type"]: c["status"] for c in cluster.get("crd", DEFINITIONS[1])["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert "NonStructuralSchema" not in conditions


def test_the_server_fills_in_the_defaults_of_the_models(cluster: Cluster, home: str) -> None:
    stored = cluster.get("bsch", "--namespace", home, "nightly")
    assert stored["spec"] == read_schedule_spec(schedule()["spec"]).as_document()


@pytest.mark.parametrize("refusal", refusals("schedules"))
def test_a_bad_schedule_is_refused_with_the_sentence(cluster: Cluster, refusal: Refusal) -> None:
    answer = judged(cluster, with_change(schedule(), refusal.change))
    assert "created" not in answer
    assert refusal.sentence in answer


@pytest.mark.parametrize("field", ["schedule", "timeZone"])
def test_models_and_server_judge_odd_texts_alike(cluster: Cluster, field: str) -> None:
    texts = [*(CRONS if field == "schedule" else ()), "Europe/Amsterdam", *NASTY]
    documents = [
        with_change(schedule(), {"metadata": {"name": f"odd-{number}"}, "spec": {field: text}})
        for number, text in enumerate(texts)
    ]
    answer = judged(cluster, *documents)
    taken = set(re.findall(r"/(odd-\d+) created", answer))
    assert len(set(re.findall(r'"(odd-\d+)" is invalid', answer))) == len(texts) - len(taken)
    assert 0 < len(taken) < len(texts)
    judged_otherwise = [
        text
        for text, document in zip(texts, documents, strict=True)
        if is_taken_by_the_models(document) != (document["metadata"]["name"] in taken)
    ]
    assert judged_otherwise == []


def is_taken_by_the_models(document: dict[str, Any]) -> bool:
    try:
        read_schedule(document)
    except ConfigurationError:
        return False
    return True


def test_all_of_a_schedule_can_change(cluster: Cluster, home: str) -> None:
    change = {
        "schedule": "30 4 * * *",
        "timeZone": "Etc/UTC",
        "suspend": True,
        "concurrencyPolicy": "Replace",
        "blurJobTemplate": {"spec": {"parallelism": 3, "redaction": {"method": "Solid"}}},
    }
    words = ("patch", "-n", home, "--dry-run=server", "--type=merge", "bsch", "nightly", "--patch")
    assert "nightly" in cluster.kubectl(*words, json.dumps({"spec": change}))


def test_a_whole_status_is_kept_and_shown(cluster: Cluster, home: str) -> None:
    now = datetime(2026, 6, 2, 0, 0, tzinfo=UTC)
    conditions = tuple(
        ScheduleCondition(
            type=type_, status=ConditionStatus.TRUE, reason="Scheduled", message="As said.", last_transition_time=now
        )
        for type_ in ScheduleConditionType
    )
    status = BlurScheduleStatus(
        observed_generation=1,
        conditions=conditions,
        active=(ActiveBlurJob(name="nightly-202606020000", uid="u"), ActiveBlurJob(name="nightly-1", uid="v")),
        last_schedule_time=now,
        last_successful_time=now,
        last_successful_schedule_time=now,
        next_schedule_time=now,
    )
    assert set(status.as_document()) == {*status.model_dump()}, "a field is missing here"
    patch = json.dumps({"status": status.model_dump(mode="json")})
    cluster.kubectl("patch", "-n", home, "--subresource=status", "--type=merge", "bsch", "nightly", "--patch", patch)
    stored = cluster.get("bsch", "--namespace", home, "nightly")
    assert BlurScheduleStatus.model_validate(stored["status"]) == status
    head, row = cluster.kubectl("get", "bsch", "-n", home, "nightly", "-o", "wide").splitlines()
    columns = "NAME SCHEDULE TIME ZONE SUSPEND SCHEDULED ACTIVE LAST START LAST SUCCESS NEXT START AGE"
    assert head.split() == columns.split()
    shown = ["nightly", "0", "2", "*", "*", "*", "Europe/Amsterdam", "false", "Scheduled", "nightly-202606020000"]
    assert row.split()[:10] == shown
    assert "2026-06-02T00:00:00Z" in row
