"""What a model must do to pass: the policy file, `examples/gate-policy.yaml` shows all of it."""

from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from baas_crds.errors import ConfigurationError
from baas_detector.categories import ATTRIBUTES, NO_AID, VALUES, Attribute
from baas_detector.contract import DetectedClass, read_class
from baas_detector.coverage import ALL

Share: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Class: TypeAlias = Annotated[DetectedClass, BeforeValidator(lambda name: read_class(str(name)) or name)]
"""Both spellings of licence plate are read."""
RuleT = TypeVar("RuleT", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, use_attribute_docstrings=True)


class Selection(_Part):
    """Which objects a rule is about: all conditions must hold."""

    object_class: Class = Field(validation_alias="class")
    size: str = ALL
    """A size group as the report names it, such as `24 to 50 px high`; `at the seam`; or `all`."""
    where: dict[Attribute, str] = {}
    """What annotators said: `{age: child, skin: dark}`."""

    @model_validator(mode="after")
    def _values_are_known(self) -> Self:
        for attribute, value in self.where.items():
            _check_attribute(self.object_class, attribute)
            known = (*VALUES[attribute], *((NO_AID,) if attribute is Attribute.AID else ()))
            if value not in known:
                raise ValueError(f"{attribute} {value!r} is not known; use {', '.join(known)}")
        return self

    def __str__(self) -> str:
        """Return it as a person would call it."""
        parts = [*(f"{attribute} {value}" for attribute, value in self.where.items())]
        return ", ".join([str(self.object_class), *parts, *([] if self.size == ALL else [self.size])])


class RecallRule(Selection):
    """How many of some objects must be found. One limit at least."""

    lower_bound: Share | None = None
    """For the lower end of the 95 % interval: what is so at least. Of few objects nothing high can be proven."""
    measured: Share | None = None
    """For the share that was found in the truth."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        return _require(self, "lower_bound", "measured")


class GapRule(_Part):
    """How far apart the recall of each two groups of an attribute may be. One limit at least."""

    object_class: Class = Field(validation_alias="class")
    attribute: Attribute
    size: str = ALL
    measured: Share | None = None
    """For the gap in the truth."""
    upper_bound: Share | None = None
    """For the end of its 95 % interval that is farther from zero: what it is at most."""
    least_objects: Annotated[int, Field(ge=1)] = 1
    """Groups with fewer objects are told, not judged. Where fewer than two groups are left, the model fails."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        _check_attribute(self.object_class, self.attribute)
        return _require(self, "measured", "upper_bound")


class RegressionRule(Selection):
    """How much worse than the model in production it may be. One limit at least."""

    largest_drop: Share | None = None
    """For recall in production less that of the candidate."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    """It fails when a test says at this level that it is worse: McNemar's exact one on the same objects."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        return _require(self, "largest_drop", "alpha")


class MaskedShareRule(_Part):
    """How much of the pictures may be masked: a model that masks all of it finds everybody."""

    at_most: Share


class Policy(_Part):
    """All rules must hold."""

    min_coverage: Share = 0.8
    """The report must ask for at least this share of a box."""
    truth_digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the truth that must have been used; without it any truth does."""
    recall: tuple[RecallRule, ...] = ()
    gaps: tuple[GapRule, ...] = ()
    regression: tuple[RegressionRule, ...] = ()
    masked_share: MaskedShareRule | None = None

    @model_validator(mode="after")
    def _has_rules(self) -> Self:
        if not (self.recall or self.gaps or self.regression or self.masked_share):
            raise ValueError(
                "it has no rule, so every model would pass; write recall, gaps, regression or masked_share"
            )
        return self


def load_policy(path: Path) -> Policy:
    """Read a policy. Raises `ConfigurationError` with a sentence for each mistake."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Policy.model_validate(document)
    except ValidationError as error:
        mistakes = "; ".join(_sentence(one) for one in error.errors())
        raise ConfigurationError(
            f"The policy {path} is not right: {mistakes}. See examples/gate-policy.yaml."
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"The policy {path} cannot be read: {error}.") from error


def _sentence(mistake: Any) -> str:
    where = ".".join(str(part) for part in mistake["loc"])
    message = mistake["msg"].removeprefix("Value error, ")
    if mistake["type"] == "extra_forbidden":
        message = "there is no such field"
    return f"{where}: {message}" if where else message


def _check_attribute(object_class: DetectedClass, attribute: Attribute) -> None:
    if attribute not in ATTRIBUTES[object_class]:
        raise ValueError(f"{object_class} has no {attribute}; it has {', '.join(ATTRIBUTES[object_class])}")


def _require(rule: RuleT, *names: str) -> RuleT:
    if all(getattr(rule, name) is None for name in names):
        raise ValueError(f"give {' or '.join(names)}: without it nothing is limited")
    return rule
