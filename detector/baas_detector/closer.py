"""Show vehicles to a plate model once more, enlarged: the part of the graph that cuts them out. Imports torch."""

import torch
import torchvision  # type: ignore[import-untyped]
from torch import Tensor

from baas_detector.card import CloserLook
from baas_detector.suppression import suppress

# A server may compute where to look in bfloat16. Up to 4096 it holds multiples of this exactly, so that all know the
# same squares.
GRID_PX = 16
# Of two boxes that overlap more, one square shows both.
SAME_VEHICLE = 0.6


def squares_around(pictures: Tensor, boxes: Tensor, scores: Tensor, closer: CloserLook) -> tuple[Tensor, Tensor]:
    """Return where to look closer: (K,) picture, (K, 3) left, top and side of squares in whole steps of the grid.

    Pictures (B, 3, H, W), of vehicles boxes (B, 4, N) with corners and scores (B, V, N), one for each kind. Vehicles
    that are as large as an enlarged square are left out: the first look saw them no smaller.
    """
    one, other = boxes.chunk(2, dim=1)
    width_height = (one - other).abs()
    is_small = width_height.amax(1, keepdim=True) * closer.margin < closer.side_px
    picture, kept, _ = suppress(
        boxes,
        scores.amax(1, keepdim=True) * is_small,
        most=closer.most,
        iou=SAME_VEHICLE,
        floor=closer.vehicle_score,
    )
    one, other = kept.chunk(2, dim=1)
    side = (one - other).abs().amax(1, keepdim=True) * closer.margin
    side = _on_grid(side.clamp(min=closer.side_px / closer.most_enlarged))
    limits = (torch._shape_as_tensor(pictures)[[3, 2]] - side).clamp(min=0)  # a traced value, unlike pictures.shape
    left_top = _on_grid((one + other - side) / 2).clamp(min=0).minimum(limits)
    return picture, torch.cat([left_top, side], 1)


def enlarged(pictures: Tensor, picture: Tensor, squares: Tensor, side_px: int) -> Tensor:
    """Return the squares as pictures (max(K, 1), 3, side_px, side_px).

    Without any there is one of nothing: not every runtime computes with empty batches.
    """
    regions = torch.cat([picture[:, None].to(squares.dtype), squares[:, :2], squares[:, :2] + squares[:, 2:]], 1)
    regions = torch.nn.functional.pad(regions, (0, 0, 0, 1))
    wanted = torch._shape_as_tensor(picture)[0].clamp(min=1)
    shown: Tensor = torchvision.ops.roi_align(pictures, regions[:wanted], side_px, sampling_ratio=1, aligned=True)
    return shown


def in_picture(boxes: Tensor, squares: Tensor, side_px: int) -> Tensor:
    """Bring boxes (K, 4) of enlarged squares back to the pictures that the squares (K, 3) were cut out of."""
    return boxes * squares[:, 2:] / side_px + squares[:, [0, 1, 0, 1]]


def _on_grid(px: Tensor) -> Tensor:
    return (px / GRID_PX).round() * GRID_PX
