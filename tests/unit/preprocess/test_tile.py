"""Tiles cover everything, wrap across the seam, and never ask for more pixels than there are."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
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
    """The earlier service squeezed the panorama to 2048 px: at the network, half of the plates had less than 4 px."""
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


@pytest.mark.parametrize("times", [2, 4, 6])
@pytest.mark.parametrize("left", [0, 48, 360])
@pytest.mark.parametrize("around", [False, True])
def test_each_pixel_of_a_scaled_tile_is_the_mean_of_its_area(times: int, left: int, around: bool) -> None:
    """Of noise, in which pixels that are left out show: shrunk at once, halved first, and on from the left edge."""
    noise = np.random.default_rng(0).integers(0, 256, (120, 480, 3), dtype=np.uint8)
    width = 480 if around else 240
    tile = Tile(left=left, top=0, width=width, height=120, out_width=width // times, out_height=120 // times)
    areas = np.roll(noise, -left, axis=1)[:, :width].reshape(120 // times, times, width // times, times, 3)
    shown = cut(noise, tile)
    assert np.abs(shown - areas.mean(axis=(1, 3))).max() <= 1


@given(PANORAMAS, st.booleans())
def test_a_shifted_plan_of_a_panorama_sees_all_that_the_plan_sees(size: tuple[int, int], is_sphere: bool) -> None:
    width, height = size
    seen = []
    for is_shifted in (False, True):
        plan = tiles(width, height, wraps=True, is_sphere=is_sphere, is_shifted=is_shifted)
        rows, columns = np.zeros(height, dtype=bool), np.zeros(width, dtype=bool)
        for tile in filter(is_native, plan):
            assert 0 <= tile.left < width
            rows[tile.top : tile.top + tile.height] = True
            columns[columns_of(tile, width)] = True
        seen.append(np.concatenate([rows, columns]))
        assert plan[-1].width >= width
    assert np.array_equal(*seen)


@given(PANORAMAS.filter(lambda size: size[0] > TILE_PX))
def test_a_shifted_panorama_has_its_old_edges_in_the_middle_of_tiles_and_beside_the_networks_grid(
    size: tuple[int, int],
) -> None:
    width, height = size
    plain, shifted = (tiles(width, height, wraps=True, is_sphere=True, is_shifted=is_) for is_ in (False, True))
    stride = width / len({tile.left for tile in plain[:-1]})
    for old, new in zip(plain[:-1], shifted[:-1], strict=True):
        moved = (new.left - old.left) % width
        assert abs(moved - stride / 2) <= 16
        assert moved % 32 == 16
    assert abs(shifted[-1].left - width / 2) <= 17 * width / 2048 + 1


@given(PHOTOS)
@example((TILE_PX + 1, TILE_PX))
@example((3617, 1))
def test_a_shifted_plan_of_a_photo_sees_every_pixel_and_keeps_the_overlap(size: tuple[int, int]) -> None:
    width, height = size
    plan = tiles(width, height, wraps=False, is_shifted=True)
    rows, across = np.zeros(height, dtype=bool), np.zeros(width, dtype=bool)
    for tile in plan:
        assert tile.left + tile.width <= width
        assert tile.top + tile.height <= height
        assert tile.out_width <= TILE_PX
        assert tile.out_height <= TILE_PX
        if is_native(tile):
            rows[tile.top : tile.top + tile.height] = True
            across[tile.left : tile.left + tile.width] = True
    assert rows.all()
    assert across.all()
    columns = sorted({(tile.left, tile.left + tile.width) for tile in plan if is_native(tile)})
    before = {tile.left for tile in tiles(width, height, wraps=False) if is_native(tile)}
    assert len(columns) == len(before) + (width > TILE_PX)
    assert all(end - start >= min(OVERLAP_PX, width) for (_, end), (start, _) in pairwise(columns))


def test_a_photo_in_one_tile_is_looked_at_again_mirrored() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    [tile] = tiles(90, 60, wraps=False, is_shifted=True)
    assert np.array_equal(cut(pixels, tile), pixels[:, ::-1])


@given(st.integers(300, 3000))
def test_a_shifted_overview_shows_the_turned_picture(width: int) -> None:
    tile = tiles(width, width // 2, wraps=True, is_shifted=True)[-1]
    pixels = np.zeros((width // 2, width, 3), dtype=np.uint8)
    pixels[:, : width // 8] = 255
    shown = cut(pixels, tile)
    assert shown.shape == (tile.out_height, tile.out_width, 3)
    scale = tile.out_width / tile.width
    expected = np.zeros(tile.out_width, dtype=bool)
    columns = (tile.left + (np.arange(tile.out_width) + 0.5) / scale) % width
    expected[columns < width // 8] = True
    assert (expected != (shown[0, :, 0] > 127)).sum() <= 4
