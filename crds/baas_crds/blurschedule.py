"""What people write to have BlurJobs made at set times: the BlurSchedule, shaped like Kubernetes' CronJob."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from baas_crds.blurjob import A_YEAR, MAX_NAME_LENGTH, BlurJobSpec, DeleteSource, Metadata
from baas_crds.conditions import Condition, ScheduleConditionType
from baas_crds.parts import ObjectName, Part, Rule, Switch, Time, Unique, Whole, matches
from baas_crds.pods import LabelValue, Text, not_ours

KIND = "BlurSchedule"
MAX_ACTIVE_SHOWN = 100
MAX_SCHEDULE_NAME_LENGTH = MAX_NAME_LENGTH - len("-202601312359")
"""A BlurJob is called after its schedule, with the minute of its start behind it."""


def _list_of(value: str) -> str:
    item = rf"(\*|({value})(-({value}))?)(/[1-9][0-9]?)?"
    return f"{item}(,{item})*"


CRON = " +".join(
    map(
        _list_of,
        (
            "[0-5]?[0-9]",
            "[01]?[0-9]|2[0-3]",
            "0?[1-9]|[12][0-9]|3[01]",
            "0?[1-9]|1[0-2]|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
            "[0-7]|(?i:sun|mon|tue|wed|thu|fri|sat)",
        ),
    )
)
"""Minute, hour, day of the month, month, day of the week. Source: crontab(5). Whether there is such a day only cron
knows."""
ZONE = "[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}"
"""A name as the IANA time zone database has it. Whether it has this one only the database tells."""


class ConcurrencyPolicy(StrEnum):
    """What happens when a start is due while a BlurJob of the schedule is not over."""

    FORBID = "Forbid"
    ALLOW = "Allow"
    REPLACE = "Replace"


class TemplateMetadata(Part):
    """What each BlurJob gets besides its name."""

    RULES: ClassVar[tuple[Rule, ...]] = (not_ours("labels"), not_ours("annotations"))

    labels: Annotated[Mapping[str, LabelValue], Field(max_length=32)] | None = None
    """Labels of the BlurJobs."""
    annotations: Annotated[Mapping[str, Text], Field(max_length=32)] | None = None
    """Annotations of the BlurJobs."""


class BlurJobTemplate(Part):
    """The BlurJob that is made at each start."""

    metadata: TemplateMetadata = TemplateMetadata()
    """What each BlurJob gets besides its name."""
    spec: BlurJobSpec
    """The spec of each BlurJob. Its `source.onlyNew` is true when it is left out, unless originals are deleted: then
    what the source still has is what is to be done."""


_SOURCE = "self.blurJobTemplate.spec.source"
_FILTERS = f"{_SOURCE}.panoramaApi.filters"


def _may_look_back(spec: "BlurScheduleSpec") -> bool:
    api = spec.blur_job_template.spec.source.panorama_api
    if spec.look_back_days is None:
        return True
    return api is not None and api.filters.timestamp_after is None and api.filters.timestamp_before is None


class BlurScheduleSpec(Part):
    """When BlurJobs are made, and which. All of it may change at any time; BlurJobs that were made stay as they are."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        matches(
            "schedule",
            CRON,
            "schedule is five fields such as 0 2 * * *: minute, hour, day of the month, month, day of the week; "
            "numbers, names such as MON, *, and lists, ranges and steps of them",
        ),
        matches("time_zone", ZONE, "timeZone is a name of the IANA time zone database, such as Europe/Amsterdam"),
        Rule(
            cel=f"!has(self.lookBackDays) || (has({_SOURCE}.panoramaApi) "
            f"&& !has({_FILTERS}.timestampAfter) && !has({_FILTERS}.timestampBefore))",
            holds=_may_look_back,
            sentence="lookBackDays sets timestampAfter of a panoramaApi source: it needs one, whose filters name "
            "neither timestampAfter nor timestampBefore",
            field="lookBackDays",
        ),
        Rule(
            cel=f"!has({_SOURCE}.redoModel)",
            holds=lambda spec: spec.blur_job_template.spec.source.redo_model is None,
            sentence="source.redoModel has no place in a schedule: what a withdrawn model made is done again once, "
            "by a BlurJob of its own",
            field="blurJobTemplate",
        ),
        Rule(
            cel=f"!has({_SOURCE}.panoramaApi) || !has({_FILTERS}.limit)",
            holds=lambda spec: (
                spec.blur_job_template.spec.source.panorama_api is None
                or spec.blur_job_template.spec.source.panorama_api.filters.limit is None
            ),
            sentence="filters.limit has no place in a schedule: each BlurJob would see the same first panoramas, and "
            "never the new ones",
            field="blurJobTemplate",
        ),
    )

    schedule: Annotated[str, Field(max_length=256)]
    """When BlurJobs start, as cron writes it: minute, hour, day of the month, month, day of the week."""
    time_zone: Annotated[str, Field(max_length=64)] = "Etc/UTC"
    """The zone whose clocks `schedule` speaks of, such as `Europe/Amsterdam`. A start at a time that clocks skip comes
    right after it; one at a time that they show twice comes once."""
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.FORBID
    """What happens when a start is due while a BlurJob of this schedule is not over. Forbid: it waits until that is
    over, and the latest one that is due comes then. Allow: it comes at once; what both find new is done twice. Replace:
    the older BlurJob is deleted; what it published stays."""
    suspend: Switch = False
    """Make no BlurJobs; those that there are go on. When it is false again, the latest start that was missed comes at
    once, unless `startingDeadlineSeconds` forbids that."""
    starting_deadline_seconds: Annotated[Whole, Field(ge=1, le=A_YEAR)] | None = None
    """A start that could not come in this time is left out. Unset: the latest one comes however late it is."""
    successful_jobs_history_limit: Annotated[Whole, Field(ge=0, le=100)] = 3
    """So many BlurJobs that are complete are kept; older ones are deleted. The ledger and outputs stay."""
    failed_jobs_history_limit: Annotated[Whole, Field(ge=0, le=100)] = 1
    """So many BlurJobs that failed are kept; older ones are deleted. The ledger and outputs stay."""
    look_back_days: Annotated[Whole, Field(ge=1, le=3650)] | None = None
    """For a panoramaApi source: list only panoramas that were taken since so many days before the last start whose
    BlurJob became complete. As long as none did, all are listed. Unset: all are listed each time."""
    blur_job_template: BlurJobTemplate
    """The BlurJob that is made at each start."""

    @property
    def takes_only_new(self) -> bool:
        """Whether BlurJobs leave out what is finished and unchanged."""
        spec = self.blur_job_template.spec
        if spec.source.only_new is not None:
            return spec.source.only_new
        return spec.retention.delete_source is DeleteSource.NEVER


class ScheduleCondition(Condition):
    """One fact about a BlurSchedule, since when, and why."""

    type: ScheduleConditionType  # type: ignore[assignment]  # the same but for what it is about
    """What it is about."""


class ActiveBlurJob(Part):
    """A BlurJob that is not over."""

    name: ObjectName
    """Its name."""
    uid: Annotated[str, Field(max_length=64)]
    """Its uid, which is the run's id in the ledger, too."""


class BlurScheduleStatus(Part):
    """What has happened so far."""

    # An older operator must be able to read what a newer one wrote.
    model_config = ConfigDict(extra="ignore")

    observed_generation: Annotated[Whole, Field(ge=0)] | None = None
    """The generation of the spec that this status speaks of."""
    conditions: Annotated[tuple[ScheduleCondition, ...], Field(max_length=16), Unique("type")] = ()
    """Accepted, Scheduled and LastRunComplete are wished for. The messages say what happened and what to do."""
    active: Annotated[tuple[ActiveBlurJob, ...], Field(max_length=MAX_ACTIVE_SHOWN), Unique("name")] = ()
    """BlurJobs of this schedule that are not over, the latest first."""
    last_schedule_time: Time | None = None
    """For when the last BlurJob was due that was made."""
    last_successful_time: Time | None = None
    """When a BlurJob last became complete."""
    last_successful_schedule_time: Time | None = None
    """For when the last BlurJob was due that became complete. `lookBackDays` counts from there."""
    next_schedule_time: Time | None = None
    """When the next start is due. Unset: when suspended, or never."""


class BlurSchedule(Part):
    """Makes BlurJobs at set times: each makes safe what is new in the source since."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"self.metadata.name.size() <= {MAX_SCHEDULE_NAME_LENGTH}",
            holds=lambda schedule: len(schedule.metadata.name) <= MAX_SCHEDULE_NAME_LENGTH,
            sentence=f"metadata.name of a BlurSchedule may have at most {MAX_SCHEDULE_NAME_LENGTH} characters, so that "
            "its BlurJobs' names fit",
        ),
        Rule(
            cel="!self.metadata.name.contains('.')",
            holds=lambda schedule: "." not in schedule.metadata.name,
            sentence="metadata.name may not contain dots, because its BlurJobs' names cannot",
        ),
    )

    api_version: Literal["blurring.amsterdam.nl/v1alpha1"] = "blurring.amsterdam.nl/v1alpha1"
    kind: Literal["BlurSchedule"] = "BlurSchedule"
    metadata: Metadata
    spec: BlurScheduleSpec
    """When BlurJobs are made, and which."""
    status: BlurScheduleStatus | None = None
    """What has happened so far. Written by the operator."""
