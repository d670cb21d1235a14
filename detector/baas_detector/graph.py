"""The whole detector as one torch module, so that one ONNX graph holds the whole contract.

Normalisation, padding, one or two YOLO models, the classes we want, non-maximum suppression, sorting and counting:
tiles go in as a decoder leaves them, boxes come out ready to use, and no server needs code of ours to understand them.
Imports torch: only `export` may import this module.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from baas_detector.card import Thresholds
from baas_detector.closer import enlarged, in_picture, squares_around
from baas_detector.contract import DetectedClass
from baas_detector.suppression import suppress

_Found: TypeAlias = tuple[Tensor, Tensor, Tensor, DetectedClass]
"""(K,) picture, (K, 4) boxes, (K,) scores, and of which class they are."""
PAD_GREY = 114
"""What Ultralytics trains with beside the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One YOLO model and the score channels that are wanted of it."""

    model: nn.Module
    """Answers (batch, 4 + classes, candidates): x1, y1, x2, y2 in input pixels, then a score for each class."""
    stride: int
    channels: tuple[tuple[int, DetectedClass], ...]
    vehicles: tuple[int, ...] = ()
    """Its score channels that mean vehicles."""


class PersonPlate(nn.Module):
    """Tiles (B, H, W, 3) uint8 RGB -> boxes (B, max_det, 6) float32, count (B, 1) int32."""

    def __init__(self, sources: Sequence[Source], thresholds: Thresholds) -> None:
        super().__init__()
        self.models = nn.ModuleList(source.model for source in sources)
        self.channels = [source.channels for source in sources]
        self.vehicles = [source.vehicles for source in sources]
        self.stride = max(source.stride for source in sources)
        self.thresholds = thresholds

    def forward(self, tiles: Tensor) -> tuple[Tensor, Tensor]:
        """Answer boxes in tile pixels, best first, and how many there are.

        Rows behind the last box are zero. A count above `max_det` means that boxes are missing. It is exact as long as
        no class has more than `max_det` boxes, and above `max_det` otherwise.
        """
        picture, boxes, scores, classes = self._kept(self._prepare(tiles))
        # Only what was kept is sorted: sorting all candidates took longer than finding them.
        of_picture = torch.arange(tiles.shape[0])[:, None] == picture
        table = nn.functional.pad(of_picture * scores, (0, self.thresholds.max_det))
        count = of_picture.sum(1, keepdim=True).to(torch.int32)
        scores, best = table.topk(self.thresholds.max_det, dim=1)
        one, other = _padded(boxes, self.thresholds.max_det)[best].chunk(2, dim=2)
        width_height = torch._shape_as_tensor(tiles)[[2, 1]].float()  # a traced value, unlike tiles.shape
        # Heads without a distribution over distances may answer a box with its corners exchanged.
        corners = (corner.clamp(min=0).minimum(width_height) for corner in (one.minimum(other), one.maximum(other)))
        rows = torch.cat([*corners, scores[..., None], _padded(classes, self.thresholds.max_det)[best]], 2)
        return rows * (scores > 0)[..., None], count

    def _prepare(self, tiles: Tensor) -> Tensor:
        height, width = tiles.shape[1], tiles.shape[2]
        pictures = tiles.permute(0, 3, 1, 2).float() / 255
        return nn.functional.pad(pictures, (0, -width % self.stride, 0, -height % self.stride), value=PAD_GREY / 255)

    def _kept(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Return what suppression keeps, over all pictures: (K,) picture, (K, 4) boxes, (K,) scores, (K, 1) classes."""
        answers = [model(pictures) for model in self.models]
        parts = [
            (*self._suppressed(answer[:, :4], answer[:, 4 + channel : 5 + channel]), found)
            for answer, channels in zip(answers, self.channels, strict=True)
            for channel, found in channels
        ]
        parts += self._seen_closer(pictures, answers)
        # Computed from the scores: OpenVINO 2026 gave a constant column of one row other numbers.
        numbered = (
            (picture, boxes, scores, found.number * (scores[:, None] > 0).float())
            for picture, boxes, scores, found in parts
        )
        return tuple(torch.cat(tensors) for tensors in zip(*numbered, strict=True))

    def _suppressed(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # One more than fits shows that some are missing, and bounds the work of a picture full of noise.
        most, iou, floor = self.thresholds.max_det + 1, self.thresholds.iou, self.thresholds.score_floor
        return suppress(boxes, scores, most=most, iou=iou, floor=floor)

    def _seen_closer(self, pictures: Tensor, answers: Sequence[Tensor]) -> Iterator[_Found]:
        """Look for plates on enlarged vehicles, if any model knows vehicles."""
        closer = self.thresholds.closer_look
        guides = [(answer, known) for answer, known in zip(answers, self.vehicles, strict=True) if known]
        if closer is None or not guides:
            return
        answer, known = guides[0]
        scores = torch.cat([answer[:, 4 + channel : 5 + channel] for channel in known], 1)
        picture, squares = squares_around(pictures, answer[:, :4], scores, closer)
        shown = enlarged(pictures, picture, squares, closer.side_px)
        for model, channels in zip(self.models, self.channels, strict=True):
            for channel, found in channels:
                if found is not DetectedClass.LICENCE_PLATE:
                    continue
                answer = model(shown)
                square, boxes, plate_scores = suppress(
                    answer[:, :4],
                    answer[:, 4 + channel : 5 + channel],
                    most=closer.most_plates,
                    iou=self.thresholds.iou,
                    floor=closer.score_floor,
                )
                # The square of nothing, where there is no other, shows nothing of any picture.
                is_real = square < torch._shape_as_tensor(picture)[0]
                square, boxes, plate_scores = square[is_real], boxes[is_real], plate_scores[is_real]
                yield picture[square], in_picture(boxes, squares[square], closer.side_px), plate_scores, found


def _padded(rows: Tensor, more: int) -> Tensor:
    return nn.functional.pad(rows, (0, 0, 0, more))


class ExpectedDistance(nn.Module):
    """Ultralytics' DFL layer, a mean over the bins of a distribution, without its convolution.

    Servers that compute convolutions in bfloat16 would round distances to a sixteenth of a stride, up to 2 px.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, logits: Tensor) -> Tensor:
        """(B, 4 x bins, N) -> (B, 4, N) distances in strides."""
        likelihoods = logits.view(logits.shape[0], 4, self.bins, -1).softmax(2)
        return (likelihoods * torch.arange(self.bins, dtype=logits.dtype).view(-1, 1)).sum(2)
