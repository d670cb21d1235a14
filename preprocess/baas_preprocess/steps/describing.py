"""What a file's steps will do, in a sentence each: `baas run --dry-run`. Nothing is asked of any service."""

from baas_crds.apart import Place
from baas_crds.blurjob import BlurJobSpec, RedactionMethod, VerificationMode
from baas_panoramas.address import address_of
from baas_preprocess.steps.config import Config
from baas_preprocess.steps.flags import Step
from baas_preprocess.steps.folders import is_folder_here
from baas_preprocess.steps.machine import places_of_samples, spec_of
from baas_preprocess.steps.training import PARTS

FOR_PODS = (
    "parallelism",
    "images_per_claim",
    "max_quarantined_percent",
    "active_deadline_seconds",
    "ttl_seconds_after_finished",
    "suspend",
    "queue_name",
    "pod_template",
)
"""Fields of a BlurJob's spec that say nothing of one machine."""


def described(config: Config) -> list[tuple[Step, str]]:
    """Return each step that runs, in its order, with what it will do."""
    return [(step, _sentence(config, step)) for step in config.steps]


def ignored(config: Config) -> list[str]:
    """Return the keys of the file that say nothing of one machine."""
    if config.spec is None:
        return []
    fields = BlurJobSpec.model_fields
    return [fields[name].alias or name for name in FOR_PODS if name in config.spec.model_fields_set]


def _sentence(config: Config, step: Step) -> str:
    if step in PARTS and config.sections.training is not None:
        named = ", ".join(PARTS[step])
        return f"what {config.beside(config.sections.training.file)} switches on of {named}"
    match step:
        case Step.RETRIEVE if config.sections.retrieve is not None:
            folder = config.beside(config.sections.retrieve.folder)
            return f"copy pictures of {_source(config)} into {folder}"
        case Step.INSPECT:
            report = config.sections.inspect.report
            where = "" if report is None else f", into {config.beside(report)}"
            return f"count what is empty, truncated, damaged, … in each folder of {_read(config)}{where}"
        case Step.QUALITY_CHECK | Step.RETRAINING_SAMPLE:
            return _sample(config, step)
        case _:
            return _of_run(config, step)


def _of_run(config: Config, step: Step) -> str:
    spec = spec_of(config)
    match step:
        case Step.DETECT:
            scores = spec.detector.confidence_permille
            where = config.sections.machine.triton or spec.detector.triton_url or "a Triton that is started"
            return (
                f"look for persons (from {scores.person} ‰ on) and licence plates (from {scores.licence_plate} ‰ on) "
                f"in the pictures of {_read(config)}, by {where}"
            )
        case Step.REDACT:
            cells = spec.redaction.method in {RedactionMethod.PIXELATE, RedactionMethod.BLUR}
            how = f"{spec.redaction.method}{f' with {spec.redaction.cells} cells' if cells else ''}"
            return f"{how}, {spec.redaction.padding_percent} % wider; publish into {_shown(spec.output)}"
        case Step.VERIFY:
            is_sample = spec.verification.mode is VerificationMode.SAMPLE
            which = f"{spec.verification.sample_percent} % of the finished pictures" if is_sample else "every picture"
            return f"look at {which} again before it is published"
        case Step.STORE_DETECTIONS:
            return "write the boxes beside each picture, as JSON and as YOLO text"
        case _:
            return "delete each original whose output was read back and looked at again. IT IS GONE THEN"


def _sample(config: Config, step: Step) -> str:
    spec, place = spec_of(config), places_of_samples(config)[step]
    if step is Step.QUALITY_CHECK and spec.quality_check is not None:
        return f"copy {spec.quality_check.sample_size:,} finished pictures into a folder of {_shown(place)}"
    size = spec.retraining_sample.size if spec.retraining_sample is not None else 0
    return f"copy {size:,} originals, which show people, into a folder of {_shown(place)}"


def _read(config: Config) -> str:
    retrieve = config.sections.retrieve
    if Step.RETRIEVE in config.steps and retrieve is not None:
        return str(config.beside(retrieve.folder))
    return _source(config)


def _source(config: Config) -> str:
    source = spec_of(config).source
    return address_of(source.panorama_api) if source.panorama_api is not None else _shown(source)


def _shown(place: Place) -> str:
    if place.azure_blob is not None:
        blob = place.azure_blob
        return "/".join(filter(None, (blob.account_url, blob.container, blob.prefix)))
    if place.volume is None:
        return ""
    return f"/{place.volume.path}" if is_folder_here(place) else f"{place.volume.claim_name}:/{place.volume.path}"
