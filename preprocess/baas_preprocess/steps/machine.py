"""The places of a file, opened on this machine, and what is refused here although pods could do it."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baas_crds.apart import Place
from baas_crds.blurjob import BlurJobSpec
from baas_crds.errors import ConfigurationError
from baas_crds.places import AzureBlob
from baas_crds.samples import SamplePlace, place_of_quality_check
from baas_preprocess.selection import Selection, read_exclude_list
from baas_preprocess.settings import Settings, read_settings
from baas_preprocess.steps.config import Config
from baas_preprocess.steps.flags import Step
from baas_preprocess.steps.folders import local_folder
from baas_preprocess.steps.retrieved import Copies, RetrievedSource
from baas_preprocess.stores.blob import BlobDestination, BlobSource
from baas_preprocess.stores.blob_access import BlobFolder
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.folder import FolderDestination, resolved
from baas_preprocess.stores.panoramas import open_panoramas
from baas_preprocess.stores.places import Source

CONNECTION_STRINGS = {
    "source": "BAAS_SOURCE_CONNECTION_STRING",
    "output": "BAAS_OUTPUT_CONNECTION_STRING",
    "qualityCheck.output": "BAAS_QUALITY_CHECK_CONNECTION_STRING",
    "retrainingSample.output": "BAAS_RETRAINING_SAMPLE_CONNECTION_STRING",
}
"""The environment variable with each place's connection string, called as those of pods are."""


def spec_of(config: Config) -> BlurJobSpec:
    """Return the spec of a file with a step that reads pictures; the file's rules say that it has one."""
    if config.spec is None:
        raise ConfigurationError(f"{config.file}: source is missing")
    return config.spec


def settings_of(config: Config) -> Settings:
    """Return what `baas blur` would be told: the file first, then environment and `baas.toml`."""
    machine = config.sections.machine
    given = {
        "ledger": machine.ledger,
        "triton": machine.triton,
        "model_repository": machine.model_repository and config.beside(machine.model_repository),
        "audit_key": machine.audit_key and config.beside(machine.audit_key),
        "patience_seconds": machine.patience_seconds,
    }
    return read_settings({name: value for name, value in given.items() if value is not None})


def selection_of(config: Config) -> Selection:
    """Return which names are worked on. Raises `ConfigurationError` when the exclude list cannot be read."""
    source = spec_of(config).source
    listed = frozenset((source.exclude_list and source.exclude_list.names) or ())
    if config.exclude_list is not None:
        listed = read_exclude_list(config.exclude_list, title="source.excludeList.file")
    return Selection(
        include=source.include,
        exclude=source.exclude,
        exclude_list=listed,
        sample_percent=source.sample_percent,
        keep_earlier=source.keep_earlier,
    )


def check_here(config: Config) -> None:
    """Raise `ConfigurationError` for what only pods can do, and when a place of the file lies within another one.

    Links are followed. What lies in containers was compared when the file was read.
    """
    spec = config.spec
    if spec is None:
        return
    if spec.source.exclude_list is not None and spec.source.exclude_list.config_map is not None:
        raise ConfigurationError("source.excludeList.configMap is in a cluster: name a file, or the names")
    if spec.source.redo_model is not None:
        raise ConfigurationError("source.redoModel is for BlurJobs; on one machine use `baas blur --redo-model`")
    if spec.source.only_new:
        raise ConfigurationError("source.onlyNew is for BlurJobs; here each run does only what is new or changed")
    for (one, folder), (other, outer) in itertools.permutations(_folders(config).items(), 2):
        if resolved(folder).is_relative_to(resolved(outer)):
            raise ConfigurationError(
                f"{one} {folder} lies in {other} {outer}: pictures of one would stand among or replace those of the "
                "other. Choose another folder"
            )
    if Step.INSPECT in config.steps and config.sections.inspect.report is not None:
        _check_report(config, config.sections.inspect.report)


def _check_report(config: Config, report: Path) -> None:
    for title, folder in _folders(config).items():
        if resolved(config.beside(report)).is_relative_to(resolved(folder)):
            raise ConfigurationError(
                f"inspect.report {report} lies in {title} {folder}: it would stand among pictures or replace what is "
                "there. Choose another folder"
            )


def retrieved_folder(config: Config) -> Path:
    """Return where pictures are copied to first. Raises `ConfigurationError` when they lie on this machine already."""
    retrieve = config.sections.retrieve
    if retrieve is None or _local(config, spec_of(config).source, "source") is not None:
        raise ConfigurationError(
            "steps.retrieve copies pictures to this machine, where source is already: switch it off"
        )
    return config.beside(retrieve.folder)


def output_folder(config: Config) -> Path | None:
    """Return the folder that safe pictures go to, None when it is a container."""
    return _local(config, spec_of(config).output, "output")


def places_of_samples(config: Config) -> dict[Step, SamplePlace]:
    """Return where the samples go that are switched on."""
    spec = spec_of(config)
    places = {}
    if spec.quality_check is not None:
        places[Step.QUALITY_CHECK] = place_of_quality_check(spec.quality_check, spec.output)
    if spec.retraining_sample is not None:
        places[Step.RETRAINING_SAMPLE] = spec.retraining_sample.output
    return places


@contextmanager
def open_source(config: Config, copies: Copies | None) -> Iterator[Source]:
    """Give the place that pictures are read from: what this call has retrieved, if that is a step, else the source."""
    folder = _local(config, spec_of(config).source, "source")
    if copies is not None:
        yield RetrievedSource(copies)
    elif folder is not None:
        yield FileSource([str(folder)])
    else:
        with open_origin(config) as origin:
            yield origin


@contextmanager
def open_origin(config: Config) -> Iterator[Source]:
    """Give the source itself, a container or the Panorama API."""
    source, patience_seconds = spec_of(config).source, config.sections.machine.patience_seconds
    if source.azure_blob is not None:
        with _blobs(config, source.azure_blob, "source") as blobs:
            yield BlobSource(blobs)
    elif source.panorama_api is not None:
        with open_panoramas(source.panorama_api, patience_seconds=patience_seconds) as panoramas:
            yield panoramas


@contextmanager
def open_place(config: Config, place: Place, title: str) -> Iterator[BlobDestination | FolderDestination]:
    """Give a place to write to. `title` is the key that it stands under."""
    folder = _local(config, place, title)
    if folder is not None:
        yield FolderDestination(folder, title=f"{title}.folder")
    elif place.azure_blob is not None:
        with _blobs(config, place.azure_blob, title) as blobs:
            yield BlobDestination(blobs)


def _blobs(config: Config, place: AzureBlob, title: str) -> BlobFolder:
    variable = CONNECTION_STRINGS[title]
    given = os.environ.get(variable)
    if given is None and place.connection_string_secret is not None:
        raise ConfigurationError(
            f"{title}.azureBlob.connectionStringSecret is in a cluster: set {variable} here, or leave it out and sign "
            "in with `az login`"
        )
    patience_seconds = config.sections.machine.patience_seconds
    return BlobFolder(place, title=f"{title}.azureBlob", connection_string=given, patience_seconds=patience_seconds)


def _local(config: Config, place: Place, title: str) -> Path | None:
    return local_folder(place, title, config.volumes)


def _folders(config: Config) -> dict[str, Path]:
    """The folders of this machine that a run reads or writes, by the keys that name them."""
    folders: dict[str, Path | None] = {"source": _local(config, spec_of(config).source, "source")}
    if Step.RETRIEVE in config.steps:
        folders["retrieve.folder"] = retrieved_folder(config)
    if Step.REDACT in config.steps:
        folders["output"] = output_folder(config)
        for step, place in places_of_samples(config).items():
            folders[f"{step}.output"] = _local(config, place, f"{step}.output")
    return {title: folder for title, folder in folders.items() if folder is not None}
