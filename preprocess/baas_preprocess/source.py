"""Where panoramas come from: what is there, and the bytes of each. Edge: the file system."""

import csv
import fnmatch
import glob
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable

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


class Source(Protocol):
    """What the pipeline needs of a source."""

    @property
    def label(self) -> str:
        """What identifies it in the ledger."""

    def entries(self) -> Iterator[Entry]:
        """Everything there, in a stable order, unreadable things too."""

    def read(self, name: str) -> bytes:
        """Return a picture's bytes. Raises `NotPublishable` when it cannot be read."""


class FileSource:
    """Pictures in folders, single files and glob patterns; a folder's tree gives the names."""

    def __init__(self, places: Sequence[str]) -> None:
        """Take folders, files or patterns. Raises `ConfigurationError` when one does not exist."""
        self._files: dict[str, Path] = {}
        self._places = [place for text in places for place in _expand(text)]
        self.label = "\n".join(sorted(_printable(str(path.resolve())) for path, _ in self._places))

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders and files it was made of."""
        return tuple(path for path, _ in self._places)

    def entries(self) -> Iterator[Entry]:
        """Walk the folders in the order of names. Links to folders are not followed, so loops are harmless."""
        for path, name in self._places:
            if path.is_dir():
                yield from self._walk(path, f"{name}/" if name else "")
            else:
                yield self._entry(path, name)

    def read(self, name: str) -> bytes:
        """Return a picture's bytes. Raises `NotPublishable` when it cannot be read (any more)."""
        try:
            return self._files.get(name, self._places[0][0] / name).read_bytes()
        except OSError as error:
            raise NotPublishable(QuarantineReason.UNREADABLE, f"{name}: {error.strerror}") from error

    def _walk(self, folder: Path, prefix: str) -> Iterator[Entry]:
        try:
            children = sorted(os.scandir(folder), key=lambda child: child.name)
        except OSError as error:
            problem = NotPublishable(QuarantineReason.UNREADABLE, f"The folder cannot be listed: {error.strerror}")
            yield Entry(name=_printable(prefix or str(folder)), version="", size_bytes=0, problem=problem)
            return
        for child in children:
            if child.is_dir(follow_symlinks=False):
                yield from self._walk(Path(child.path), f"{prefix}{child.name}/")
            elif is_picture(child.name) and not child.is_dir():
                yield self._entry(Path(child.path), prefix + child.name)

    def _entry(self, path: Path, name: str) -> Entry:
        shown = _printable(name)
        if shown != name:
            problem = NotPublishable(QuarantineReason.UNUSABLE_NAME, "The file's name is not valid UTF-8: rename it.")
            return Entry(name=shown, version="", size_bytes=0, problem=problem)
        if self._files.setdefault(name, path) != path:
            raise ConfigurationError(
                f"Both {self._files[name]} and {path} would become {name}: give a folder above both, or one at a time."
            )
        try:
            facts = path.stat()
        except OSError as error:
            problem = NotPublishable(QuarantineReason.UNREADABLE, f"It cannot be opened: {error.strerror}")
            return Entry(name=name, version="", size_bytes=0, problem=problem)
        return Entry(name=name, version=f"{facts.st_size}-{facts.st_mtime_ns}", size_bytes=facts.st_size)


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture by its name."""
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in PICTURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which names of a source are worked on. In patterns `*` also matches slashes."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_list: frozenset[str] = frozenset()
    """Whole relative paths or plain file names."""

    def refusal(self, name: str) -> str | None:
        """Why a name is left out, or None when it is worked on."""
        if name in self.exclude_list or name.rsplit("/", 1)[-1] in self.exclude_list:
            return "It is on the exclude list."
        if matching := next((pattern for pattern in self.exclude if fnmatch.fnmatchcase(name, pattern)), None):
            return f"It matches --exclude {matching}."
        if self.include and not any(fnmatch.fnmatchcase(name, pattern) for pattern in self.include):
            return "It matches no --include."
        return None


def read_exclude_list(path: Path) -> frozenset[str]:
    """Read names from a text file, one a line, or from a CSV file with a column `filename`.

    Raises `ConfigurationError` when the file cannot be read or has no such column.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--exclude-list {path} cannot be read: {error}") from error
    header = next(csv.reader(lines[:1]), [])
    if path.suffix.lower() == ".csv" or "filename" in header:
        if "filename" not in header:
            raise ConfigurationError(f"--exclude-list {path} has the columns {header}; one must be called `filename`")
        return frozenset(row["filename"].strip() for row in csv.DictReader(lines) if row["filename"])
    return frozenset(line.strip() for line in lines if line.strip())


def _expand(text: str) -> list[tuple[Path, str]]:
    """Return the paths that a place stands for, each with its name: nothing for a folder given as such."""
    path = Path(text)
    if path.exists() or path.is_symlink():
        return [(path, "" if path.is_dir() else path.name)]
    fixed = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts))
    pattern = str(path.relative_to(fixed))
    if found := sorted(fixed.glob(pattern)) if glob.has_magic(text) else []:
        return [(match, match.relative_to(fixed).as_posix()) for match in found if match.is_file()]
    raise ConfigurationError(f"SOURCE {_printable(text)} does not exist and matches no file.")


def _printable(name: str) -> str:
    """The name as UTF-8 text, undecodable bytes as `\\xNN`."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")
