"""The steps from `detect` to `deleteSource`, which are one run: a pod's work, on one machine and in its places."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import platformdirs
from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger.audit import signing
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import Claim, Outcome, Progress, Run, SecondLookSums
from baas_ledger.progress import read_progress
from baas_ledger.records import second_look_sums
from baas_ledger.runs import find_run, finish_run, id_of
from baas_preprocess.assignment import Assignment
from baas_preprocess.blur import ledger_url
from baas_preprocess.copies import Sampling, Stopped
from baas_preprocess.detect import Detector
from baas_preprocess.job import Job
from baas_preprocess.local_triton import local_triton
from baas_preprocess.planning import Plan, check_confidence, check_not_empty, plan, withdraw_refused
from baas_preprocess.publish import Extras
from baas_preprocess.recipe import Recipe
from baas_preprocess.retention import Retired, delete_originals
from baas_preprocess.settings import Settings
from baas_preprocess.signatures import signer_of
from baas_preprocess.steps import sampling
from baas_preprocess.steps.config import Config
from baas_preprocess.steps.flags import Step
from baas_preprocess.steps.machine import open_place, open_source, output_folder, selection_of, settings_of, spec_of
from baas_preprocess.steps.retrieved import Copies
from baas_preprocess.stores.blob import BlobDestination
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.places import Source
from baas_preprocess.wanted_detector import connected
from baas_preprocess.work import work


class Watch(Protocol):
    """Whoever wants to see how it goes."""

    def status(self, text: str) -> None:
        """Take what is being done now."""

    def planned(self, plan: Plan) -> None:
        """Take what the run is going to do."""

    def done(self, image: Claim, outcome: Outcome) -> None:
        """Take one image's fate."""

    def retired(self, originals: Retired) -> None:
        """Take what became of the originals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """How a run stands when it ended, or was stopped."""

    run_id: str
    counts: Progress
    second_look: SecondLookSums
    samples: Mapping[Step, tuple[str, Mapping[str, object]]] = field(default_factory=dict)
    """A sentence and figures of each sample that is switched on."""
    retired: Retired | None = None
    """What became of originals; None: none was to be deleted, or the run has not come to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Equipment:
    """All that a run has open."""

    config: Config
    recipe: Recipe
    source: Source
    destination: FolderDestination | BlobDestination
    ledger: Engine
    detector: Detector
    extras: Extras
    run_id: str


def redact(config: Config, copies: Copies | None, *, stop: threading.Event, watch: Watch) -> Redacted:
    """Publish a safe picture for every picture of the source, or quarantine it; then draw samples and delete originals.

    `copies` is what the step `retrieve` got, if it is one. Set `stop` to end early: what is in flight is finished, and
    the same call continues later. Samples are drawn and originals deleted only when every image has its fate. Raises
    `ConfigurationError` and `DependencyUnavailable`.
    """
    with _equipment(config, copies, watch) as own:
        if Step.DELETE_SOURCE not in config.steps:
            check_not_empty(own.source, own.source.label)
        sampling.check_places(config, own.run_id, own.source, own.destination)
        watch.planned(_planned(own))
        work(_job(own), stop=stop, on_done=watch.done)
        withdraw_refused(own.ledger, own.run_id, own.destination, own.extras)
        with reading(own.ledger) as connection:
            counts = read_progress(connection, own.run_id)
            second_look = second_look_sums(connection, own.run_id)
        stands = Redacted(run_id=own.run_id, counts=counts, second_look=second_look)
        if counts.remaining:
            return stands
        try:
            return _closed(own, stands, stop, watch)
        except Stopped:
            return stands


def recipe_of(config: Config) -> Recipe:
    """Return what decides the outputs' bytes: the same as of a BlurJob with this spec."""
    return Assignment(uid="", namespace="", name=config.sections.name, spec=spec_of(config)).recipe


@contextmanager
def _equipment(config: Config, copies: Copies | None, watch: Watch) -> Iterator[_Equipment]:
    spec, settings, recipe = spec_of(config), settings_of(config), recipe_of(config)
    signer = signer_of(settings.audit_key)
    with ExitStack() as stack:
        source = stack.enter_context(open_source(config, copies))
        destination = stack.enter_context(open_place(config, spec.output, "output"))
        if isinstance(destination, FolderDestination):
            stack.enter_context(destination.lock())
        ledger = signing(open_ledger(_ledger(config, settings)), signer)
        stack.callback(ledger.dispose)
        detector = stack.enter_context(_detector(config, settings, destination, watch))
        check_confidence(recipe, detector.model)
        run_id = id_of(
            source=source.label,
            destination=destination.label,
            model_digest=detector.model.digest,
            config_digest=recipe.digest,
        )
        yield _Equipment(
            config=config,
            recipe=recipe,
            source=source,
            destination=destination,
            ledger=ledger,
            detector=detector,
            extras=Extras(detections=spec.output.write_detections),
            run_id=run_id,
        )


def _planned(own: _Equipment) -> Plan:
    document = spec_of(own.config).as_document()
    decisive = {part: document[part] for part in ("source", "output", "detector", "redaction", "verification")}
    return plan(
        own.ledger,
        own.source,
        selection_of(own.config),
        destination=own.destination,
        extras=own.extras,
        model=own.detector.model.digest,
        recipe=own.recipe.digest,
        configuration={"file": str(own.config.file), **decisive},
        run_id=own.run_id,
        # Nobody else works into a folder that is locked; what a dead process held in a container is free in a minute.
        alone=isinstance(own.destination, FolderDestination),
    )


def _job(own: _Equipment) -> Job:
    spec = spec_of(own.config)
    return Job(
        ledger=own.ledger,
        run_id=own.run_id,
        source=own.source,
        destination=own.destination,
        detector=own.detector,
        recipe=own.recipe,
        extras=own.extras,
        in_flight=spec.images_in_flight,
        max_attempts=spec.max_attempts_per_image,
        patience_seconds=own.config.sections.machine.patience_seconds,
    )


def _closed(own: _Equipment, stands: Redacted, stop: threading.Event, watch: Watch) -> Redacted:
    """Do what comes when every image has its fate. Raises `Stopped` when it was told to end meanwhile."""
    config, retired = own.config, None
    samples = {step: _sampled(own, step, stop, watch) for step in sampling.KINDS if step in config.steps}
    if Step.DELETE_SOURCE in config.steps:
        if stop.is_set():
            raise Stopped
        watch.status("Deleting originals")
        retired = delete_originals(own.ledger, own.run_id, own.source, own.destination)
        watch.retired(retired)
    with transaction(own.ledger) as connection:
        finish_run(connection, own.run_id)
        counts = read_progress(connection, own.run_id)
    return replace(stands, counts=counts, samples=samples, retired=retired)


def _sampled(own: _Equipment, step: Step, stop: threading.Event, watch: Watch) -> tuple[str, Mapping[str, object]]:
    watch.status(f"Drawing the sample of steps.{step}")
    with sampling.open_shelf(own.config, step, own.run_id) as shelf:
        one = Sampling(kind=sampling.KINDS[step], ledger=own.ledger, run=_run(own), shelf=shelf, stop=stop)
        sampling.draw(own.config, step, one, own.source, own.destination)
        return sampling.drawn(one)


def _run(own: _Equipment) -> Run:
    with reading(own.ledger) as connection:
        run = find_run(connection, own.run_id)
    if run is None:
        raise ConfigurationError(f"Run {own.run_id} was taken out of the ledger meanwhile: run it again.")
    return run


def _ledger(config: Config, settings: Settings) -> str:
    folder = output_folder(config)
    if folder is not None:
        return ledger_url(folder, settings)
    if settings.ledger is None:
        raise ConfigurationError(
            "machine.ledger is missing: output is a container, which holds no ledger. Give a postgresql:// URL, or "
            "sqlite:/// and a path"
        )
    return settings.ledger


@contextmanager
def _detector(
    config: Config, settings: Settings, destination: FolderDestination | BlobDestination, watch: Watch
) -> Iterator[Detector]:
    """Give the model that the file wants: of machine.triton, of detector.tritonUrl, or of a Triton of our own."""
    wanted = spec_of(config).detector
    address = settings.triton or wanted.triton_address
    with ExitStack() as stack:
        watch.status(f"Connecting to Triton at {address}" if address else "Starting Triton on this machine")
        url = address or stack.enter_context(local_triton(settings.model_repository, _log(destination)))
        detector = connected(
            wanted,
            url,
            version=wanted.version,
            uses_tls=settings.triton is None and wanted.uses_tls,
            patience_seconds=settings.patience_seconds,
            title="detector",
        )
        yield stack.enter_context(detector)


def _log(destination: FolderDestination | BlobDestination) -> Path:
    if isinstance(destination, FolderDestination):
        return destination.state / "detector.log"
    return platformdirs.user_state_path("baas", ensure_exists=True) / "detector.log"
