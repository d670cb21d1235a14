"""Non-maximum suppression as one operator of an ONNX graph. Imports torch."""

from itertools import product
from typing import Any

import torch
import torchvision  # type: ignore[import-untyped]
from torch import Tensor


def suppress(boxes: Tensor, scores: Tensor, *, most: int, iou: float, floor: float) -> tuple[Tensor, Tensor, Tensor]:
    """Drop boxes that overlap a surer one of the same picture by more than `iou`, or score `floor` or less.

    Boxes (B, 4, N) with corners, scores (B, 1, N) -> of at most `most` for each picture: (K,) picture, (K, 4) boxes,
    (K,) scores.
    """
    corners = boxes.transpose(1, 2)
    kept = _Suppression.apply(corners, scores, most, iou, floor)
    picture, candidate = kept[:, 0], kept[:, 2]
    return picture, corners[picture, candidate], scores[picture, 0, candidate]


class _Suppression(torch.autograd.Function):
    """ONNX's NonMaxSuppression, which torch has no operator for.

    Boxes (B, N, 4), scores (B, classes, N) -> rows of (picture, class, candidate).
    https://onnx.ai/onnx/operators/onnx__NonMaxSuppression.html
    """

    @staticmethod
    def forward(_ctx: Any, boxes: Tensor, scores: Tensor, most: int, iou: float, floor: float) -> Tensor:
        rows = []
        for picture, label in product(*map(range, scores.shape[:2])):
            above = (scores[picture, label] > floor).nonzero().flatten()
            kept = above[torchvision.ops.nms(boxes[picture, above], scores[picture, label, above], iou)][:most]
            rows.append(torch.stack([torch.full_like(kept, picture), torch.full_like(kept, label), kept], 1))
        return torch.cat(rows)

    @staticmethod
    def symbolic(g: Any, boxes: Any, scores: Any, most: int, iou: float, floor: float) -> Any:
        numbers = (torch.tensor([most]), torch.tensor([iou]), torch.tensor([floor]))
        return g.op("NonMaxSuppression", boxes, scores, *(g.op("Constant", value_t=number) for number in numbers))
