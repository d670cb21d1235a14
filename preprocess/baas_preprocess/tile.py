"""Cut a picture into the tiles that the detector sees. Pure functions of the picture's size.

A panorama gets native-resolution tiles over the band where people and plates are, all around and across the seam, and
one overview of the whole sphere for what is near, large or beside the band. Where nobody says which degrees the rows
show, all rows are the band. A flat photo gets tiles without a wrap.
"""

from collections.abc import Iterator
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


def tiles(width_px: int, height_px: int, *, wraps: bool, is_sphere: bool = False) -> list[Tile]:
    """Return the tiles of a picture, native ones first, then the overview if it shows anything more.

    Every pixel is in a native tile, but for a sphere only those of the band are. With `wraps` tiles join across the
    seam.
    """
    if wraps:
        overview = _panorama_overview(width_px, height_px)
        if _is_native(overview):
            return [overview]
        return [*_around(width_px, *_band(height_px, is_sphere=is_sphere)), overview]
    native = [
        _native(left, top, width, height) for top, height in _spans(height_px) for left, width in _spans(width_px)
    ]
    return native if len(native) == 1 else [*native, _overview(width_px, height_px, width_px)]


def cut(pixels: Pixels, tile: Tile) -> Pixels:
    """Return the tile's pixels, (out_height, out_width, 3); past the right edge a tile goes on at the left."""
    width = pixels.shape[1]
    rows = pixels[tile.top : tile.top + tile.height]
    beyond = tile.left + tile.width - width
    scaled = not _is_native(tile)
    if beyond <= 0:
        part = rows[:, tile.left : tile.left + tile.width]
    elif scaled and tile.left == 0:
        # Scaling first keeps the copy small: the overview is a sixteenth of the panorama.
        whole = _shrink(rows, tile.out_width * width // tile.width, tile.out_height)
        return np.ascontiguousarray(np.hstack([whole, whole[:, : tile.out_width - whole.shape[1]]]))
    else:
        part = np.hstack([rows[:, tile.left :], rows[:, :beyond]])
    return _shrink(part, tile.out_width, tile.out_height) if scaled else np.ascontiguousarray(part)


def _shrink(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    return cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _band(height_px: int, *, is_sphere: bool) -> tuple[int, int]:
    """Return (top, height) of the rows that are looked at natively."""
    if not is_sphere:
        return 0, height_px
    # 8000x4000 needs 2046 rows: round up to what the detector pads to anyway.
    band_height = min(height_px, _round_up(2 * ceil(height_px * BAND_DEGREES / 180)))
    return (height_px - band_height) // 2, band_height


def _around(width_px: int, band_top: int, band_height: int) -> Iterator[Tile]:
    count = ceil(width_px / (TILE_PX - OVERLAP_PX))
    stride = width_px / count
    tile_width = min(width_px, TILE_PX, _round_up(ceil(stride) + OVERLAP_PX))
    for top, height in _spans(band_height):
        for index in range(count):
            yield _native(round(index * stride), band_top + top, tile_width, height)


def _panorama_overview(width_px: int, height_px: int) -> Tile:
    turned = round(width_px * OVERVIEW_TURN)
    return _overview(turned, height_px, width_px)


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


def _native(left: int, top: int, width: int, height: int) -> Tile:
    return Tile(left=left, top=top, width=width, height=height, out_width=width, out_height=height)


def _is_native(tile: Tile) -> bool:
    return (tile.width, tile.height) == (tile.out_width, tile.out_height)


def _round_up(length_px: int) -> int:
    """The network works on multiples of 32 pixels."""
    return -(-length_px // 32) * 32
