"""Which pictures of a source a run takes at all: a share of them, what a withdrawn model made, or what the earlier
service has not finished. It never hears of the others: they are neither counted nor taken away.
"""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger.chunks import chunks
from baas_ledger.earlier_imports import check_imported, kept_names
from baas_ledger.engine import reading, transaction
from baas_ledger.lineage import check_made_something, names_made_by
from baas_ledger.plan import storable_name
from baas_ledger.records import image_pages, known_names
from baas_ledger.reopen import reopen
from baas_ledger.tables import ImageState
from baas_preprocess.facts import Digest
from baas_preprocess.selection import Selection
from baas_preprocess.stores.places import QUESTIONS_AT_ONCE, Destination, Entry, Source, is_picture


class NothingToDo(ConfigurationError):
    """No picture of the source is one that the run would take: nothing was recorded. A person decides whether that is
    well."""


def check_redo(ledger: Engine, selection: Selection, *, destination: str, model: Digest) -> None:
    """Raise `ConfigurationError` unless a model to redo is one that worked for this destination, and not ours."""
    withdrawn = selection.redo_model
    if withdrawn is None:
        return
    if withdrawn == model:
        raise ConfigurationError(
            f"The model to redo, {withdrawn}, is the one that Triton serves: what it made would be made by it again. "
            "Serve another one."
        )
    with reading(ledger) as connection:
        check_made_something(connection, withdrawn, destination)


def check_earlier(ledger: Engine, selection: Selection, *, destination: str) -> None:
    """Raise `ConfigurationError` when what the earlier service finished is to be kept, and nobody imported that."""
    if selection.keep_earlier:
        with reading(ledger) as connection:
            check_imported(connection, destination)


def check_some_taken(source: Source, selection: Selection, ledger: Engine, *, destination: Destination) -> None:
    """Raise `NothingToDo` when a new run would take no picture of a source that has some."""
    if next(source.entries(), None) is None:
        return
    if next(taken(source.entries(), selection, ledger, destination=destination, run_id=None), None) is None:
        of_whom = f"None of the pictures in {source.label}"
        if selection.redo_model is not None:
            made = f"has an output at {destination.label} that {selection.redo_model} made"
            sentence = f"{of_whom} {made}: nothing is to redo."
        else:
            sentence = f"{of_whom} is among the {selection.sample_percent} % that were asked for: ask for more."
        raise NothingToDo(sentence)


def taken(
    entries: Iterable[Entry], selection: Selection, ledger: Engine, *, destination: Destination, run_id: str | None
) -> Iterator[Entry]:
    """Give those entries that are part of a run, which is None before it is opened.

    What the run has is part of it for good: what it has redone was made by its own model since. So is a folder that
    cannot be listed, for nobody knows what is in it. What is left out is part of it, too: it is taken away, whoever
    published it.
    """
    if not selection.is_partial:
        yield from entries
        return
    for some in chunks(entries):
        names = {entry.name: storable_name(entry.name) for entry in some}
        wanted = {stored for name, stored in names.items() if selection.is_sampled(name)}
        with reading(ledger) as connection:
            if selection.redo_model is not None:
                wanted &= names_made_by(connection, selection.redo_model, destination.label, names.values())
            if selection.keep_earlier:
                finished = kept_names(connection, destination.label, names.values())
                left_out = {stored for name, stored in names.items() if selection.refusal(name) is not None}
                wanted -= _standing(destination, finished - left_out)
            if run_id is not None:
                wanted |= known_names(connection, run_id, names.values())
        yield from (entry for entry in some if names[entry.name] in wanted or _stands_for_others(entry))


def _standing(destination: Destination, names: Collection[str]) -> set[str]:
    """Return under which names a picture stands: what is finished only in a table is to be done."""
    with ThreadPoolExecutor(QUESTIONS_AT_ONCE, thread_name_prefix="output") as pool:
        sizes = pool.map(destination.size_bytes, names)
        return {name for name, size in zip(names, sizes, strict=True) if size}


def _stands_for_others(entry: Entry) -> bool:
    return entry.problem is not None and not is_picture(entry.name)


def reopen_replaced(ledger: Engine, run_id: str, selection: Selection, *, destination: str) -> None:
    """Send back what the run had published before the withdrawn model published it once more.

    Its file may even be the same, to the byte; that the run made it is to stand in the ledger. What has no original any
    more stays.
    """
    if selection.redo_model is None:
        return
    for page in image_pages(ledger, run_id, ImageState.PUBLISHED):
        names = [image.name for image in page if image.source_deleted_at is None]
        with transaction(ledger) as connection:
            replaced = names_made_by(connection, selection.redo_model, destination, names)
            reopen(connection, run_id, sorted(replaced), why="A model that was withdrawn has made it since.")


def told_part(selection: Selection, listed: int) -> str | None:
    """Say in a sentence which of so many listed pictures are part of the run; None: all of them."""
    if not selection.is_partial and not selection.only_new:
        return None
    which = ["what is new"] if selection.only_new else []
    if selection.redo_model is not None:
        which.append(f"what {selection.redo_model} made")
    if selection.keep_earlier:
        which.append("what does not stand as the earlier service finished it")
    if selection.sample_percent < 100:
        which.append(f"a sample of {selection.sample_percent} %")
    return f"Of the {listed:,} pictures in the source this run takes {', and of that '.join(which)}."
