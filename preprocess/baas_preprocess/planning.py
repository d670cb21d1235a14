"""Plan a run: what the source holds becomes rows of the ledger. Planning again changes only what has changed."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger.claims import release_all
from baas_ledger.corrections import interrupted_names
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import ImageRecord, PlannedImage, PlanResult, Progress, Quarantined
from baas_ledger.plan import plan_images
from baas_ledger.progress import read_progress
from baas_ledger.records import image_pages
from baas_ledger.reopen import reopen, retry_quarantined
from baas_ledger.runs import find_run, finish_planning, id_of, is_alone, open_run
from baas_ledger.tables import ImageState
from baas_preprocess.detect import Model
from baas_preprocess.facts import Digest
from baas_preprocess.part import check_earlier, check_redo, check_some_taken, reopen_replaced, taken, told_part
from baas_preprocess.publish import Extras, extras_are_there, withdraw
from baas_preprocess.recipe import Recipe
from baas_preprocess.retention import leave_out_deleted, leaves_some_out
from baas_preprocess.selection import Selection, spellings
from baas_preprocess.stores.places import QUESTIONS_AT_ONCE, Destination, Entry, Source, name_problem
from baas_preprocess.unfinished import Wanted, unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is going to do."""

    run_id: str
    result: PlanResult
    before: Progress
    part: str | None
    """In a sentence, which pictures of the source are part of the run; None: all of them."""
    unmatched: tuple[str, ...]
    """Names on the exclude list that match no picture."""


def plan(
    ledger: Engine,
    source: Source,
    selection: Selection,
    *,
    destination: Destination,
    extras: Extras,
    model: Digest,
    recipe: Digest,
    configuration: Mapping[str, object],
    run_id: str | None = None,
    alone: bool = False,
    retry: bool = False,
) -> Plan:
    """Open the run and fill the ledger; what was lost since an earlier call is pending again.

    So is what people began to correct and did not end, as far as the source still has it.
    What is quarantined or left out from now on is taken away from the destination, whoever put it there. Only then does
    the run count as planned, also when it did before: until then nobody works on it, and it cannot finish.

    `run_id` names a run that others know already, else it follows from the rest. With `alone` the caller holds the
    destination for itself, so that leases can only be left-overs. With `retry` quarantined images are pending again.
    Of a partial selection only its part is planned. Raises `ConfigurationError` as `check_redo`, `check_earlier` and,
    before there is a run, `check_some_taken`.
    """
    place = destination.label
    run_id = run_id or id_of(source=source.label, destination=place, model_digest=model, config_digest=recipe)
    _check_part(ledger, source, selection, run_id, destination=destination, model=model)
    with transaction(ledger) as connection:
        open_run(
            connection,
            source=source.label,
            destination=place,
            model_digest=model,
            config_digest=recipe,
            configuration=configuration,
            run_id=run_id,
        )
        if alone:
            release_all(connection, run_id)
        if retry:
            retry_quarantined(connection, run_id)
        interrupted = interrupted_names(connection, run_id)
    listing = _Listing(source.entries(), selection.exclude_list, interrupted)
    entries = taken(listing, selection, ledger, destination=destination, run_id=run_id)
    if selection.only_new:
        wanted = Wanted(destination=destination, extras=extras, model=model, recipe=recipe)
        entries = unfinished(entries, selection, ledger, wanted=wanted, run_id=run_id)
    result = plan_images(ledger, run_id, (_planned(entry, selection) for entry in entries))
    _settle(ledger, run_id, destination, extras, selection, listing)
    with transaction(ledger) as connection:
        finish_planning(connection, run_id, result)
    with reading(ledger) as connection:
        before = read_progress(connection, run_id)
    part = told_part(selection, listing.number)
    return Plan(run_id=run_id, result=result, before=before, part=part, unmatched=tuple(sorted(listing.unmatched)))


def _check_part(
    ledger: Engine, source: Source, selection: Selection, run_id: str, *, destination: Destination, model: Digest
) -> None:
    check_redo(ledger, selection, destination=destination.label, model=model)
    check_earlier(ledger, selection, destination=destination.label)
    with reading(ledger) as connection:
        is_new = find_run(connection, run_id) is None
    # To take away what has no original any more is something to do, too.
    if is_new and selection.expects_some and not leaves_some_out(ledger, destination.label, selection):
        check_some_taken(source, selection, ledger, destination=destination)


def check_not_empty(source: Source, title: str) -> None:
    """Raise `ConfigurationError` when a source has no picture at all: most likely its name was mistyped."""
    if next(source.entries(), None) is None:
        raise ConfigurationError(f"There are no pictures (.jpg, .jpeg, .png, .tif, .tiff) in {title}.")


def check_confidence(recipe: Recipe, model: Model) -> None:
    """Raise `ConfigurationError` when boxes are asked for that the detector does not give."""
    for name, confidence in recipe.confidence.items():
        if confidence < model.score_floor:
            raise ConfigurationError(
                f"confidence.{name} is {confidence:g}, but the model returns boxes from {model.score_floor:g} "
                "only: raise it, or build a model with a lower --score-floor."
            )


def _settle(
    ledger: Engine,
    run_id: str,
    destination: Destination,
    extras: Extras,
    selection: Selection,
    listing: "_Listing",
) -> None:
    """Send back what cannot stay as it is, and take away what must not stay at all."""
    leave_out_deleted(ledger, destination, selection, extras, listing.unmatched)
    reopen_replaced(ledger, run_id, selection, destination=destination.label)
    _reopen_lost(ledger, run_id, destination, extras)
    with transaction(ledger) as connection:
        reopen(connection, run_id, sorted(listing.interrupted), why="A correction of it was interrupted.")
    withdraw_refused(ledger, run_id, destination, extras)


class _Listing:
    """Entries, counted and crossed off while they pass."""

    def __init__(self, entries: Iterable[Entry], exclude_list: Iterable[str], interrupted: Iterable[str]) -> None:
        self._entries = entries
        self._interrupted = set(interrupted)
        self.number = 0
        self.unmatched = set(exclude_list)
        """What of the exclude list speaks of no entry so far, in whatever spelling."""
        self.interrupted: set[str] = set()
        """Which of the interrupted names an entry has so far."""

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.number += 1
            self.unmatched -= spellings(entry.name)
            self.interrupted |= {entry.name} & self._interrupted
            yield entry


def _planned(entry: Entry, selection: Selection) -> PlannedImage:
    problem = entry.problem or name_problem(entry.name)
    return PlannedImage(
        name=entry.name,
        source_version=entry.version,
        size_bytes=entry.size_bytes,
        excluded=selection.refusal(entry.name),
        problem=None if problem is None else Quarantined(reason=problem.reason, message=str(problem)),
    )


def withdraw_refused(
    ledger: Engine,
    run_id: str,
    destination: Destination,
    extras: Extras,
    states: Iterable[ImageState] = (ImageState.QUARANTINED, ImageState.EXCLUDED),
) -> None:
    """Take away what an earlier run published of pictures that are quarantined or left out now."""

    def check(image: ImageRecord) -> None:
        if destination.size_bytes(image.name) is not None:
            withdraw(destination, image.name, extras)

    with ThreadPoolExecutor(QUESTIONS_AT_ONCE, thread_name_prefix="output") as pool:
        for state in states:
            for page in image_pages(ledger, run_id, state):
                list(pool.map(check, page))


def _reopen_lost(ledger: Engine, run_id: str, destination: Destination, extras: Extras) -> None:
    with reading(ledger) as connection:
        run = find_run(connection, run_id)
        # Another run may have put its own pictures under the same names: then sizes alone do not tell.
        by_digest = run is None or not is_alone(connection, run)

    def is_lost(image: ImageRecord) -> bool:
        if image.source_deleted_at is not None:
            return False  # nothing is left to make it from; `baas audit verify` tells what is wrong with it
        if destination.size_bytes(image.name) != image.output_size_bytes:
            return True
        if not extras_are_there(destination, image.name, extras):
            return True
        return by_digest and destination.digest(image.name) != image.output_digest

    with ThreadPoolExecutor(QUESTIONS_AT_ONCE, thread_name_prefix="output") as pool:
        for page in image_pages(ledger, run_id, ImageState.PUBLISHED):
            lost = [image.name for image, gone in zip(page, pool.map(is_lost, page), strict=True) if gone]
            with transaction(ledger) as connection:
                reopen(connection, run_id, lost)
