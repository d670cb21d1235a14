"""Take one image from the source to the destination: fetch, make safe, publish."""

import logging

from sqlalchemy import Connection

from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError, NotPublishable
from baas_ledger.claims import LeaseLost, renew
from baas_ledger.corrections import corrections_of
from baas_ledger.facts import Claim, Correction, Outcome, Quarantined
from baas_preprocess import measures
from baas_preprocess.digests import digest_of
from baas_preprocess.job import Job
from baas_preprocess.lasting import wanted_of
from baas_preprocess.outcomes import published, quarantined
from baas_preprocess.publish import publish, withdraw
from baas_preprocess.way import Safe, Stopwatch, make_safe

logger = logging.getLogger(__name__)


def treat(job: Job, image: Claim) -> Outcome:
    """Take one image from the source to the destination. What cannot be made safe is quarantined, never published:
    what an earlier run may have published under its name is taken away.

    Raises `DependencyUnavailable` and `ConfigurationError`, which are not about this image, and `LeaseLost`.
    """
    with measures.image_span(image, share=job.traced_share) as span:
        outcome = _treat(job, image)
        if isinstance(outcome, Quarantined):
            _confirm(job, image)
            withdraw(job.destination, image.name, job.extras)
        measures.fate(span, outcome)
        return outcome


def _treat(job: Job, image: Claim) -> Outcome:
    data, watch = b"", Stopwatch()
    try:
        with watch.step("fetch"):
            data = job.source.read(image.name, image.source_version)
        safe, corrections = _make_safe(job, image, data)
        watch.seconds |= safe.seconds
        model, recipe = job.detector.model.digest, job.recipe.digest
        with watch.step("publish"):
            version = publish(job.destination, image.name, safe, job.extras, model=model, recipe=recipe)
        return published(
            safe,
            model=model,
            recipe=job.recipe,
            corrections=corrections,
            worker=job.worker,
            version=version,
            seconds=watch.seconds,
        )
    except NotPublishable as error:
        return _quarantined(job, data, error.reason, str(error))
    except BaasError:
        raise
    except Exception as error:
        logger.exception("%s: unforeseen error", image.name)
        return _quarantined(job, data, QuarantineReason.INTERNAL_ERROR, f"{type(error).__name__}: {error}")


def _make_safe(job: Job, image: Claim, data: bytes) -> tuple[Safe, list[Correction]]:
    """Redact what the detector finds, and what people want as far as it is known when the picture may be written."""
    latest = _confirm(job, image)
    while True:
        corrections = latest
        safe = make_safe(data, job.recipe, job.detector, [wanted_of(one) for one in corrections])
        latest = _confirm(job, image)
        if latest == corrections:
            return safe, corrections


def _confirm(job: Job, image: Claim) -> list[Correction]:
    """Return the corrections of an image that is still ours.

    Raises `LeaseLost` when it is not: whoever holds it now decides what is at the destination. Until the lease ends,
    nobody begins another correction.
    """

    def look(connection: Connection) -> list[Correction]:
        if renew(connection, [image], lease=job.lease):
            raise LeaseLost(
                f"{image.name}: the lease ran out meanwhile and the image is another's; nothing was written."
            )
        return corrections_of(connection, job.destination.label, image.name)

    with measures.ledger_span("confirm"):
        return job.record(look)


def _quarantined(job: Job, data: bytes, reason: QuarantineReason, message: str) -> Quarantined:
    return quarantined(
        reason,
        message,
        input_digest=digest_of(data) if data else None,
        model=job.detector.model.digest,
        recipe=job.recipe,
        worker=job.worker,
    )
