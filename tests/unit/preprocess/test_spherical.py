"""A box on the sphere, wherever it lies and by whichever of its meanings, is covered by its rectangle of pixels."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_preprocess.facts import Box
from baas_preprocess.spherical import covering

WIDTH, HEIGHT = 8000, 4000
# Arcus functions lose half of their digits near the poles.
ROUNDING_PX = 1e-4

Floats = npt.NDArray[np.float64]


class Asked(NamedTuple):
    yaw: float
    pitch: float
    width: float
    height: float

    def covering(self) -> Box:
        return covering(*self, width_px=WIDTH, height_px=HEIGHT)


boxes = st.builds(
    Asked,
    yaw=st.floats(-360, 360),
    pitch=st.floats(-90, 90),
    width=st.floats(0.01, 360),
    height=st.floats(0.01, 180),
)
small_boxes = st.builds(
    Asked, yaw=st.floats(-360, 360), pitch=st.floats(-90, 90), width=st.floats(0.01, 20), height=st.floats(0.01, 20)
)
shares = st.lists(st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)), min_size=1, max_size=20).map(
    lambda inner: np.array([*inner, (-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5), (0, -0.5), (0, 0.5), (0, 0)])
)


def turned(local_yaw: Floats, local_pitch: Floats, asked: Asked) -> tuple[Floats, Floats]:
    """Yaw and pitch (radians) of directions told from a centre, by matrices instead of by formulas."""
    forward = np.stack(
        [np.cos(local_pitch) * np.cos(local_yaw), np.cos(local_pitch) * np.sin(local_yaw), np.sin(local_pitch)]
    )
    yaw, pitch = math.radians(asked.yaw), math.radians(asked.pitch)
    up = np.array([[math.cos(pitch), 0, -math.sin(pitch)], [0, 1, 0], [math.sin(pitch), 0, math.cos(pitch)]])
    round_ = np.array([[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]])
    x, y, z = round_ @ up @ forward
    return np.arctan2(y, x), np.arcsin(np.clip(z, -1, 1))


def is_inside(box: Box, yaw: Floats, pitch: Floats) -> npt.NDArray[np.bool_]:
    """Whether directions (radians) fall into a rectangle of the picture. A pole is all of its row."""
    x, y = (0.5 + yaw / math.tau) * WIDTH, (0.5 - pitch / math.pi) * HEIGHT
    beside = (x - box.left + ROUNDING_PX) % WIDTH <= box.right - box.left + 2 * ROUNDING_PX
    is_pole = np.cos(pitch) < 1e-7
    return (beside | is_pole) & (box.top - ROUNDING_PX <= y) & (y <= box.bottom + ROUNDING_PX)


@given(boxes, shares)
def test_every_point_of_a_box_is_in_its_rectangle(asked: Asked, within: Floats) -> None:
    yaw, pitch = np.radians(within.T * [[asked.width], [asked.height]])
    assert is_inside(asked.covering(), *turned(yaw, pitch, asked)).all()


@given(boxes, shares)
def test_every_point_that_a_flat_view_of_this_size_shows_is_in_its_rectangle(asked: Asked, within: Floats) -> None:
    opening = Asked(asked.yaw, asked.pitch, min(asked.width, 170.0), min(asked.height, 170.0))
    sides = np.tan(np.radians([[opening.width / 2], [opening.height / 2]]))
    right, up = within.T * 2 * sides
    assert is_inside(opening.covering(), *turned(np.arctan(right), np.arctan2(up, np.hypot(1, right)), opening)).all()


@given(boxes, shares)
def test_every_point_between_the_yaws_and_pitches_around_the_centre_is_in_its_rectangle(
    asked: Asked, within: Floats
) -> None:
    yaw, pitch = (
        np.radians(centre + part * size)
        for centre, part, size in zip((asked.yaw, asked.pitch), within.T, (asked.width, asked.height), strict=True)
    )
    is_on_sphere = np.abs(pitch) <= math.pi / 2
    assert is_inside(asked.covering(), yaw[is_on_sphere], pitch[is_on_sphere]).all()


@given(boxes)
def test_the_rectangle_lies_in_the_picture(asked: Asked) -> None:
    box = asked.covering()
    assert 0 <= box.left < WIDTH
    assert 0 < box.right - box.left <= WIDTH
    assert 0 <= box.top < box.bottom <= HEIGHT


@given(small_boxes)
def test_the_rectangle_is_no_larger_than_the_points_ask_for(asked: Asked) -> None:
    across, up = np.meshgrid(np.linspace(-0.5, 0.5, 65), np.linspace(-0.5, 0.5, 65))
    yaw, pitch = turned(np.radians(across.ravel() * asked.width), np.radians(up.ravel() * asked.height), asked)
    box = asked.covering()
    rows = (0.5 - pitch / math.pi) * HEIGHT
    assert box.top == pytest.approx(rows.min(), abs=4)  # a pole may lie between the points
    assert box.bottom == pytest.approx(rows.max(), abs=4)
    if abs(asked.pitch) + asked.height / 2 >= 90:
        assert (box.left, box.right) == (0, WIDTH)
    else:
        around = np.abs((yaw - math.radians(asked.yaw) + math.pi) % math.tau - math.pi)
        assert box.right - box.left == pytest.approx(2 * around.max() / math.tau * WIDTH, rel=1e-6, abs=0.01)


def test_at_the_horizon_a_degree_is_as_many_pixels_as_the_picture_has_for_it() -> None:
    box = covering(0, 0, 9, 18, width_px=WIDTH, height_px=HEIGHT)
    assert (box.left, box.right) == pytest.approx((3900, 4100), abs=1e-6)
    assert (box.top, box.bottom) == pytest.approx((1800, 2200))


@pytest.mark.parametrize("yaw", [180, -180, 540])
def test_a_box_behind_goes_on_across_the_seam(yaw: float) -> None:
    box = covering(yaw, 0, 9, 18, width_px=WIDTH, height_px=HEIGHT)
    assert (box.left, box.right) == pytest.approx((7900, 8100), abs=1e-6)


@pytest.mark.parametrize(("pitch", "rows"), [(90, (0, 141)), (-90, (3859, 4000))])
def test_around_a_pole_a_box_covers_all_columns_down_to_its_corners(pitch: float, rows: tuple[float, float]) -> None:
    box = covering(35, pitch, 9, 9, width_px=WIDTH, height_px=HEIGHT)
    assert (box.left, box.right) == (0, WIDTH)
    assert (box.top, box.bottom) == pytest.approx(rows, abs=1)  # the corners are 6.36 degrees from the centre


def test_nearer_to_a_pole_a_box_covers_more_columns() -> None:
    widths = [
        box.right - box.left
        for box in (covering(0, pitch, 5, 5, width_px=WIDTH, height_px=HEIGHT) for pitch in (0, 30, 60, 80, 85))
    ]
    assert widths == sorted(widths)
    assert widths[-1] > 10 * widths[0]
