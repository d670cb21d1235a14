"""What every piece of a BlurJob shares: the model's settings, and rules that hold in Kubernetes and in Python alike.

A rule is written once. Its CEL text refuses a bad object when somebody applies it, its Python twin refuses the same
object where no API server stands in between (a file, the command line, a worker's mounted copy).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something that must be true of a part, and the sentence for a person who broke it."""

    cel: str
    """An expression over `self`, as the API server evaluates it. Source: the CEL language and Kubernetes' libraries."""
    holds: Callable[[Any], bool]
    """The same over the Python object."""
    sentence: str
    """What was expected and what to do. Never the value, which may hold a secret."""
    field: str | None = None
    """The field that the API server names in its answer, as in YAML; without one the part itself."""


class Part(BaseModel):
    """Base of every piece of a BlurJob: immutable, camelCase in YAML, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )

    RULES: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _keep_the_rules(self) -> Self:
        broken = [rule.sentence for rule in self.RULES if not rule.holds(self)]
        if broken:
            raise ValueError("\n".join(broken))
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the rules to the model's schema, where Kubernetes expects them."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if cls.RULES:
            schema["x-kubernetes-validations"] = [
                {"rule": rule.cel, "message": rule.sentence} | ({"fieldPath": f".{rule.field}"} if rule.field else {})
                for rule in cls.RULES
            ]
        return schema

    def as_document(self) -> dict[str, Any]:
        """Return it as it stands in YAML or JSON, without what is unset."""
        return self.model_dump(mode="json", exclude_none=True)


def exactly_one(whole: str, *fields: str) -> Rule:
    """Demand that one of some optional fields (Python names) is set, and no second one."""
    names = [to_camel(field) for field in fields]
    return Rule(
        cel=f"[{', '.join(f'has(self.{name})' for name in names)}].exists_one(given, given)",
        holds=lambda part: sum(getattr(part, field) is not None for field in fields) == 1,
        sentence=f"{whole} needs exactly one of {', '.join(names)}",
    )


def matches(field: str, pattern: str, sentence: str, *, optional: bool = False) -> Rule:
    """Demand that a whole string (Python name of the field) has a form, with a better sentence than a bare pattern."""
    name = to_camel(field)
    cel = f"self.{name}.matches(r'^(?:{pattern})$')"

    def holds(part: Any) -> bool:
        value = getattr(part, field)
        return (optional and value is None) or re.fullmatch(pattern, value) is not None

    return Rule(cel=f"!has(self.{name}) || {cel}" if optional else cel, holds=holds, sentence=sentence, field=name)


def _whole_seconds(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)


Time = Annotated[AwareDatetime, AfterValidator(_whole_seconds)]
"""A moment as Kubernetes keeps it: UTC, whole seconds."""

Whole = Annotated[int, Field(strict=True)]
"""A whole number; `"4"` and `4.5` are none. Kubernetes stores `4.0` as 4."""
Switch = Annotated[bool, Field(strict=True)]
"""Yes or no; `"yes"` is neither."""

DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_SUBDOMAIN = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=f"^{DNS_SUBDOMAIN}$")]
"""The name of a Secret, a ConfigMap and the like."""
DataKey = Annotated[str, Field(min_length=1, max_length=253, pattern="^[-._a-zA-Z0-9]+$")]
"""A key of a Secret or a ConfigMap."""


@dataclass(frozen=True, slots=True)
class Unique:
    """Mark a list in which nothing may stand twice, so that several writers can share it in Kubernetes."""

    key: str | None = None
    """The field (Python name) that tells entries apart; without one the entry itself, which is a plain value."""

    def _checked(self, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        keys = [entry if self.key is None else getattr(entry, self.key) for entry in entries]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if twice is not None:
            raise ValueError(f"Duplicate value: {twice}")
        return entries

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the entries themselves are checked."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say so to Kubernetes."""
        if self.key is None:
            return handler(schema) | {"x-kubernetes-list-type": "set"}
        return handler(schema) | {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [to_camel(self.key)],
        }
