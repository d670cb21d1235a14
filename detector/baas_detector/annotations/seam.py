"""Boxes across the seam of a panorama, for formats that know no seam: cut in two, and joined again."""

from collections.abc import Sequence

from baas_detector.annotations.model import SEAM_SLACK_PX, Box, Size


def cut(box: Box, size: Size) -> tuple[Box, ...]:
    """Return the parts that lie in the picture: the one at its right edge and the one at its left, or the box itself.

    What lies no more than `SEAM_SLACK_PX` beyond an edge is cut off, and lost.
    """
    top, bottom = max(box.top, 0.0), min(box.bottom, size.height_px)
    left = max(box.left, 0.0)
    here = Box(left=left, top=top, width=min(box.right, size.width_px) - left, height=bottom - top)
    if not box.crosses_seam(size):
        return (here,)
    return here, Box(left=0.0, top=top, width=box.right - size.width_px, height=bottom - top)


def partners(boxes: Sequence[tuple[int, Box]], size: Size) -> dict[int, int]:
    """Return which of the (category, box), by its position, goes on in which other one at the left edge.

    Two boxes of one category belong together when one ends at the right edge of a panorama, the other begins at the
    left one, and their upper and lower edges agree; all within `SEAM_SLACK_PX`.
    """
    if not size.wraps:
        return {}
    found: dict[int, int] = {}
    for position, (category, box) in enumerate(boxes):
        if abs(box.right - size.width_px) > SEAM_SLACK_PX or position in found.values():
            continue
        for other, (its_category, candidate) in enumerate(boxes):
            is_free = other != position and other not in found.values()
            if is_free and its_category == category and _goes_on(box, candidate):
                found[position] = other
                break
    return found


def joined(box: Box, other: Box, size: Size) -> Box:
    """Return the one box of a box at the right edge and its partner at the left one."""
    top, bottom = min(box.top, other.top), max(box.bottom, other.bottom)
    return Box(left=box.left, top=top, width=size.width_px + other.right - box.left, height=bottom - top)


def _goes_on(box: Box, candidate: Box) -> bool:
    apart = max(abs(candidate.left), abs(candidate.top - box.top), abs(candidate.bottom - box.bottom))
    return apart <= SEAM_SLACK_PX
