"""What is done once every image of a run has its fate: samples are drawn, then originals are deleted."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Engine

from baas_crds.blurjob import DeleteSource
from baas_crds.samples import QualityCheck, RetrainingSample, SamplePlace, place_of_quality_check
from baas_ledger.facts import EventKind, Run
from baas_preprocess.assignment import Assignment, open_place
from baas_preprocess.copies import Sampling, Shelf
from baas_preprocess.patience import patient
from baas_preprocess.pod_settings import PodSettings
from baas_preprocess.quality_check import draw_quality_check
from baas_preprocess.retention import delete_originals
from baas_preprocess.retraining import draw_retraining_sample, read_strata
from baas_preprocess.stores.folder import LEFT_OVER, FolderDestination
from baas_preprocess.stores.places import Destination, Source


def check_samples(assignment: Assignment, settings: PodSettings, source: Source) -> None:
    """Raise `ConfigurationError` now when a sample could not be drawn at the end, and `DependencyUnavailable`."""
    if check := assignment.spec.quality_check:
        with _to_check(assignment, settings, check):
            pass
    if how := assignment.spec.retraining_sample:
        read_strata(source, how.metadata)
        with _to_label(assignment, settings, how):
            pass


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
        with _to_check(assignment, settings, check) as shelf:
            one = sampling(kind=EventKind.QUALITY_CHECK_DRAWN, shelf=shelf)
            trying(draw_quality_check, one, check.sample_size, destination)
    if how := spec.retraining_sample:
        with _to_label(assignment, settings, how) as shelf:
            one = sampling(kind=EventKind.RETRAINING_SAMPLE_DRAWN, shelf=shelf)
            threshold = min(assignment.recipe.confidence.values())
            trying(draw_retraining_sample, one, how, source, threshold=threshold)
    if spec.retention.delete_source is DeleteSource.AFTER_VERIFIED:
        delete_originals(ledger, run.id, source, destination)


@contextmanager
def _to_check(assignment: Assignment, settings: PodSettings, check: QualityCheck) -> Iterator[Shelf]:
    place = place_of_quality_check(check, assignment.spec.output)
    folder, given = settings.quality_check_folder, settings.quality_check_connection_string
    with _shelf(assignment, settings, place, "spec.qualityCheck.output", folder=folder, given=given) as shelf:
        yield shelf


@contextmanager
def _to_label(assignment: Assignment, settings: PodSettings, how: RetrainingSample) -> Iterator[Shelf]:
    folder, given = settings.retraining_sample_folder, settings.retraining_sample_connection_string
    with _shelf(assignment, settings, how.output, "spec.retrainingSample.output", folder=folder, given=given) as shelf:
        yield shelf


@contextmanager
def _shelf(
    assignment: Assignment,
    settings: PodSettings,
    place: SamplePlace,
    title: str,
    *,
    folder: Path,
    given: SecretStr | None,
) -> Iterator[Shelf]:
    """Give the folder of a BlurJob's own in a place; another BlurJob of the same name has another one."""
    own = f"{assignment.name}-{assignment.uid[:8]}"
    with open_place(assignment, settings, place.below(own), title, folder=folder / own, given=given) as shelf:
        if isinstance(shelf, FolderDestination):
            shelf.clear_unfinished(LEFT_OVER)
        yield shelf
