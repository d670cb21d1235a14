"""What pods do: `baas plan` fills the ledger for a BlurJob, any number of `baas work` at once work through it.

Pods hold no Kubernetes token. They meet in the ledger and nowhere else.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from baas_crds.blurjob import DeleteSource
from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError
from baas_ledger.audit import Signer, signing
from baas_ledger.engine import open_ledger, reading
from baas_ledger.facts import Claim, Outcome, Progress, Run
from baas_ledger.progress import read_progress
from baas_ledger.runs import MODEL_VERSION, check_run, find_run, finish_run
from baas_ledger.tables import ImageState
from baas_preprocess.assignment import Assignment, open_destination, open_source, read_assignment, selection_of
from baas_preprocess.closing import close_run
from baas_preprocess.detect import Detector, TritonDetector, address_of
from baas_preprocess.job import Job
from baas_preprocess.patience import patient
from baas_preprocess.planning import Plan, check_confidence, check_not_empty, plan, withdraw_refused
from baas_preprocess.pod_settings import PodSettings
from baas_preprocess.publish import Extras
from baas_preprocess.shelves import check_samples
from baas_preprocess.signatures import signer_of
from baas_preprocess.stores.folder import LEFT_OVER, FolderDestination
from baas_preprocess.stores.places import Destination, Source
from baas_preprocess.wanted_detector import connected
from baas_preprocess.work import work


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """All that a pod has open."""

    assignment: Assignment
    source: Source
    destination: Destination
    ledger: Engine
    run: Run | None
    """None before the first planning."""
    detector: Detector


def plan_run(settings: PodSettings) -> Plan:
    """List the source of the BlurJob and fill the ledger. Doing it again goes on where it ended.

    Raises `ConfigurationError`, such as for a source without pictures or another model than the run began with, and
    `DependencyUnavailable`.
    """
    with _equipment(settings) as pod:
        recipe = pod.assignment.recipe
        selection = selection_of(pod.assignment, settings)
        check_confidence(recipe, pod.detector.model)
        check_samples(pod.assignment, settings, pod.source, pod.destination)
        if pod.assignment.spec.retention.delete_source is DeleteSource.NEVER:
            check_not_empty(pod.source, pod.source.label)
        if isinstance(pod.destination, FolderDestination):
            pod.destination.clear_unfinished(LEFT_OVER)
        return plan(
            pod.ledger,
            pod.source,
            selection,
            destination=pod.destination,
            extras=Extras(detections=pod.assignment.spec.output.write_detections),
            model=pod.detector.model.digest,
            recipe=recipe.digest,
            configuration=pod.assignment.configuration(pod.detector.model.version),
            run_id=pod.assignment.uid,
        )


def work_on_run(
    settings: PodSettings,
    *,
    stop: threading.Event,
    on_start: Callable[[], None],
    on_done: Callable[[Claim, Outcome], None],
) -> Progress:
    """Work on the BlurJob until every image has its fate or `stop` is set; return how the run stands then.

    `on_start` is called when all is there and work begins. Raises as `plan_run`, `ConfigurationError` when nobody has
    planned the run to its end, and as `close_run`.
    """
    with _equipment(settings) as pod:
        if pod.run is None or pod.run.planned_at is None:
            raise ConfigurationError(f"Run {pod.assignment.uid} is not planned yet: `baas plan` must end first.")
        spec, recipe = pod.assignment.spec, pod.assignment.recipe
        check_run(
            pod.run,
            source=pod.source.label,
            destination=pod.destination.label,
            model_digest=pod.detector.model.digest,
            config_digest=recipe.digest,
        )
        job = Job(
            ledger=pod.ledger,
            run_id=pod.run.id,
            source=pod.source,
            destination=pod.destination,
            detector=pod.detector,
            recipe=recipe,
            extras=Extras(detections=spec.output.write_detections),
            in_flight=spec.images_in_flight,
            per_claim=spec.images_per_claim,
            max_attempts=spec.max_attempts_per_image,
            lease=timedelta(seconds=settings.lease_seconds),
            patience_seconds=settings.patience_seconds,
            traced_share=settings.traced_percent / 100,
            worker=settings.pod_name,
        )
        on_start()
        work(job, stop=stop, on_done=on_done)
        counts = job.record(partial(read_progress, run_id=job.run_id))
        if not counts.remaining:
            if QuarantineReason.TOO_MANY_ATTEMPTS in counts.quarantined_by_reason:  # the ledger did that by itself
                withdraw_refused(pod.ledger, job.run_id, pod.destination, job.extras, [ImageState.QUARANTINED])
            close_run(
                pod.assignment,
                settings,
                ledger=pod.ledger,
                run=pod.run,
                source=pod.source,
                destination=pod.destination,
                stop=stop,
            )
            job.record(partial(finish_run, run_id=job.run_id))
        return counts


@contextmanager
def _equipment(settings: PodSettings) -> Iterator[Equipment]:
    """Open what a pod needs; what no retry can repair comes first."""
    assignment = read_assignment(settings.job_file)
    signer = _signer(settings.audit_key, assignment.namespace)
    with ExitStack() as stack:
        source = stack.enter_context(open_source(assignment, settings))
        destination = stack.enter_context(open_destination(assignment, settings))
        url = settings.ledger.get_secret_value()
        ledger = signing(
            patient(settings.patience_seconds, dependency="ledger")(open_ledger, url, migrate=False), signer
        )
        stack.callback(ledger.dispose)
        with reading(ledger) as connection:
            run = find_run(connection, assignment.uid)
        yield Equipment(
            assignment=assignment,
            source=source,
            destination=destination,
            ledger=ledger,
            run=run,
            detector=stack.enter_context(_detector(assignment, run, settings)),
        )


def _signer(file: Path | None, namespace: str) -> Signer | None:
    if file is not None and not file.exists():
        raise ConfigurationError(
            f"There is no key for audit records at {file} (BAAS_AUDIT_KEY). It comes from the Secret that the chart's "
            f"audit.signingKey names: namespace {namespace} needs it, too, with that key in it."
        )
    return signer_of(file)


def _detector(assignment: Assignment, run: Run | None, settings: PodSettings) -> AbstractContextManager[TritonDetector]:
    """Connect to the model that the run began with, or that the BlurJob wants when it begins."""
    wanted = assignment.spec.detector
    # Pictures go where the operator says, not where the mounted BlurJob does: others can write ConfigMaps, too.
    address, uses_tls = address_of(settings.triton)
    version = wanted.version if run is None else run.configuration[MODEL_VERSION]
    return connected(
        wanted,
        address,
        version=version,
        uses_tls=uses_tls,
        patience_seconds=settings.patience_seconds,
        title="spec.detector",
    )
