"""What of a source is new: all but the pictures whose outputs stand at the destination as they would be made now."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine

from baas_ledger.chunks import chunks
from baas_ledger.engine import reading
from baas_ledger.finished import Output, finished
from baas_ledger.plan import storable_name
from baas_ledger.records import known_names
from baas_preprocess.facts import Digest
from baas_preprocess.publish import Extras, extras_are_there
from baas_preprocess.selection import Selection
from baas_preprocess.stores.places import QUESTIONS_AT_ONCE, Destination, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What outputs would be made with now, and where they stand."""

    destination: Destination
    extras: Extras
    model: Digest
    recipe: Digest


def unfinished(
    entries: Iterable[Entry], selection: Selection, ledger: Engine, *, wanted: Wanted, run_id: str
) -> Iterator[Entry]:
    """Give those entries that something is to be done about: what is not finished, and what is left out and stands.

    What the run has is part of it for good, and so is what cannot be read. Asks the ledger once for each chunk, and the
    destination about each picture that the ledger takes for finished or that is left out.
    """
    with ThreadPoolExecutor(QUESTIONS_AT_ONCE, thread_name_prefix="output") as pool:
        for some in chunks(entries):
            stored = [storable_name(entry.name) for entry in some]
            with reading(ledger) as connection:
                ours = known_names(connection, run_id, stored)
                outputs = finished(
                    connection,
                    wanted.destination.label,
                    {name: entry.version for name, entry in zip(stored, some, strict=True)},
                    model_digest=wanted.model,
                    config_digest=wanted.recipe,
                )
            is_part = [name in ours or entry.problem is not None for name, entry in zip(stored, some, strict=True)]
            is_new = pool.map(lambda one, outputs=outputs: _is_new(one, outputs.get(one.name), selection, wanted), some)
            yield from (entry for entry, *reasons in zip(some, is_part, is_new, strict=True) if any(reasons))


def _is_new(entry: Entry, output: Output | None, selection: Selection, wanted: Wanted) -> bool:
    """Whether something is to be done about a picture that must have this output; None: none can be right."""
    if selection.refusal(entry.name) is not None:
        return wanted.destination.size_bytes(entry.name) is not None
    if output is None or not wanted.destination.holds(entry.name, output.size_bytes, output.version):
        return True
    return not extras_are_there(wanted.destination, entry.name, wanted.extras)
