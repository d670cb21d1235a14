"""What each profile shows the detector, and that answers about any view come back to the picture."""

import numpy as np
import pytest

from baas_crds.codes import ObjectClass
from baas_preprocess.detect import detections
from baas_preprocess.facts import Profile, Tile
from baas_preprocess.poles import FlatView, flat_views, outline
from baas_preprocess.tile import tiles
from baas_preprocess.views import seen, shown, views

WIDTH, HEIGHT = 8000, 4000


@pytest.mark.parametrize("is_shifted", [False, True])
def test_by_default_the_tiles_are_all_there_is(is_shifted: bool) -> None:
    plan = views(WIDTH, HEIGHT, Profile.DEFAULT, wraps=True, is_sphere=True, is_shifted=is_shifted)
    assert plan == tiles(WIDTH, HEIGHT, wraps=True, is_sphere=True, is_shifted=is_shifted)


def test_thorough_shows_each_place_of_a_panorama_twice_and_its_poles() -> None:
    plan = views(WIDTH, HEIGHT, Profile.THOROUGH, wraps=True, is_sphere=True)
    usual, again = (tiles(WIDTH, HEIGHT, wraps=True, is_sphere=True, is_shifted=shifted) for shifted in (False, True))
    assert plan == [*usual, *again, *flat_views()]


def test_the_second_look_of_thorough_is_shifted_as_a_whole() -> None:
    plan = views(WIDTH, HEIGHT, Profile.THOROUGH, wraps=True, is_sphere=True, is_shifted=True)
    assert plan == [*tiles(WIDTH, HEIGHT, wraps=True, is_sphere=True, is_shifted=True), *flat_views(is_shifted=True)]


@pytest.mark.parametrize("wraps", [False, True])
def test_what_is_no_whole_sphere_has_no_poles(wraps: bool) -> None:
    plan = views(3000, 2000, Profile.THOROUGH, wraps=wraps, is_sphere=False)
    assert all(isinstance(view, Tile) for view in plan)
    assert len(plan) > len(tiles(3000, 2000, wraps=wraps))


def test_a_photo_that_fits_a_tile_is_shown_mirrored_the_second_time() -> None:
    plan = views(640, 480, Profile.THOROUGH, wraps=False, is_sphere=False)
    assert [isinstance(view, Tile) and view.is_mirrored for view in plan] == [False, True]


def test_every_view_is_shown_at_its_own_size() -> None:
    picture = np.zeros((1000, 2000, 3), np.uint8)
    for view in views(2000, 1000, Profile.THOROUGH, wraps=True, is_sphere=True):
        size = (view.side_px, view.side_px) if isinstance(view, FlatView) else (view.out_height, view.out_width)
        assert shown(picture, view).shape == (*size, 3)


def test_an_answer_about_a_tile_is_the_detectors() -> None:
    [tile, *_] = tiles(WIDTH, HEIGHT, wraps=True, is_sphere=True)
    rows = np.array([[10, 20, 30, 40, 0.5, 0]], np.float32)
    assert list(seen(rows, tile, WIDTH, HEIGHT, wraps=True)) == list(detections(rows, tile, WIDTH, wraps=True))


def test_what_fills_half_of_a_flat_view_is_no_plate_but_may_be_a_person() -> None:
    view = FlatView(yaw=0, pitch=-65)
    rows = np.array(
        [[200, 400, 800, 1000, 0.9, 1], [200, 400, 800, 1000, 0.4, 0], [300, 600, 700, 700, 0.3, 1]], np.float32
    )
    kept = list(seen(rows, view, WIDTH, HEIGHT, wraps=True))
    assert [one.object_class for one in kept] == [ObjectClass.PERSON, ObjectClass.LICENCE_PLATE]


@pytest.mark.parametrize("pitch", [-65, 65])
def test_of_a_flat_view_counts_what_reaches_beyond_the_band(pitch: float) -> None:
    view = FlatView(yaw=0, pitch=pitch)
    in_band, beyond = ((10, 30), (600, 640)) if pitch < 0 else ((994, 1014), (384, 424))
    rows = np.array(
        [[500, *in_band[:1], 520, in_band[1], 0.9, 0], [500, beyond[0], 520, beyond[1], 0.8, 1]], np.float32
    )
    [kept] = seen(rows, view, WIDTH, HEIGHT, wraps=True)
    assert kept.object_class is ObjectClass.LICENCE_PLATE
    assert kept.score == pytest.approx(0.8)
    assert kept.tile == view.extent(WIDTH, HEIGHT)
    assert kept.box == outline(view, (500, beyond[0], 520, beyond[1]), WIDTH, HEIGHT)
