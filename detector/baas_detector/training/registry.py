"""Keep trained models as numbered versions that never change: in a folder, or in a Blob container (`blob_registry`).

    NAME/1/model.json      name, version, digest
    NAME/1/SHA256SUMS      for `sha256sum --check SHA256SUMS`; its own digest is the version's
    NAME/1/weights.pt ...  what a training left

A version is there as a whole or not at all. The same files again are the same version.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.training.files import canonical, read_json
from baas_detector.weights import digest_of

MANIFEST = "model.json"
SUMS = "SHA256SUMS"
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The files of a model to be, by their names in the version's folder."""

    name: str
    files: Mapping[str, Path]

    def sums(self) -> bytes:
        """Return the content of SHA256SUMS."""
        return "".join(f"{_sha256(path)}  {name}\n" for name, path in sorted(self.files.items())).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version that is there."""

    place: str
    name: str
    version: int
    digest: str
    is_new: bool
    """False: the same files had been registered before."""

    def document(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return asdict(self)


def manifest(name: str, version: int, sums: bytes) -> bytes:
    """Return the content of model.json."""
    return canonical({"name": name, "version": version, "digest": digest_of(sums)})


def register_in_folder(root: Path, bundle: Bundle) -> Registered:
    """Copy the files to the next free number below `root`/name, or find them there."""
    home = root / bundle.name
    home.mkdir(parents=True, exist_ok=True)
    sums = bundle.sums()
    with _alone(home):
        for known in _versions(home):
            if read_json(home / str(known) / MANIFEST).get("digest") == digest_of(sums):
                return _registered(home, bundle.name, known, sums, is_new=False)
        version = max(_versions(home), default=0) + 1
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=home) as unfinished:
            whole = Path(unfinished) / str(version)
            _fill(whole, bundle, sums, version)
            whole.rename(home / str(version))
    return _registered(home, bundle.name, version, sums, is_new=True)


def open_version(folder: Path) -> Registered:
    """Read a version and check every file. Raises `ConfigurationError` when it is not what was registered."""
    if not (folder / MANIFEST).is_file() or not (folder / SUMS).is_file():
        raise ConfigurationError(f"{folder} is no registered model: it has no {MANIFEST} or no {SUMS}")
    noted, sums = read_json(folder / MANIFEST), (folder / SUMS).read_bytes()
    if noted["digest"] != digest_of(sums):
        raise ConfigurationError(f"{folder} was changed since it was registered: {SUMS}")
    expected = dict(line.split("  ", 1)[::-1] for line in sums.decode().splitlines())
    changed = [
        name for name, sum_ in expected.items() if not (folder / name).is_file() or _sha256(folder / name) != sum_
    ]
    if changed:
        raise ConfigurationError(f"{folder} was changed since it was registered: {', '.join(changed)}")
    return _registered(folder.parent, noted["name"], noted["version"], sums, is_new=False)


def _registered(home: Path, name: str, version: int, sums: bytes, *, is_new: bool) -> Registered:
    return Registered(place=str(home / str(version)), name=name, version=version, digest=digest_of(sums), is_new=is_new)


def _versions(home: Path) -> list[int]:
    return sorted(int(path.name) for path in home.iterdir() if path.name.isdecimal())


def _fill(folder: Path, bundle: Bundle, sums: bytes, version: int) -> None:
    folder.mkdir()
    for name, path in bundle.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    (folder / SUMS).write_bytes(sums)
    (folder / MANIFEST).write_bytes(manifest(bundle.name, version, sums))
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
            with path.open("rb") as written:
                os.fsync(written.fileno())


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold a model's folder alone, and clear away what a killed registration left."""
    handle = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for leftover in home.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(leftover)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
