"""Subsets: what is near stays together, whatever other pictures there are."""

import math
from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.metadata.places import Position
from baas_detector.annotations.metadata.subsets import (
    NO_SUBSET,
    Division,
    cell_of,
    geohash,
    subset_of,
    subset_of_cell,
)

RATIOS = {"train": 0.5, "val": 0.25, "test": 0.25}
EARTH_RADIUS_M = 6_371_009

latitudes = st.floats(-84, 84)
longitudes = st.floats(-180, 180)
seeds = st.integers(0, 99)


def metres(one: Position, other: Position) -> float:
    """The great circle's length (haversine)."""
    south, north = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    chord = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(chord))


@st.composite
def near_a_corner(draw: st.DrawFn) -> tuple[Position, Position]:
    """Two positions no further than 60 m north or south and east or west of where four cells meet."""
    latitude = draw(st.integers(-15_000, 15_000)) * 180 / 2**15
    longitude = draw(st.integers(-(2**14), 2**14)) * 360 / 2**15
    north, east = 1 / 111_320, 1 / (111_320 * math.cos(math.radians(latitude)))
    metres_away = st.floats(-60, 60)
    one, other = (
        Position(
            latitude=latitude + draw(metres_away) * north,
            longitude=(longitude + draw(metres_away) * east + 180) % 360 - 180,
        )
        for _ in range(2)
    )
    return one, other


@settings(max_examples=1000)
@given(near_a_corner(), seeds)
def test_no_two_pictures_of_different_subsets_are_nearer_than_the_guard(
    near: tuple[Position, Position], seed: int
) -> None:
    division = Division(ratios=RATIOS, seed=seed, guard_m=50)
    assume(metres(*near) < 50)

    assert len({subset_of(one, division) for one in near} - {NO_SUBSET}) < 2


@given(latitudes, longitudes, seeds)
def test_at_a_border_between_subsets_there_is_no_subset(latitude: float, longitude: float, seed: int) -> None:
    division = Division(ratios=RATIOS, seed=seed, guard_m=50)
    here = Position(latitude=latitude, longitude=longitude)
    own = subset_of_cell(cell_of(here, division.cell_length), division)

    assert subset_of(here, division) in {own, NO_SUBSET}
    assert subset_of(here, Division(ratios=RATIOS, seed=seed, guard_m=0)) == own


def test_a_subset_depends_on_cell_and_seed_alone() -> None:
    # Fixed: other values would move pictures of finished data sets from one subset to another.
    subsets = [subset_of_cell("u173zt", Division(ratios=RATIOS, seed=seed)) for seed in range(8)]

    assert subsets == ["train", "train", "test", "val", "test", "train", "val", "test"]


def test_cells_are_shared_out_as_the_ratios_say() -> None:
    division = Division(ratios=RATIOS, seed=3)
    found = Counter(subset_of_cell(f"cell {number}", division) for number in range(4000))

    assert {subset: pytest.approx(found[subset] / 4000, abs=0.03) for subset in RATIOS} == RATIOS


def test_a_subset_may_be_empty() -> None:
    division = Division(ratios={"train": 1, "val": 0, "test": 0})

    assert {subset_of_cell(f"cell {number}", division) for number in range(200)} == {"train"}


@pytest.mark.parametrize("ratios", [{}, {"train": 0.5, "val": 0.4}, {"train": 1.5, "val": -0.5}])
def test_shares_that_do_not_add_up_are_refused(ratios: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="must add up to 1"):
        Division(ratios=ratios)


def test_a_guard_as_wide_as_a_cell_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="take shorter cells or a smaller --guard"):
        subset_of(Position(latitude=52, longitude=5), Division(ratios=RATIOS, cell_length=8, guard_m=20))


def test_the_geohash_is_the_known_one() -> None:
    # https://en.wikipedia.org/wiki/Geohash: u4pruydqqvj for 57.64911, 10.40744
    jutland = Position(latitude=57.64911, longitude=10.40744)

    assert geohash(jutland) == "u4pruydqq"
    assert cell_of(jutland, 6) == "u4pruy"
