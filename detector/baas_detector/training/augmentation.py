"""How pictures are changed while a network learns from them, by Ultralytics' own names."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from baas_crds.errors import ConfigurationError

Share = Annotated[float, Field(ge=0, le=1)]
Degrees = Annotated[float, Field(ge=0, le=180)]


class Augmentation(BaseModel):
    """Ultralytics' arguments that change pictures. What is unset keeps Ultralytics' default.

    Names, meanings and ranges: https://docs.ultralytics.com/usage/cfg/#augmentation-settings-and-hyperparameters.
    Left out: what needs masks or is for classification.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hsv_h: Share | None = None
    hsv_s: Share | None = None
    hsv_v: Share | None = None
    degrees: Degrees | None = None
    translate: Share | None = None
    scale: Share | None = None
    shear: Degrees | None = None
    perspective: Annotated[float, Field(ge=0, le=0.001)] | None = None
    flipud: Share | None = None
    fliplr: Share | None = None
    bgr: Share | None = None
    mosaic: Share | None = None
    mixup: Share | None = None
    cutmix: Share | None = None
    close_mosaic: Annotated[int, Field(ge=0)] | None = None
    multi_scale: Share | None = None

    def arguments(self) -> dict[str, float]:
        """Return what is set, by Ultralytics' names."""
        return self.model_dump(exclude_none=True)


def read_augmentation(path: Path) -> Augmentation:
    """Read a JSON object. Raises `ConfigurationError` that names each unknown argument and each value out of range."""
    try:
        return Augmentation.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problems = error.errors(include_url=False)
    raise ConfigurationError("\n".join(_sentence(problem, str(path)) for problem in problems))


def _sentence(problem: ErrorDetails, source: str) -> str:
    if problem["type"] == "json_invalid":
        return f"{source} is not JSON. {problem['msg']}"
    where = f"{source}: {'.'.join(map(str, problem['loc']))}"
    if problem["type"] == "extra_forbidden":
        return f"{where} changes no pictures at Ultralytics': use {', '.join(Augmentation.model_fields)}"
    return f"{where} is {problem['input']!r}. {problem['msg']}"
