"""Plan a run: what the source holds becomes rows of the ledger. Planning again changes only what has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from baas_ledger.claims import release_all
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import PlannedImage, PlanResult, Progress, Quarantined
from baas_ledger.plan import plan_images
from baas_ledger.progress import read_progress
from baas_ledger.records import images
from baas_ledger.reopen import reopen, retry_quarantined
from baas_ledger.runs import latest_run, open_run
from baas_ledger.tables import ImageState
from baas_preprocess.destination import Destination
from baas_preprocess.facts import Digest
from baas_preprocess.source import Entry, Selection
from baas_preprocess.way import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is going to do."""

    run_id: str
    result: PlanResult
    before: Progress
    unmatched: tuple[str, ...]
    """Names on the exclude list that match no picture."""


def plan(
    ledger: Engine,
    entries: Sequence[Entry],
    selection: Selection,
    *,
    source: str,
    destination: Destination,
    model: Digest,
    recipe: Digest,
    configuration: Mapping[str, object],
    retry: bool,
) -> Plan:
    """Open the run and fill the ledger; what an earlier call left unfinished, or what was lost since, is pending again.

    The caller holds the destination for itself. With `retry` quarantined images are pending again, too.
    """
    with transaction(ledger) as connection:
        previous = latest_run(connection, destination.label)
        run_id = open_run(
            connection,
            source=source,
            destination=destination.label,
            model_digest=model,
            config_digest=recipe,
            configuration=configuration,
        )
        release_all(connection, run_id)
        if retry:
            retry_quarantined(connection, run_id)
    result = plan_images(ledger, run_id, (_planned(entry, selection) for entry in entries))
    # Another run may have put its own pictures under the same names: then sizes alone do not tell.
    _reopen_lost(ledger, run_id, destination, by_digest=previous is not None and previous.id != run_id)
    with reading(ledger) as connection:
        before = read_progress(connection, run_id)
    names = {part for entry in entries for part in (entry.name, entry.name.rsplit("/", 1)[-1])}
    unmatched = tuple(sorted(selection.exclude_list - names))
    return Plan(run_id=run_id, result=result, before=before, unmatched=unmatched)


def _planned(entry: Entry, selection: Selection) -> PlannedImage:
    problem = entry.problem
    return PlannedImage(
        name=entry.name,
        source_version=entry.version,
        size_bytes=entry.size_bytes,
        excluded=selection.refusal(entry.name),
        problem=None if problem is None else Quarantined(reason=problem.reason, message=str(problem)),
    )


def _reopen_lost(ledger: Engine, run_id: str, destination: Destination, *, by_digest: bool) -> None:
    after: str | None = None
    while True:
        with reading(ledger) as connection:
            page = images(connection, run_id, state=ImageState.PUBLISHED, after=after)
        if not page:
            return
        after = page[-1].name
        lost = [
            image.name
            for image in page
            if destination.size_bytes(image.name) != image.output_size_bytes
            or (by_digest and digest_of(destination.read(image.name)) != image.output_digest)
        ]
        with transaction(ledger) as connection:
            reopen(connection, run_id, lost)
