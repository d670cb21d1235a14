"""The places that samples are copied to: opened, and looked at before a run begins."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pydantic import SecretStr

from baas_crds.errors import ConfigurationError, NotPublishable
from baas_crds.samples import QualityCheck, RetrainingSample, SamplePlace, place_of_quality_check
from baas_preprocess.assignment import OUTPUT, SOURCE, Assignment, open_place
from baas_preprocess.copies import Shelf
from baas_preprocess.digests import digest_of
from baas_preprocess.pod_settings import PodSettings
from baas_preprocess.retraining import read_strata
from baas_preprocess.stores.folder import LEFT_OVER, FolderDestination, resolved
from baas_preprocess.stores.places import STATE_FOLDER, CopyOfOriginal, Destination, Source

_CHECK, _LABEL = "spec.qualityCheck.output", "spec.retrainingSample.output"


def check_samples(assignment: Assignment, settings: PodSettings, source: Source, destination: Destination) -> None:
    """Raise `ConfigurationError` now when a sample could not be drawn at the end, and `DependencyUnavailable`.

    Something is written to each place and taken away again. Nobody else may see it: what is the same place by another
    name would get copies among its pictures.
    """
    others: dict[str, Source | Destination] = {SOURCE: source, OUTPUT: destination}
    if check := assignment.spec.quality_check:
        place = place_of_quality_check(check, assignment.spec.output)
        with shelf_to_check(assignment, settings, check) as shelf:
            try_out(shelf, _CHECK, _path(assignment, place), others)
    if how := assignment.spec.retraining_sample:
        read_strata(source, how.metadata)
        with shelf_to_label(assignment, settings, how) as shelf:
            try_out(shelf, _LABEL, _path(assignment, how.output), others)
            if check:
                with shelf_to_check(assignment, settings, check) as other:
                    try_out(shelf, _LABEL, _path(assignment, how.output), {_CHECK: other})


@contextmanager
def shelf_to_check(assignment: Assignment, settings: PodSettings, check: QualityCheck) -> Iterator[Shelf]:
    """Give the folder for pictures to look at. Raises `ConfigurationError` and `DependencyUnavailable`."""
    place = place_of_quality_check(check, assignment.spec.output)
    folder, given = settings.quality_check_folder, settings.quality_check_connection_string
    with _shelf(assignment, settings, place, _CHECK, folder=folder, given=given) as shelf:
        yield shelf


@contextmanager
def shelf_to_label(assignment: Assignment, settings: PodSettings, how: RetrainingSample) -> Iterator[Shelf]:
    """Give the folder for originals to label. Raises as `shelf_to_check`."""
    folder, given = settings.retraining_sample_folder, settings.retraining_sample_connection_string
    with _shelf(assignment, settings, how.output, _LABEL, folder=folder, given=given) as shelf:
        yield shelf


@contextmanager
def _shelf(
    assignment: Assignment,
    settings: PodSettings,
    place: SamplePlace,
    title: str,
    *,
    folder: Path,
    given: SecretStr | None,
) -> Iterator[Shelf]:
    """Give the folder of a BlurJob's own in a place; another BlurJob of the same name has another one."""
    own = _own(assignment)
    if place.volume is not None:
        _check_no_link(folder, own, title)
    with open_place(assignment, settings, place.below(own), title, folder=folder / own, given=given) as shelf:
        if isinstance(shelf, FolderDestination):
            shelf.clear_unfinished(LEFT_OVER)
        yield shelf


def _own(assignment: Assignment) -> str:
    return f"{assignment.name}-{assignment.uid[:8]}"


def _check_no_link(folder: Path, own: str, title: str) -> None:
    """Refuse a folder that others led elsewhere: what is written and removed there must lie in its volume."""
    unfinished = FolderDestination.unfinished_of(folder / own)
    for place in (folder / own, unfinished):
        if resolved(place) != resolved(folder) / place.relative_to(folder):
            raise ConfigurationError(
                f"{title}.volume: {place.relative_to(folder)} in it is a link, or lies behind one, and copies would go "
                "elsewhere: remove the link."
            )


def _path(assignment: Assignment, place: SamplePlace) -> str:
    """Return where a BlurJob's own folder lies in its container or claim."""
    below = place.below(_own(assignment))
    if below.azure_blob is not None:
        return below.azure_blob.prefix
    return below.volume.path if below.volume is not None else ""


def try_out(shelf: Shelf, title: str, path: str, others: Mapping[str, Source | Destination]) -> None:
    """Write something to a shelf and take it away. Raises `ConfigurationError` when it is seen in another place.

    `title` is the key of the shelf's place, `path` where it lies in its container, claim or disk.
    """
    name = f"{STATE_FOLDER}/probe-{uuid.uuid4().hex}"
    data = name.encode()
    try:
        shelf.write(name, data, CopyOfOriginal(original=digest_of(data)))
        # Where two claims or accounts are one place, it may begin at another folder of it.
        parts = PurePosixPath(path, name).parts
        for called, other in others.items():
            if any(_read(other, "/".join(parts[first:])) == data for first in range(len(parts))):
                raise ConfigurationError(
                    f"{title}: what is copied there is also seen in {called} ({other.label}): both are the same place, "
                    "by another spelling of the account, a link, or two claims on one share. Choose another place."
                )
    except NotPublishable as error:
        raise ConfigurationError(f"{title}: nothing can be written there: {error}") from error
    finally:
        shelf.remove(name)


def _read(place: Source | Destination, name: str) -> bytes | None:
    try:
        return place.read(name)
    except NotPublishable:
        return None
