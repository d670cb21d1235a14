"""Compare what stands at a destination with what the ledger has of it.

Others may write meanwhile. So whatever seems wrong is looked at again at the end, by which time it may be recorded.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import Engine

from baas_ledger.audit import records_of
from baas_ledger.chunks import chunks
from baas_ledger.contradictions import output_left
from baas_ledger.corrections import interrupted
from baas_ledger.earlier_imports import kept_at
from baas_ledger.engine import reading
from baas_ledger.facts import Corrected, ImageRecord, Run
from baas_ledger.records import images_at, named_image, published_of
from baas_ledger.tables import ImageState
from baas_ledger.text import printable
from baas_preprocess.digests import digest_of
from baas_preprocess.stores.places import Destination, Outputs, is_picture

INTERRUPTED = ": the run was interrupted, or "
"""Stands in what is told of a picture that a run which comes to its end records or takes away."""


def wrong_output(outputs: Outputs | Destination, image: ImageRecord, left: Corrected | None = None) -> str | None:
    """Read an output as it is now, and say what is wrong with it; None when it is what was recorded.

    `left` is a correction of it that was begun and not recorded.
    """
    data = outputs.read(image.name)
    if data is None:
        return f"{image.name}: its output is not there any more, or cannot be read"
    digest = digest_of(data)
    if digest == image.output_digest:
        return None
    if left is not None and digest == left.output_digest:
        return f"{image.name}: a correction of it was interrupted: repeat the same `baas redact-more`, which records it"
    return f"{image.name}: its output was changed after it was published"


def still_wrong(ledger: Engine, outputs: Outputs | Destination, image: ImageRecord) -> str | None:
    """Say what is wrong with an output by what the ledger has of it now; None when it is not published any more."""
    with reading(ledger) as connection:
        before, left = named_image(connection, image.run_id, image.name), interrupted(connection, image.id)
    if before is None or before.state is not ImageState.PUBLISHED:
        return None
    problem = wrong_output(outputs, before, left)
    with reading(ledger) as connection:
        after = named_image(connection, image.run_id, image.name)
    # It was corrected or made anew while it was read.
    is_settled = after is not None and after.output_digest == before.output_digest
    return problem if is_settled else None


def not_published(ledger: Engine, run: Run, outputs: Outputs) -> Iterator[str]:
    """Give the pictures at a run's destination that the run has not published, as far as their names tell."""
    for names in chunks(name for name in outputs.names() if is_picture(name)):
        storable = [name for name in names if printable(name) == name]
        with reading(ledger) as connection:
            known = published_of(connection, run.id, storable)
        yield from (name for name in names if name not in known)


def earlier_ones(ledger: Engine, run: Run, names: Collection[str]) -> set[str]:
    """Return which pictures at a run's destination stand there as the earlier service published them.

    That is what was imported of it. Nothing tells what they were, nor whether they were changed since.
    """
    found: set[str] = set()
    for some in chunks(names):
        places = {name: _places(run.destination, printable(name)) for name in some}
        with reading(ledger) as connection:
            kept = kept_at(connection, [place for among in places.values() for place in among])
        found |= {name for name, among in places.items() if not kept.isdisjoint(among)}
    return found


def unexplained(ledger: Engine, run: Run, outputs: Outputs, name: str) -> str | None:
    """Say why a picture should not stand at a run's destination; None when the records of any run explain it.

    Other runs may have published into the same destination, or into a folder above or below it.
    """
    data = outputs.read(name)
    with reading(ledger) as connection:
        known = images_at(connection, _places(run.destination, printable(name)))
        told = records_of(connection, [image.id for image in known])
    if data is not None and digest_of(data) in [output_left(told.get(image.id, [])) for image in known]:
        return None
    there = f"{printable(name)} stands at the destination, and"
    if any(image.state in {ImageState.PENDING, ImageState.LEASED} for image in known):
        return f"{there} no record explains it{INTERRUPTED}records were removed"
    ours = next((image for image in known if image.run_id == run.id), None)
    if ours is not None and ours.state is not ImageState.PUBLISHED:
        return f"{there} the ledger says that it is {ours.state}{INTERRUPTED}somebody put it back"
    return f"{there} no record explains it"


def _places(destination: str, name: str) -> list[tuple[str, str]]:
    """Return each destination and name that a file may have: what `a/b` has as `c.jpg`, `a` has as `b/c.jpg`."""
    whole = f"{destination}/{name}"
    return [(whole[:place], whole[place + 1 :]) for place, character in enumerate(whole) if character == "/"]
