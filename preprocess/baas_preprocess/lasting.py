"""Boxes as the ledger keeps them and as they are redacted: the same, told in two ways."""

from baas_ledger.facts import Correction, DetectedObject
from baas_preprocess.facts import Box, Inspection, Region
from baas_preprocess.wanted import ShareBox, Wanted, shares


def wanted_of(kept: Correction) -> Wanted:
    """Return what is to be redacted in any picture of that name."""
    return Wanted(
        box=ShareBox(x=kept.x, y=kept.y, width=kept.width, height=kept.height),
        object_class=kept.object_class,
        padding=kept.padding,
    )


def correction_of(wanted: Wanted, seen: Inspection, *, padding: float, reference: str) -> Correction:
    """Return what is to be kept of a box in a picture that was redacted with this padding. Raises `OutOfPicture`."""
    box = shares(wanted.box, seen)
    return Correction(
        object_class=wanted.object_class,
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        padding=max(padding, wanted.padding),
        reference=reference,
    )


def region_of(found: DetectedObject, seen: Inspection) -> Region:
    """Return where an object that was found lies in the stored picture."""
    width, height = seen.width_px, seen.height_px
    return Region(
        box=Box(found.x * width, found.y * height, (found.x + found.width) * width, (found.y + found.height) * height),
        object_class=found.object_class,
        score=found.score,
        detections=found.joined,
    )
