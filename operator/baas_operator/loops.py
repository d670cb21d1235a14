"""What runs as long as the operator does: looking at BlurJobs that were woken, and now and then at all of them."""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from baas_crds.conditions import ConditionType
from baas_crds.errors import BaasError
from baas_operator.kube import Kind
from baas_operator.monitor import Monitor
from baas_operator.names import RETRY, Key
from baas_operator.settle import settle
from baas_operator.spans import Look
from baas_operator.status import status_of
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


async def look_for_ever(wakeups: Wakeups[Key], world: World, monitor: Monitor, failures: Counter[Key]) -> None:
    """Look at whatever is woken. Each failure of a BlurJob in a row doubles the pause before it is looked at again.

    `failures` is shared by all that look.
    """
    while True:
        key = await wakeups.take()
        try:
            with Look(key) as look:
                try:
                    again = await _look(key, world, monitor, look)
                    del failures[key]
                except Exception as error:
                    again = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** failures[key])
                    failures[key] += 1
                    monitor.failed(error)
                    look.failed(error)
                    known = isinstance(error, BaasError | TimeoutError)
                    logger.error(str(error) or type(error).__name__, exc_info=not known)
        finally:
            wakeups.done(key)
        if again is not None:
            wakeups.wake(key, after_seconds=again)


async def _look(key: Key, world: World, monitor: Monitor, look: Look) -> float | None:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(LOOK_LIMIT_SECONDS):
            looked = await settle(key, world, look)
    finally:
        monitor.looked(time.perf_counter() - began)
    if looked is None:
        monitor.gone(key)
        return None
    seen, decision = looked
    monitor.told(key, status_of(seen, decision))
    return decision.look_again_seconds


async def list_for_ever(
    wakeups: Wakeups[Key],
    world: World,
    monitor: Monitor,
    *,
    namespaces: tuple[str, ...] | None,
    deleted: asyncio.Event,
) -> None:
    """Look at all BlurJobs every minute, in case an event was lost, and tell the ledger which are gone.

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
    """Look at all BlurJobs once, and return whether the ledger was told which are gone."""
    # First the runs, then the BlurJobs: whatever run is found has had its BlurJob by then.
    runs = await _unfinished_runs(world, namespaces) if sweeps else None
    lists = [await world.kube.list(Kind.BLURJOB, namespace) for namespace in namespaces or (None,)]
    blurjobs = {document["metadata"]["uid"]: document for documents in lists for document in documents}
    monitor.listed({uid: document["metadata"]["resourceVersion"] for uid, document in blurjobs.items()})
    keys = {
        uid: Key(namespace=one["metadata"]["namespace"], name=one["metadata"]["name"]) for uid, one in blurjobs.items()
    }
    for uid, document in blurjobs.items():
        if is_worth_a_look(document):
            wakeups.wake(keys[uid])
    # Nobody tells of what was deleted while the watch was away. A look does, and it knows of what was made meanwhile.
    for key in monitor.known.difference(keys.values()):
        wakeups.wake(key)
    if orphans := [run for run in runs or () if run not in blurjobs]:
        logger.info("The BlurJobs of %d runs are gone: %s", len(orphans), ", ".join(orphans))
        await world.ledger.abandon(orphans)
    return runs is not None


async def _unfinished_runs(world: World, namespaces: tuple[str, ...] | None) -> list[str] | None:
    """Return the runs whose BlurJobs may be gone; None when the ledger cannot tell."""
    try:
        return await world.ledger.unfinished_runs(namespaces)
    except (BaasError, TimeoutError) as error:
        logger.warning("Runs whose BlurJob is gone were not looked for: %s", error)
        return None


def is_worth_a_look(document: Mapping[str, Any]) -> bool:
    """Return whether something may be left to do for a BlurJob, as the API server gives it."""
    metadata, status = document["metadata"], document.get("status", {})
    ends = {ConditionType.COMPLETE, ConditionType.FAILED}
    is_over = any(c["type"] in ends and c["status"] == "True" for c in status.get("conditions", ()))
    is_current = status.get("observedGeneration") == metadata["generation"]
    is_asked = RETRY in metadata.get("annotations", {}) or "ttlSecondsAfterFinished" in document.get("spec", {})
    return not (is_over and is_current) or is_asked
