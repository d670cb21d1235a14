"""What the closer look is shown, and that it finds its way back."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from baas_detector.card import CloserLook
from baas_detector.closer import GRID_PX, enlarged, in_picture, squares_around

CLOSER = CloserLook()
PICTURES = torch.rand((2, 3, 320, 640), generator=torch.Generator().manual_seed(1))


def squares(*vehicles: tuple[float, float, float, float, float]) -> tuple[Tensor, Tensor]:
    """Look around vehicles (left, top, right, bottom, score) in the first of two pictures."""
    boxes = torch.zeros((2, 4, 40))
    scores = torch.zeros((2, 2, 40))
    for number, (*box, score) in enumerate(vehicles):
        boxes[0, :, number] = torch.tensor(box)
        scores[0, number % 2, number] = score  # two kinds of vehicles
    return squares_around(PICTURES, boxes, scores, CLOSER)


@given(
    left=st.floats(0, 600),
    top=st.floats(0, 280),
    width=st.floats(1, 400),
    height=st.floats(1, 300),
)
@settings(max_examples=200, deadline=None)
def test_a_square_shows_all_of_a_vehicle_that_is_small_and_lies_in_the_picture(
    left: float, top: float, width: float, height: float
) -> None:
    right, bottom = min(left + width, 640), min(top + height, 320)
    picture, found = squares((left, top, right, bottom, 0.9))
    if max(right - left, bottom - top) * CLOSER.margin >= CLOSER.side_px:
        assert len(found) == 0
        return
    assert picture.tolist() == [0]
    [[x, y, side]] = found.tolist()
    assert {x % GRID_PX, y % GRID_PX, side % GRID_PX} == {0}
    assert side >= CLOSER.side_px / CLOSER.most_enlarged - GRID_PX
    assert x >= 0
    assert y >= 0
    assert x + side <= 640
    # A square that is higher than the picture shows all of its rows.
    assert y + side <= max(320, side)
    # All but what the grid takes of a margin.
    slack = GRID_PX
    assert x <= left + slack
    assert y <= top + slack
    assert x + side >= right - slack
    assert y + side >= bottom - slack


def test_the_surest_vehicles_are_looked_at_and_the_same_one_only_once() -> None:
    row = [(float(16 * n), 0.0, 16.0 * n + 10, 10.0, 0.2 + n / 100) for n in range(38)]
    _, found = squares(*row, (592.0, 0.0, 602.0, 11.0, 0.9))
    assert len(found) == CLOSER.most
    picture, found = squares((10, 10, 60, 60, 0.5), (11, 10, 60, 61, 0.4), (300, 10, 350, 60, 0.1))
    assert len(picture) == 1


def test_an_enlarged_square_is_the_picture_there() -> None:
    picture, found = squares((100, 60, 180, 140, 0.9))
    shown = enlarged(PICTURES, picture, found, CLOSER.side_px)
    left, top, side = (int(value) for value in found[0])
    part = PICTURES[:1, :, top : top + side, left : left + side]
    by_torch = torch.nn.functional.interpolate(part, (CLOSER.side_px,) * 2, mode="bilinear", align_corners=False)
    inner = slice(8, -8)  # at its edge torch repeats the last pixel, where the square shows what lies beyond
    assert torch.allclose(shown[..., inner, inner], by_torch[..., inner, inner], atol=1e-4)


def test_what_is_found_there_lies_where_it_is_in_the_picture() -> None:
    found = torch.tensor([[96.0, 48.0, 208.0]])
    boxes = torch.tensor([[0.0, 0.0, 416.0, 416.0]])
    assert in_picture(boxes, found, 416).tolist() == [[96.0, 48.0, 304.0, 256.0]]


@pytest.mark.parametrize("vehicles", [(), ((0.0, 0.0, 600.0, 300.0, 0.9),), ((10.0, 10.0, 50.0, 50.0, 0.1),)])
def test_without_vehicles_to_look_at_there_is_one_picture_of_nothing(
    vehicles: tuple[tuple[float, float, float, float, float], ...],
) -> None:
    picture, found = squares(*vehicles)
    assert len(picture) == len(found) == 0
    shown = enlarged(PICTURES, picture, found, CLOSER.side_px)
    assert shown.shape == (1, 3, CLOSER.side_px, CLOSER.side_px)
