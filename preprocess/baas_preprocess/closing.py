"""What is done once every image of a run has its fate: samples are drawn, then originals are deleted."""

import threading
from functools import partial

from sqlalchemy import Engine

from baas_crds.blurjob import DeleteSource
from baas_ledger.facts import EventKind, Run
from baas_preprocess.assignment import Assignment
from baas_preprocess.copies import Sampling
from baas_preprocess.patience import patient
from baas_preprocess.pod_settings import PodSettings
from baas_preprocess.quality_check import draw_quality_check
from baas_preprocess.retention import delete_originals
from baas_preprocess.retraining import draw_retraining_sample
from baas_preprocess.shelves import shelf_to_check, shelf_to_label
from baas_preprocess.stores.places import Destination, Source


def close_run(
    assignment: Assignment,
    settings: PodSettings,
    *,
    ledger: Engine,
    run: Run,
    source: Source,
    destination: Destination,
    stop: threading.Event,
) -> None:
    """Draw the samples of a run whose images all have their fate, then delete the originals, as the BlurJob wants it.

    Any number of workers may do it at once, and again. Raises `Stopped` when `stop` is set before the samples are
    whole, and as `draw_quality_check`, `draw_retraining_sample` and `delete_originals`.
    """
    spec, trying = assignment.spec, patient(settings.patience_seconds, dependency="store")
    sampling = partial(Sampling, ledger=ledger, run=run, stop=stop)
    if check := spec.quality_check:
        with shelf_to_check(assignment, settings, check) as shelf:
            one = sampling(kind=EventKind.QUALITY_CHECK_DRAWN, shelf=shelf)
            trying(draw_quality_check, one, check.sample_size, destination)
    if how := spec.retraining_sample:
        with shelf_to_label(assignment, settings, how) as shelf:
            one = sampling(kind=EventKind.RETRAINING_SAMPLE_DRAWN, shelf=shelf)
            threshold = min(assignment.recipe.confidence.values())
            trying(draw_retraining_sample, one, how, source, threshold=threshold)
    if spec.retention.delete_source is DeleteSource.AFTER_VERIFIED:
        delete_originals(ledger, run.id, source, destination)
