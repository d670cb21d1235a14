"""Open what an earlier run left: its ledger, and its destination, a folder or a container's folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError
from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_crds.places import AzureBlob
from baas_ledger.engine import open_ledger, open_to_read, reading
from baas_ledger.facts import Run
from baas_ledger.runs import run_into
from baas_preprocess.stores.blob import BlobDestination
from baas_preprocess.stores.blob_access import BlobFolder
from baas_preprocess.stores.folder import FolderDestination, resolved
from baas_preprocess.stores.outputs import FolderOutputs
from baas_preprocess.stores.places import Outputs

VOLUME = "volume://"
"""What a volume is called in the ledger begins with it."""


@contextmanager
def open_results(
    place: Path | str, ledger: str | None, *, run_id: str | None = None, writes: bool = False
) -> Iterator[tuple[Engine, Run]]:
    """Give the ledger of a destination and its latest run, or the run of this id; to read, unless one `writes`.

    A destination is a folder, or the `https://` address of a container's folder. Raises `ConfigurationError` when
    there is no such ledger or run.
    """
    if ledger is None and is_blob(place):
        raise ConfigurationError(f"The ledger of {place} is a database: give its URL with --ledger.")
    label = _label(place)
    url = ledger or _own_ledger(Path(place))
    engine = open_ledger(url, migrate=False) if writes else open_to_read(url)
    try:
        with reading(engine) as connection:
            run = run_into(connection, label, run_id)
        if run is None:
            raise ConfigurationError(
                f"The ledger knows no run into {label}." if run_id is None else f"The ledger knows no run {run_id}."
            )
        yield engine, run
    finally:
        engine.dispose()


@contextmanager
def open_any(place: str | None, ledger: str | None) -> Iterator[tuple[Engine, str | None]]:
    """Give a ledger to read, and what it calls a destination; None when none is named.

    A destination may also be a volume of pods as the ledger has it, `volume://namespace/claim/folder`. Raises
    `ConfigurationError` when it is not said where the ledger is.
    """
    if ledger is None and (place is None or not is_folder(place)):
        raise ConfigurationError(
            "Name the ledger with --ledger, or a folder into which `baas blur` has published: it has its own."
        )
    engine = open_to_read(ledger or _own_ledger(Path(place or "")))
    try:
        yield engine, None if place is None else called(place)
    finally:
        engine.dispose()


@contextmanager
def open_own(place: str, ledger: str | None) -> Iterator[Engine]:
    """Give the ledger that runs into a destination have or will have, to write; a folder's own one is made if needed.

    A folder is held meanwhile. Raises as `open_any`, and `ConfigurationError` when there is no such folder, or another
    `baas` works there.
    """
    if ledger is not None:
        engine = open_ledger(ledger, migrate=False)
        try:
            yield engine
        finally:
            engine.dispose()
        return
    if not is_folder(place):
        raise ConfigurationError(f"The ledger of {place} is a database: give its URL with --ledger.")
    if not Path(place).is_dir():
        raise ConfigurationError(f"There is no folder {place}: name the one in which the published pictures are.")
    with FolderDestination(Path(place)).lock():
        engine = open_ledger(str(FolderDestination.ledger_of(Path(place))))
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def open_outputs(place: str, run: Run) -> Iterator[Outputs]:
    """Give what stands at a run's destination. Raises `ConfigurationError` when there is no such place."""
    if is_blob(place):
        with open_container(place) as destination:
            yield destination
    else:
        yield FolderOutputs(Path(place), label=run.destination)


@contextmanager
def open_container(address: str) -> Iterator[BlobDestination]:
    """Give the destination at an address in Azure Blob Storage."""
    with BlobFolder(
        _azure_blob(address), title="DEST", connection_string=os.environ.get("BAAS_OUTPUT_CONNECTION_STRING")
    ) as folder:
        yield BlobDestination(folder)


def is_folder(place: str) -> bool:
    """Whether a destination is written as a folder of this machine."""
    return not is_blob(place) and not place.startswith(VOLUME)


def called(place: str) -> str:
    """Return what the ledger calls a destination: a folder, an `https://` address, or a volume as the ledger has it."""
    return place if place.startswith(VOLUME) else _label(place)


def _label(place: Path | str) -> str:
    return str(place).rstrip("/") if is_blob(place) else str(resolved(Path(place)))


def is_blob(place: Path | str) -> bool:
    """Whether a destination is written as an address in Azure Blob Storage."""
    return isinstance(place, str) and place.startswith(("https://", "http://"))


def _azure_blob(address: str) -> AzureBlob:
    """Read `https://account.blob.core.windows.net/container/folder`. Raises `ConfigurationError` when it is none."""
    parts = urlsplit(address)
    folders = parts.path.strip("/").split("/")
    # An emulator, at plain http, has the account's name as the first part of the path.
    account = [folders.pop(0)] if parts.scheme == "http" else []
    container, *prefix = folders or [""]
    place = {
        "accountUrl": "/".join([f"{parts.scheme}://{parts.netloc}", *account]),
        "container": container,
        "prefix": "/".join(prefix),
    }
    try:
        return AzureBlob.model_validate(place)
    except ValidationError as error:
        raise ConfigurationError(f"{address} is no folder of a container: https://ACCOUNT/CONTAINER/FOLDER.") from error


def _own_ledger(folder: Path) -> str:
    path = FolderDestination.ledger_of(folder)
    try:
        is_there = path.is_file()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be reached: {error.strerror}. Check its permissions.") from error
    if not is_there:
        raise ConfigurationError(f"{folder} holds no run (no {path}): `baas blur SOURCE {folder}` makes one.")
    return str(path)
