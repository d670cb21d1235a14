"""What a panorama asks of each part of the service, and what follows for throughput and cost. Pure arithmetic.

The service is a closed queueing network: each worker treats a fixed number of images at once, and begins the next one
when one is finished. Its throughput X (images a second) is bounded by operational laws, whatever the distributions are:
X <= servers / demand for each station, and X <= images in flight / time of one image that waits for nobody
(P. J. Denning and J. P. Buzen, "The Operational Analysis of Queueing Network Models", Computing Surveys 10 (3), 1978).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

HOUR_SECONDS = 3600.0


class Station(StrEnum):
    """Where an image is served, or waits until it is."""

    TRITON = "Triton"
    NETWORK = "Triton's network"
    WORKERS = "workers' cores"
    STORAGE = "storage"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panorama:
    """What one asks for."""

    tiles: int
    """Of one look."""
    looks: int
    """2 with the second look."""
    tile_seconds: float
    """How long a tile keeps one Triton busy: the time of a batch, divided by the tiles in it."""
    network_seconds: float
    """How long a tile keeps one Triton's network busy: its bytes, divided by what the network carries in a second."""
    worker_seconds: float
    """Of one core of a worker: decoding, redacting, checking."""
    megabytes: float
    """Read once, and written once."""

    @property
    def triton_seconds(self) -> float:
        """Of one Triton: its tiles are received while others are worked on."""
        return self.looks * self.tiles * max(self.tile_seconds, self.network_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all workers share besides Triton."""

    storage_latency_seconds: float
    """Until the first byte of a read, or the answer to a write."""
    storage_megabytes_per_second: float
    ledger_images_per_second: float
    """Claimed and finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """How much there is of what can be bought."""

    tritons: int
    workers: int
    cores: int
    """Of a worker."""
    images_in_flight: int
    """Of a worker, as in a BlurJob."""
    requests_in_flight: int = 4
    """Of a worker: tiles that it has sent to Triton and that are not answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """In one currency."""

    triton_hour: float
    core_hour: float
    """Of workers."""


def limits(panorama: Panorama, fleet: Fleet, around: Surroundings) -> Mapping[Station, float]:
    """Return how many images a second each station could do if all others did theirs at once."""
    return {
        Station.TRITON: fleet.tritons / (panorama.looks * panorama.tiles * panorama.tile_seconds),
        Station.NETWORK: fleet.tritons / (panorama.looks * panorama.tiles * panorama.network_seconds),
        Station.WORKERS: fleet.workers * fleet.cores / panorama.worker_seconds,
        Station.STORAGE: around.storage_megabytes_per_second / (2 * panorama.megabytes),
        Station.LEDGER: around.ledger_images_per_second,
    }


def unloaded_seconds(panorama: Panorama, fleet: Fleet, around: Surroundings) -> float:
    """Return how long an image takes that waits for no other: its own tiles wait for each other."""
    at_once = min(fleet.requests_in_flight, fleet.tritons, panorama.tiles)
    return (
        panorama.triton_seconds / at_once
        + panorama.worker_seconds
        + 2 * (around.storage_latency_seconds + panorama.megabytes / around.storage_megabytes_per_second)
        + 1 / around.ledger_images_per_second
    )


def bound(panorama: Panorama, fleet: Fleet, around: Surroundings) -> float:
    """Return what no such fleet can exceed, in images a second."""
    window = fleet.workers * fleet.images_in_flight / unloaded_seconds(panorama, fleet, around)
    return min(window, *limits(panorama, fleet, around).values())


def workers_for(panorama: Panorama, fleet: Fleet) -> int:
    """Return how many workers keep the Tritons of a fleet busy."""
    return ceil(fleet.tritons / panorama.triton_seconds * panorama.worker_seconds / fleet.cores)


def images_per_triton_hour(panorama: Panorama) -> float:
    """Return how many images one Triton that is always busy does in an hour."""
    return HOUR_SECONDS / panorama.triton_seconds


def images_per_core_hour(panorama: Panorama) -> float:
    """Return how many images one core of the workers does in an hour."""
    return HOUR_SECONDS / panorama.worker_seconds


def cost(images: float, panorama: Panorama, prices: Prices, *, busy: float = 1) -> float:
    """Return what images cost in Tritons and workers' cores that are busy for a share of the time that they are paid.

    cost = images / busy * (price of a Triton's hour / images per Triton-hour + price of a core's hour / images per
    core-hour)
    """
    triton_hours, core_hours = 1 / images_per_triton_hour(panorama), 1 / images_per_core_hour(panorama)
    return images * (prices.triton_hour * triton_hours + prices.core_hour * core_hours) / busy
