"""Tiles cover everything, wrap across the seam, and never ask for more pixels than there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_preprocess.facts import Tile
from baas_preprocess.tile import BAND_DEGREES, OVERLAP_PX, TILE_PX, cut, tiles

PANORAMAS = st.integers(200, 10_000).map(lambda height: (2 * height, height))
PHOTOS = st.tuples(st.integers(1, 9_000), st.integers(1, 9_000))


def columns_of(tile: Tile, width_px: int) -> np.ndarray:
    return np.arange(tile.left, tile.left + tile.width) % width_px


def is_native(tile: Tile) -> bool:
    return (tile.width, tile.height) == (tile.out_width, tile.out_height)


@given(PANORAMAS)
def test_every_pixel_of_a_panorama_is_in_a_tile_and_the_band_at_native_resolution(size: tuple[int, int]) -> None:
    width, height = size
    plan = tiles(width, height, wraps=True, is_sphere=True)
    assert (plan[-1].left, plan[-1].top, plan[-1].height) == (0, 0, height)
    assert plan[-1].width >= width
    top, bottom = height * (90 - BAND_DEGREES) / 180, height * (90 + BAND_DEGREES) / 180
    seen_rows = np.zeros(height, dtype=bool)
    seen_columns = np.zeros(width, dtype=bool)
    for tile in filter(is_native, plan):
        seen_rows[tile.top : tile.top + tile.height] = True
        seen_columns[columns_of(tile, width)] = True
    assert seen_columns.all()
    assert seen_rows[int(top) + 1 : int(bottom)].all()


@given(PANORAMAS, st.data())
def test_whatever_fits_the_overlap_is_whole_in_a_native_tile_at_any_yaw(
    size: tuple[int, int], data: st.DataObject
) -> None:
    width, height = size
    native = filter(is_native, tiles(width, height, wraps=True, is_sphere=True))
    object_width = data.draw(st.integers(1, min(OVERLAP_PX, width // 5)))
    left = data.draw(st.integers(0, width - 1))
    assert any((left - tile.left) % width + object_width <= tile.width for tile in native)


def test_a_small_panorama_is_looked_at_once_with_a_quarter_turn_more() -> None:
    [tile] = tiles(1024, 512, wraps=True)
    assert (tile.width, tile.height) == (tile.out_width, tile.out_height) == (1280, 512)


@given(PHOTOS, st.booleans())
def test_every_pixel_of_what_is_no_whole_sphere_is_in_a_native_tile(size: tuple[int, int], wraps: bool) -> None:
    width, height = size
    seen = np.zeros((height, width), dtype=bool)
    for tile in tiles(width, height, wraps=wraps):
        assert wraps or tile.left + tile.width <= width
        assert tile.top + tile.height <= height
        if is_native(tile):
            seen[tile.top : tile.top + tile.height, columns_of(tile, width)] = True
    assert seen.all()


@given(st.one_of(PANORAMAS.map(lambda size: (*size, True)), PHOTOS.map(lambda size: (*size, False))))
def test_tiles_are_never_enlarged_and_native_ones_stay_within_the_tile_size(size: tuple[int, int, bool]) -> None:
    width, height, wraps = size
    for tile in tiles(width, height, wraps=wraps):
        assert tile.out_width <= tile.width
        assert tile.out_height <= tile.height
        assert tile.out_width <= TILE_PX * 1.25
        assert tile.out_height <= TILE_PX


def test_an_8000_panorama_costs_five_tiles_and_an_overview() -> None:
    plan = tiles(8000, 4000, wraps=True, is_sphere=True)
    assert [(t.left, t.top, t.width, t.height) for t in plan[:5]] == [
        (left, 976, 2048, 2048) for left in (0, 1600, 3200, 4800, 6400)
    ]
    assert [(t.out_width, t.out_height) for t in plan[5:]] == [(2560, 1024)]


def test_a_tile_across_the_seam_shows_the_pixels_of_both_edges() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (100, 400, 3), dtype=np.uint8)
    tile = Tile(left=350, top=10, width=100, height=50, out_width=100, out_height=50)
    assert np.array_equal(cut(pixels, tile), np.roll(pixels, 50, axis=1)[10:60, :100])


@pytest.mark.parametrize("left", [0, 300])
def test_a_scaled_tile_across_the_seam_has_the_asked_size_and_goes_on_at_the_left_edge(left: int) -> None:
    pixels = np.zeros((200, 400, 3), dtype=np.uint8)
    pixels[:, :40] = 255
    shown = cut(
        pixels, Tile(left=left, top=0, width=500 - left, height=200, out_width=(500 - left) // 2, out_height=100)
    )
    assert shown.shape == (100, (500 - left) // 2, 3)
    beyond = (400 - left) // 2
    assert shown[:, beyond + 1 : beyond + 19].min() == 255
    assert shown[:, beyond - 20 : beyond - 1].max() == 0
