"""Take over what a database of the earlier service says of its pictures: read there, keep in the ledger."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger.chunks import chunks
from baas_ledger.earlier_database import EarlierDatabase
from baas_ledger.earlier_imports import add_images, begin_import, finish_import
from baas_ledger.earlier_rows import EarlierImage, Found, read_image
from baas_ledger.engine import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is imported."""

    customer: str
    below: str = ""
    """The folder of the earlier service's names that is the source of runs; empty: all of them."""
    redo_without_boxes: bool = True
    """Whether pictures that it finished and recorded no box of are to be done."""


Tell = Callable[[int, Counter[str]], None]
"""Takes how many names were read since the last call, and what was counted so far, by `earlier_rows.Found`."""


def customer_of(database: EarlierDatabase, wanted: str | None) -> str:
    """Return whose pictures are imported. Raises `ConfigurationError`, which names all, unless it is clear."""
    there = database.customers()
    if wanted in there:
        return str(wanted)
    if wanted is None and len(there) == 1:
        return there[0]
    names = ", ".join(there) or "nobody"
    if wanted is None:
        raise ConfigurationError(f"{database.origin} has pictures of {names}: say whose with --customer.")
    raise ConfigurationError(f"{database.origin} has no pictures of {wanted}; it has pictures of {names}.")


def look(database: EarlierDatabase, wish: Wish, tell: Tell) -> Counter[str]:
    """Return what an import would count; nothing is written. Raises `ConfigurationError` when it would be nothing."""
    _check_some(database, wish)
    counts: Counter[str] = Counter()
    for _, _ in _read(database, wish, counts, tell, after=""):
        pass
    return counts


def take_over(database: EarlierDatabase, wish: Wish, ledger: Engine, destination: str, tell: Tell) -> Counter[str]:
    """Keep all in the ledger that its tables say, and return what was counted.

    Interrupted, the same call goes on; after its end, it begins anew, and drops what is not there any more. Raises
    `ConfigurationError` when there is nothing to import; then nothing is written.
    """
    _check_some(database, wish)
    with transaction(ledger) as connection:
        begun = begin_import(
            connection,
            destination=destination,
            origin=database.origin,
            customer=wish.customer,
            below=wish.below,
            redo_without_boxes=wish.redo_without_boxes,
        )
    counts = begun.counts
    for images, last_name in _read(database, wish, counts, tell, after=begun.last_name):
        with transaction(ledger) as connection:
            add_images(connection, begun, images, last_name=last_name, counts=counts)
    with transaction(ledger) as connection:
        counts[Found.DROPPED] = finish_import(connection, begun)
    return counts


def _check_some(database: EarlierDatabase, wish: Wish) -> None:
    if database.has_pictures(wish.customer, wish.below):
        return
    if wish.below:
        raise ConfigurationError(
            f"No picture of {wish.customer} lies in the folder {wish.below}: --below is wrong. Nothing was written."
        )
    raise ConfigurationError(f"The database has no picture of {wish.customer} with a status.")


def _read(
    database: EarlierDatabase, wish: Wish, counts: Counter[str], tell: Tell, *, after: str
) -> Iterator[tuple[list[EarlierImage], str]]:
    """Give what is imported in pieces, each with the last name that it came to; it is counted by then."""
    pictures = database.pictures(wish.customer, after)
    for some in chunks(pictures):
        read = (read_image(rows, counts, below=wish.below, redo_without_boxes=wish.redo_without_boxes) for rows in some)
        yield [image for image in read if image is not None], some[-1][0].name
        tell(len(some), counts)
