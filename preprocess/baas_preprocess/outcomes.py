"""What the ledger is told of an image that was treated, evidence included."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from baas_crds.codes import QuarantineReason
from baas_ledger.facts import Correction, DetectedObject, Published, Quarantined
from baas_preprocess.facts import Digest, Region, Tile
from baas_preprocess.recipe import Recipe
from baas_preprocess.scrub import removed
from baas_preprocess.sidecar import normalised
from baas_preprocess.software import software
from baas_preprocess.way import Safe


def published(
    safe: Safe,
    *,
    model: Digest,
    recipe: Recipe,
    corrections: Sequence[Correction],
    worker: str,
    version: str | None,
    seconds: Mapping[str, float],
) -> Published:
    """Tell that a safe picture is at its destination, as `version` of the store's, and the corrections that are in."""
    inspection = safe.inspection
    return Published(
        input_digest=safe.input_digest,
        output_digest=safe.output_digest,
        output_size_bytes=len(safe.data),
        output_version=version,
        model_digest=model,
        config_digest=recipe.digest,
        width_px=inspection.width_px,
        height_px=inspection.height_px,
        masked_share=safe.mask.share,
        detections=tuple(_detected(region, inspection.width_px, inspection.height_px) for region in safe.regions),
        second_look=safe.second_look,
        timings=seconds,
        evidence={
            **_circumstances(worker, recipe),
            "format": inspection.format,
            "coding": inspection.coding,
            "orientation": inspection.orientation,
            "removed": list(removed(inspection, safe.found)),
            "kept": list(safe.found.metadata),
            "outside": safe.outside_digest,
            "corrections": [one.as_facts() for one in corrections],
        },
    )


def quarantined(
    reason: QuarantineReason, message: str, *, input_digest: Digest | None, model: Digest, recipe: Recipe, worker: str
) -> Quarantined:
    """Tell that a picture was not published, and why."""
    return Quarantined(
        reason=reason,
        message=message,
        input_digest=input_digest,
        model_digest=model,
        config_digest=recipe.digest,
        evidence=_circumstances(worker, recipe),
    )


def trace_id(environment: Mapping[str, str]) -> str | None:
    """Return the 32 hexadecimal digits that `TRACEPARENT` names, if it is set (https://www.w3.org/TR/trace-context)."""
    found = re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", environment.get("TRACEPARENT", ""))
    return found and found[1]


def _circumstances(worker: str, recipe: Recipe) -> dict[str, object]:
    return {"worker": worker, "recipe": asdict(recipe), "software": software(), "trace": trace_id(os.environ)}


def _detected(region: Region, width_px: int, height_px: int) -> DetectedObject:
    x, y, width, height = normalised(region, width_px, height_px)
    return DetectedObject(
        object_class=region.object_class,
        score=region.score,
        x=x,
        y=y,
        width=width,
        height=height,
        joined=region.detections,
        tile=None if region.tile is None else _rectangle(region.tile),
    )


def _rectangle(tile: Tile) -> tuple[int, int, int, int]:
    return tile.left, tile.top, tile.width, tile.height
