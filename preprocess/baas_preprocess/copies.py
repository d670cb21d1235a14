"""Copy the pictures of a sample into a folder of its own, with a worklist; whoever does it again gets the same."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from baas_crds.errors import DependencyUnavailable, NotPublishable
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import EventKind, ImageRecord, Run
from baas_ledger.records import named_image
from baas_ledger.samples import NotTheDrawer, begin_drawing, copying, drawing, is_drawn, note_drawn
from baas_ledger.tables import ImageState
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest
from baas_preprocess.stores.places import Destination, Outputs, Provenance

logger = logging.getLogger(__name__)

WORKLIST = "worklist.csv"
"""Beside the pictures of a sample. No picture is called so."""
# As many pictures are copied at the same time.
_AT_ONCE = 8
# Whoever waits for another worker asks this often whether that has ended.
_PAUSE_SECONDS = 1


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

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Wait until no other worker draws it; give whether it must be drawn still.

        Drawn before, it stays as it is: people may be at work on it. Raises `Stopped`, and `DependencyUnavailable` when
        another worker took it over.
        """

        def wait() -> None:
            if self.stop.wait(_PAUSE_SECONDS):
                raise Stopped

        try:
            with drawing(self.ledger, self.run.id, self.kind, wait):
                with reading(self.ledger) as connection:
                    is_done = is_drawn(connection, self.run.id, self.kind)
                if self.stop.is_set() and not is_done:
                    raise Stopped
                yield not is_done
        except NotTheDrawer as error:
            raise DependencyUnavailable(
                "The connection to the ledger was lost: another worker draws the sample"
            ) from error

    def published(self, name: str) -> ImageRecord:
        """Return what the ledger has of a drawn image. Raises `DependencyUnavailable` when it was taken back since."""
        with reading(self.ledger) as connection:
            image = named_image(connection, self.run.id, name)
        if image is None or image.state is not ImageState.PUBLISHED:
            raise DependencyUnavailable(f"{name} was taken back while it was copied: the sample must be drawn anew")
        return image


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """What became of the pictures that were to be copied."""

    number: int
    """Of the note that it began."""
    problems: Mapping[str, str]
    """Why some were not copied: a sentence by name."""


def copied(
    sampling: Sampling, names: Collection[str], copy: Callable[[str], str | None], *, of: int, sentence: str
) -> Copies:
    """Note that these pictures are going to be copied, then copy them, some at once.

    `sentence` tells people so, with `{drawn}`, `{of}` and `{place}` in it. `copy` copies one and returns None, or says
    why not. Raises what it raises, and `Stopped` and `NotTheDrawer`.
    """
    facts = {"drawn": len(names), "of": of, "place": sampling.shelf.label}
    ledger, run, kind = sampling.ledger, sampling.run.id, sampling.kind
    number = begin_drawing(ledger, run, kind, sentence.format_map(facts), facts)

    def unless_stopped(name: str) -> tuple[str, str | None]:
        if sampling.stop.is_set():
            raise Stopped
        with copying(ledger, run, kind, number):
            return name, copy(name)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sample") as pool:
        found = pool.map(unless_stopped, names)
        return Copies(number=number, problems={name: problem for name, problem in found if problem is not None})


def told(name: str, problem: NotPublishable) -> str:
    """Return a sentence about a picture that names it."""
    return str(problem) if str(problem).startswith(name) else f"{name}: {problem}"


def finish(
    sampling: Sampling,
    number: int,
    names: Collection[str],
    worklist: str,
    *,
    of: int,
    sentence: str,
    **further: object,
) -> None:
    """Write the worklist of `names`, take away the run's other pictures, and note what was drawn of `of` pictures.

    `number` is that of the note that it began. `sentence` tells people so, with `{drawn}`, `{of}` and `{place}` in it.
    Raises `NotTheDrawer`.
    """
    data = worklist.encode("utf-8", "surrogateescape")
    own, run, shelf = digest_of(data), sampling.run, sampling.shelf
    model, configuration = Digest(run.model_digest), Digest(run.config_digest)
    with copying(sampling.ledger, run.id, sampling.kind, number):
        for name in _left_over(sampling, {*names, WORKLIST}):
            shelf.remove(name)
        shelf.write(WORKLIST, data, Provenance(model=model, configuration=configuration, input=own, output=own))
    facts = {"drawn": len(names), "of": of, "place": shelf.label, **further}
    message = sentence.format_map(facts)
    with transaction(sampling.ledger) as connection:
        note_drawn(connection, run.id, sampling.kind, number, message, facts)
    logger.info("%s", message, extra={"facts": {"run": run.id, **facts}})


def _left_over(sampling: Sampling, kept: Collection[str]) -> list[str]:
    """Return the names of pictures of this run that lie there and are not drawn.

    They were left by a worker that was killed, of a sample that cannot be drawn any more: some image was taken back
    since. What else lies there is somebody else's.
    """
    with reading(sampling.ledger) as connection:
        return [
            name
            for name in sampling.shelf.names()
            if name not in kept and named_image(connection, sampling.run.id, name) is not None
        ]
