"""Work through a run: claim, fetch, make safe, publish, record. The same loop on a laptop and in a pod."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine

from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError, DependencyUnavailable, NotPublishable
from baas_ledger.claims import LeaseLost, claim, finish_published, finish_quarantined, release, renew
from baas_ledger.engine import transaction
from baas_ledger.facts import Claim, DetectedObject, Published, Quarantined
from baas_preprocess.destination import Destination
from baas_preprocess.detect import Detector
from baas_preprocess.publish import Extras, publish
from baas_preprocess.recipe import Recipe
from baas_preprocess.sidecar import normalised
from baas_preprocess.source import Source
from baas_preprocess.way import Safe, digest_of, make_safe

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
Outcome = Published | Quarantined


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that a worker needs."""

    ledger: Engine
    run_id: str
    source: Source
    destination: Destination
    detector: Detector
    recipe: Recipe
    extras: Extras
    in_flight: int
    max_attempts: int
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}/{os.getpid()}")


def work(
    job: Job, *, stop: threading.Event, on_done: Callable[[Claim, Outcome], None], limit: int | None = None
) -> None:
    """Treat images until none is free, `limit` is reached or `stop` is set; what is in flight is always finished.

    An exception from outside (a second Ctrl-C) releases what is in flight instead. Raises the first `BaasError` that
    concerns more than one image, after the others in flight were finished: `DependencyUnavailable`,
    `ConfigurationError`.
    """
    held: dict[Future[Outcome], Claim] = {}
    failure: BaasError | None = None
    left = limit
    pool = ThreadPoolExecutor(job.in_flight, thread_name_prefix="panorama")
    try:
        with _heartbeat(job, held):
            while True:
                wanted = job.in_flight - len(held) if left is None else min(left, job.in_flight - len(held))
                if failure is None and not stop.is_set() and wanted > 0:
                    for image in _claim(job, wanted):
                        held[pool.submit(treat, job, image)] = image
                        left = None if left is None else left - 1
                if not held:
                    break
                for future in wait(held, return_when=FIRST_COMPLETED).done:
                    failure = _settle(job, held[future], future, on_done) or failure
                    del held[future]
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        with transaction(job.ledger) as connection:
            release(connection, list(held.values()))
        raise
    pool.shutdown()
    if failure is not None:
        raise failure


def treat(job: Job, image: Claim) -> Outcome:
    """Take one image from the source to the destination. What cannot be made safe is quarantined, never published.

    Raises `DependencyUnavailable` and `ConfigurationError`, which are not about this image.
    """
    data = b""
    try:
        started = time.perf_counter()
        data = job.source.read(image.name)
        fetched = time.perf_counter()
        safe = make_safe(data, job.recipe, job.detector)
        made_safe = time.perf_counter()
        publish(
            job.destination, image.name, safe, job.extras, model=job.detector.model.digest, recipe=job.recipe.digest
        )
        seconds = {"fetch": fetched - started, **safe.seconds, "publish": time.perf_counter() - made_safe}
        return _published(job, safe, seconds)
    except NotPublishable as error:
        return _quarantined(job, data, error.reason, str(error))
    except BaasError:
        raise
    except Exception as error:
        logger.exception("%s: unforeseen error", image.name)
        return _quarantined(job, data, QuarantineReason.INTERNAL_ERROR, f"{type(error).__name__}: {error}")


def _claim(job: Job, wanted: int) -> list[Claim]:
    with transaction(job.ledger) as connection:
        return claim(
            connection, job.run_id, worker=job.worker, lease=LEASE, limit=wanted, max_attempts=job.max_attempts
        )


def _settle(
    job: Job, image: Claim, future: Future[Outcome], on_done: Callable[[Claim, Outcome], None]
) -> BaasError | None:
    """Record an image's fate; return the error when its fate is open because something else failed."""
    error = future.exception()
    if isinstance(error, BaasError):
        with transaction(job.ledger) as connection:
            release(connection, [image])
        return error
    outcome = future.result()
    try:
        if isinstance(outcome, Quarantined):
            # What an earlier run may have published under this name is not what this run would publish.
            job.destination.remove(image.name)
            with transaction(job.ledger) as connection:
                finish_quarantined(connection, image, outcome)
        else:
            with transaction(job.ledger) as connection:
                finish_published(connection, image, outcome)
    except LeaseLost as lost:
        logger.warning("%s", lost)
        return None
    on_done(image, outcome)
    return None


def _published(job: Job, safe: Safe, seconds: dict[str, float]) -> Published:
    width, height = safe.inspection.width_px, safe.inspection.height_px
    found = []
    for region in safe.regions:
        x, y, w, h = normalised(region, width, height)
        found.append(
            DetectedObject(
                object_class=region.object_class,
                score=region.score,
                x=x,
                y=y,
                width=w,
                height=h,
                joined=region.detections,
            )
        )
    return Published(
        input_digest=safe.input_digest,
        output_digest=safe.output_digest,
        output_size_bytes=len(safe.data),
        model_digest=job.detector.model.digest,
        config_digest=job.recipe.digest,
        width_px=width,
        height_px=height,
        masked_share=safe.mask.share,
        detections=tuple(found),
        timings=seconds,
    )


def _quarantined(job: Job, data: bytes, reason: QuarantineReason, message: str) -> Quarantined:
    return Quarantined(
        reason=reason,
        message=message,
        input_digest=digest_of(data) if data else None,
        model_digest=job.detector.model.digest,
        config_digest=job.recipe.digest,
    )


@contextmanager
def _heartbeat(job: Job, held: dict[Future[Outcome], Claim]) -> Iterator[None]:
    """Renew the leases of what is in flight as long as the context lasts."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(LEASE.total_seconds() / 3):
            try:
                with transaction(job.ledger) as connection:
                    renew(connection, list(held.values()), lease=LEASE)
            except DependencyUnavailable as error:
                logger.warning("Leases could not be renewed, trying again: %s", error)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
