"""Put a safe picture, and what was asked for beside it, at its destination. Doing it twice changes nothing."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from baas_preprocess.facts import Digest
from baas_preprocess.sidecar import detections_json, detections_yolo, mask_png
from baas_preprocess.stores.places import Destination, Provenance
from baas_preprocess.way import Safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What is written beside the picture itself."""

    detections: bool = False
    masks: Destination | None = None


def publish(
    destination: Destination, name: str, safe: Safe, extras: Extras, *, model: Digest, recipe: Digest
) -> str | None:
    """Write the extras, then the picture, and return its version: whoever sees the picture finds all of it."""
    path = PurePosixPath(name)
    provenance = Provenance(model=model, configuration=recipe, input=safe.input_digest, output=safe.output_digest)
    if extras.masks is not None:
        extras.masks.write(str(path.with_suffix(".png")), mask_png(safe.mask), provenance)
    if extras.detections:
        destination.write(str(path.with_suffix(".json")), detections_json(name, safe, model, recipe), provenance)
        destination.write(str(path.with_suffix(".txt")), detections_yolo(safe), provenance)
    return destination.write(name, safe.data, provenance)
