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

    The best box of a class gathers those that overlap it; what is gathered gathers no more, so crowds do not melt into
    one region.
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
            free &= ~group
            regions.append(
                Region(
                    box=_hull(near[group], width_px, wraps=wraps),
                    object_class=object_class,
                    score=detection.score,
                    detections=int(group.sum()),
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
    width = np.minimum(seed[2], boxes[:, 2]) - np.maximum(seed[0], boxes[:, 0])
    height = np.minimum(seed[3], boxes[:, 3]) - np.maximum(seed[1], boxes[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    area = (seed[2] - seed[0]) * (seed[3] - seed[1])
    smaller = np.maximum(np.minimum(area, areas), 1e-9)
    union = np.maximum(area + areas - shared, 1e-9)
    return np.asarray((shared / union >= SAME_IOU) | (shared / smaller >= PART_OF))


def _hull(boxes: _Boxes, width_px: int, *, wraps: bool) -> Box:
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    if not wraps:
        return Box(float(left), float(top), float(right), float(bottom))
    if right - left >= width_px:
        return Box(0.0, float(top), float(width_px), float(bottom))
    turn = np.floor(left / width_px) * width_px
    return Box(float(left - turn), float(top), float(right - turn), float(bottom))
