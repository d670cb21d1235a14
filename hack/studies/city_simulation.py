"""Images that wait for each other: the fleet of `city.py` as a discrete-event simulation.

Workers and their windows, Tritons that are asked in turn, storage and ledger are simulated; durations are drawn from
gamma distributions around the measured means.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Any, TypeAlias

import simpy
from hack.studies.city import Fleet, Panorama, Station, Surroundings

Events: TypeAlias = Generator[simpy.Event, Any, None]
SHAPE = 4
"""Of the gamma distributions: their standard deviation is half of their mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What came out, without the first third of the images."""

    images_per_second: float
    seconds_per_image: float
    """From its claim to its end, on average."""
    busy: dict[Station, float]
    """The share of the time in which the servers of a station were busy."""

    @property
    def bottleneck(self) -> Station | None:
        """The busiest station; None when none is busy for nine tenths of the time: then there are too few in flight."""
        station = max(self.busy, key=lambda one: self.busy[one])
        return station if self.busy[station] >= 0.9 else None


@dataclass(slots=True)
class _Servers:
    """Servers of one kind that are alike, with one queue, or one for each."""

    env: simpy.Environment
    random: Random
    queues: list[simpy.Resource]
    busy_seconds: float = 0

    def serve(self, queue: simpy.Resource, mean_seconds: float) -> Events:
        """Wait for a server of a queue, and be served."""
        with queue.request() as turn:
            yield turn
            seconds = self.random.gammavariate(SHAPE, mean_seconds / SHAPE)
            yield self.env.timeout(seconds)
            self.busy_seconds += seconds

    @property
    def servers(self) -> int:
        """How many there are."""
        return sum(int(queue.capacity) for queue in self.queues)


@dataclass(slots=True)
class _Worker:
    """One pod."""

    cores: simpy.Resource
    requests: simpy.Resource
    tritons: Iterator[tuple[simpy.Resource, simpy.Resource]]
    """The network and the server of the next one, for ever."""


@dataclass(slots=True)
class _City:
    panorama: Panorama
    fleet: Fleet
    around: Surroundings
    images: int
    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    stations: dict[Station, _Servers] = field(init=False)
    workers: list[_Worker] = field(init=False)
    ended: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        random, fleet = Random(self.seed), self.fleet  # noqa: S311 - no secret
        cores = [simpy.Resource(self.env, fleet.cores) for _ in range(fleet.workers)]
        tritons, networks = ([simpy.Resource(self.env) for _ in range(fleet.tritons)] for _ in range(2))
        queues = {Station.TRITON: tritons, Station.NETWORK: networks, Station.WORKERS: cores}
        queues |= {station: [simpy.Resource(self.env)] for station in (Station.STORAGE, Station.LEDGER)}
        self.stations = {station: _Servers(self.env, random, its) for station, its in queues.items()}
        self.workers = []
        for number, own in enumerate(cores):
            pairs = list(zip(networks, tritons, strict=True))
            turns = cycle(pairs[number % fleet.tritons :] + pairs[: number % fleet.tritons])
            self.workers.append(_Worker(own, simpy.Resource(self.env, fleet.requests_in_flight), turns))

    def treat_for_ever(self, worker: _Worker) -> Events:
        """Treat one image after the other."""
        ledger, share = self.stations[Station.LEDGER], 1 / (2 * self.panorama.looks)
        while True:
            began = self.env.now
            yield from ledger.serve(ledger.queues[0], 1 / self.around.ledger_images_per_second)
            yield from self._move()
            for _ in range(self.panorama.looks):
                yield from self._compute(worker, share)
                yield self.env.all_of([self.env.process(self._ask(worker)) for _ in range(self.panorama.tiles)])
                yield from self._compute(worker, share)
            yield from self._move()
            self.ended.append(self.env.now)
            self.durations.append(self.env.now - began)

    def _compute(self, worker: _Worker, share: float) -> Events:
        yield from self.stations[Station.WORKERS].serve(worker.cores, share * self.panorama.worker_seconds)

    def _ask(self, worker: _Worker) -> Events:
        with worker.requests.request() as place:
            yield place
            network, triton = next(worker.tritons)
            yield from self.stations[Station.NETWORK].serve(network, self.panorama.network_seconds)
            yield from self.stations[Station.TRITON].serve(triton, self.panorama.tile_seconds)

    def _move(self) -> Events:
        """Read or write the image."""
        yield self.env.timeout(self.around.storage_latency_seconds)
        storage = self.stations[Station.STORAGE]
        seconds = self.panorama.megabytes / self.around.storage_megabytes_per_second
        yield from storage.serve(storage.queues[0], seconds)

    def run(self) -> Simulated:
        """Let time pass until all images are treated."""
        for worker in self.workers:
            for _ in range(self.fleet.images_in_flight):
                self.env.process(self.treat_for_ever(worker))
        warm = self.images // 3
        self._until(warm)
        began, before = self.env.now, {station: its.busy_seconds for station, its in self.stations.items()}
        self._until(self.images)
        seconds = self.env.now - began
        counted = self.durations[warm : self.images]
        return Simulated(
            images_per_second=len(counted) / seconds,
            seconds_per_image=sum(counted) / len(counted),
            busy={
                station: (its.busy_seconds - before[station]) / seconds / its.servers
                for station, its in self.stations.items()
            },
        )

    def _until(self, images: int) -> None:
        while len(self.ended) < images:
            self.env.step()


def simulate(
    panorama: Panorama, fleet: Fleet, around: Surroundings, *, images: int = 3_000, seed: int = 0
) -> Simulated:
    """Let a fleet treat so many images. The same seed gives the same answer."""
    return _City(panorama, fleet, around, images, seed).run()
