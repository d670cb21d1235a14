"""What a BlurJob may change about its pods. An allow-list: everything else of a pod is the operator's."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from baas_crds.parts import DataKey, ObjectName, Part, Rule, Unique, Whole, matches

Text = Annotated[str, Field(max_length=4096)]
LabelKey = Annotated[str, Field(max_length=317)]
LabelValue = Annotated[str, Field(max_length=63, pattern="^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
# Source: k8s.io/apimachinery, pkg/api/resource; without signs, since a pod cannot ask for less than nothing.
QUANTITY = r"^[0-9]+(\.[0-9]+)?([KMGTPE]i|[numkMGTPE]|[eE][0-9]+)?$"


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    Field(max_length=32, pattern=QUANTITY),
    BeforeValidator(_as_text),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY,
            "maxLength": 32,
            "minimum": 0,
        }
    ),
]
"""An amount such as `2`, `500m` or `4Gi`."""
Quantities = Annotated[Mapping[str, Quantity], Field(max_length=16)]

OURS = "blurring.amsterdam.nl/"
RESERVED_ENV = ("BAAS_", "TRACEPARENT", "TRACESTATE")


def not_ours(field: str) -> Rule:
    """Demand that no key of a map (Python name of the field) has the operator's prefix."""
    return Rule(
        cel=f"!has(self.{field}) || !self.{field}.exists(key, key.startsWith('{OURS}'))",
        holds=lambda part: not any(key.startswith(OURS) for key in getattr(part, field) or ()),
        sentence=f"{field} under {OURS} are the operator's: choose another prefix",
        field=field,
    )


class Resources(Part):
    """Computing resources of the worker's container, as in a pod."""

    requests: Quantities | None = None
    """What the scheduler sets aside, such as `cpu: "2"` and `memory: 4Gi`."""
    limits: Quantities | None = None
    """What the container cannot exceed."""


class TolerationOperator(StrEnum):
    """How a toleration's value is compared."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Part):
    """A taint that the pods tolerate, as in a pod."""

    key: LabelKey | None = None
    """The taint's key. Unset, with operator Exists: every taint."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """How the value is compared."""
    value: LabelValue | None = None
    """The taint's value, for Equal."""
    effect: TaintEffect | None = None
    """The taint's effect. Unset: every effect."""
    toleration_seconds: Annotated[Whole, Field(ge=0, le=31_536_000)] | None = None
    """How long a NoExecute taint is tolerated. Unset: for ever."""


class KeyReference(Part):
    """One value of a Secret or a ConfigMap in the BlurJob's namespace."""

    name: ObjectName
    """The object's name."""
    key: DataKey
    """The key within it."""


class EnvSource(Part):
    """Where an environment variable's value comes from."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.secretKeyRef) != has(self.configMapKeyRef)",
            holds=lambda part: (part.secret_key_ref is None) != (part.config_map_key_ref is None),
            sentence="valueFrom needs exactly one of secretKeyRef, configMapKeyRef",
        ),
    )

    secret_key_ref: KeyReference | None = None
    """A value of a Secret."""
    config_map_key_ref: KeyReference | None = None
    """A value of a ConfigMap."""


class EnvVar(Part):
    """An environment variable of the worker's container."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        matches("name", "[A-Za-z_][A-Za-z0-9_]*", "an environment variable's name is letters, digits and underscores"),
        Rule(
            cel=" && ".join(f"!self.name.startsWith('{prefix}')" for prefix in RESERVED_ENV),
            holds=lambda part: not part.name.startswith(RESERVED_ENV),
            sentence=f"names that start with {', '.join(RESERVED_ENV)} are the operator's: use the BlurJob's fields",
            field="name",
        ),
        Rule(
            cel="!has(self.value) || !has(self.valueFrom)",
            holds=lambda part: part.value is None or part.value_from is None,
            sentence="an environment variable has a value or a valueFrom, not both",
        ),
    )

    name: Annotated[str, Field(max_length=253)]
    """The variable's name."""
    value: Text | None = None
    """The value itself. For passwords and keys use `valueFrom`."""
    value_from: EnvSource | None = None
    """Where the value comes from."""


class PodTemplate(Part):
    """What differs from the chart's pods, for planning and working alike."""

    RULES: ClassVar[tuple[Rule, ...]] = (not_ours("labels"), not_ours("annotations"))

    resources: Resources | None = None
    """Computing resources. Unset: the chart's. An image in flight needs about 0.5 GB of memory."""
    node_selector: Annotated[Mapping[str, LabelValue], Field(max_length=32)] | None = None
    """Labels that a node must have."""
    tolerations: (
        Annotated[tuple[Toleration, ...], Field(max_length=32, json_schema_extra={"x-kubernetes-list-type": "atomic"})]
        | None
    ) = None
    """Taints that the pods tolerate."""
    affinity: Mapping[str, Any] | None = None
    """As in a pod. Its fields are not checked here, but when the pods' Job is made: then the BlurJob ends as
    `Failed/InvalidSpec`."""
    priority_class_name: ObjectName | None = None
    """The pods' PriorityClass. Unset: the chart's."""
    service_account_name: ObjectName | None = None
    """The pods' ServiceAccount, which carries the workload identity. Unset: the chart's. No token is mounted."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=64), Unique("name")] | None = None
    """Further environment variables, such as a proxy's. The operator lets a few names pass and refuses all others."""
    labels: Annotated[Mapping[str, LabelValue], Field(max_length=32)] | None = None
    """Further labels."""
    annotations: Annotated[Mapping[str, Text], Field(max_length=32)] | None = None
    """Further annotations."""
