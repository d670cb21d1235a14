"""`baas blur`: one machine, folders in and out. Plans the run and works through it until it is done or stopped."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_ledger.engine import open_ledger, transaction
from baas_ledger.facts import Claim, Progress
from baas_ledger.progress import read_progress
from baas_ledger.runs import finish_run
from baas_preprocess.detect import Detector, Model, TritonDetector
from baas_preprocess.local_triton import local_triton
from baas_preprocess.planning import Plan, check_not_empty, plan
from baas_preprocess.publish import Extras
from baas_preprocess.recipe import Recipe
from baas_preprocess.selection import Selection, read_exclude_list
from baas_preprocess.settings import Settings
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.work import Job, Outcome, work


def blur(
    places: Sequence[str],
    folder: Path,
    settings: Settings,
    *,
    stop: threading.Event,
    on_status: Callable[[str], None],
    on_plan: Callable[[Plan], None],
    on_done: Callable[[Claim, Outcome], None],
) -> Progress:
    """Publish a safe picture in `folder` for every picture of `places`, or quarantine it; return how it stands then.

    Set `stop` to end early: what is in flight is finished, and the same call continues later. Raises
    `ConfigurationError` and `DependencyUnavailable`.
    """
    source = FileSource(places)
    check_apart(source, folder)
    check_not_empty(source, ", ".join(places))
    selection = read_selection(settings)
    with ExitStack() as stack:
        destination = FolderDestination(folder)
        stack.enter_context(destination.lock())
        ledger = open_ledger(ledger_url(folder, settings))
        stack.callback(ledger.dispose)
        masks = None
        if settings.save_masks is not None:
            masks = FolderDestination(settings.save_masks)
            stack.enter_context(masks.lock())
        detector = stack.enter_context(_detector(settings, destination.state, on_status))
        check_confidence(settings.recipe, detector.model)
        planned = plan(
            ledger,
            source,
            selection,
            destination=destination,
            model=detector.model.digest,
            recipe=settings.recipe.digest,
            configuration=settings.model_dump(mode="json", exclude={"ledger"}),
            alone=True,
            retry=settings.retry_quarantined,
        )
        on_plan(planned)
        job = Job(
            ledger=ledger,
            run_id=planned.run_id,
            source=source,
            destination=destination,
            detector=detector,
            recipe=settings.recipe,
            extras=Extras(detections=settings.detections, masks=masks),
            in_flight=settings.in_flight,
            max_attempts=settings.max_attempts,
        )
        work(job, stop=stop, on_done=on_done, limit=settings.limit)
        with transaction(ledger) as connection:
            finish_run(connection, planned.run_id)
            return read_progress(connection, planned.run_id)


def ledger_url(folder: Path, settings: Settings) -> str:
    """Where the ledger of a destination is."""
    return settings.ledger or str(FolderDestination.state_of(folder) / "ledger.sqlite")


def read_selection(settings: Settings) -> Selection:
    """Return which names are worked on."""
    listed = frozenset[str]()
    if settings.exclude_list is not None:
        listed = read_exclude_list(settings.exclude_list, title="--exclude-list")
    return Selection(include=settings.include, exclude=settings.exclude, exclude_list=listed)


def check_apart(source: FileSource, folder: Path) -> None:
    """Raise `ConfigurationError` when an output could overwrite or hide among the originals."""
    target = folder.resolve()
    for root in source.roots:
        place = root.resolve()
        if target == place or target.is_relative_to(place):
            raise ConfigurationError(
                f"DEST {folder} lies in SOURCE {root}: redacted pictures would mix with originals. Choose another DEST."
            )
        if place.is_relative_to(target):
            raise ConfigurationError(
                f"SOURCE {root} lies in DEST {folder}: originals would stand among published pictures. "
                "Choose another DEST."
            )


def check_confidence(recipe: Recipe, model: Model) -> None:
    """Raise `ConfigurationError` when boxes are asked for that the detector does not give."""
    for name, confidence in recipe.confidence.items():
        if confidence < model.score_floor:
            raise ConfigurationError(
                f"confidence.{name} is {confidence:g}, but the model returns boxes from {model.score_floor:g} "
                "only: raise it, or build a model with a lower --score-floor."
            )


@contextmanager
def _detector(settings: Settings, state: Path, on_status: Callable[[str], None]) -> Iterator[Detector]:
    with ExitStack() as stack:
        if settings.triton is not None:
            on_status(f"Connecting to Triton at {settings.triton}")
            yield stack.enter_context(TritonDetector(settings.triton, patience_seconds=settings.patience_seconds))
        else:
            on_status("Starting Triton on this machine")
            url = stack.enter_context(local_triton(settings.model_repository, state / "detector.log"))
            yield stack.enter_context(TritonDetector(url, patience_seconds=settings.patience_seconds))
