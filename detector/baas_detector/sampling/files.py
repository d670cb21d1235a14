"""What a sample is drawn from, its worklist, and the pictures that it names. The edge."""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.pictures import SUFFIXES, find_picture, list_pictures
from baas_detector.evaluation.predictions import read_detections
from baas_sampling.drawing import Candidate, Drawn
from baas_sampling.labelling import rows, worklist_text
from baas_sampling.strata import ALL, Strata

_WORKSHOP = ".baas"
"""Folder in the output where `baas blur` keeps its ledger and what is not finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The pictures among which is drawn."""

    candidates: tuple[Candidate, ...]
    without_detections: tuple[str, ...] = ()
    """Pictures that cannot be drawn: nobody wrote what was found in them."""


def read_detected(folder: Path, strata: Strata | None) -> Pool:
    """Read what `baas blur --detections` wrote. Raises `ConfigurationError` for wrong files, or when there is none."""
    names = _names_of_detections(folder)
    if not names:
        raise ConfigurationError(
            f"{folder} holds no detections, such as panorama.jpg.json. Blur with --detections, or draw with --random."
        )
    candidates = []
    for name in names:
        read = read_detections(_sidecar(folder, name))
        candidates.append(
            Candidate(
                name=name,
                scores=tuple(one.score for one in read.objects),
                is_corrected=bool(read.corrections),
                stratum=strata.of(name) if strata else ALL,
            )
        )
    return Pool(candidates=tuple(candidates), without_detections=tuple(sorted(set(_pictures(folder)) - set(names))))


def list_published(folder: Path, strata: Strata | None) -> Pool:
    """List the pictures below a folder. Raises `ConfigurationError` when there is none."""
    names = _pictures(folder)
    if not names:
        raise ConfigurationError(f"{folder} has no pictures: give the folder of the finished ones.")
    return Pool(candidates=tuple(Candidate(name=name, stratum=strata.of(name) if strata else ALL) for name in names))


def worklist(drawn: Iterable[Drawn], *, suffix: str) -> str:
    """Return the worklist as CSV, or as a JSON list when the suffix is `.json`."""
    if suffix == ".json":
        return json.dumps(rows(drawn), indent=1, ensure_ascii=False) + "\n"
    return worklist_text(drawn)


def copy_originals(drawn: Iterable[Drawn], *, detections: Path, originals: Path, target: Path) -> None:
    """Copy the originals of a sample into a new folder that only its owner can open.

    Each is compared with the digest of what was blurred: a published picture, whose label would teach that a redaction
    is a person, is never taken for an original. Raises `ConfigurationError` for any other picture, a missing one, or a
    folder that is not new or lies among the finished pictures; then nothing stays of what was copied.
    """
    if target.resolve().is_relative_to(detections.resolve()):
        raise ConfigurationError(f"{target} lies in {detections}: originals must not lie among finished pictures.")
    with _new_folder(target, mode=0o700):
        for one in drawn:
            data = _found(originals, one.image).read_bytes()
            wanted = read_detections(_sidecar(detections, one.image)).input
            if wanted != f"sha256:{sha256(data).hexdigest()}":
                raise ConfigurationError(
                    f"{originals} holds another {one.image} than the one that was blurred (digest "
                    f"{wanted or 'unknown'}). "
                    "Give the folder of the originals, not one of finished pictures."
                )
            place = target / one.image
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)


def copy_published(drawn: Iterable[Drawn], *, published: Path, target: Path) -> None:
    """Copy the finished pictures of a sample into a new folder. Raises as `copy_originals` does."""
    if target.resolve().is_relative_to(published.resolve()):
        raise ConfigurationError(f"{target} lies in {published}, where the next sample would find its pictures twice.")
    with _new_folder(target, mode=0o777):
        for one in drawn:
            place = target / one.image
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(published / one.image, place)


def _pictures(folder: Path) -> list[str]:
    return [name for name in list_pictures(folder) if not name.startswith(f"{_WORKSHOP}/")]


def _names_of_detections(folder: Path) -> list[str]:
    """Return the names of all pictures that have a file of detections, sorted; other JSON files have other names."""
    found = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.json"))
    return sorted(path.as_posix() for path in found if path.suffix.lower() in SUFFIXES)


def _sidecar(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _found(folder: Path, name: str) -> Path:
    path = find_picture(folder, name)
    if path is None:
        raise ConfigurationError(f"{name} is not below {folder}. If originals were deleted, it cannot be labelled.")
    return path


@contextmanager
def _new_folder(path: Path, *, mode: int) -> Iterator[None]:
    """Make a folder, and remove it with all that is in it when its filling fails."""
    try:
        path.mkdir(mode, parents=True)
    except FileExistsError as error:
        raise ConfigurationError(
            f"{path} is there already: give a new folder for the pictures of this sample."
        ) from error
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
