"""The model card: what the model is made of and how it was checked. Its digest names the model everywhere.

The card is written in one canonical form without times or paths, so that `sha256sum model-card.json` prints the model's
digest and the same inputs give the same digest on every machine.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, TypeAdapter

from baas_detector.accuracy import Drift, Precision
from baas_detector.contract import BOXES, COUNT, MODEL_NAME, TILES, DetectedClass
from baas_detector.weights import digest_of

CARD_NAME = "model-card.json"


class Target(StrEnum):
    """Which Triton serves the model."""

    CPU = "cpu"
    """Triton's python backend with OpenVINO."""
    GPU = "gpu"
    """NVIDIA's Triton image with ONNX Runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloserLook:
    """Vehicles are shown to the plate model again, enlarged: plates sit on them, and small ones are hard to find.

    How the numbers were chosen is told in docs/explanation/detection.md. Those that are read from a file are checked.
    """

    vehicle_score: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Boxes of vehicles at or below it are not looked at."""
    most: Annotated[int, Field(ge=1, le=1000)] = 24
    """Vehicles of one tile, the surest first. It bounds the time and memory that a tile may need."""
    margin: Annotated[float, Field(ge=1, le=4)] = 1.2
    """The side of the square that is shown, in longer sides of the vehicle's box."""
    side_px: Annotated[int, Field(ge=32, le=4096, multiple_of=32)] = 416
    """To this side squares are enlarged; larger ones were seen well enough."""
    most_enlarged: Annotated[float, Field(ge=1, le=64)] = 4.0
    """No square is enlarged more: a vehicle of a few pixels is shown with what surrounds it."""
    score_floor: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Plates at or below it are dropped."""
    most_plates: Annotated[int, Field(ge=1, le=1000)] = 16
    """Plates of one square, the surest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The numbers that become constants of the graph."""

    score_floor: float = 0.01
    """Boxes at or below it are dropped."""
    iou: float = 0.7
    """Of two boxes of one class that overlap more, the one with the lower score is dropped."""
    max_det: int = 1000
    """Rows of `BOXES`."""
    closer_look: CloserLook | None = CloserLook()
    """None: no closer look. Nor is there one when no checkpoint knows vehicles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedWeights:
    """A checkpoint as the recipe knows it."""

    name: str
    digest: str
    wanted: tuple[DetectedClass, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides what is built. Equal recipes give equal models, so a second build can be left out."""

    target: Target
    weights: tuple[NamedWeights, ...]
    thresholds: Thresholds
    tensorrt: bool
    offers_bf16: bool
    """Whether the machine that builds can try bf16."""
    tools: dict[str, str]
    """Versions of the libraries that export and check."""
    code: dict[str, str]
    """Digests of our own files that make, check and serve the graph, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedWeights:
    """What was found inside a checkpoint."""

    name: str
    licence: str
    channels: dict[int, DetectedClass]
    """The class of each score channel that is used."""
    vehicles: tuple[int, ...]
    """The score channels of vehicles, around which plates are looked for more closely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Accuracy on the sample tiles, each against the arithmetic before it."""

    samples: tuple[str, ...]
    export: Drift
    """The graph in float32 against the checkpoints themselves."""
    bf16: Drift | None
    """bfloat16 against float32; None where it was not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came out of a recipe."""

    opset: int
    weights: tuple[UsedWeights, ...]
    precision: Precision
    checks: Checks
    files: dict[str, str]
    """Digest of every other file in the version's folder, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """The content of `model-card.json`."""

    recipe: Recipe
    built: Built
    model: str = MODEL_NAME
    tensors: tuple[str, ...] = (TILES, BOXES, COUNT)
    classes: tuple[DetectedClass, ...] = tuple(DetectedClass)

    def canonical(self) -> bytes:
        """Return the only form in which a card is written."""
        return (json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @property
    def digest(self) -> str:
        """The `model_digest`."""
        return digest_of(self.canonical())


def read_card(data: bytes) -> ModelCard:
    """Read what `ModelCard.canonical` wrote. Raises `ValueError` for anything else."""
    card = TypeAdapter(ModelCard).validate_json(data)
    if card.canonical() != data:
        raise ValueError("the card is not in its canonical form: somebody edited it, or another version wrote it")
    return card
