"""Where safe panoramas go. Edge: the file system. A file is there whole or not at all."""

import contextlib
import errno
import fcntl
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from baas_crds.errors import ConfigurationError, DependencyUnavailable


class Destination(Protocol):
    """What the pipeline needs of a destination."""

    @property
    def label(self) -> str:
        """What identifies it in the ledger."""

    def write(self, name: str, data: bytes) -> None:
        """Put a whole file in place of whatever has its name."""

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""

    def remove(self, name: str) -> None:
        """Take a file away; it need not be there."""

    def size_bytes(self, name: str) -> int | None:
        """Return the size of a file, None when it is not there."""


class FolderDestination:
    """A folder. Unfinished files live in its `.baas/unfinished` and hold redacted, verified bytes only."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if needed. Raises `ConfigurationError` when it cannot be written."""
        self.folder = folder
        self.state = self.state_of(folder)
        self._unfinished = self.state / "unfinished"
        self.label = str(folder.resolve())
        try:
            self._unfinished.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._unfinished):
                pass
        except OSError as error:
            raise _disk_error(error, folder) or ConfigurationError(
                f"DEST {folder} cannot be written: {error.strerror}. Choose another folder or change its permissions."
            ) from error

    @staticmethod
    def state_of(folder: Path) -> Path:
        """Return where a destination keeps its lock, ledger and unfinished files."""
        return folder / ".baas"

    def read(self, name: str) -> bytes:
        """Return a published file's bytes."""
        return (self.folder / name).read_bytes()

    def remove(self, name: str) -> None:
        """Take a published file away; it need not be there."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (self.folder / name).unlink()

    def size_bytes(self, name: str) -> int | None:
        """Return the size of a published file, None when it is not there."""
        try:
            return (self.folder / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write beside, sync, and rename into place.

        Raises `DependencyUnavailable` when the disk is full, `ConfigurationError` when the place is not writable.
        """
        target = self.folder / name
        unfinished = self._unfinished / uuid.uuid4().hex
        try:
            with unfinished.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished.replace(target)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise _disk_error(error, target) or ConfigurationError(
                f"{target} cannot be written: {error.strerror}."
            ) from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process alone; the kernel lets go when the process ends, however it ends.

        Under the lock the unfinished files of a killed process are removed. Raises `ConfigurationError` when another
        process holds it.
        """
        with (self.state / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise ConfigurationError(
                    f"Another `baas blur` (process {file.read().strip() or 'unknown'}) is working on {self.folder}: "
                    "wait for it, or choose another DEST."
                ) from error
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            for left_over in self._unfinished.iterdir():
                left_over.unlink()
            yield


def _disk_error(error: OSError, place: Path) -> DependencyUnavailable | None:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
        return DependencyUnavailable(
            f"{place} cannot be written: {error.strerror}. Make room, then run the same command again: it continues."
        )
    return None
