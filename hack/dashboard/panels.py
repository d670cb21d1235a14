"""The panels of all dashboards, as dashboard/panels.yaml has them."""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "dashboard" / "panels.yaml"

Text = Annotated[str, Field(min_length=1)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Panel(_Closed):
    """One question, and how its answer is shown."""

    title: Text
    text: Text
    kind: Literal["table", "tree", "timechart", "barchart"]
    unit: Text = "short"
    kql: Text | None = None
    promql: dict[str, str] = {}
    sets: Text | None = None
    needs: Text | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.kql is None and not self.promql:
            raise ValueError(f"{self.title} has neither kql nor promql")
        return self


class Section(_Closed):
    """Panels that are read together."""

    section: Text
    panels: tuple[Panel, ...]


class _Source(_Closed):
    sections: tuple[Section, ...]


def read_sections(text: str) -> tuple[Section, ...]:
    """Return the sections of a source like panels.yaml. Raises pydantic's `ValidationError`."""
    return _Source.model_validate({"sections": yaml.safe_load(text)}).sections
