"""The page docs/reference/blurschedule.md, from the same schema that the cluster gets."""

from collections.abc import Sequence

from baas_crds.blurjob import GROUP, VERSION
from baas_crds.blurschedule import KIND
from baas_crds.conditions import ScheduleConditionType
from baas_crds.crd import BLURSCHEDULES
from baas_crds.reference import Refusal, refusals, sections, table
from baas_crds.schema import structural_schema

_INTRODUCTION = f"""# {KIND}

<!-- Generated from crds/baas_crds by `python -m baas_crds`. Change the models, not this file. -->

`apiVersion: {GROUP}/{VERSION}`, `kind: {KIND}`, short name `bsch`. Makes [BlurJobs](blurjob.md) at set times, as
Kubernetes' CronJob makes Jobs. What is marked *required* must be given; everything else has the default shown, or is
unset. One to start from is [examples/blurschedule.yaml](../../examples/blurschedule.yaml);
[schedule](../howto/schedule.md) tells how to use it.
"""


def schedule_page(refused: Sequence[Refusal]) -> str:
    """Return the page, with what is refused."""
    fields = structural_schema(BLURSCHEDULES.model)["properties"]
    template = fields["spec"]["properties"]["blurJobTemplate"]["properties"]["spec"]
    # Told on the page of BlurJobs: the same fields once more would hide those of the schedule.
    for key in ("properties", "required", "x-kubernetes-validations"):
        del template[key]
    template["description"] += " Its fields and rules are those of [spec](blurjob.md#spec) of a BlurJob."
    parts = [
        _INTRODUCTION,
        "All of the spec may change at any time. BlurJobs that were made stay as they are.",
        *sections("spec", fields["spec"], {}),
        *sections("status", fields["status"], {}),
        "### Columns of `kubectl get blurschedules`",
        table(
            ("Column", "Field"),
            [(title, f"`{path}`{' (`-o wide`)' * wide}") for title, _, path, wide in BLURSCHEDULES.columns],
        ),
        "### Conditions",
        table(("Condition", "Meaning when `True`"), [(f"`{type_}`", type_.meaning) for type_ in ScheduleConditionType]),
        "## What is refused, and why",
        "The API server refuses these when they are applied, and what it refuses of a BlurJob. What it cannot tell, "
        "such as a time zone that there is not, the operator tells by the condition Accepted.",
        refusals(refused),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"
