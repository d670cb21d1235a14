"""Pictures into a folder: each there whole or not at all, and what was cut goes on where it was."""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

from baas_crds.errors import ConfigurationError, NotPublishable
from baas_crds.places import PanoramaSize
from baas_panoramas.client import PanoramaClient
from baas_panoramas.panorama import Panorama
from baas_panoramas.pictures import PictureFacts

PARTS = ".panoramas"
"""The folder of unfinished pictures, within the one they are for."""


class Fate(StrEnum):
    """What became of a picture."""

    DOWNLOADED = "downloaded"
    WHOLE = "whole before"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One picture's."""

    panorama: Panorama
    fate: Fate
    size_bytes: int = 0
    message: str = ""
    """Why it was refused."""


def download_all(
    client: PanoramaClient, panoramas: Iterable[Panorama], size: PanoramaSize, folder: Path, *, at_once: int
) -> Iterator[Download]:
    """Download pictures, so many at once, and give each when it is done.

    What cannot be had is refused, and the others go on. Raises `DependencyUnavailable` when nothing more can be had,
    `ConfigurationError` when the folder cannot be written to or is another download's.
    """
    with _held(folder) as parts, ThreadPoolExecutor(at_once, thread_name_prefix="download") as pool:
        waiting: set[Future[Download]] = set()
        try:
            for panorama in panoramas:
                waiting.add(pool.submit(_download, client, panorama, size, folder, parts))
                if len(waiting) >= 2 * at_once:
                    done = next(as_completed(waiting))
                    waiting.remove(done)
                    yield done.result()
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """Give the folder of unfinished pictures, which is ours alone meanwhile, and gone at the end when it is empty."""
    parts = folder / PARTS
    with ExitStack() as stack:
        try:
            parts.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(parts, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"Another download goes into {folder}: wait for it, or choose another folder."
            ) from error
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be made or written to: {error.strerror}.") from error
        yield parts
        with suppress(OSError):
            parts.rmdir()


def _download(client: PanoramaClient, panorama: Panorama, size: PanoramaSize, folder: Path, parts: Path) -> Download:
    """Download one picture unless it is there. Raises as `download_all`."""
    try:
        facts = client.facts(panorama, size)
        final = folder / panorama.name
        if _is_there(final, facts):
            return Download(panorama=panorama, fate=Fate.WHOLE, size_bytes=facts.size_bytes)
        # Another picture of the same panorama, or another size, goes into another file.
        part = parts / f"{panorama.pano_id}.{hashlib.sha256(f'{size}{facts.version}'.encode()).hexdigest()[:16]}"
        with part.open("a+b") as file:
            client.copy_picture(panorama, size, facts, file)
            file.flush()
            os.fsync(file.fileno())
        if (moment := _moment(facts)) is not None:
            os.utime(part, (moment, moment))
        part.replace(final)
    except NotPublishable as error:
        return Download(panorama=panorama, fate=Fate.REFUSED, message=str(error))
    except OSError as error:
        raise ConfigurationError(f"{folder / panorama.name} cannot be written: {error.strerror}.") from error
    return Download(panorama=panorama, fate=Fate.DOWNLOADED, size_bytes=facts.size_bytes)


def _is_there(file: Path, facts: PictureFacts) -> bool:
    """Whether a file is this picture, by its size and the time that it was given when it was downloaded."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return False
    moment = _moment(facts)
    return found.st_size == facts.size_bytes and (moment is None or found.st_mtime == moment)


def _moment(facts: PictureFacts) -> float | None:
    try:
        return None if facts.last_modified is None else parsedate_to_datetime(facts.last_modified).timestamp()
    except ValueError:
        return None
