"""Read a spec that no API server has checked: a file, a worker's mounted copy, an object older than today's rules.

The sentences are the API server's own, so that the same mistake reads the same whoever finds it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from baas_crds.blurjob import KIND, BlurJob, BlurJobSpec
from baas_crds.blurschedule import KIND as SCHEDULE_KIND
from baas_crds.blurschedule import BlurSchedule, BlurScheduleSpec
from baas_crds.errors import ConfigurationError
from baas_crds.parts import Part

Model = TypeVar("Model", bound=Part)

# pydantic's kind of error -> the API server's sentence
_SENTENCES = {
    "missing": "Required value",
    "extra_forbidden": 'unknown field "{where}"',
    "string_too_long": "Too long: may not be more than {max_length} bytes",
    "too_long": "Too many: must have at most {max_length} items",
    "string_too_short": "Invalid value: {where} in body should be at least {min_length} chars long",
    "too_short": "Invalid value: {where} in body should have at least {min_length} items",
    "string_pattern_mismatch": "Invalid value: {where} in body should match '{pattern}'",
    "less_than_equal": "Invalid value: {where} in body should be less than or equal to {le}",
    "greater_than_equal": "Invalid value: {where} in body should be greater than or equal to {ge}",
    "int_type": "Invalid value: {where} in body must be of type integer",
    "bool_type": "Invalid value: {where} in body must be of type boolean",
    "string_type": "Invalid value: {where} in body must be of type string",
    "model_type": "Invalid value: {where} in body must be of type object",
    "mapping_type": "Invalid value: {where} in body must be of type object",
    "tuple_type": "Invalid value: {where} in body must be of type array",
}


def read_blurjob(document: Mapping[str, Any]) -> BlurJob:
    """Return a whole BlurJob. Raises `ConfigurationError` with a sentence for each problem, one a line."""
    return _read(BlurJob, document, place="")


def read_spec(document: Mapping[str, Any]) -> BlurJobSpec:
    """Return a BlurJob's spec. Raises `ConfigurationError` with a sentence for each problem, one a line."""
    return _read(BlurJobSpec, document, place="spec")


def read_schedule(document: Mapping[str, Any]) -> BlurSchedule:
    """Return a whole BlurSchedule. Raises `ConfigurationError` with a sentence for each problem, one a line."""
    return _read(BlurSchedule, document, place="", kind=SCHEDULE_KIND)


def read_schedule_spec(document: Mapping[str, Any]) -> BlurScheduleSpec:
    """Return a BlurSchedule's spec. Raises `ConfigurationError` with a sentence for each problem, one a line."""
    return _read(BlurScheduleSpec, document, place="spec")


def _read(model: type[Model], document: Mapping[str, Any], *, place: str, kind: str = KIND) -> Model:
    try:
        return model.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    raise ConfigurationError("\n".join(line for problem in problems for line in _lines(problem, place, kind)))


def _lines(problem: ErrorDetails, place: str, kind: str) -> list[str]:
    where = place
    for part in problem["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    return [f"{where or kind}: {sentence}" for sentence in _sentence(problem, where).splitlines()]


def _sentence(problem: ErrorDetails, where: str) -> str:
    """Say what was expected; what was found only where it cannot be a secret: a wrong choice among words."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in {"enum", "literal_error"}:
        known = re.findall(r"\w+", context["expected"].replace(" or ", " "))
        return f"Unsupported value: {_quoted(problem['input'])}: supported values: {', '.join(map(_quoted, known))}"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(where=where, **context)
    return problem["msg"].removeprefix("Value error, ")


def _quoted(value: object) -> str:
    return json.dumps(value, default=str)
