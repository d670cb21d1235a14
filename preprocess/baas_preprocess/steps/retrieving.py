"""The step `retrieve`: copy the source's pictures into a folder of this machine. What is there already is skipped."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from baas_crds.errors import NotPublishable
from baas_crds.places import PanoramaApi
from baas_ledger.chunks import chunks
from baas_panoramas.asking import Manners
from baas_panoramas.client import PanoramaClient
from baas_panoramas.downloading import Fate, download_all
from baas_panoramas.panorama import Panorama
from baas_preprocess.copies import told
from baas_preprocess.digests import digest_of
from baas_preprocess.selection import Selection
from baas_preprocess.steps.retrieved import Retrieved
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.places import CopyOfOriginal, Entry, Source, name_problem

T = TypeVar("T")

# As many pictures are copied at the same time.
_AT_ONCE = 8
_PANORAMAS_AT_ONCE = 4


def retrieve_panoramas(
    place: PanoramaApi, folder: Path, selection: Selection, *, patience_seconds: float, stop: threading.Event
) -> Iterator[Retrieved]:
    """Download the panoramas that are worked on, and give each when it is done; what was cut goes on where it was.

    Behind them come those that are left out. Raises as `download_all`.
    """
    left_out: list[str] = []

    def wanted(found: Iterator[Panorama]) -> Iterator[Panorama]:
        for one in found:
            if not selection.is_sampled(one.name):
                continue
            if selection.refusal(one.name) is None:
                yield one
            else:
                left_out.append(one.name)

    with PanoramaClient(place.base_url, Manners(patience_seconds=patience_seconds)) as client:
        found = wanted(_until(stop, (panorama for _, panorama in client.selected(place.filters))))
        for done in download_all(client, found, place.size, folder, at_once=_PANORAMAS_AT_ONCE):
            yield Retrieved(name=done.panorama.name, fate=done.fate, message=done.message)
    yield from (Retrieved(name=name, fate=None) for name in left_out)


def retrieve_blobs(source: Source, folder: Path, selection: Selection, *, stop: threading.Event) -> Iterator[Retrieved]:
    """Copy the pictures that are worked on, and give each when it is done. A picture is there whole or not at all.

    What is left out is given among them. Raises `ConfigurationError` when the folder cannot be written to or is another
    process', `DependencyUnavailable` when the source does not answer.
    """
    target = FolderDestination(folder, title="retrieve.folder")
    with target.lock(), _Noted(target) as noted, ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="retrieve") as pool:

        def copy(entry: Entry) -> Retrieved | None:
            if stop.is_set():
                return None
            if selection.refusal(entry.name) is not None:
                return Retrieved(name=entry.name, fate=None)
            return Retrieved(name=entry.name, fate=Fate.WHOLE) if noted.has(entry) else _copied(source, target, entry)

        for some in chunks(_until(stop, source.entries())):
            wanted = [entry for entry in some if selection.is_sampled(entry.name)]
            for entry, done in zip(wanted, pool.map(copy, wanted), strict=True):
                if done is not None:
                    if done.fate is Fate.DOWNLOADED:
                        noted.add(entry)
                    yield done


def sentence_of(fates: Counter[Fate], folder: Path) -> str:
    """Sum it up for a person."""
    counted = ", ".join(f"{number:,} {fate}" for fate, number in sorted(fates.items()))
    return f"{counted or 'no picture matches'}, in {folder}"


class _Noted:
    """Which version of each picture was copied, in a file beside the copies: as one line of JSON each."""

    def __init__(self, target: FolderDestination) -> None:
        self._target = target
        self._path = target.state / "retrieved.jsonl"
        self._versions: dict[str, str] = {}

    def __enter__(self) -> "_Noted":
        if self._path.exists():
            self._versions = dict(filter(None, map(_line, self._path.read_text(encoding="utf-8").splitlines())))
        self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def has(self, entry: Entry) -> bool:
        return (
            self._versions.get(entry.name) == entry.version and self._target.size_bytes(entry.name) == entry.size_bytes
        )

    def add(self, entry: Entry) -> None:
        self._file.write(f"{json.dumps([entry.name, entry.version])}\n")


def _line(text: str) -> tuple[str, str] | None:
    """Read a line; the last one may have been cut."""
    try:
        name, version = json.loads(text)
    except ValueError:
        return None
    return str(name), str(version)


def _copied(source: Source, target: FolderDestination, entry: Entry) -> Retrieved:
    try:
        if problem := entry.problem or name_problem(entry.name):
            raise problem
        data = source.read(entry.name, entry.version)
        target.write(entry.name, data, CopyOfOriginal(original=digest_of(data)))
    except NotPublishable as error:
        return Retrieved(name=entry.name, fate=Fate.REFUSED, message=told(entry.name, error))
    return Retrieved(name=entry.name, fate=Fate.DOWNLOADED)


def _until(stop: threading.Event, found: Iterator[T]) -> Iterator[T]:
    for one in found:
        if stop.is_set():
            return
        yield one
