"""A folder of finished pictures, to be looked at. Nothing is written there, not even to find out whether one could."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, DependencyUnavailable, NotPublishable
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest
from baas_preprocess.stores.places import name_problem

_FULL_OR_GONE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENOTCONN}
)
# The name's own fault: too long, or what has it, or is above it, is something else than the place needs there.
ABOUT_ONE_NAME = frozenset({errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP})


class FolderOutputs:
    """What stands in a folder."""

    title = "DEST"
    """What a person calls it."""

    def __init__(self, folder: Path, *, label: str) -> None:
        """Raise `ConfigurationError` when there is no such folder."""
        self.folder = folder
        self.label = label
        try:
            is_there = folder.is_dir()
        except OSError as error:
            raise full_or_gone(error, folder) or ConfigurationError(
                f"{folder} cannot be looked at: {error.strerror}. Change its permissions."
            ) from error
        if not is_there:
            raise ConfigurationError(
                f"There is no destination at {folder}: name the folder that outputs were put into."
            )

    def names(self) -> Iterator[str]:
        """Give the names of all files, in no order."""
        for place, _, files in os.walk(self.folder, onerror=self._refused):
            yield from (Path(place, file).relative_to(self.folder).as_posix() for file in files)

    def size_bytes(self, name: str) -> int | None:
        """Return the size of a published file, None when it is not there or something else stands in its place.

        Raises `DependencyUnavailable` and `ConfigurationError` when that cannot be told.
        """
        try:
            facts = self._path_of(name).lstat()
        except (FileNotFoundError, NotPublishable):
            return None
        except OSError as error:
            if error.errno in ABOUT_ONE_NAME:
                return None
            raise full_or_gone(error, self.folder / name) or ConfigurationError(
                f"{self.folder / name} cannot be looked at: {error.strerror}. Change the permissions of its folder."
            ) from error
        return facts.st_size if stat.S_ISREG(facts.st_mode) else None

    def holds(self, name: str, size_bytes: int, version: str | None) -> bool:
        """Whether a file of this size is there. A folder has no versions."""
        return self.size_bytes(name) == size_bytes

    def digest(self, name: str) -> Digest | None:
        """Read a published file and return its digest, None when it is not there or cannot be read."""
        data = self.read(name)
        return None if data is None else digest_of(data)

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a published file, None when it is not there or cannot be read."""
        if self.size_bytes(name) is None:
            return None
        try:
            return self._path_of(name).read_bytes()
        except OSError as error:
            if away := full_or_gone(error, self.folder / name):
                raise away from error
            return None

    def _refused(self, error: OSError) -> None:
        raise full_or_gone(error, self.folder) or ConfigurationError(
            f"{error.filename} cannot be looked at: {error.strerror}. Change its permissions."
        ) from error

    def _path_of(self, name: str) -> Path:
        """Return where a name lies. Raises `NotPublishable` when that is not in the folder."""
        if problem := name_problem(name):
            raise problem
        target = self.folder / name
        if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(self.folder)):
            raise NotPublishable(
                QuarantineReason.UNUSABLE_NAME,
                f"{name}: a link in {self.title} leads its folder out of it: replace the link by a folder.",
            )
        return target


def full_or_gone(error: OSError, place: Path) -> DependencyUnavailable | None:
    """Return the error of a disk that is full or gone; None for what a person must change."""
    if error.errno not in _FULL_OR_GONE:
        return None
    return DependencyUnavailable(
        f"{place} cannot be written: {error.strerror}. Make room, then run the same command again: it continues."
    )
