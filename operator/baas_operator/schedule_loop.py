"""Looks at each BlurSchedule that was woken, and wakes it again when its next start is due."""

import asyncio
import logging
from collections import Counter
from dataclasses import replace

from baas_crds.errors import BaasError
from baas_operator.kube import Conflict, Forbidden, Invalid, NotThere
from baas_operator.loops import LOOK_LIMIT_SECONDS, pause_after_failure
from baas_operator.monitor import Monitor
from baas_operator.names import Key
from baas_operator.reconcile import WAIT_SECONDS
from baas_operator.schedule_status import schedule_status
from baas_operator.schedule_watch import ScheduleWatch
from baas_operator.schedule_world import ScheduleWorld
from baas_operator.schedules import ScheduleDecision, ScheduleReason, schedule
from baas_operator.world import NameTaken
from baas_telemetry.logs import about

logger = logging.getLogger(__name__)


async def schedule_for_ever(watch: ScheduleWatch, world: ScheduleWorld, monitor: Monitor) -> None:
    """Look at whatever is woken, one at a time: schedules are few, and a look asks two things."""
    failures = Counter[Key]()
    while True:
        key = await watch.wakeups.take()
        try:
            with about(namespace=key.namespace, blurschedule=key.name):
                try:
                    again = await _look(key, world, monitor)
                    del failures[key]
                except Exception as error:
                    again = pause_after_failure(failures, key)
                    monitor.failed(error)
                    known = isinstance(error, BaasError | TimeoutError)
                    logger.error(str(error) or type(error).__name__, exc_info=not known)
        finally:
            watch.wakeups.done(key)
        if again is not None:
            watch.wakeups.wake(key, after_seconds=again)


async def _look(key: Key, world: ScheduleWorld, monitor: Monitor) -> float | None:
    async with asyncio.timeout(LOOK_LIMIT_SECONDS):
        return await look(key, world, monitor)


async def look(key: Key, world: ScheduleWorld, monitor: Monitor) -> float | None:
    """Look once: observe, decide, act, tell. Return in how many seconds the next look is due; None: when woken."""
    seen = await world.find(key)
    if seen is None:
        monitor.scheduled(key, None)
        return None
    decision = schedule(seen)
    try:
        await world.act(seen, decision)
    except (NameTaken, Forbidden, Invalid) as error:
        decision = hindered(decision, error)
    status = schedule_status(seen, decision)
    monitor.scheduled(key, status.last_successful_time or seen.created_at)
    try:
        await world.tell(seen, decision, status)
    except (NotThere, Conflict):
        return WAIT_SECONDS  # it was changed meanwhile, or deleted and perhaps made anew
    return decision.look_again_seconds


def hindered(decision: ScheduleDecision, error: Exception) -> ScheduleDecision:
    """Return what to tell when the API server did not let us act. What may change by itself is soon tried again."""
    if isinstance(error, Invalid):
        return replace(decision, reason=ScheduleReason.INVALID_SPEC, message=str(error), actions=())
    reason = ScheduleReason.NAME_TAKEN if isinstance(error, NameTaken) else ScheduleReason.REFUSED
    return replace(decision, reason=reason, message=str(error), actions=(), look_again_seconds=WAIT_SECONDS)
