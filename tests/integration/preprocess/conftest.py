"""The command `baas` as its users run it, and pictures to run it on."""

import io
import itertools
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.azurite import azurite, container
from tests.kills.processes import start
from tests.postgres import postgres, postgres_url

__all__ = ["azurite", "container", "postgres", "postgres_url"]

BAAS = Path(sys.executable).with_name("baas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def command(*arguments: str | Path, triton: str | None = None) -> list[str]:
    """The argument list of a `baas` call."""
    server = [] if triton is None else ["--triton", triton]
    return [str(BAAS), *map(os.fspath, arguments), *server]


def published(folder: Path) -> dict[str, bytes]:
    """Everything in a destination but its state."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".baas" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@contextmanager
def own_ledger(folder: Path) -> Iterator[sqlite3.Connection]:
    """Change what a destination's own ledger says, past all that guards it."""
    with closing(sqlite3.connect(folder / ".baas" / "ledger.sqlite")) as connection, connection:
        yield connection


def street_photo() -> Path:
    """A street photo with people, from the assets of an installed package."""
    spec = find_spec("ultralytics")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name("assets") / "bus.jpg"


@pytest.fixture
def baas(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ended]:
    """Run `baas` to its end, in a process that need not import it first."""
    folder, numbers = tmp_path_factory.mktemp("calls"), itertools.count()

    def run(*arguments: str | Path, triton: str | None = None) -> Ended:
        call = start(command(*arguments, triton=triton)[1:], os.environ, folder / str(next(numbers)))
        return Ended(code=call.code(), out=call.out, err=call.err)

    return run


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A small street photo with people."""
    with Image.open(street_photo()) as picture:
        return _jpeg(picture.resize((405, 540)))


def _jpeg(picture: Image.Image) -> bytes:

    file = io.BytesIO()
    picture.save(file, "jpeg", quality=90)
    return file.getvalue()


@pytest.fixture
def photos(tmp_path: Path, photo: bytes) -> Path:
    """A folder of three small photos in a tree."""
    folder = tmp_path / "in"
    for name in ("a.jpg", "street/b.jpg", "street/deep/c.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(photo)
    return folder


@pytest.fixture(scope="module")
def originals(photo: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures with people, one without anybody, and a table of districts."""
    folder = tmp_path_factory.mktemp("in")
    (folder / "street").mkdir()
    with Image.open(io.BytesIO(photo)) as picture:
        for number in range(4):
            picture.resize((300 + 8 * number, 400)).save(folder / "street" / f"{number}.jpg", quality=90)
    Image.new("RGB", (300, 400), "grey").save(folder / "empty.jpg")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))
    (folder / "districts.csv").write_text(
        "image,district\n"
        + "".join(f"{name},{'West' if 'e/0' in name or 'empty' in name else 'Oost'}\n" for name in names)
    )
    return folder


@pytest.fixture
def places(originals: Path, tmp_path: Path) -> Path:
    """A folder of which `raw` holds the originals."""
    raw = tmp_path / "raw"
    for path in originals.rglob("*.*"):
        (raw / path.relative_to(originals)).parent.mkdir(parents=True, exist_ok=True)
        (raw / path.relative_to(originals)).write_bytes(path.read_bytes())
    return tmp_path
