"""Which software made a picture safe: the version, a digest of our own code, and the libraries that touch bytes."""

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest

ROOMS = ("baas_crds", "baas_ledger", "baas_preprocess")
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "tifffile", "tritonclient")


@cache
def software() -> dict[str, object]:
    """Return `version`, `code` (the digest of all of our modules that a worker runs) and `libraries` by name."""
    return {
        "version": version("blurring-as-a-service"),
        "code": _code_digest(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _code_digest() -> Digest:
    lines = sorted(line for room in ROOMS for line in _modules(files(room), room))
    return digest_of("\n".join(lines).encode())


def _modules(folder: Traversable, path: str) -> list[str]:
    lines = []
    for entry in folder.iterdir():
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            lines += _modules(entry, name)
        elif name.endswith(".py"):
            lines.append(f"{digest_of(entry.read_bytes())} {name}")
    return lines
