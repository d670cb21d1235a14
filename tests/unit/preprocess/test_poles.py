"""Flat views show all that lies beyond the band, and a box in one is covered wherever it lies."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from baas_preprocess.poles import FlatView, flat, flat_views, outline
from baas_preprocess.tile import BAND_DEGREES

WIDTH, HEIGHT = 2000, 1000
SLACK_PX = 0.1

Floats = npt.NDArray[np.float64]
views = st.sampled_from([*flat_views(), *flat_views(is_shifted=True)])
sides = st.tuples(st.floats(0, 1024), st.floats(0, 1024)).map(sorted)
shares = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20).map(
    lambda inner: np.array([*inner, (0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5)])
)


def directions(view: FlatView, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Yaw and pitch, in degrees, of points of a view in pixels, by matrices instead of by formulas."""
    half = np.tan(np.radians(view.opening / 2))
    ray = np.stack([np.ones_like(x), (2 * x / view.side_px - 1) * half, -(2 * y / view.side_px - 1) * half])
    yaw, pitch = np.radians(view.yaw), np.radians(view.pitch)
    up = np.array([[np.cos(pitch), 0, -np.sin(pitch)], [0, 1, 0], [np.sin(pitch), 0, np.cos(pitch)]])
    round_ = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    ahead, right, above = round_ @ up @ (ray / np.linalg.norm(ray, axis=0))
    return np.degrees(np.arctan2(right, ahead)), np.degrees(np.arcsin(above))


def is_shown(view: FlatView, yaw: float, pitch: float, *, margin: float) -> bool:
    """Whether a direction lies in a view, at least so many pixels from its edges."""
    turn, tilt, middle = np.radians(yaw - view.yaw), np.radians(pitch), np.radians(view.pitch)
    ahead, right, above = np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)
    depth, height = (
        ahead * np.cos(middle) + above * np.sin(middle),
        above * np.cos(middle) - ahead * np.sin(middle),
    )
    least = np.tan(np.radians(view.opening / 2)) * (1 - 2 * margin / view.side_px)
    return bool(depth > 0 and abs(right) <= least * depth and abs(height) <= least * depth)


@given(st.booleans(), st.floats(-180, 180), st.floats(BAND_DEGREES, 90), st.sampled_from([-1, 1]))
def test_whatever_lies_beyond_the_band_is_in_a_view(is_shifted: bool, yaw: float, pitch: float, side: int) -> None:
    assert any(is_shown(view, yaw, side * pitch, margin=30) for view in flat_views(is_shifted=is_shifted))


@given(views, sides, sides, shares)
def test_every_point_of_a_box_in_a_view_is_in_its_rectangle(
    view: FlatView, across: list[float], down: list[float], within: Floats
) -> None:
    box = outline(view, (across[0], down[0], across[1], down[1]), WIDTH, HEIGHT)
    assert box.left < WIDTH
    assert box.right - box.left <= WIDTH
    inside = np.array([[across[0], down[0]]]) + within * [[across[1] - across[0], down[1] - down[0]]]
    yaw, pitch = directions(view, *inside.T)
    x, y = (0.5 + yaw / 360) * WIDTH, (0.5 - pitch / 180) * HEIGHT
    is_pole = np.cos(np.radians(pitch)) < 1e-6
    assert (((x - box.left + SLACK_PX) % WIDTH <= box.right - box.left + 2 * SLACK_PX) | is_pole).all()
    assert ((box.top - SLACK_PX <= y) & (y <= box.bottom + SLACK_PX)).all()


@given(views, st.floats(100, 900), st.floats(100, 900))
def test_a_box_that_holds_no_pole_is_hardly_larger_than_what_it_covers(view: FlatView, x: float, y: float) -> None:
    _, pitch = directions(view, np.array([x]), np.array([y]))
    if abs(pitch[0]) < 80:
        box = outline(view, (x, y, x + 20, y + 20), WIDTH, HEIGHT)
        assert box.right - box.left < 20 / np.cos(np.radians(abs(pitch[0]) + 3))
        assert box.bottom - box.top < 20


def test_a_box_around_the_nadir_takes_all_columns_down_to_the_last_row() -> None:
    [view] = [FlatView(yaw=0, pitch=-90)]
    box = outline(view, (480, 480, 544, 544), WIDTH, HEIGHT)
    assert (box.left, box.right, box.bottom) == (0, WIDTH, HEIGHT)
    assert HEIGHT - 30 < box.top < HEIGHT - 10


@given(views)
def test_a_view_shows_what_the_picture_has_there(view: FlatView) -> None:
    """Each pixel of the picture holds its own place: what a view shows tells where it was taken."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = np.stack(
        [127.5 * (1 + np.cos(x * 2 * np.pi / WIDTH)), 127.5 * (1 + np.sin(x * 2 * np.pi / WIDTH)), y / 4], 2
    )
    shown = flat(pixels.astype(np.uint8), view)[256::256, 256::256].reshape(-1, 3).astype(float)
    places = np.mgrid[256:1024:256, 256:1024:256].reshape(2, -1) + 0.5
    yaw, pitch = directions(view, places[1], places[0])
    turn = np.radians(yaw + 180)
    expected = np.stack([127.5 * (1 + np.cos(turn)), 127.5 * (1 + np.sin(turn)), (0.5 - pitch / 180) * HEIGHT / 4], 1)
    near_pole = np.abs(pitch) > 85
    assert np.abs(shown - expected)[~near_pole].max() < 3
