"""What runs as long as the operator does: looking at BlurJobs that were woken, and now and then at all of them."""

import asyncio
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from baas_crds.errors import BaasError
from baas_crds.status import Phase
from baas_ledger.abandon import Mark
from baas_operator.kube import Kind
from baas_operator.memory import Jobs, Memory, add_job, key_of
from baas_operator.monitor import Monitor
from baas_operator.names import MANAGED_BY, OPERATOR, Key
from baas_operator.settle import settle
from baas_operator.spans import Look
from baas_operator.wakeups import Wakeups
from baas_operator.world import World

logger = logging.getLogger(__name__)

LOOKERS = 8
"""BlurJobs looked at at once; a look mostly waits for answers."""
LOOK_LIMIT_SECONDS = 240.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
LIST_SECONDS = 60.0
SWEEP_SECONDS = 300.0
QUIET_PER_SECOND = 4.0
"""So many BlurJobs of a phase, of which nothing is heard, are looked at: the more there are, the rarer each."""
FOLLOW_SECONDS = 5.0
FOLLOWED_AT_ONCE = 100
"""So many whose counts change are looked at each time: the more there are, the rarer each."""


async def look_for_ever(wakeups: Wakeups[Key], world: World, monitor: Monitor, failures: Counter[Key]) -> None:
    """Look at whatever is woken. Each failure of a BlurJob in a row doubles the pause before it is looked at again.

    `failures` is shared by all that look.
    """
    while True:
        key = await wakeups.take()
        try:
            with Look(key) as look:
                try:
                    again = await _look(key, wakeups, world, monitor, look)
                    del failures[key]
                except Exception as error:
                    again = pause_after_failure(failures, key)
                    monitor.failed(error)
                    look.failed(error)
                    known = isinstance(error, BaasError | TimeoutError)
                    logger.error(str(error) or type(error).__name__, exc_info=not known)
        finally:
            wakeups.done(key)
        if again is not None:
            wakeups.wake(key, after_seconds=again)


def pause_after_failure(failures: Counter[Key], key: Key) -> float:
    """Count one more failure of a look in a row, and return for how many seconds it is left alone."""
    pause: float = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** failures[key])
    failures[key] += 1
    return pause


async def _look(key: Key, wakeups: Wakeups[Key], world: World, monitor: Monitor, look: Look) -> float | None:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(LOOK_LIMIT_SECONDS):
            settled = await settle(key, world, look)
    finally:
        monitor.looked(time.perf_counter() - began)
    if settled is None:
        monitor.gone(key)
        return None
    waiting = monitor.in_phase(Phase.WAITING)
    monitor.told(key, settled.status)
    if key in waiting and settled.status.phase is not Phase.WAITING:
        for other in waiting - {key}:  # what this one has waited for may be what all of them wait for
            wakeups.wake(other, after_seconds=FIRST_PAUSE_SECONDS)
    again = settled.decision.look_again_seconds
    if again is not None and settled.decision.polls and settled.is_quiet:
        again = quiet_pause(again, len(monitor.in_phase(settled.status.phase or Phase.PENDING)))
    if not settled.is_told:
        again = min(world.status_interval_seconds, math.inf if again is None else again)
    return again


def quiet_pause(at_least: float, blurjobs: int) -> float:
    """Return for how many seconds a BlurJob of which nothing is heard is left alone when there are so many.

    Drawn by lot, so that looks spread evenly over time though all began at once.
    """
    mean = blurjobs / QUIET_PER_SECOND
    if mean <= at_least:
        return at_least
    return min(2 * mean, max(at_least, random.expovariate(1 / mean)))


async def follow_for_ever(wakeups: Wakeups[Key], world: World, *, namespaces: tuple[str, ...] | None) -> None:
    """Look at BlurJobs of whose runs the ledger tells something new; of many, at those first that waited longest."""
    followed: dict[str, Mark] | None = None
    while True:
        try:
            marks = await world.ledger.marks(namespaces)
        except (BaasError, TimeoutError) as error:
            logger.debug("The ledger tells nothing of runs: %s", error)  # looks tell it to people
        else:
            # What was there at the beginning is looked at anyway.
            followed = marks if followed is None else follow(wakeups, world.memory, followed, marks)
        await asyncio.sleep(FOLLOW_SECONDS)


def follow(
    wakeups: Wakeups[Key], memory: Memory, followed: Mapping[str, Mark], marks: Mapping[str, Mark]
) -> dict[str, Mark]:
    """Wake the BlurJobs of changed runs; return the marks that were acted upon, the oldest first."""
    kept = {run: mark for run, mark in followed.items() if run in marks}
    changed = [run for run in (*(marks.keys() - kept.keys()), *kept) if kept.get(run) != marks[run]]
    ended = followed.keys() - marks.keys()
    for run in changed[:FOLLOWED_AT_ONCE]:
        kept.pop(run, None)
        kept[run] = marks[run]
    keys = memory.keys
    for run in (*changed[:FOLLOWED_AT_ONCE], *ended):
        if run in keys:
            wakeups.wake(keys[run])
    return kept


async def list_for_ever(
    wakeups: Wakeups[Key],
    world: World,
    monitor: Monitor,
    *,
    namespaces: tuple[str, ...] | None,
    deleted: asyncio.Event,
) -> None:
    """List all BlurJobs every minute, in case an event was lost, and tell the ledger which are gone.

    None as `namespaces`: all of them.
    """
    deleted.set()  # so may be some, while the operator was away
    sweep_at = -math.inf
    while True:
        sweeps = deleted.is_set() or time.monotonic() >= sweep_at
        deleted.clear()
        sweep_at = -math.inf if sweeps else sweep_at
        try:
            if await _list(wakeups, world, monitor, namespaces, sweeps=sweeps):
                sweep_at = time.monotonic() + SWEEP_SECONDS
        except (BaasError, TimeoutError) as error:
            logger.error("BlurJobs could not be listed: %s", error)
        with suppress(TimeoutError):
            async with asyncio.timeout(LIST_SECONDS):
                await deleted.wait()


async def _list(
    wakeups: Wakeups[Key], world: World, monitor: Monitor, namespaces: tuple[str, ...] | None, *, sweeps: bool
) -> bool:
    """List all BlurJobs once and look at those that are news. Return whether the ledger was told which are gone."""
    # First the runs, then the BlurJobs: whatever run is found has had its BlurJob by then.
    runs = await _unfinished_runs(world, namespaces) if sweeps else None
    keys, versions = set[Key](), dict[str, str]()
    world.memory.begin_list()
    for namespace in namespaces or (None,):
        async for document in world.kube.each(Kind.BLURJOB, namespace):
            keys.add(key := key_of(document))
            versions[document["metadata"]["uid"]] = document["metadata"]["resourceVersion"]
            if world.memory.missed(document):
                wakeups.wake(key)
    monitor.listed(versions)
    # Nobody tells of what happened while the watch was away. A look does, and it knows of what was made meanwhile.
    for key in world.memory.keep(keys):
        wakeups.wake(key)
    for key in world.memory.replace_jobs(await _jobs(world, namespaces)):
        wakeups.wake(key)
    if orphans := [run for run in runs or () if run not in versions]:
        logger.info("The BlurJobs of %d runs are gone: %s", len(orphans), ", ".join(orphans))
        await world.ledger.abandon(orphans)
    return runs is not None


async def _jobs(world: World, namespaces: tuple[str, ...] | None) -> Jobs:
    jobs: Jobs = {}
    for namespace in namespaces or (None,):
        async for document in world.kube.each(Kind.JOB, namespace, labels=f"{MANAGED_BY}={OPERATOR}"):
            add_job(jobs, document)
    return jobs


async def _unfinished_runs(world: World, namespaces: tuple[str, ...] | None) -> list[str] | None:
    """Return the runs whose BlurJobs may be gone; None when the ledger cannot tell."""
    try:
        return await world.ledger.unfinished_runs(namespaces)
    except (BaasError, TimeoutError) as error:
        logger.warning("Runs whose BlurJob is gone were not looked for: %s", error)
        return None
