"""What the step `retrieve` has got in one call, as the source of the steps behind it.

The folder of copies may hold more: of another place or selection, of pictures that are gone or refused by now, or put
there by hand. None of it is part of a run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_panoramas.downloading import Fate
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.places import Deletion, Entry, is_picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """What became of one picture that the origin has."""

    name: str
    fate: Fate | None
    """None: it is left out, and was not copied."""
    message: str = ""
    """Why it was refused."""


@dataclass(slots=True, kw_only=True)
class Copies:
    """What one call has retrieved, whole, into a folder, or refused, or left out."""

    folder: Path
    origin: str = ""
    """What identifies where the pictures came from."""
    found: dict[str, Retrieved] = field(default_factory=dict)
    """By name."""

    def add(self, done: Retrieved) -> None:
        """Take one picture's fate."""
        self.found[done.name] = done

    def has(self, name: str) -> bool:
        """Whether a picture was retrieved by this call, or found to be there whole."""
        done = self.found.get(name)
        return done is not None and done.fate in {Fate.DOWNLOADED, Fate.WHOLE}

    def without_left_out(self) -> "Copies":
        """Return it without what was not to be copied."""
        return replace(self, found={name: done for name, done in self.found.items() if done.fate is not None})


class RetrievedSource:
    """The copies that this call retrieved. What was refused or left out is listed so, and never read."""

    def __init__(self, copies: Copies) -> None:
        """Take copies whose retrieving has ended. Raises `ConfigurationError` when their folder is not there."""
        self._copies = copies
        self._files = FileSource([str(copies.folder)])
        # Copies of another place or by other filters are another run, with a sample of its own.
        self.label = f"{self._files.label} (copies of {copies.origin})"

    def entries(self) -> Iterator[Entry]:
        """Give each picture that the origin has: first those that are there, in the order of names."""
        there = set()
        for entry in self._files.entries():
            if self._copies.has(entry.name):
                there.add(entry.name)
                yield entry
        for name, done in self._copies.found.items():
            if name not in there:
                yield Entry(name=name, version="", size_bytes=0, problem=_problem(done))

    def read(self, name: str, version: str | None = None) -> bytes:
        """Return a picture's bytes. Raises `NotPublishable` for one that this call did not retrieve."""
        if is_picture(name) and not self._copies.has(name):
            raise NotPublishable(
                QuarantineReason.UNREADABLE,
                f"{name}: it was not retrieved by this call, and older copies are not used. To have it done later, "
                f"delete its copy in {self._copies.folder}, so that it is retrieved anew.",
            )
        return self._files.read(name, version)

    def delete(self, name: str, version: str) -> Deletion:
        """Raise `ConfigurationError`: only a copy would go."""
        raise ConfigurationError(f"{name} is a copy: with steps.retrieve no originals are deleted.")


def _problem(done: Retrieved) -> NotPublishable | None:
    """What is wrong with a picture that is not among the copies; nothing, when it is left out."""
    if done.fate is None:
        return None
    message = done.message if done.fate is Fate.REFUSED else f"{done.name}: its copy was taken away meanwhile."
    return NotPublishable(QuarantineReason.UNREADABLE, message)
