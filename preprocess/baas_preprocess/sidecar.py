"""What may stand beside a published picture: its boxes as JSON and as YOLO text, and its mask as a picture.

Nothing here shows a pixel of anything.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import cv2
import numpy as np

from baas_crds.codes import ObjectClass
from baas_preprocess.facts import Digest, Inspection, Mask, Region
from baas_preprocess.way import Safe

_NUMBERS = {object_class: number for number, object_class in enumerate(ObjectClass)}


def normalised(region: Region, width_px: int, height_px: int) -> tuple[float, float, float, float]:
    """Return (x, y, width, height) of a region as shares of the picture; x + width > 1 crosses the seam."""
    box = region.box
    return (
        box.left / width_px,
        box.top / height_px,
        (box.right - box.left) / width_px,
        (box.bottom - box.top) / height_px,
    )


def detections_json(name: str, safe: Safe, model: Digest, recipe: Digest) -> bytes:
    """Describe a published picture and its redacted objects; boxes are [x, y, width, height], normalised.

    What people wanted to be redacted besides what was found stands under `corrections`.
    """
    width, height = safe.inspection.width_px, safe.inspection.height_px
    document = {
        "image": name,
        "width": width,
        "height": height,
        "model": model,
        "configuration": recipe,
        "input": safe.input_digest,
        "output": safe.output_digest,
        "masked_share": round(safe.mask.share, 6),
        "second_look": asdict(safe.second_look),
        "objects": [
            {
                "class": region.object_class,
                "score": round(region.score, 4),
                "box": _shares(region, width, height),
            }
            for region in safe.regions
        ],
        "corrections": _boxes(safe.corrections, width, height),
    }
    return _lines(document)


def corrected_json(
    document: bytes, corrections: Sequence[Region], seen: Inspection, *, output: Digest, masked_share: float
) -> bytes | None:
    """Bring what `detections_json` wrote up to a corrected picture; None for what it did not write."""
    try:
        told = json.loads(document)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    boxes = _boxes(corrections, seen.width_px, seen.height_px)
    return _lines({**told, "output": output, "masked_share": round(masked_share, 6), "corrections": boxes})


def _boxes(corrections: Sequence[Region], width_px: int, height_px: int) -> list[dict[str, object]]:
    return [{"class": region.object_class, "box": _shares(region, width_px, height_px)} for region in corrections]


def _shares(region: Region, width_px: int, height_px: int) -> list[float]:
    return [round(value, 6) for value in normalised(region, width_px, height_px)]


def _lines(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def detections_yolo(safe: Safe) -> bytes:
    """Write one line per object: class number, x centre, y centre, width, height (0..1), score.

    The format of https://docs.ultralytics.com/datasets/detect/ with the score behind. An object across the seam
    reaches beyond 1.
    """
    width, height = safe.inspection.width_px, safe.inspection.height_px
    lines = []
    for region in safe.regions:
        x, y, w, h = normalised(region, width, height)
        number = _NUMBERS[region.object_class]
        lines.append(f"{number} {x + w / 2:.6f} {y + h / 2:.6f} {w:.6f} {h:.6f} {region.score:.4f}\n")
    return "".join(lines).encode()


def mask_png(mask: Mask) -> bytes:
    """Return the mask as an 8-bit grey PNG of the picture's size: 255 is redacted, 0 is not."""
    unit_width, unit_height = mask.unit_px
    units = mask.covered.astype(np.uint8) * 255
    whole = units.repeat(unit_height, axis=0).repeat(unit_width, axis=1)[: mask.height_px, : mask.width_px]
    return cv2.imencode(".png", whole)[1].tobytes()
