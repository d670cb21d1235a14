"""What the models accept and refuse of BlurSchedules, without an API server."""

from typing import Any

import pytest

from baas_crds.blurjob import MAX_NAME_LENGTH
from baas_crds.blurschedule import MAX_SCHEDULE_NAME_LENGTH, BlurSchedule, ConcurrencyPolicy
from baas_crds.errors import ConfigurationError
from baas_crds.reading import read_schedule, read_schedule_spec
from baas_crds.reference import Refusal
from baas_crds.schema import structural_schema
from tests.blurjobs import refusals, schedule, with_change


def test_the_example_has_the_documented_defaults() -> None:
    spec = read_schedule(schedule()).spec
    assert (spec.concurrency_policy, spec.suspend, spec.starting_deadline_seconds) == (
        ConcurrencyPolicy.FORBID,
        False,
        None,
    )
    assert (spec.successful_jobs_history_limit, spec.failed_jobs_history_limit) == (3, 1)
    assert read_schedule_spec(schedule()["spec"] | {"timeZone": "Etc/UTC"}).time_zone == "Etc/UTC"


@pytest.mark.parametrize("refusal", refusals("schedules"))
def test_a_bad_schedule_is_refused_with_the_sentence(refusal: Refusal) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_schedule(with_change(schedule(), refusal.change))
    assert refusal.sentence in str(error.value)


def test_every_rule_of_a_schedule_is_broken_by_a_row_of_the_table() -> None:
    sentences = [parameter.values[0].sentence for parameter in refusals("schedules")]
    schema = structural_schema(BlurSchedule)
    template = schema["properties"]["spec"]["properties"]["blurJobTemplate"]
    parts = (schema, schema["properties"]["spec"], template, template["properties"]["metadata"])
    rules = [rule["message"] for part in parts for rule in part.get("x-kubernetes-validations", ())]
    assert len(rules) == 9
    assert [rule for rule in rules if rule not in sentences] == []


@pytest.mark.parametrize(
    "cron",
    ["0 2 * * *", "*/5 * * * *", "0,30 1-5/2 1,15 JAN-mar MON-FRI", "5/15 * * * 7", "0   2 * * *", "59 23 31 12 0"],
)
def test_what_cron_writes_is_accepted(cron: str) -> None:
    assert read_schedule_spec(schedule()["spec"] | {"schedule": cron}).schedule == cron


@pytest.mark.parametrize("zone", ["Etc/UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "CET"])
def test_zones_are_accepted(zone: str) -> None:
    assert read_schedule_spec(schedule()["spec"] | {"timeZone": zone}).time_zone == zone


def test_a_longest_name_leaves_room_for_the_minute() -> None:
    assert MAX_NAME_LENGTH - len("-202606020000") == MAX_SCHEDULE_NAME_LENGTH


@pytest.mark.parametrize(
    ("change", "only_new"),
    [
        ({}, True),
        ({"source": {"onlyNew": False}}, False),
        ({"retention": {"deleteSource": "AfterVerified"}}, False),
    ],
)
def test_blurjobs_take_what_is_new_unless_somebody_says_otherwise(change: dict[str, Any], only_new: bool) -> None:
    spec = with_change(schedule()["spec"], {"blurJobTemplate": {"spec": change}})
    assert read_schedule_spec(spec).takes_only_new is only_new
