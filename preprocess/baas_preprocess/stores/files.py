"""Pictures in folders and single files, on this machine's disks or on a volume."""

import errno
import glob
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable, NotPublishable
from baas_preprocess.stores.places import Entry, is_picture

# What a volume's server that went away looks like; of other errors, only this one file is to blame.
_GONE = frozenset({errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN})


class FileSource:
    """Pictures in folders, single files and glob patterns; a folder's tree gives the names."""

    def __init__(self, places: Sequence[str], *, label: str | None = None) -> None:
        """Take folders, files or patterns. Raises `ConfigurationError` when one does not exist.

        Without a `label` the absolute paths identify it.
        """
        self._files: dict[str, Path] = {}
        self._places = [place for text in places for place in _expand(text)]
        self.label = label or "\n".join(sorted(_printable(str(path.resolve())) for path, _ in self._places))

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders and files it was made of."""
        return tuple(path for path, _ in self._places)

    def entries(self) -> Iterator[Entry]:
        """Walk the folders in the order of names. Links to folders are not followed, so loops are harmless."""
        for path, name in self._places:
            if path.is_dir():
                yield from self._walk(path, "")
            else:
                yield self._entry(path, name)

    def read(self, name: str) -> bytes:
        """Return a picture's bytes. Raises `NotPublishable` when it cannot be read (any more)."""
        try:
            return self._path_of(name).read_bytes()
        except OSError as error:
            raise _reading_error(error, name) from error

    def _path_of(self, name: str) -> Path:
        first, own_name = self._places[0]
        return self._files.get(name, first if own_name == name else first / name)

    def _walk(self, folder: Path, prefix: str) -> Iterator[Entry]:
        try:
            children = sorted(os.scandir(folder), key=lambda child: child.name)
        except OSError as error:
            if error.errno in _GONE:
                raise _reading_error(error, str(folder)) from error
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
        # Names within one place differ by themselves, and there may be millions.
        if len(self._places) > 1 and self._files.setdefault(name, path) != path:
            raise ConfigurationError(
                f"Both {self._files[name]} and {path} would become {name}: give a folder above both, or one at a time."
            )
        try:
            facts = path.stat()
        except OSError as error:
            problem = NotPublishable(QuarantineReason.UNREADABLE, f"It cannot be opened: {error.strerror}")
            return Entry(name=name, version="", size_bytes=0, problem=problem)
        return Entry(name=name, version=f"{facts.st_size}-{facts.st_mtime_ns}", size_bytes=facts.st_size)


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


def _reading_error(error: OSError, name: str) -> BaasError:
    if error.errno in _GONE:
        return DependencyUnavailable(f"The volume with {name} does not answer: {error.strerror}.")
    return NotPublishable(QuarantineReason.UNREADABLE, f"{name}: {error.strerror}")


def _printable(name: str) -> str:
    """The name as UTF-8 text, undecodable bytes as `\\xNN`."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")
