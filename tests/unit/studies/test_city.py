"""The model of fleets: its simulation obeys the laws that every such network obeys, and its costs are arithmetic."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hack.studies.city import (
    Fleet,
    Panorama,
    Prices,
    Station,
    Surroundings,
    bound,
    cost,
    images_per_core_hour,
    images_per_triton_hour,
    limits,
    workers_for,
)
from hack.studies.city_simulation import simulate
from hack.studies.cost import MEASURED, main
from hypothesis import given, settings
from hypothesis import strategies as st

PANORAMA = Panorama(tiles=6, looks=2, tile_seconds=0.01, network_seconds=0.005, worker_seconds=1.75, megabytes=8)
AROUND = Surroundings(storage_latency_seconds=0.05, storage_megabytes_per_second=4000, ledger_images_per_second=1500)

panoramas = st.builds(
    Panorama,
    tiles=st.integers(1, 8),
    looks=st.integers(1, 2),
    tile_seconds=st.floats(0.002, 0.1),
    network_seconds=st.floats(0.001, 0.05),
    worker_seconds=st.floats(0.2, 4),
    megabytes=st.floats(0.5, 40),
)
surroundings = st.builds(
    Surroundings,
    storage_latency_seconds=st.floats(0, 0.5),
    storage_megabytes_per_second=st.floats(20, 4000),
    ledger_images_per_second=st.floats(1, 2000),
)
fleets = st.builds(
    Fleet,
    tritons=st.integers(1, 4),
    workers=st.integers(1, 12),
    cores=st.integers(1, 4),
    images_in_flight=st.integers(1, 3),
    requests_in_flight=st.integers(1, 8),
)


@given(panoramas, fleets, surroundings)
@settings(max_examples=25, deadline=None)
def test_a_simulated_fleet_obeys_the_laws(panorama: Panorama, fleet: Fleet, around: Surroundings) -> None:
    found = simulate(panorama, fleet, around, images=900)
    assert found.images_per_second <= 1.1 * bound(panorama, fleet, around)
    # Little's law: what is in flight is throughput times the time that one takes.
    in_flight = fleet.workers * fleet.images_in_flight
    assert found.images_per_second * found.seconds_per_image == pytest.approx(in_flight, rel=0.1)
    # The utilization law: a station is busy as its share of what it could do alone.
    for station, most in limits(panorama, fleet, around).items():
        assert found.busy[station] == pytest.approx(found.images_per_second / most, rel=0.1, abs=0.01)


@pytest.mark.parametrize(
    ("fleet", "around", "bottleneck"),
    [
        (Fleet(tritons=1, workers=40, cores=1, images_in_flight=2), AROUND, Station.TRITON),
        (Fleet(tritons=1, workers=4, cores=1, images_in_flight=2), AROUND, Station.WORKERS),
        (
            Fleet(tritons=4, workers=40, cores=2, images_in_flight=3),
            Surroundings(storage_latency_seconds=0.05, storage_megabytes_per_second=100, ledger_images_per_second=1500),
            Station.STORAGE,
        ),
        (
            Fleet(tritons=4, workers=40, cores=2, images_in_flight=3),
            Surroundings(storage_latency_seconds=0.05, storage_megabytes_per_second=4000, ledger_images_per_second=5),
            Station.LEDGER,
        ),
        (Fleet(tritons=4, workers=8, cores=8, images_in_flight=1), AROUND, None),
    ],
)
def test_what_there_is_too_little_of_is_named_and_nearly_used_up(
    fleet: Fleet, around: Surroundings, bottleneck: Station | None
) -> None:
    found = simulate(PANORAMA, fleet, around, images=1_500)
    assert found.bottleneck == bottleneck
    assert found.images_per_second >= 0.85 * bound(PANORAMA, fleet, around)


def test_a_gpu_that_is_faster_than_its_network_waits_for_it() -> None:
    fast = replace(PANORAMA, tile_seconds=0.002)
    assert images_per_triton_hour(fast) == 2 * images_per_triton_hour(PANORAMA)
    found = simulate(fast, Fleet(tritons=1, workers=60, cores=1, images_in_flight=2), AROUND, images=1_500)
    assert found.bottleneck == Station.NETWORK


def test_more_workers_than_triton_can_serve_only_wait() -> None:
    enough = workers_for(PANORAMA, Fleet(tritons=1, workers=1, cores=1, images_in_flight=2))
    assert enough == 15
    some, twice = (
        simulate(PANORAMA, Fleet(tritons=1, workers=count, cores=1, images_in_flight=2), AROUND)
        for count in (2 * enough, 4 * enough)
    )
    assert twice.images_per_second == pytest.approx(some.images_per_second, rel=0.05)
    assert twice.seconds_per_image == pytest.approx(2 * some.seconds_per_image, rel=0.05)


def test_costs_are_hours_times_prices() -> None:
    assert images_per_triton_hour(PANORAMA) == pytest.approx(30_000)
    assert images_per_core_hour(PANORAMA) == pytest.approx(14_400 / 7)
    prices = Prices(triton_hour=3, core_hour=0.0432)
    assert cost(1_000, PANORAMA, prices) == pytest.approx(0.1 + 0.021)
    assert cost(1_000, PANORAMA, prices, busy=0.5) == pytest.approx(0.242)


def test_the_command_takes_what_was_measured(tmp_path: Path) -> None:
    told = {"look_seconds": 0.875, "ledger_per_second": 1500}
    for option, value in told.items():
        benchmark, what, unit = MEASURED[option]
        findings = [{"what": what, "values": [2 * value / unit, value / unit, value / unit / 2]}]
        (tmp_path / f"{benchmark}.json").write_text(json.dumps({"findings": findings}))
    options = ["--bench", str(tmp_path), "--tile-ms", "10", "--tritons", "1", "--simulated", "200"]
    said = CliRunner().invoke(main, [*options, "--triton-hour", "3", "--core-hour", "0.0432"])
    assert said.exit_code == 0, said.output
    assert "1.75 core-seconds" in said.output
    assert "30,000" in said.output
    assert "0.121" in said.output
    assert "31.7 a second, in 1,000 BlurJobs" in said.output


def test_the_command_invents_no_figures(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["--bench", str(tmp_path)])
    assert said.exit_code == 2
    assert "run `make bench`, or give --look-seconds" in said.output
