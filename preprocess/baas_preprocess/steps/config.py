"""`config.yml`: what a run does, on this machine or in Kubernetes, by one file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from baas_crds.blurjob import MAX_NAME_LENGTH, BlurJobSpec
from baas_crds.errors import ConfigurationError
from baas_crds.parts import DNS_LABEL, Part
from baas_crds.places import ExcludeList, Output, Source
from baas_crds.reading import read_spec
from baas_crds.samples import SamplePlace
from baas_preprocess.steps.flags import Step, Steps, contradictions, missing, said_twice
from baas_preprocess.steps.folders import FOLDER_KEY, without_folder
from baas_preprocess.steps.keys import Further, suggestion, unknown_keys
from baas_preprocess.steps.yaml_file import read_mapping

EARLIER = frozenset({"customer", "aml_experiment_details", "inference_pipeline", "pre_inference_pipeline"})
"""Keys by which a file of the earlier service is known."""
UNDECIDED = "undecided"
"""A key with what somebody must decide, in sentences. A file is refused as long as one of them stands there."""
FURTHER: Further = {
    Source: (FOLDER_KEY,),
    Output: (FOLDER_KEY,),
    SamplePlace: (FOLDER_KEY,),
    ExcludeList: ("file",),
}
# Where a run without an output would publish, so that its source is read by the BlurJob's rules all the same.
_NOWHERE = {"volume": {"claimName": "nowhere"}}


class Retrieve(Part):
    """For the step `retrieve`."""

    folder: Path
    """Where the copies of the source's pictures go. They show people."""


class FolderCounts(Part):
    """For the step `inspect`."""

    report: Path | None = None
    """Where the counts go, as .csv or .json."""


class Training(Part):
    """For the steps `train`, `export` and `evaluate`."""

    file: Path
    """A file of `baas-detector train`."""


class Machine(Part):
    """What only this machine needs."""

    triton: Annotated[str, Field(min_length=1)] | None = None
    """Triton's gRPC `host:port`."""
    model_repository: Path | None = None
    """What a Triton of our own serves."""
    ledger: Annotated[str, Field(min_length=1)] | None = None
    """Database URL."""
    volumes: Mapping[str, Path] = {}
    """Where claims of the cluster are on this machine."""
    patience_seconds: Annotated[float, Field(ge=0, le=3600)] = 30
    """How long a service that does not answer is tried again."""
    audit_key: Path | None = None
    """Ed25519 key that signs audit records."""


class Sections(Part):
    """The part of the file that a BlurJob does not have."""

    name: Annotated[str, Field(max_length=MAX_NAME_LENGTH, pattern=f"^{DNS_LABEL}$")]
    """What the run is called; also the BlurJob's name."""
    steps: Steps = Steps()
    retrieve: Retrieve | None = None
    inspect: FolderCounts = FolderCounts()
    machine: Machine = Machine()
    training: Training | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A file that was read whole, and keeps all rules. Its paths are those of this machine."""

    file: Path
    sections: Sections
    spec: BlurJobSpec | None
    """What a BlurJob would have as its spec: what the steps say is in it, folders are volumes of `THIS_MACHINE`.
    None: no step reads pictures."""
    exclude_list: Path | None
    """The file that `source.excludeList.file` names."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that run, in their order."""
        return self.sections.steps.on

    def beside(self, path: Path) -> Path:
        """Return a path of the file as it is from here."""
        return self.file.parent / path

    @property
    def volumes(self) -> Mapping[str, Path]:
        """Where claims are on this machine."""
        return {claim: self.beside(path) for claim, path in self.sections.machine.volumes.items()}


def read_config(file: Path) -> Config:
    """Read a file. Raises `ConfigurationError` with a sentence for each problem, one a line, with file and key."""
    document = read_mapping(file)
    try:
        return _parsed(document, file)
    except ConfigurationError as error:
        raise ConfigurationError("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from error


def _parsed(document: dict[str, Any], file: Path) -> Config:
    own = {key: value for key, value in document.items() if key in _keys(Sections)}
    rest = {key: value for key, value in document.items() if key not in own}
    _raise([*_undecided(rest.pop(UNDECIDED, None)), *_top_level(rest)])
    exclude_list = _take_exclude_list(rest, file)
    spec = _without_folders(rest, file.parent)
    _raise([*unknown_keys(own, Sections, FURTHER), *unknown_keys(spec, BlurJobSpec, FURTHER)])
    sections = _sections(own)
    steps = sections.steps
    _raise([*contradictions(steps), *missing(steps, document), *said_twice(steps, document)])
    return Config(file=file, sections=sections, spec=_spec(spec, steps), exclude_list=exclude_list)


def _undecided(said: object) -> Iterator[str]:
    for sentence in said if isinstance(said, list) else filter(None, [said]):
        told = " ".join(str(sentence).split()).rstrip(".")
        yield f"{UNDECIDED}: {told}. Decide that, and strike it out of {UNDECIDED}"


def _top_level(rest: Mapping[str, Any]) -> Iterator[str]:
    known = [*_keys(Sections), *_keys(BlurJobSpec)]
    unknown = [key for key in rest if key not in known]
    if EARLIER & set(unknown):
        yield "this is a file of the earlier service: `baas convert-config` makes one for this service of it"
        return
    yield from (f"{key} is no key that means anything{suggestion(key, known)}" for key in unknown)


def _take_exclude_list(rest: dict[str, Any], file: Path) -> Path | None:
    """Take the exclude list's file out of the document, which a BlurJob does not have."""
    source = rest.get("source")
    listed = source.get("excludeList") if isinstance(source, Mapping) else None
    if not isinstance(source, Mapping) or not isinstance(listed, Mapping) or "file" not in listed:
        return None
    if len(listed) > 1:
        raise ConfigurationError("source.excludeList needs exactly one of file, names")
    if not isinstance(listed["file"], str) or not listed["file"]:
        raise ConfigurationError("source.excludeList.file should be the path of a file")
    rest["source"] = {key: value for key, value in source.items() if key != "excludeList"}
    return file.parent / listed["file"]


def _without_folders(rest: Mapping[str, Any], base: Path) -> dict[str, Any]:
    spec = dict(rest)
    for section in ("source", "output"):
        if isinstance(spec.get(section), Mapping):
            spec[section] = without_folder(spec[section], section, base)
    for section in ("qualityCheck", "retrainingSample"):
        sample = spec.get(section)
        if isinstance(sample, Mapping) and isinstance(sample.get("output"), Mapping):
            spec[section] = {**sample, "output": without_folder(sample["output"], f"{section}.output", base)}
    return spec


def _sections(own: Mapping[str, Any]) -> Sections:
    try:
        return Sections.model_validate(own, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)  # a ledger's URL may hold a password
    raise ConfigurationError("\n".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems))


def _spec(document: dict[str, Any], steps: Steps) -> BlurJobSpec | None:
    """Read the BlurJob's part as the steps want it."""
    on = steps.on
    if document.get("source") is None:
        return None
    spec = {key: value for key, value in document.items() if value is not None}
    spec["output"] = _with(spec.get("output", _NOWHERE), writeDetections=Step.STORE_DETECTIONS in on)
    if Step.VERIFY not in on:
        spec["verification"] = _with(spec.get("verification", {}), mode="Off")
    if Step.DELETE_SOURCE in on:
        spec["retention"] = {"deleteSource": "AfterVerified"}
    for step in (Step.QUALITY_CHECK, Step.RETRAINING_SAMPLE):
        if step not in on:
            spec.pop(step, None)
    try:
        return read_spec(spec)
    except ConfigurationError as error:
        lines = [line.removeprefix("spec: ").removeprefix("spec.") for line in str(error).splitlines()]
    told = "\n".join(lines).replace("retention.deleteSource AfterVerified", "steps.deleteSource")
    raise ConfigurationError(told)


def _with(section: Any, **more: Any) -> Any:
    """Return a section with more in it; what is no section stays as it is, for validation to speak of it."""
    return {**section, **more} if isinstance(section, Mapping) else section


def _keys(model: type[Part]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _raise(sentences: Iterator[str] | list[str]) -> None:
    if told := list(sentences):
        raise ConfigurationError("\n".join(told))
