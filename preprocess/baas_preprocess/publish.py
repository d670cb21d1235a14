"""Put a safe picture, and what was asked for beside it, at its destination. Doing it twice changes nothing."""

from dataclasses import dataclass

from baas_preprocess.facts import Digest
from baas_preprocess.sidecar import detections_json, detections_yolo, mask_png
from baas_preprocess.stores.places import Destination, Provenance
from baas_preprocess.way import Safe

# Behind the whole name: `a.jpg` and `a.png` must not share what is written beside them.
JSON, YOLO, MASK = ".json", ".txt", ".png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What is written beside the picture itself."""

    detections: bool = False
    masks: Destination | None = None


def publish(
    destination: Destination, name: str, safe: Safe, extras: Extras, *, model: Digest, recipe: Digest
) -> str | None:
    """Write the extras, then the picture, and return its version: whoever sees the picture finds all of it."""
    provenance = Provenance(model=model, configuration=recipe, input=safe.input_digest, output=safe.output_digest)
    if extras.masks is not None:
        extras.masks.write(name + MASK, mask_png(safe.mask), provenance)
    if extras.detections:
        destination.write(name + JSON, detections_json(name, safe, model, recipe), provenance)
        destination.write(name + YOLO, detections_yolo(safe), provenance)
    return destination.write(name, safe.data, provenance)


def withdraw(destination: Destination, name: str, extras: Extras) -> None:
    """Take away what was written beside a picture, then the picture; none of it need be there.

    As long as the picture stands there, whoever looks for it finds that something is left to be taken away.
    """
    if extras.masks is not None:
        extras.masks.remove(name + MASK)
    destination.remove(name + JSON)
    destination.remove(name + YOLO)
    destination.remove(name)


def extras_are_there(destination: Destination, name: str, extras: Extras) -> bool:
    """Whether all that was asked for stands beside a published picture."""
    wanted = [(destination, name + JSON), (destination, name + YOLO)] if extras.detections else []
    if extras.masks is not None:
        wanted.append((extras.masks, name + MASK))
    return all(place.size_bytes(file) is not None for place, file in wanted)
