"""A folder that finished pictures go to, on this machine's disks or on a volume."""

import contextlib
import fcntl
import os
import stat
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_preprocess.stores.outputs import ABOUT_ONE_NAME, FolderOutputs, full_or_gone
from baas_preprocess.stores.places import STATE_FOLDER, CopyOfOriginal, Provenance

# No write takes this long: what is older belongs to a process that was killed.
LEFT_OVER = timedelta(hours=1)


class FolderDestination(FolderOutputs):
    """A folder. Unfinished files live in its `.baas/unfinished`, for their owner's eyes until they are whole.

    At a destination they hold redacted, verified bytes only.
    """

    def __init__(self, folder: Path, *, label: str | None = None, title: str = "DEST") -> None:
        """Make the folder if needed; without a `label` its absolute path identifies it.

        `title` is what a person calls it. Raises `ConfigurationError` when it cannot be written.
        """
        self.title = title
        self.folder = folder
        self.state = self.state_of(folder)
        self._unfinished = self.unfinished_of(folder)
        self.label = label or str(resolved(folder))
        try:
            self._unfinished.mkdir(parents=True, exist_ok=True)
            self._mode = _usual_mode(self._unfinished / uuid.uuid4().hex)
        except OSError as error:
            raise full_or_gone(error, folder) or ConfigurationError(
                f"{title} {folder} cannot be written: {error.strerror}. "
                "Choose another folder or change its permissions."
            ) from error

    @staticmethod
    def state_of(folder: Path) -> Path:
        """Return where a destination keeps its lock, ledger and unfinished files."""
        return folder / STATE_FOLDER

    @staticmethod
    def unfinished_of(folder: Path) -> Path:
        """Return where a destination keeps its unfinished files."""
        return FolderDestination.state_of(folder) / "unfinished"

    @staticmethod
    def ledger_of(folder: Path) -> Path:
        """Return where a destination keeps its own ledger, if it has one."""
        return FolderDestination.state_of(folder) / "ledger.sqlite"

    def remove(self, name: str) -> None:
        """Take a published file away; it need not be there. Raises `DependencyUnavailable` and `ConfigurationError`."""
        try:
            self._path_of(name).unlink()
        except (FileNotFoundError, NotPublishable):
            return  # what cannot have this name is not there either
        except OSError as error:
            if error.errno not in ABOUT_ONE_NAME:
                raise full_or_gone(error, self.folder / name) or ConfigurationError(
                    f"{self.folder / name} cannot be removed: {error.strerror}. Change the permissions of its folder."
                ) from error

    def write(self, name: str, data: bytes, provenance: Provenance | CopyOfOriginal) -> str | None:
        """Write beside, sync, and rename into place. A folder has no versions, and keeps no provenance: ledgers do.

        Raises `DependencyUnavailable` when the disk is full, `ConfigurationError` when the place is not writable,
        `NotPublishable` when no file can have this name.
        """
        target = self._path_of(name)
        unfinished = self._unfinished / uuid.uuid4().hex
        try:
            with open(unfinished, "xb", opener=_open_for_owner) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _put(unfinished, target, self._mode, self.title)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise full_or_gone(error, target) or ConfigurationError(
                f"{target} cannot be written: {error.strerror}."
            ) from error
        except NotPublishable:
            unfinished.unlink(missing_ok=True)
            raise
        return None

    @contextlib.contextmanager
    def lock(self, spare: timedelta = timedelta(0)) -> Iterator[None]:
        """Hold the folder for this process alone; the kernel lets go when the process ends, however it ends.

        Under the lock the unfinished files of a killed process are removed. Pods write without holding it: where there
        may be some, `spare` what is younger. Raises `ConfigurationError` when another
        process holds it.
        """
        with self._open_lock() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise ConfigurationError(
                    f"Another `baas` (process {file.read().strip() or 'unknown'}) is working on {self.folder}: "
                    "wait for it, or choose another DEST."
                ) from error
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            self.clear_unfinished(spare)
            yield

    def clear_unfinished(self, age: timedelta) -> None:
        """Remove the files that killed processes left unfinished. `age` spares what others may be writing now."""
        for left_over in self._unfinished.iterdir():
            with contextlib.suppress(FileNotFoundError):
                facts = left_over.lstat()
                if stat.S_ISREG(facts.st_mode) and facts.st_mtime <= time.time() - age.total_seconds():
                    left_over.unlink()

    def _open_lock(self) -> IO[str]:
        path = self.state / "lock"
        try:
            return path.open("a+")
        except OSError as error:
            raise full_or_gone(error, path) or ConfigurationError(
                f"{path} cannot be opened: {error.strerror}. Change its permissions, or choose another DEST."
            ) from error


def resolved(folder: Path) -> Path:
    """Return the absolute path behind all links. Raises `ConfigurationError` when they lead in a circle.

    It is raised for a name with a zero byte, too, which no file has.
    """
    try:
        return folder.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError is what pathlib makes of a circle
        raise ConfigurationError(f"{folder} leads nowhere ({error}): remove the link or name another.") from error


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _usual_mode(probe: Path) -> int:
    """Return the permissions that files get here, by the umask and by what the folder passes on."""
    with probe.open("xb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    probe.unlink()
    return mode


def _let_read(unfinished: Path, target: Path, mode: int) -> None:
    """Give an unfinished file the group and permissions of the file that it is to replace, else this `mode`."""
    own = unfinished.stat()
    with contextlib.suppress(FileNotFoundError):
        replaced = target.lstat()
        if stat.S_ISREG(replaced.st_mode):
            mode = stat.S_IMODE(replaced.st_mode)
            if replaced.st_gid != own.st_gid:
                with contextlib.suppress(PermissionError):  # only a member may give a file to a group
                    os.chown(unfinished, -1, replaced.st_gid)
    if stat.S_IMODE(own.st_mode) != mode:  # some mounts have one mode for all, and no chmod
        unfinished.chmod(mode)


def _put(unfinished: Path, target: Path, mode: int, title: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _let_read(unfinished, target, mode)
        unfinished.replace(target)
    except OSError as error:
        if error.errno not in ABOUT_ONE_NAME:
            raise
        raise NotPublishable(
            QuarantineReason.UNUSABLE_NAME,
            f"{target.name}: no file in {title} can have this name: {error.strerror}. "
            "Rename it, or what is in its way.",
        ) from error
