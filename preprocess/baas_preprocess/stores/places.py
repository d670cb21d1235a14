"""What the pipeline needs of a place, whatever kind of place it is. Edges implement it; nothing here does any I/O."""

import fnmatch
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Protocol

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.facts import Digest

# What a destination keeps for itself: its lock, its ledger, unfinished files. Never a place for pictures.
STATE_FOLDER = ".baas"
# A store of blobs answers one question in some ten milliseconds, and many at once.
QUESTIONS_AT_ONCE = 16
PICTURES = ("*.jpg", "*.jpeg", "*.png", "*.tif", "*.tiff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One picture of a source."""

    name: str
    """Relative path with forward slashes; also the output's name."""
    version: str
    """Changes when the content does."""
    size_bytes: int
    problem: NotPublishable | None = None
    """Set when it is already clear that it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a picture was made from, and with what."""

    model: Digest
    configuration: Digest
    input: Digest
    output: Digest
    """Of the finished picture, also on what is written beside it."""

    def as_metadata(self) -> dict[str, str]:
        """Return it as names and values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOfOriginal:
    """What an unredacted copy is: no model and no recipe made it."""

    original: Digest

    def as_metadata(self) -> dict[str, str]:
        """Return it as names and values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What is known of an original that is gone now."""

    was_there: bool
    """False: it was gone before, as after a crash between its deletion and the receipt."""
    copies: tuple[str, ...]
    """Copies of it that the place keeps in spite of that, in words."""


class SourceKept(Exception):
    """An original was not deleted; the text is a sentence that says why."""


class Source(Protocol):
    """Where pictures are read."""

    @property
    def label(self) -> str:
        """What identifies it in the ledger."""

    def entries(self) -> Iterator[Entry]:
        """Everything there, unreadable things too, without holding all of it in memory."""

    def read(self, name: str, version: str | None = None) -> bytes:
        """Return a picture's bytes as they are now.

        Raises `NotPublishable` when this one cannot be read, `DependencyUnavailable` when none can. `version` is what
        its entry said: a place of others refuses a picture that is another one by now. Of ours the new one is taken,
        and the next planning has it done once more.
        """

    def delete(self, name: str, version: str) -> Deletion:
        """Delete a picture that is still of this version, or gone already.

        Raises `SourceKept` when it is another by now, `ConfigurationError` when nothing may be deleted here,
        `DependencyUnavailable` when the place does not answer.
        """


class Destination(Protocol):
    """Where finished files are put. A file is there whole or not at all, however many write at once."""

    @property
    def label(self) -> str:
        """What identifies it in the ledger."""

    def write(self, name: str, data: bytes, provenance: Provenance | CopyOfOriginal) -> str | None:
        """Put a whole file in place of whatever has its name, and return the store's own version of it, if it has one.

        Doing it again changes nothing. Raises `NotPublishable` when no file there can have this name.
        """

    def remove(self, name: str) -> None:
        """Take a file away; it need not be there."""

    def size_bytes(self, name: str) -> int | None:
        """Return the size of a file, None when it is not there."""

    def holds(self, name: str, size_bytes: int, version: str | None) -> bool:
        """Whether a file has this size and, where the store has versions, is still the one of which `write` returned
        this one.
        """

    def digest(self, name: str) -> Digest | None:
        """Return the digest of a file, None when it is not there."""

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes as they are now, None when it is not there or cannot be read."""


class Outputs(Protocol):
    """Where finished files stand, for those who only look."""

    def names(self) -> Iterator[str]:
        """Give the names of all files, those of others too, in no order."""

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes as they are now, None when it is not there or cannot be read."""


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture by its name."""
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in PICTURES)


def name_problem(name: str) -> NotPublishable | None:
    """Return what is wrong with a relative name, if it could lead out of its place: `a//b`, `/a`, `../a`.

    A store of blobs knows no folders and has such names; a folder must never see them.
    """
    if {"", ".", ".."}.isdisjoint(name.split("/")):
        return None
    return NotPublishable(
        QuarantineReason.UNUSABLE_NAME, f"{name!r} has an empty, `.` or `..` part between its slashes: rename it."
    )
