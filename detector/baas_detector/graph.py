"""The whole detector as one torch module, so that one ONNX graph holds the whole contract.

Normalisation, padding, one or two YOLO models, the classes we want, non-maximum suppression, sorting and counting: tiles
go in as a decoder leaves them, boxes come out ready to use, and no server needs code of ours to understand them.
Imports torch: only `export` may import this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from baas_detector.card import Thresholds
from baas_detector.contract import DetectedClass

PAD_GREY = 114
"""What Ultralytics trains with beside the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One YOLO model and the score channels that are wanted of it."""

    model: nn.Module
    """Answers (batch, 4 + classes, candidates): x1, y1, x2, y2 in input pixels, then a score for each class."""
    stride: int
    channels: tuple[tuple[int, DetectedClass], ...]


class PersonPlate(nn.Module):
    """Tiles (B, H, W, 3) uint8 RGB -> boxes (B, max_det, 6) float32, count (B, 1) int32."""

    def __init__(self, sources: Sequence[Source], thresholds: Thresholds) -> None:
        super().__init__()
        self.models = nn.ModuleList(source.model for source in sources)
        self.channels = [source.channels for source in sources]
        self.stride = max(source.stride for source in sources)
        self.thresholds = thresholds

    def forward(self, tiles: Tensor) -> tuple[Tensor, Tensor]:
        """Answer boxes in tile pixels, best first, and how many there are.

        Rows behind the last box are zero. A count above `max_det` means that boxes are missing. It is exact as long as no
        class has more than `max_det` boxes, and above `max_det` otherwise.
        """
        max_det = self.thresholds.max_det
        boxes, scores, classes = self._candidates(self._prepare(tiles))
        count = (scores > 0).sum(1, keepdim=True).to(torch.int32)
        boxes, scores, classes = (nn.functional.pad(x, (0, 0, 0, max_det)) for x in (boxes, scores, classes))
        scores, best = scores.topk(max_det, dim=1)
        width_height = torch._shape_as_tensor(tiles)[[2, 1, 2, 1]].float()  # a traced value, unlike tiles.shape
        boxes = boxes.gather(1, best.expand(-1, -1, 4)).clamp(min=0).minimum(width_height)
        rows = torch.cat([boxes, scores, classes.gather(1, best)], 2)
        return rows * (scores > 0), count.flatten(1)

    def _prepare(self, tiles: Tensor) -> Tensor:
        height, width = tiles.shape[1], tiles.shape[2]
        pictures = tiles.permute(0, 3, 1, 2).float() / 255
        return nn.functional.pad(pictures, (0, -width % self.stride, 0, -height % self.stride), value=PAD_GREY / 255)

    def _candidates(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (B, N, 4) boxes, (B, N, 1) scores, (B, N, 1) classes; a score of 0 means dropped."""
        parts = []
        for model, channels in zip(self.models, self.channels, strict=True):
            answer = model(pictures)
            boxes = answer[:, :4].transpose(1, 2)
            for channel, found in channels:
                scores = self._suppress(boxes, answer[:, 4 + channel : 5 + channel])
                parts.append((boxes, scores, torch.full_like(scores, found.number)))
        boxes, scores, classes = (torch.cat(tensors, 1) for tensors in zip(*parts, strict=True))
        return boxes, scores, classes

    def _suppress(self, boxes: Tensor, scores: Tensor) -> Tensor:
        """Return (B, N, 1) scores, 0 for boxes at the floor or hidden by a better one of the class."""
        # One more than fits is enough to show that some are missing, and it bounds the work of a picture full of noise.
        kept = _Suppression.apply(
            boxes, scores, self.thresholds.max_det + 1, self.thresholds.iou, self.thresholds.score_floor
        )
        candidates = boxes.shape[1]
        index = kept[:, 0] * candidates + kept[:, 2]
        mask = torch.zeros_like(scores.flatten()).scatter(0, index, torch.ones_like(index, dtype=scores.dtype))
        return (scores.flatten() * mask).view(-1, candidates, 1)


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
