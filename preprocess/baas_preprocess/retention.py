"""Delete originals whose outputs were published, read back and looked at again. Nothing else is ever deleted."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy import Engine

from baas_ledger.corrections import interrupted
from baas_ledger.engine import transaction
from baas_ledger.facts import ImageRecord
from baas_ledger.plan import leave_out
from baas_ledger.retention import deleted, hold_undeleted, source_deleted, undeleted
from baas_preprocess.audit_outputs import wrong_output
from baas_preprocess.publish import Extras, withdraw
from baas_preprocess.selection import Selection, spellings
from baas_preprocess.stores.places import Destination, Source, SourceKept

logger = logging.getLogger(__name__)

# As many pictures are read back at the same time.
_AT_ONCE = 8


@dataclass(slots=True)
class Retired:
    """What became of the originals of a run."""

    deleted: int = 0
    kept: list[str] = field(default_factory=list)
    """Why originals were left where they are, a sentence each."""


def delete_originals(ledger: Engine, run_id: str, source: Source, destination: Destination) -> Retired:
    """Delete the originals of all images that the run has published, one after its output was read back.

    Any number of workers may do it at once: each original is deleted by one of them, who writes the receipt. Doing it
    again goes on where it ended: what was deleted without a receipt gets it then. An original stays when its output is
    not what was recorded, when it was not looked at again, and when it changed since. Raises `DependencyUnavailable`,
    and `ConfigurationError` when the source does not let itself be deleted from.
    """
    retired = Retired()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="retention") as pool:
        for page in undeleted(ledger, run_id):
            for one in pool.map(lambda image: _retire(ledger, source, destination, image.id), page):
                retired.deleted += one.deleted
                retired.kept += one.kept
                for problem in one.kept:
                    logger.warning("An original was kept. %s", problem)
    return retired


def leave_out_deleted(
    ledger: Engine, destination: Destination, selection: Selection, extras: Extras, names: set[str]
) -> None:
    """Leave out and take away the outputs that are refused now and whose originals were deleted.

    No source lists them any more, so planning does not meet them. Those found are taken out of `names`. Of a partial
    selection only its part counts.
    """
    for image in deleted(ledger, destination.label):
        names -= spellings(image.name)
        refusal = _refusal(image, selection)
        if refusal is not None:
            # In this order: once it is left out, no run but its own comes back to it.
            withdraw(destination, image.name, extras)
            leave_out(ledger, image, refusal)


def leaves_some_out(ledger: Engine, destination: str, selection: Selection) -> bool:
    """Whether `leave_out_deleted` has anything to do."""
    return any(_refusal(image, selection) is not None for image in deleted(ledger, destination))


def _refusal(image: ImageRecord, selection: Selection) -> str | None:
    is_part = selection.is_sampled(image.name) and selection.redo_model in {None, image.model_digest}
    return selection.refusal(image.name) if is_part else None


def _retire(ledger: Engine, source: Source, destination: Destination, image_id: int) -> Retired:
    """Delete one original and keep the receipt, unless another worker has done it meanwhile."""
    # Longer than other transactions: nobody else deletes this original meanwhile, and nobody corrects its output.
    with transaction(ledger) as connection:
        image = hold_undeleted(connection, image_id)
        if image is None:
            return Retired()
        if not image.second_looks:
            return Retired(kept=[f"{image.name}: its output was not looked at again."])
        if problem := wrong_output(destination, image, interrupted(connection, image.id)):
            return Retired(kept=[f"{problem}."])
        try:
            deletion = source.delete(image.name, image.source_version)
        except SourceKept as kept:
            return Retired(kept=[str(kept)])
        receipt = {
            "source_version": image.source_version,
            "output": image.output_digest,
            "was_there": deletion.was_there,
            "copies": list(deletion.copies),
        }
        source_deleted(connection, image, receipt)
    return Retired(deleted=1)
