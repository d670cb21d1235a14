"""`baas blur`: one machine, folders in and out. Plans the run and works through it until it is done or stopped."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger.audit import signing
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import Claim, Outcome, Progress
from baas_ledger.progress import read_progress
from baas_ledger.runs import finish_run
from baas_preprocess.detect import Detector, TritonDetector
from baas_preprocess.facts import DeleteSource, Digest
from baas_preprocess.given_source import open_given
from baas_preprocess.job import Job
from baas_preprocess.local_triton import local_triton
from baas_preprocess.planning import Plan, check_confidence, check_not_empty, plan, withdraw_refused
from baas_preprocess.publish import Extras
from baas_preprocess.retention import Retired, delete_originals
from baas_preprocess.selection import Selection, read_exclude_list
from baas_preprocess.settings import Settings
from baas_preprocess.signatures import signer_of
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.panoramas import PanoramaSource
from baas_preprocess.stores.places import Source
from baas_preprocess.work import work

# What people need not read of a run: it holds secrets, or says nothing of the outputs.
_NO_MATTER = {"ledger", "audit_key", "delete_source", "panorama_viewer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Equipment:
    """All that a call has open."""

    source: Source
    destination: FolderDestination
    ledger: Engine
    detector: Detector
    extras: Extras


def blur(
    places: Sequence[str],
    folder: Path,
    settings: Settings,
    *,
    stop: threading.Event,
    on_status: Callable[[str], None],
    on_plan: Callable[[Plan], None],
    on_done: Callable[[Claim, Outcome], None],
    on_retired: Callable[[Retired], None],
) -> Progress:
    """Publish a safe picture in `folder` for every picture of `places`, or quarantine it; return how it stands then.

    Set `stop` to end early: what is in flight is finished, and the same call continues later. Originals are deleted, if
    at all, when the run has come to its end. Raises `ConfigurationError` and `DependencyUnavailable`.
    """
    deletes = settings.delete_source is DeleteSource.AFTER_VERIFIED
    with ExitStack() as stack:
        source = stack.enter_context(open_given(places, settings))
        check_apart(source, folder, settings.save_masks)
        if not deletes:
            check_not_empty(source, ", ".join(places))
        selection = read_selection(settings)
        own = stack.enter_context(_equipment(source, folder, settings, on_status))
        if isinstance(source, PanoramaSource):  # a question for each, which may take hours
            on_status("Asking the Panorama API for its panoramas and their pictures")
        planned = _plan(own, selection, settings)
        on_plan(planned)
        work(_job(own, planned.run_id, settings), stop=stop, on_done=on_done, limit=settings.limit)
        withdraw_refused(own.ledger, planned.run_id, own.destination, own.extras)
        with reading(own.ledger) as connection:
            is_complete = not read_progress(connection, planned.run_id).remaining
        if deletes and is_complete and not stop.is_set():
            on_retired(delete_originals(own.ledger, planned.run_id, source, own.destination))
        elif deletes:
            on_status("No original was deleted: the run has not come to its end.")
        with transaction(own.ledger) as connection:
            finish_run(connection, planned.run_id)
            return read_progress(connection, planned.run_id)


@contextmanager
def _equipment(
    source: Source, folder: Path, settings: Settings, on_status: Callable[[str], None]
) -> Iterator[_Equipment]:
    with ExitStack() as stack:
        destination = stack.enter_context(_held(folder))
        signer = signer_of(settings.audit_key)
        ledger = signing(open_ledger(ledger_url(folder, settings)), signer)
        stack.callback(ledger.dispose)
        masks = None if settings.save_masks is None else stack.enter_context(_held(settings.save_masks))
        detector = stack.enter_context(_detector(settings, destination.state, on_status))
        check_confidence(settings.recipe, detector.model)
        yield _Equipment(
            source=source,
            destination=destination,
            ledger=ledger,
            detector=detector,
            extras=Extras(detections=settings.detections, masks=masks),
        )


def _plan(own: _Equipment, selection: Selection, settings: Settings) -> Plan:
    return plan(
        own.ledger,
        own.source,
        selection,
        destination=own.destination,
        extras=own.extras,
        model=own.detector.model.digest,
        recipe=settings.recipe.digest,
        configuration=settings.model_dump(mode="json", exclude=_NO_MATTER),
        alone=True,
        retry=settings.retry_quarantined,
    )


def _job(own: _Equipment, run_id: str, settings: Settings) -> Job:
    return Job(
        ledger=own.ledger,
        run_id=run_id,
        source=own.source,
        destination=own.destination,
        detector=own.detector,
        recipe=settings.recipe,
        extras=own.extras,
        in_flight=settings.in_flight,
        max_attempts=settings.max_attempts,
    )


def ledger_url(folder: Path, settings: Settings) -> str:
    """Where the ledger of a destination is.

    Raises `ConfigurationError` when another is named than the one that lies there: what people had redacted is in that.
    """
    own, named = FolderDestination.ledger_of(folder), settings.ledger
    if named and own.exists() and Path(named.removeprefix("sqlite:///")).resolve() != own.resolve():
        raise ConfigurationError(
            f"--ledger is not the ledger that {folder} has ({own}), whose corrections would be undone: leave the "
            "option out, or choose another DEST"
        )
    return named or str(own)


def read_selection(settings: Settings) -> Selection:
    """Return which names are worked on."""
    listed = frozenset[str]()
    if settings.exclude_list is not None:
        listed = read_exclude_list(settings.exclude_list, title="--exclude-list")
    return Selection(
        include=settings.include,
        exclude=settings.exclude,
        exclude_list=listed,
        sample_percent=settings.source_percent,
        redo_model=None if settings.redo_model is None else Digest(settings.redo_model),
        keep_earlier=settings.keep_earlier,
    )


def check_apart(source: FileSource | PanoramaSource, folder: Path, masks: Path | None) -> None:
    """Raise `ConfigurationError` when an output could overwrite an original or another output, or hide among them."""
    for root in source.roots if isinstance(source, FileSource) else ():
        _check_pair(("DEST", folder), ("SOURCE", root))
        if masks is not None:
            _check_pair(("--save-masks", masks), ("SOURCE", root))
    if masks is not None:
        _check_pair(("--save-masks", masks), ("DEST", folder))


def _check_pair(ours: tuple[str, Path], theirs: tuple[str, Path]) -> None:
    for (inner, one), (outer, other) in ((ours, theirs), (theirs, ours)):
        try:
            is_inside = one.resolve().is_relative_to(other.resolve())
        except (OSError, RuntimeError) as error:
            raise ConfigurationError(
                f"{inner} {one} or {outer} {other} is a link to itself: name the place."
            ) from error
        if is_inside:
            raise ConfigurationError(
                f"{inner} {one} lies in {outer} {other}: files of one would stand among or replace those of the other. "
                "Choose another folder."
            )


@contextmanager
def _held(folder: Path) -> Iterator[FolderDestination]:
    """Give a destination that is ours alone meanwhile."""
    destination = FolderDestination(folder)
    with destination.lock():
        yield destination


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
