"""Pictures in folders and single files, on this machine's disks or on a volume."""

import errno
import glob
import hashlib
import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable, NotPublishable
from baas_preprocess.stores.folder import resolved
from baas_preprocess.stores.places import STATE_FOLDER, Deletion, Entry, SourceKept, is_picture

# What a volume's server that went away looks like; of other errors, only this one file is to blame.
_GONE = frozenset({errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN})
# No picture can have this name, so nothing with it is ever treated.
_UNLISTED = "(folder that cannot be listed)"


class FileSource:
    """Pictures in folders, single files and glob patterns; a folder's tree gives the names."""

    def __init__(self, places: Sequence[str], *, label: str | None = None) -> None:
        """Take folders, files or patterns. Raises `ConfigurationError` when one does not exist or cannot be reached.

        Without a `label` the absolute paths identify it.
        """
        self._files: dict[str, Path] = {}
        self._places = [place for text in places for place in _expand(text)]
        self.label = label or "\n".join(sorted(_shown(str(resolved(path))) for path, _ in self._places))

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

    def read(self, name: str, version: str | None = None) -> bytes:
        """Return a picture's bytes, of whatever version. Raises `NotPublishable` when it cannot be read (any more)."""
        try:
            return read_plain_file(self._path_of(name))
        except OSError as error:
            raise _reading_error(error, name) from error

    def delete(self, name: str, version: str) -> Deletion:
        """Delete a picture that is still of this version. A link stays, for what it leads to may be another's."""
        path = self._path_of(name)
        try:
            facts = path.lstat()
            if stat.S_ISLNK(facts.st_mode):
                raise SourceKept(f"{name}: it is a link; delete what it leads to yourself.")
            if _version(facts) != version:
                raise SourceKept(
                    f"{name}: it changed since it was read, or another name of the file (hard link) was deleted."
                )
            path.unlink()
        except FileNotFoundError:
            return Deletion(was_there=False, copies=())
        except OSError as error:
            if error.errno in _GONE:
                raise _reading_error(error, name) from error
            raise ConfigurationError(
                f"{path} cannot be deleted: {error.strerror}. Let it be written to, or delete no originals."
            ) from error
        others = facts.st_nlink - 1
        return Deletion(was_there=True, copies=(f"{others} other names of the file (hard links)",) if others else ())

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
            yield Entry(name=_shown(prefix + _UNLISTED), version="", size_bytes=0, problem=problem)
            return
        for child in children:
            if child.is_dir(follow_symlinks=False):
                if prefix or child.name != STATE_FOLDER:
                    yield from self._walk(Path(child.path), f"{prefix}{child.name}/")
            elif is_picture(child.name) and not _leads_to_folder(child):
                yield self._entry(Path(child.path), prefix + child.name)

    def _entry(self, path: Path, name: str) -> Entry:
        shown = _shown(name)
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
            if error.errno in _GONE:
                raise _reading_error(error, name) from error
            problem = NotPublishable(QuarantineReason.UNREADABLE, f"It cannot be opened: {error.strerror}")
            return Entry(name=name, version="", size_bytes=0, problem=problem)
        if not stat.S_ISREG(facts.st_mode):
            return Entry(name=name, version="", size_bytes=0, problem=_not_a_file())
        return Entry(name=name, version=_version(facts), size_bytes=facts.st_size)


def read_plain_file(path: Path) -> bytes:
    """Return a file's bytes. Raises `OSError`, and `NotPublishable` for what is no file: a pipe could wait for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_a_file()
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _expand(text: str) -> list[tuple[Path, str]]:
    """Return the paths that a place stands for, each with its name: nothing for a folder given as such."""
    path = Path(text)
    try:
        if path.exists() or path.is_symlink():
            return [(path, "" if path.is_dir() else path.name)]
        found = _matches(path) if glob.has_magic(text) else []
    except OSError as error:
        raise ConfigurationError(
            f"SOURCE {_printable(text)} cannot be reached: {error.strerror}. Check the permissions of its folders."
        ) from error
    if not found:
        raise ConfigurationError(f"SOURCE {_printable(text)} does not exist and matches no file.")
    return found


def _matches(path: Path) -> list[tuple[Path, str]]:
    fixed = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts))
    pattern = path.relative_to(fixed)
    if ".." in pattern.parts:
        raise ConfigurationError(
            f"SOURCE {_printable(str(path))} has `..` behind a wildcard, so names would lead out of DEST: put the `..` "
            "before it."
        )
    matches = [(match, match.relative_to(fixed)) for match in sorted(fixed.glob(str(pattern))) if match.is_file()]
    return [(match, name.as_posix()) for match, name in matches if name.parts[0] != STATE_FOLDER]


def _version(facts: os.stat_result) -> str:
    # Who sets back a file's time, or changes its permissions, still moves the time of its last change of any kind. So
    # does whoever deletes another name of it, which cannot be told from that: better keep one original too many.
    return f"{facts.st_size}-{facts.st_mtime_ns}-{facts.st_ctime_ns}"


def _leads_to_folder(child: os.DirEntry[str]) -> bool:
    try:
        return child.is_dir()
    except OSError:
        return False  # what it is instead, its entry tells


def _not_a_file() -> NotPublishable:
    return NotPublishable(QuarantineReason.UNREADABLE, "It is not a regular file.")


def _reading_error(error: OSError, name: str) -> BaasError:
    if error.errno in _GONE:
        return DependencyUnavailable(f"The volume with {name} does not answer: {error.strerror}.")
    return NotPublishable(QuarantineReason.UNREADABLE, f"{name}: {error.strerror}")


def _shown(name: str) -> str:
    """The name as UTF-8 text. With undecodable bytes it is told apart by a digest from names that only print alike."""
    printed = _printable(name)
    return printed if printed == name else f"{printed} ({hashlib.sha256(os.fsencode(name)).hexdigest()[:8]})"


def _printable(name: str) -> str:
    """The name as UTF-8 text, undecodable bytes as `\\xNN`."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")
