"""Join the boxes that speak of one object. Joining is by union: no detected pixel is ever dropped."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from baas_preprocess.facts import Box, Detection, Region

# Two views of one object agree well (the same object in two overlapping tiles), or one is a part of the other (cut by a
# tile's edge).
SAME_IOU = 0.45
PART_OF = 0.75

_Boxes = npt.NDArray[np.float64]  # (n, 4): left, top, right, bottom


def merge(detections: Sequence[Detection], width_px: int, *, wraps: bool) -> list[Region]:
    """Return one region per object, the union of its boxes, best score first, whatever their order.

    The best box of a class gathers those that show the same, then those that lie in the union (the parts that other
    tiles saw). What is gathered so gathers no more: crowds do not melt into one region.
    """
    regions: list[Region] = []
    for object_class in sorted({detection.object_class for detection in detections}):
        chosen = sorted(
            (detection for detection in detections if detection.object_class is object_class),
            key=lambda detection: (-detection.score, detection.box),
        )
        boxes = np.array([(b.left, b.top, b.right, b.bottom) for b in (d.box for d in chosen)], dtype=np.float64)
        free = np.ones(len(chosen), dtype=bool)
        for seed, detection in enumerate(chosen):
            if not free[seed]:
                continue
            near = _beside(boxes[seed], boxes, width_px) if wraps else boxes
            group = free & _same(boxes[seed], near)
            group[seed] = True
            group |= free & _inside(near, np.hstack([near[group, :2].min(axis=0), near[group, 2:].max(axis=0)]))
            free &= ~group
            regions.append(
                Region(
                    box=_hull(near[group], width_px, wraps=wraps),
                    object_class=object_class,
                    score=detection.score,
                    detections=int(group.sum()),
                    tile=detection.tile,
                )
            )
    return sorted(regions, key=lambda region: (-region.score, region.object_class, region.box))


def _beside(seed: _Boxes, boxes: _Boxes, width_px: int) -> _Boxes:
    """Shift boxes by whole turns to where they are nearest to the seed."""
    turns = np.round(((seed[0] + seed[2]) - (boxes[:, 0] + boxes[:, 2])) / (2 * width_px))
    shifted = boxes.copy()
    shifted[:, 0] += turns * width_px
    shifted[:, 2] += turns * width_px
    return shifted


def _same(seed: _Boxes, boxes: _Boxes) -> npt.NDArray[np.bool_]:
    shared, area = _shared(seed, boxes), _areas(seed[np.newaxis])
    areas = _areas(boxes)
    return np.asarray((shared >= SAME_IOU * (area + areas - shared)) | (shared >= PART_OF * np.minimum(area, areas)))


def _inside(boxes: _Boxes, union: _Boxes) -> npt.NDArray[np.bool_]:
    return np.asarray(_shared(union, boxes) >= PART_OF * _areas(boxes))


def _areas(boxes: _Boxes) -> npt.NDArray[np.float64]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def _shared(one: _Boxes, boxes: _Boxes) -> npt.NDArray[np.float64]:
    width = np.minimum(one[2], boxes[:, 2]) - np.maximum(one[0], boxes[:, 0])
    height = np.minimum(one[3], boxes[:, 3]) - np.maximum(one[1], boxes[:, 1])
    return np.asarray(np.clip(width, 0, None) * np.clip(height, 0, None))


def _hull(boxes: _Boxes, width_px: int, *, wraps: bool) -> Box:
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    if not wraps:
        return Box(float(left), float(top), float(right), float(bottom))
    if right - left >= width_px:
        return Box(0.0, float(top), float(width_px), float(bottom))
    turn = np.floor(left / width_px) * width_px
    return Box(float(left - turn), float(top), float(right - turn), float(bottom))
