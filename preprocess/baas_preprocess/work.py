"""Work through a run: claim images, have them treated, record their fates. The same loop on a laptop and in a pod."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial

from baas_crds.errors import BaasError
from baas_ledger.claims import LeaseLost, claim, release, renew
from baas_ledger.engine import transaction
from baas_ledger.facts import Claim, Outcome
from baas_ledger.finish import Result, finish
from baas_ledger.progress import read_progress
from baas_preprocess import measures
from baas_preprocess.job import Job
from baas_preprocess.treat import treat

logger = logging.getLogger(__name__)

# While all that is left is held by others, a worker looks this often within a lease whether something came back.
LOOKS_PER_LEASE = 30


@dataclass(slots=True)
class _Hands:
    """What a worker holds: images that wait for their turn, and those it treats."""

    left: int | None
    """So many more may be claimed; None: all."""
    waiting: deque[Claim] = field(default_factory=deque)
    treated: dict[Future[Outcome], Claim] = field(default_factory=dict)

    @property
    def all(self) -> list[Claim]:
        # Copied in one step of the interpreter, while the other thread changes them.
        return [*self.waiting, *self.treated.values()]


def work(
    job: Job, *, stop: threading.Event, on_done: Callable[[Claim, Outcome], None], limit: int | None = None
) -> None:
    """Treat images until every one has its fate, `limit` is reached or `stop` is set.

    What is in flight is always finished; what only waits for its turn is given back. An exception from outside (a
    second Ctrl-C) gives all of it back. While others hold the last images it waits: what a dead worker held is free
    again when the lease ends. Raises the first `BaasError` that concerns more than one image, after what is in flight
    was finished: `DependencyUnavailable`, `ConfigurationError`.
    """
    hands = _Hands(left=limit)
    failure: BaasError | None = None
    pool = ThreadPoolExecutor(job.in_flight, thread_name_prefix="panorama")
    try:
        with _heartbeat(job, hands):
            while True:
                is_ending = failure is not None or stop.is_set()
                if is_ending:
                    _give_back_waiting(job, hands)
                else:
                    _fill(job, hands, pool)
                if hands.treated:
                    failure = _settle_next(job, hands, on_done) or failure
                elif is_ending or hands.left == 0 or not _some_remain(job):
                    break
                else:
                    stop.wait(random.uniform(0.5, 1.5) * job.lease.total_seconds() / LOOKS_PER_LEASE)  # noqa: S311
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        _release(job, hands.all)
        raise
    pool.shutdown()
    if failure is not None:
        raise failure


def _fill(job: Job, hands: _Hands, pool: ThreadPoolExecutor) -> None:
    """Have as many images in flight as may be, as far as there are any."""
    while len(hands.treated) < job.in_flight:
        if not hands.waiting:
            hands.waiting.extend(_claim(job, hands))
        if not hands.waiting:
            return
        # In the worker's own context: spans of images belong to the pod's.
        treated = pool.submit(copy_context().run, treat, job, hands.waiting[0])
        hands.treated[treated] = hands.waiting[0]
        hands.waiting.popleft()


def _claim(job: Job, hands: _Hands) -> list[Claim]:
    limit = job.per_claim if hands.left is None else min(hands.left, job.per_claim)
    start_ns = time.time_ns()
    claims = job.record(
        lambda connection: claim(
            connection,
            job.run_id,
            worker=job.worker,
            lease=job.lease,
            limit=limit,
            max_attempts=job.max_attempts,
        )
    )
    measures.claimed(claims, start_ns=start_ns)
    if hands.left is not None:
        hands.left -= len(claims)
    return claims


def _some_remain(job: Job) -> bool:
    """Whether images have no fate yet: others hold them, or have just given them back."""
    return job.record(lambda connection: read_progress(connection, job.run_id).remaining) > 0


def _give_back_waiting(job: Job, hands: _Hands) -> None:
    if hands.waiting:
        _release(job, hands.waiting)
        hands.waiting.clear()


def _release(job: Job, held: Collection[Claim]) -> None:
    """Give images back at once; where that fails, their leases will end."""
    with suppress(BaasError), transaction(job.ledger) as connection:
        release(connection, held)


def _settle_next(job: Job, hands: _Hands, on_done: Callable[[Claim, Outcome], None]) -> BaasError | None:
    """Wait for the next images in flight and record their fates. Return what keeps one from having a fate.

    What was done while the ledger was busy is recorded together: the longer it takes, the more it takes at once.
    """
    failure: BaasError | None = None
    results: list[Result] = []
    done = wait(hands.treated, return_when=FIRST_COMPLETED).done
    for future in done:
        image = hands.treated[future]
        try:
            results.append((image, future.result()))
        except LeaseLost as lost:
            _lose(lost)
        except BaasError as error:
            _release(job, [image])
            failure = error
    failure = _record(job, results, on_done) or failure
    for future in done:
        del hands.treated[future]
    return failure


def _record(job: Job, results: list[Result], on_done: Callable[[Claim, Outcome], None]) -> BaasError | None:
    """Record fates; return the error when they are open because something else failed."""
    if not results:
        return None
    try:
        lost = job.record(partial(finish, run_id=job.run_id, results=results))
    except BaasError as error:
        _release(job, [image for image, _ in results])
        return error
    for image, outcome in results:
        if image in lost:
            _lose(lost[image])
        else:
            measures.count(image, outcome)
            on_done(image, outcome)
    return None


def _lose(lost: LeaseLost) -> None:
    logger.warning("%s", lost)
    measures.count_lost_lease()


@contextmanager
def _heartbeat(job: Job, hands: _Hands) -> Iterator[None]:
    """Renew the leases of what is held as long as the context lasts."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(job.lease.total_seconds() / 3):
            try:
                with transaction(job.ledger) as connection:
                    renew(connection, hands.all, lease=job.lease)
            except BaasError as error:
                logger.warning("Leases could not be renewed, trying again: %s", error)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
