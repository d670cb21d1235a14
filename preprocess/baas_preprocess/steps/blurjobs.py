"""The BlurJob that a file stands for, and what of the file no BlurJob has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baas_crds.apart import Place
from baas_crds.blurjob import BlurJobSpec
from baas_crds.errors import ConfigurationError
from baas_crds.places import ExcludeList
from baas_crds.reading import read_blurjob
from baas_preprocess.selection import read_exclude_list
from baas_preprocess.steps.config import Config
from baas_preprocess.steps.flags import Step
from baas_preprocess.steps.folders import is_folder_here
from baas_preprocess.steps.machine import places_of_samples, spec_of

_LONGEST_LIST = 1_000
_NOT_IN_PODS = {
    Step.RETRIEVE: "pods read the source where it is",
    Step.INSPECT: "what cannot be read is quarantined with its reason; `baas inspect --per-folder` counts by folder",
    Step.TRAIN: "examples/train-job.yaml trains in a cluster",
    Step.EXPORT: "examples/train-job.yaml trains in a cluster",
    Step.EVALUATE: "examples/train-job.yaml trains in a cluster",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A BlurJob, and sentences about what it leaves out."""

    document: Mapping[str, Any]
    left_out: tuple[str, ...]


def blurjob_of(config: Config) -> Written:
    """Return the BlurJob. Raises `ConfigurationError` with a sentence for each thing that no pod could do."""
    if Step.REDACT not in config.steps:
        raise ConfigurationError(f"{config.file}: a BlurJob always redacts: switch steps.redact on")
    if problems := list(_out_of_reach(config)):
        raise ConfigurationError("\n".join(f"{config.file}: {problem}" for problem in problems))
    spec = _with_names(config)
    document = {
        "apiVersion": "blurring.amsterdam.nl/v1alpha1",
        "kind": "BlurJob",
        "metadata": {"name": config.sections.name},
        "spec": spec.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
    }
    read_blurjob(document)  # whatever is written must be accepted
    left_out = tuple(f"steps.{step}: {why}" for step, why in _NOT_IN_PODS.items() if step in config.steps)
    return Written(document=document, left_out=left_out)


def _out_of_reach(config: Config) -> list[str]:
    spec = spec_of(config)
    places: dict[str, Place] = {
        "source": spec.source,
        "output": spec.output,
        **{f"{step}.output": place for step, place in places_of_samples(config).items()},
    }
    return [
        f"{title}.folder is on this machine, where no pod sees it: name {title}.azureBlob, or {title}.volume and, for "
        "this machine, machine.volumes"
        for title, place in places.items()
        if is_folder_here(place)
    ]


def _with_names(config: Config) -> BlurJobSpec:
    """Return the spec with the names of the exclude list in it."""
    spec = spec_of(config)
    if config.exclude_list is None:
        return spec
    names = tuple(sorted(read_exclude_list(config.exclude_list, title="source.excludeList.file")))
    if len(names) > _LONGEST_LIST:
        raise ConfigurationError(
            f"{config.file}: source.excludeList.file has {len(names):,} names, and a BlurJob holds {_LONGEST_LIST:,}: "
            f"put it into a ConfigMap (kubectl create configmap exclude --from-file exclude.csv={config.exclude_list}) "
            "and name that in source.excludeList.configMap"
        )
    excluded = ExcludeList(names=names) if names else None
    return spec.model_copy(update={"source": spec.source.model_copy(update={"exclude_list": excluded})})
