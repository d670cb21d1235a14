"""What a detector in Triton looks like from outside: names, types, shapes, classes.

Server, exporter and check all read it from here. Pure: nothing in this module talks to anybody.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from baas_crds.errors import ConfigurationError

MODEL_NAME = "person_plate"
TILES = "TILES"
BOXES = "BOXES"
COUNT = "COUNT"
MAX_BATCH_SIZE = 8
WARM_TILE_PX = 2048
"""Side of the square tile that warms the model up, and that `check` times."""


class DetectedClass(StrEnum):
    """What the detector finds. A member's position is its class number in `BOXES`."""

    PERSON = "person"
    LICENCE_PLATE = "licence_plate"

    @property
    def number(self) -> int:
        """The value in the last column of `BOXES`."""
        return list(DetectedClass).index(self)


PARAMETERS = ("model_digest", "classes", "score_floor", "iou", "max_det", "precision")
"""Keys under `parameters` in the model's configuration, all strings. They tell of the newest version."""

OF_A_VERSION = ("model_digest", "score_floor", "iou", "precision")
"""Where a repository holds several versions, these also stand there with a dot and the version behind each: Triton has
one configuration for all of them."""

CLASSES = ",".join(DetectedClass)

_VEHICLES = {"car", "motorcycle", "motorbike", "bus", "truck", "van", "vehicle"}
_SPELLINGS = {
    "person": DetectedClass.PERSON,
    "licence_plate": DetectedClass.LICENCE_PLATE,
    "license_plate": DetectedClass.LICENCE_PLATE,
}
_PLATE_MODEL_SPELLINGS = _SPELLINGS | dict.fromkeys(
    ("plate", "number_plate", "numberplate", "licenceplate", "licenseplate"), DetectedClass.LICENCE_PLATE
)


def read_class(name: str, *, finds_plates_only: bool = False) -> DetectedClass | None:
    """Return the class that a checkpoint's label means, None for any other label.

    The one place that knows both spellings. Case, blanks and hyphens do not matter. In a model that is said to find
    plates, a label such as `Plate` is clear enough.
    """
    spellings = _PLATE_MODEL_SPELLINGS if finds_plates_only else _SPELLINGS
    return spellings.get("_".join(name.lower().replace("-", " ").replace("_", " ").split()))


def channels_of(
    names: Mapping[int, str], wanted: tuple[DetectedClass, ...], *, source: str
) -> tuple[tuple[int, DetectedClass], ...]:
    """Return (score channel, class) for each wanted class that a checkpoint knows; other labels are ignored.

    Raises `ConfigurationError` when a wanted class has no label.
    """
    plates_only = wanted == (DetectedClass.LICENCE_PLATE,)
    read = ((channel, read_class(name, finds_plates_only=plates_only)) for channel, name in sorted(names.items()))
    channels = tuple((channel, found) for channel, found in read if found in wanted and found is not None)
    missing = [wish for wish in wanted if wish not in {found for _, found in channels}]
    if missing:
        labels = ", ".join(list(names.values())[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
        raise ConfigurationError(
            f"{source} has no class {' and no class '.join(missing)}; it knows: {labels}. Give weights that know "
            "person and licence_plate, or one checkpoint for each with --persons and --plates."
        )
    return channels


def vehicle_channels(names: Mapping[int, str]) -> tuple[int, ...]:
    """Return the score channels of road vehicles that carry plates; none for a checkpoint without such labels."""
    return tuple(channel for channel, name in sorted(names.items()) if name.lower().strip() in _VEHICLES)


def deviations(metadata: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Compare what Triton says of a model with the contract; each deviation is one sentence, none means it fits.

    Both arguments are Triton's own JSON: ModelMetadataResponse and ModelConfig of the gRPC protocol.
    """
    parameters = {key: value.get("string_value", "") for key, value in config.get("parameters", {}).items()}
    missing = [key for key in PARAMETERS if not parameters.get(key)]
    found = [f"parameter {key} is missing" for key in missing]
    max_det = parameters.get("max_det", "")
    if "max_det" not in missing and not max_det.isdecimal():
        found.append(f"parameter max_det is {max_det!r}; expected a whole number")
    if "classes" not in missing and parameters["classes"] != CLASSES:
        found.append(f"its classes are {parameters['classes']}; expected {CLASSES}")
    boxes = [-1, int(max_det), 6] if max_det.isdecimal() else None
    return (
        found
        + _tensor_deviations("input", metadata.get("inputs", []), {TILES: ("UINT8", [-1, -1, -1, 3])})
        + _tensor_deviations("output", metadata.get("outputs", []), {BOXES: ("FP32", boxes), COUNT: ("INT32", [-1, 1])})
    )


def _tensor_deviations(
    kind: str, tensors: list[Mapping[str, Any]], expected: Mapping[str, tuple[str, list[int] | None]]
) -> list[str]:
    found = {t["name"]: (t["datatype"], [int(d) for d in t["shape"]]) for t in tensors}
    sentences = [f"it has an unknown {kind} {name}" for name in found if name not in expected]
    for name, (datatype, shape) in expected.items():
        if name not in found:
            sentences.append(f"it has no {kind} {name}")
            continue
        found_type, found_shape = found[name]
        if found_type != datatype or (shape is not None and found_shape != shape):
            wish = f"{datatype} {shape}" if shape is not None else datatype
            sentences.append(f"its {kind} {name} is {found_type} {found_shape}; expected {wish}")
    return sentences
