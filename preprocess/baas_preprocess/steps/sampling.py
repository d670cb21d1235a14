"""The steps `qualityCheck` and `retrainingSample` on one machine: the samples of pods, in places of this machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from baas_crds.samples import SamplePlace
from baas_ledger.engine import reading
from baas_ledger.facts import EventKind
from baas_ledger.samples import samples_of
from baas_preprocess.copies import Sampling, Shelf
from baas_preprocess.quality_check import draw_quality_check
from baas_preprocess.retraining import draw_retraining_sample, read_strata
from baas_preprocess.shelves import try_out
from baas_preprocess.steps.config import Config
from baas_preprocess.steps.flags import Step
from baas_preprocess.steps.machine import open_place, places_of_samples, spec_of
from baas_preprocess.stores.places import Destination, Source

KINDS = {
    Step.QUALITY_CHECK: EventKind.QUALITY_CHECK_DRAWN,
    Step.RETRAINING_SAMPLE: EventKind.RETRAINING_SAMPLE_DRAWN,
}
"""What the ledger calls a sample that is whole."""


@contextmanager
def open_shelf(config: Config, step: Step, run_id: str) -> Iterator[Shelf]:
    """Give a folder for this run's sample alone; another model or other settings make another run, with its own."""
    with open_place(config, _own(config, step, run_id), f"{step}.output") as shelf:
        yield shelf


def check_places(config: Config, run_id: str, source: Source, destination: Destination) -> None:
    """Raise `ConfigurationError` now when a sample could not be drawn at the end, and `DependencyUnavailable`."""
    spec = spec_of(config)
    others: dict[str, Source | Destination] = {"source": source, "output": destination}
    if spec.retraining_sample is not None:
        read_strata(source, spec.retraining_sample.metadata)
    for step in places_of_samples(config):
        with open_shelf(config, step, run_id) as shelf:
            try_out(shelf, f"{step}.output", _path(_own(config, step, run_id)), others)


def draw(config: Config, step: Step, sampling: Sampling, source: Source, destination: Destination) -> None:
    """Draw a sample of a run that has come to its end, unless it was drawn before. Raises as pods' samples do."""
    spec = spec_of(config)
    if step is Step.QUALITY_CHECK and spec.quality_check is not None:
        draw_quality_check(sampling, spec.quality_check.sample_size, destination)
    elif spec.retraining_sample is not None:
        threshold = min(spec.detector.confidence_permille.as_scores().values())
        draw_retraining_sample(sampling, spec.retraining_sample, source, threshold=threshold)


def drawn(sampling: Sampling) -> tuple[str, Mapping[str, object]]:
    """Return what the ledger has of a sample: a sentence, and figures."""
    with reading(sampling.ledger) as connection:
        noted = [event for event in samples_of(connection, sampling.run.id) if event.kind == sampling.kind]
    return (noted[-1].message, noted[-1].data) if noted else ("not drawn", {})


def _own(config: Config, step: Step, run_id: str) -> SamplePlace:
    return places_of_samples(config)[step].below(f"{config.sections.name}-{run_id[:8]}")


def _path(place: SamplePlace) -> str:
    if place.azure_blob is not None:
        return place.azure_blob.prefix
    return place.volume.path if place.volume is not None else ""
