"""Cut a picture into the tiles that the detector sees. Pure functions of the picture's size.

A panorama gets native-resolution tiles over the band where people and plates are, all around and across the seam, and
one overview of the whole sphere for what is near, large or beside the band. Where nobody says which degrees the rows
show, all rows are the band. A flat photo gets tiles without a wrap.

The second look gets a *shifted* plan: what stood at a tile's edge stands in a tile's middle then, and what cannot be
shifted is mirrored.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

import cv2
import numpy as np

from baas_preprocess.facts import Pixels, Tile

TILE_PX = 2048
# An object smaller than the overlap is whole in at least one tile; the overview sees the larger ones whole.
OVERLAP_PX = 448
# Measured on street panoramas: nearly all objects lie between +5° and -45°. One row of tiles over 8000x4000 pixels
# reaches from -46° to +46°, so the band is that wide for every size.
BAND_DEGREES = 46.0
OVERVIEW_PX = 2048
# The overview goes on past the seam by a quarter turn, so that what lies on the seam is seen whole once.
OVERVIEW_TURN = 1.25
# The coarsest grid of the network. A shift by whole steps would show it the same picture again.
NETWORK_STEP_PX = 32


def tiles(
    width_px: int, height_px: int, *, wraps: bool, is_sphere: bool = False, is_shifted: bool = False
) -> list[Tile]:
    """Return the tiles of a picture, native ones first, then the overview if it shows anything more.

    Every pixel is in a native tile, but for a sphere only those of the band are. With `wraps` tiles join across the
    seam. `is_shifted` begins half a tile's stride further (a panorama's in yaw, a photo's both ways and cut off at its
    edges), and mirrors a photo's view that shows all of it.
    """
    if wraps:
        overview = _panorama_overview(width_px, height_px, is_shifted=is_shifted)
        if _is_native(overview):
            return [overview]
        return [*_around(width_px, *_band(height_px, is_sphere=is_sphere), is_shifted=is_shifted), overview]
    spans = _shifted_spans if is_shifted else _spans
    native = [_native(left, top, width, height) for top, height in spans(height_px) for left, width in spans(width_px)]
    whole = replace(_overview(width_px, height_px, width_px), is_mirrored=is_shifted)
    return [whole] if len(native) == 1 else [*native, whole]


def cut(pixels: Pixels, tile: Tile) -> Pixels:
    """Return the tile's pixels, (out_height, out_width, 3); past the right edge a tile goes on at the left."""
    shown = _cut(pixels, tile)
    return np.ascontiguousarray(shown[:, ::-1] if tile.is_mirrored else shown)


def _cut(pixels: Pixels, tile: Tile) -> Pixels:
    width = pixels.shape[1]
    rows = pixels[tile.top : tile.top + tile.height]
    beyond = tile.left + tile.width - width
    scaled = not _is_native(tile)
    if beyond <= 0:
        part = rows[:, tile.left : tile.left + tile.width]
    elif scaled and tile.width >= width:
        # Scaling first keeps the copy small: the overview is a sixteenth of the panorama.
        whole = _shrink(rows, tile.out_width * width // tile.width, tile.out_height)
        first = round(tile.left * whole.shape[1] / width)
        return whole.take(np.arange(first, first + tile.out_width), axis=1, mode="wrap")
    else:
        part = np.hstack([rows[:, tile.left :], rows[:, :beyond]])
    return _shrink(part, tile.out_width, tile.out_height) if scaled else part


def _shrink(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    height, width = pixels.shape[:2]
    if height % 2 == width % 2 == 0 and height >= 2 * height_px and width >= 2 * width_px:
        # OpenCV halves twelve times as fast as it shrinks otherwise, and leaves a quarter to be shrunk.
        pixels = _resized(pixels, width // 2, height // 2)
    return _resized(pixels, width_px, height_px)


def _resized(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    return cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _band(height_px: int, *, is_sphere: bool) -> tuple[int, int]:
    """Return (top, height) of the rows that are looked at natively."""
    if not is_sphere:
        return 0, height_px
    # 8000x4000 needs 2046 rows: round up to what the detector pads to anyway.
    band_height = min(height_px, _round_up(2 * ceil(height_px * BAND_DEGREES / 180)))
    return (height_px - band_height) // 2, band_height


def _around(width_px: int, band_top: int, band_height: int, *, is_shifted: bool) -> Iterator[Tile]:
    count = ceil(width_px / (TILE_PX - OVERLAP_PX))
    stride = width_px / count
    first = _half(stride) if is_shifted else 0
    tile_width = min(width_px, TILE_PX, _round_up(ceil(stride) + OVERLAP_PX))
    for top, height in _spans(band_height):
        for index in range(count):
            yield _native((first + round(index * stride)) % width_px, band_top + top, tile_width, height)


def _panorama_overview(width_px: int, height_px: int, *, is_shifted: bool) -> Tile:
    turned = round(width_px * OVERVIEW_TURN)
    overview = _overview(turned, height_px, width_px)
    if not is_shifted:
        return overview
    shown_px = overview.out_width * width_px // turned
    return replace(overview, left=round(_half(shown_px) * width_px / shown_px) % width_px)


def _overview(covered_px: int, height_px: int, width_px: int) -> Tile:
    scale = min(1.0, OVERVIEW_PX / max(width_px, height_px))
    return Tile(
        left=0,
        top=0,
        width=covered_px,
        height=height_px,
        out_width=max(1, round(covered_px * scale)),
        out_height=max(1, round(height_px * scale)),
    )


def _spans(length_px: int) -> list[tuple[int, int]]:
    """Cover a length with equal (start, length) spans of at most TILE_PX that overlap by at least OVERLAP_PX."""
    if length_px <= TILE_PX:
        return [(0, length_px)]
    count = ceil((length_px - OVERLAP_PX) / (TILE_PX - OVERLAP_PX))
    return [(round(index * (length_px - TILE_PX) / (count - 1)), TILE_PX) for index in range(count)]


def _shifted_spans(length_px: int) -> list[tuple[int, int]]:
    """Cover a length with one span more, the first and the last of which are cut off; overlaps are as large."""
    if length_px <= TILE_PX:
        return [(0, length_px)]
    count = len(_spans(length_px))
    stride = TILE_PX - OVERLAP_PX
    shift = _half(stride)
    if length_px - TILE_PX + 2 * shift > count * stride:
        shift -= NETWORK_STEP_PX  # half a step more than half a stride would cost a pixel of the overlap
    starts = [round(index * (length_px - TILE_PX + 2 * shift) / count) - shift for index in range(count + 1)]
    return [(max(0, start), min(length_px, start + TILE_PX) - max(0, start)) for start in starts]


def _half(length_px: float) -> int:
    """About half, and half of a step beside the network's grid."""
    return int(length_px / 2) // NETWORK_STEP_PX * NETWORK_STEP_PX + NETWORK_STEP_PX // 2


def _native(left: int, top: int, width: int, height: int) -> Tile:
    return Tile(left=left, top=top, width=width, height=height, out_width=width, out_height=height)


def _is_native(tile: Tile) -> bool:
    return (tile.width, tile.height) == (tile.out_width, tile.out_height)


def _round_up(length_px: int) -> int:
    """The network works on multiples of its step."""
    return -(-length_px // NETWORK_STEP_PX) * NETWORK_STEP_PX
