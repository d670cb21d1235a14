"""Copy the pictures of a sample into a folder of its own, with a worklist; whoever does it again gets the same."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from baas_crds.errors import DependencyUnavailable, NotPublishable
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import EventKind, ImageRecord, Run
from baas_ledger.records import named_image
from baas_ledger.samples import is_drawn, note_drawn
from baas_ledger.tables import ImageState
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest
from baas_preprocess.stores.places import STATE_FOLDER, Destination, Outputs, Provenance

logger = logging.getLogger(__name__)

WORKLIST = "worklist.csv"
"""Beside the pictures of a sample. No picture is called so."""
# As many pictures are copied at the same time.
_AT_ONCE = 8


class Stopped(Exception):
    """The process was told to end before a sample was whole."""


class Shelf(Destination, Outputs, Protocol):
    """A folder that holds one sample and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """One sample that is being drawn."""

    kind: EventKind
    ledger: Engine
    run: Run
    shelf: Shelf
    stop: threading.Event
    """Set when the process has to end."""

    @property
    def is_done(self) -> bool:
        """Whether it was drawn before. Then it stays as it is: people may be at work on it."""
        with reading(self.ledger) as connection:
            return is_drawn(connection, self.run.id, self.kind)

    def published(self, name: str) -> ImageRecord:
        """Return what the ledger has of a drawn image. Raises `DependencyUnavailable` when it was taken back since."""
        with reading(self.ledger) as connection:
            image = named_image(connection, self.run.id, name)
        if image is None or image.state is not ImageState.PUBLISHED:
            raise DependencyUnavailable(f"{name} was taken back while it was copied: the sample must be drawn anew")
        return image

    def write(self, image: ImageRecord, data: bytes) -> None:
        """Copy a picture of an image. Raises `NotPublishable` when nothing there can have its name."""
        made_from = Digest(image.input_digest or "")
        provenance = Provenance(
            model=Digest(image.model_digest or ""),
            configuration=Digest(image.config_digest or ""),
            input=made_from,
            output=digest_of(data),
        )
        self.shelf.write(image.name, data, provenance)


def copied(sampling: Sampling, names: Iterable[str], copy: Callable[[str], str | None]) -> dict[str, str]:
    """Copy some pictures at once, and return why some were not copied: a sentence by name.

    `copy` copies one and returns None, or says why not. Raises what it raises, and `Stopped`.
    """

    def unless_stopped(name: str) -> tuple[str, str | None]:
        if sampling.stop.is_set():
            raise Stopped
        return name, copy(name)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sample") as pool:
        return {name: problem for name, problem in pool.map(unless_stopped, names) if problem is not None}


def told(name: str, problem: NotPublishable) -> str:
    """Return a sentence about a picture that names it."""
    return str(problem) if str(problem).startswith(name) else f"{name}: {problem}"


def finish(
    sampling: Sampling, names: Collection[str], worklist: str, *, number: int, sentence: str, **further: object
) -> None:
    """Write the worklist of `names`, take away what else lies there, and note what was drawn of `number` pictures.

    `sentence` tells people so, with `{drawn}`, `{of}` and `{place}` in it. When another worker was faster, nothing
    changes.
    """
    if sampling.is_done:
        return
    shelf, kept = sampling.shelf, {*names, WORKLIST}
    # Left by a worker that was killed, of a sample that cannot be drawn any more: some image was taken back since.
    for name in [name for name in shelf.names() if name not in kept and not name.startswith(f"{STATE_FOLDER}/")]:
        shelf.remove(name)
    data = worklist.encode("utf-8", "surrogateescape")
    own, run = digest_of(data), sampling.run
    model, configuration = Digest(run.model_digest), Digest(run.config_digest)
    shelf.write(WORKLIST, data, Provenance(model=model, configuration=configuration, input=own, output=own))
    facts = {"drawn": len(names), "of": number, "place": shelf.label, **further}
    message = sentence.format_map(facts)
    with transaction(sampling.ledger) as connection:
        is_first = note_drawn(connection, run.id, sampling.kind, message, facts)
    if is_first:
        logger.info("%s", message, extra={"facts": {"run": run.id, **facts}})
