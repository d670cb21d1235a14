"""A folder that finished pictures go to, on this machine's disks or on a volume."""

import contextlib
import errno
import fcntl
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable, NotPublishable
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest
from baas_preprocess.stores.places import Provenance, name_problem

_FULL_OR_GONE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENOTCONN}
)


class FolderDestination:
    """A folder. Unfinished files live in its `.baas/unfinished` and hold redacted, verified bytes only."""

    def __init__(self, folder: Path, *, label: str | None = None) -> None:
        """Make the folder if needed; without a `label` its absolute path identifies it.

        Raises `ConfigurationError` when it cannot be written.
        """
        self.folder = folder
        self.state = self.state_of(folder)
        self._unfinished = self.state / "unfinished"
        self.label = label or str(folder.resolve())
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

    def remove(self, name: str) -> None:
        """Take a published file away; it need not be there. Raises `DependencyUnavailable` and `ConfigurationError`."""
        try:
            self._path_of(name).unlink()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, NotPublishable):
            return  # what cannot have this name is not there either
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise _disk_error(error, self.folder / name) or ConfigurationError(
                    f"{self.folder / name} cannot be removed: {error.strerror}."
                ) from error

    def size_bytes(self, name: str) -> int | None:
        """Return the size of a published file, None when it is not there."""
        try:
            return self._path_of(name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def digest(self, name: str) -> Digest | None:
        """Read a published file and return its digest, None when it is not there."""
        try:
            return digest_of(self._path_of(name).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, name: str, data: bytes, provenance: Provenance) -> str | None:
        """Write beside, sync, and rename into place. A folder has no versions, and keeps no provenance: ledgers do.

        Raises `DependencyUnavailable` when the disk is full, `ConfigurationError` when the place is not writable,
        `NotPublishable` when no file can have this name.
        """
        target = self._path_of(name)
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
        return None

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
            self.clear_unfinished(timedelta(0))
            yield

    def clear_unfinished(self, age: timedelta) -> None:
        """Remove what killed processes left unfinished. `age` spares what others may be writing now."""
        for left_over in self._unfinished.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if left_over.stat().st_mtime <= time.time() - age.total_seconds():
                    left_over.unlink()

    def _path_of(self, name: str) -> Path:
        if problem := name_problem(name):
            raise problem
        return self.folder / name


def _disk_error(error: OSError, place: Path) -> BaasError | None:
    if error.errno in _FULL_OR_GONE:
        return DependencyUnavailable(
            f"{place} cannot be written: {error.strerror}. Make room, then run the same command again: it continues."
        )
    if error.errno == errno.ENAMETOOLONG:
        return NotPublishable(QuarantineReason.UNUSABLE_NAME, f"{place.name}: the name is too long for a folder.")
    return None
