"""The BlurJob that a pod works for, as it is mounted, and what follows from it: places, names, recipe, model."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from baas_crds.apart import Place
from baas_crds.blurjob import BlurJobSpec
from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError
from baas_crds.places import AzureBlob, Volume
from baas_crds.reading import read_blurjob
from baas_ledger.runs import BLURJOB, MODEL_VERSION
from baas_preprocess.facts import Digest, Method, Profile, Verification
from baas_preprocess.pod_settings import PodSettings
from baas_preprocess.recipe import Recipe, second_look_percent
from baas_preprocess.selection import Selection, read_exclude_list
from baas_preprocess.stores.blob import BlobDestination, BlobSource
from baas_preprocess.stores.blob_access import BlobFolder
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.panoramas import open_panoramas
from baas_preprocess.stores.places import Destination, Source

SOURCE, OUTPUT = "spec.source", "spec.output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One BlurJob."""

    uid: str
    """Also the id of its run in the ledger."""
    namespace: str
    name: str
    spec: BlurJobSpec

    @property
    def recipe(self) -> Recipe:
        """What decides the outputs' bytes."""
        confidence = self.spec.detector.confidence_permille.as_scores()
        redaction, verification = self.spec.redaction, self.spec.verification
        return Recipe(
            confidence={ObjectClass(name): score for name, score in confidence.items()},
            profile=Profile(self.spec.detector.profile.lower()),
            method=Method(redaction.method.lower()),
            cells=redaction.cells,
            padding=redaction.padding_share,
            second_look_percent=second_look_percent(
                Verification(verification.mode.lower()), verification.sample_percent
            ),
        )

    def configuration(self, model_version: str) -> dict[str, object]:
        """Return what people want to read of a run, whose it is, and the model's version, which it keeps."""
        spec = self.spec.as_document()
        decisive = {part: spec[part] for part in ("source", "output", "detector", "redaction", "verification")}
        return {BLURJOB: f"{self.namespace}/{self.name}", MODEL_VERSION: model_version, **decisive}


def read_assignment(file: Path) -> Assignment:
    """Read a mounted BlurJob.

    Raises `ConfigurationError` when it is none, is against the rules, or asks for what this version cannot do.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        metadata = document["metadata"]
        uid = metadata["uid"]
    except OSError as error:
        raise ConfigurationError(f"BAAS_JOB_FILE {file} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(f"BAAS_JOB_FILE {file} is no BlurJob with a uid, as JSON.") from error
    job = read_blurjob(document)
    return Assignment(
        uid=str(uid), namespace=job.metadata.namespace or "default", name=job.metadata.name, spec=job.spec
    )


def selection_of(assignment: Assignment, settings: PodSettings) -> Selection:
    """Return which names are worked on. Raises `ConfigurationError` when the exclude list cannot be read."""
    source = assignment.spec.source
    listed = frozenset[str]()
    if source.exclude_list is not None and source.exclude_list.config_map is not None:
        path = settings.exclude_folder / source.exclude_list.config_map.key
        listed = read_exclude_list(path, title="spec.source.excludeList.configMap")
    elif source.exclude_list is not None:
        listed = frozenset(source.exclude_list.names or ())
    return Selection(
        include=source.include,
        exclude=source.exclude,
        exclude_list=listed,
        sample_percent=source.sample_percent,
        redo_model=None if source.redo_model is None else Digest(source.redo_model),
        only_new=bool(source.only_new),
        keep_earlier=source.keep_earlier,
    )


@contextmanager
def open_source(assignment: Assignment, settings: PodSettings) -> Iterator[Source]:
    """Give the place that pictures come from."""
    source = assignment.spec.source
    if source.azure_blob is not None:
        with _blob_folder(
            source.azure_blob, f"{SOURCE}.azureBlob", settings.source_connection_string, settings
        ) as folder:
            yield BlobSource(folder)
    elif source.volume is not None:
        yield FileSource([str(settings.source_folder)], label=_label(assignment, source.volume))
    elif source.panorama_api is not None:
        with open_panoramas(source.panorama_api, patience_seconds=settings.patience_seconds) as panoramas:
            yield panoramas


@contextmanager
def open_destination(assignment: Assignment, settings: PodSettings) -> Iterator[Destination]:
    """Give the place that safe pictures go to. Other pods may write there, too."""
    given = settings.output_connection_string
    with open_place(
        assignment, settings, assignment.spec.output, OUTPUT, folder=settings.output_folder, given=given
    ) as it:
        yield it


@contextmanager
def open_place(
    assignment: Assignment,
    settings: PodSettings,
    place: Place,
    title: str,
    *,
    folder: Path,
    given: SecretStr | None,
) -> Iterator[BlobDestination | FolderDestination]:
    """Give a place to write to: a container, with the connection string that was given, or where a claim is mounted.

    `title` is what a person calls it.
    """
    if place.azure_blob is not None:
        with _blob_folder(place.azure_blob, f"{title}.azureBlob", given, settings) as blobs:
            yield BlobDestination(blobs)
    elif place.volume is not None:
        yield FolderDestination(folder, label=_label(assignment, place.volume), title=f"{title}.volume")


def _blob_folder(place: AzureBlob, title: str, given: SecretStr | None, settings: PodSettings) -> BlobFolder:
    if given is None and place.connection_string_secret is not None:
        raise ConfigurationError(f"{title} names a connectionStringSecret, but the pod was given no connection string.")
    text = None if given is None else given.get_secret_value()
    return BlobFolder(place, title=title, connection_string=text, patience_seconds=settings.patience_seconds)


def _label(assignment: Assignment, volume: Volume) -> str:
    # The folder it is mounted at is the same for all.
    return "/".join(filter(None, ("volume:/", assignment.namespace, volume.claim_name, volume.path)))
