"""What reviewers marked, as the documents that other commands read. Pure."""

from collections import Counter
from collections.abc import Sequence

from baas_crds.codes import ObjectClass
from baas_ledger.reviews import Finding, Mark
from baas_ledger.tables import MarkKind, Projection
from baas_preprocess.facts import Box
from baas_preprocess.spherical import covering

OVER_BLURRED = 3
"""Category of what was redacted and is neither a person nor a plate."""
_CATEGORIES = {ObjectClass.PERSON: 1, ObjectClass.LICENCE_PLATE: 2}


def missed_by_image(marks: Sequence[Mark], looked_at: set[str]) -> dict[str, int]:
    """Return for each picture that was looked at how many misses are marked in it."""
    counts = Counter(mark.image for mark in marks if mark.finding.kind is MarkKind.MISSED)
    return {name: counts[name] for name in looked_at}


def reports_document(marks: Sequence[Mark]) -> list[dict[str, object]]:
    """Return the misses as `baas redact-more --reports` reads them from a JSON file."""
    return [
        {
            "image": mark.image,
            **_reported_box(mark.finding),
            "class": mark.finding.object_class.value,
            "reference": f"review {mark.id}",
        }
        for mark in marks
        if mark.finding.kind is MarkKind.MISSED
    ]


def coco_document(marks: Sequence[Mark]) -> dict[str, object]:
    """Return the marks as COCO annotations of the pictures that have some, in pixels of the picture as viewers show it.

    What was missed is a `person` or a `licence_plate`, what was redacted for nothing `over_blurred`; `attributes` tell
    what that was taken for. A box across the seam of a panorama goes on beyond its right edge.
    """
    sizes = {
        mark.image: (mark.finding.picture_width_px, mark.finding.picture_height_px)
        for mark in sorted(marks, key=lambda mark: mark.image)
    }
    numbers = {name: number for number, name in enumerate(sizes, 1)}
    categories = {**{each.value: number for each, number in _CATEGORIES.items()}, "over_blurred": OVER_BLURRED}
    return {
        "info": {"description": "What reviewers marked in published pictures; not all objects that are in them."},
        "images": [
            {"id": numbers[name], "file_name": name, "width": width, "height": height}
            for name, (width, height) in sizes.items()
        ],
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
        "annotations": [_annotation(mark, numbers[mark.image]) for mark in marks],
    }


def _reported_box(finding: Finding) -> dict[str, float]:
    if finding.projection is Projection.SPHERE:
        return {"yaw": finding.x, "pitch": finding.y, "width_deg": finding.width, "height_deg": finding.height}
    box = _outline(finding)
    return {"left": box.left, "top": box.top, "width": box.right - box.left, "height": box.bottom - box.top}


def _annotation(mark: Mark, image_number: int) -> dict[str, object]:
    finding, box = mark.finding, _outline(mark.finding)
    width, height = box.right - box.left, box.bottom - box.top
    is_missed = finding.kind is MarkKind.MISSED
    return {
        "id": mark.id,
        "image_id": image_number,
        "category_id": _CATEGORIES[finding.object_class] if is_missed else OVER_BLURRED,
        "bbox": [box.left, box.top, width, height],
        "area": width * height,
        "iscrowd": 0,
        "attributes": {"kind": finding.kind.value, "class": finding.object_class.value},
    }


def _outline(finding: Finding) -> Box:
    """Return the rectangle that covers a mark, in pixels of the picture as viewers show it."""
    width, height = finding.picture_width_px, finding.picture_height_px
    x, y, across, up = finding.x, finding.y, finding.width, finding.height
    if finding.projection is Projection.SPHERE:
        return covering(x, y, across, up, width_px=width, height_px=height)
    return Box(x * width, y * height, min(x + across, 1.0) * width, min(y + up, 1.0) * height)
