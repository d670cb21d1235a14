"""What each key of the earlier service's `config.yml` means here, in all versions that its `config.example.yml` had.

Source: github.com/Computer-Vision-Team-Amsterdam/Blurring-as-a-Service, `config.example.yml` and
`blurring_as_a_service/settings/settings_schema.py` from January 2023 to August 2025, and of YOLO-model-development-kit
`settings/settings_schema.py`, which the last of these builds upon. Patterns are those of `fnmatch`; the first counts.
"""

import re
from collections.abc import Callable
from typing import Any, TypeGuard

from baas_crds.blurjob import MAX_NAME_LENGTH
from baas_preprocess.conversion.findings import Draft, Finding, carried, dropped, to_decide

Meaning = Callable[[str, Any, Draft], Finding]
"""Takes a key, its value, and the file that is being made; tells what became of the key."""

_CLASSES = {0, 1}
"""Of the earlier service: person and licence plate."""
_MOST_WORKERS, _MOST_CHECKED = 1_000, 10_000
_TRAINING = "training has a file of its own (training.file, docs/howto/train.md)"
_EVALUATION = "a detector is measured by `baas-detector evaluate`, or as a step of a training (docs/howto/evaluate.md)"
_AZURE_ML = (
    "no run needs Azure ML: pods and their images are the chart's (podTemplate here); training can be a job there "
    "(docs/howto/train.md)"
)


def _gone(why: str) -> Meaning:
    return lambda key, _value, _draft: dropped(key, why)


def _name(key: str, value: Any, draft: Draft) -> Finding:
    given = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    names = [re.sub(r"[^a-z0-9]+", "-", one.lower()).strip("-")[:MAX_NAME_LENGTH].strip("-") for one in given]
    before = draft.document.get("name")
    names = [name for name in names if name not in {before, ""}]
    if not names:
        return carried(key, "name") if before else to_decide(key, "name: it is empty; call the run something")
    if before or len(names) > 1:
        return to_decide(key, "name: a file is for one customer; convert a copy of the file for each of the others")
    draft.put("name", names[0])
    return carried(key, f"name: {names[0]}", "`baas earlier import --customer` takes the name as it was")


def _confidence(key: str, value: Any, _draft: Draft) -> Finding:
    if value is None:
        return dropped(key, "it was not set")
    return to_decide(
        key,
        f"detector.confidencePermille: {value} was a threshold of another model, cut otherwise; it was not taken over. "
        "The default, 50 (0.05) for both classes, was measured with the default model (docs/explanation/detection.md); "
        "measure your own with `baas-detector evaluate`",
    )


def _model(key: str, value: Any, _draft: Draft) -> Finding:
    return to_decide(
        key,
        f"detector.modelDigest: {value} named a model in Azure ML. Serve its weights with `baas-detector "
        "build-repository --weights`, and pin that digest; or leave it out, and the default model is used",
    )


def _batches(key: str, value: Any, draft: Draft) -> Finding:
    if not _is_number(value) or not 1 <= value <= _MOST_WORKERS:
        return to_decide(key, f"parallelism: {value} is no number of workers from 1 to {_MOST_WORKERS:,}")
    draft.put("parallelism", value)
    return carried(key, f"parallelism: {value}", "workers take pictures from the ledger, no batch files are made")


def _exclude(key: str, value: Any, draft: Draft) -> Finding:
    if not value:
        return dropped(key, "it was not set")
    file = str(value).rsplit("/", 1)[-1]
    draft.put("source.excludeList.file", file)
    return to_decide(
        key,
        f"source.excludeList.file: {value} lay among the pictures; copy it beside config.yml, as {file}. The column "
        "must be called `filename`, and stands for plain names or whole paths",
    )


def _date_folders(key: str, value: Any, draft: Draft) -> Finding:
    if not value:
        return dropped(key, "it was not set")
    globs = [f"{str(folder).strip('/')}/*" for folder in (value if isinstance(value, list) else [value])]
    draft.put("source.include", globs)
    return carried(key, f"source.include: {', '.join(globs)}")


def _labels(key: str, value: Any, draft: Draft) -> Finding:
    is_on = bool(value) or bool(draft.document.get("steps", {}).get("storeDetections"))
    draft.put("steps.storeDetections", is_on)
    return carried(key, f"steps.storeDetections: {str(is_on).lower()}")


def _images(key: str, value: Any, _draft: Draft) -> Finding:
    if value:
        return carried(key, "steps.redact: true", "each picture that is safe is published")
    return to_decide(
        key,
        "steps.redact: it was off, so that some or all pictures were not written; here each safe picture is published",
    )


def _sensitive(key: str, value: Any, _draft: Draft) -> Finding:
    classes = {one for one in value if _is_number(one)} if isinstance(value, list) else set()
    if classes == _CLASSES:
        return carried(key, "persons and licence plates are redacted, always")
    more = f"; what {sorted(classes - _CLASSES)} was, it does not look for" if classes - _CLASSES else ""
    return to_decide(key, f"this service redacts persons and licence plates, both of them, always{more}")


def _targets(key: str, value: Any, _draft: Draft) -> Finding:
    if not value:
        return dropped(key, "it was empty")
    return to_decide(
        key, "other objects than persons and licence plates are not looked for: use another program for them"
    )


def _output_size(key: str, value: Any, _draft: Draft) -> Finding:
    if value is None:
        return dropped(key, "it was not set; pictures keep their size")
    return to_decide(key, "pictures keep their size: make smaller ones of the published pictures with another program")


def _quality_check(key: str, value: Any, draft: Draft) -> Finding:
    if not _is_number(value) or not 1 <= value <= _MOST_CHECKED:
        return to_decide(key, "qualityCheck.sampleSize: how many finished pictures people look at, 1 to 10,000")
    draft.put("steps.qualityCheck", True)
    draft.put("qualityCheck.sampleSize", value)
    return carried(
        key, f"steps.qualityCheck: true, qualityCheck.sampleSize: {value}", "of each run, as it was of each upload"
    )


def _sampling_ratio(key: str, value: Any, draft: Draft) -> Finding:
    draft.put("steps.retrainingSample", False)
    return to_decide(
        key,
        f"retrainingSample.size: {value} % of the pictures were drawn; here it is a number, and the place must be "
        "chosen, since the copies show people. Set retrainingSample.size and .output, and switch on "
        "steps.retrainingSample",
    )


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


MEANINGS: tuple[tuple[str, Meaning], ...] = (
    ("customer", _name),
    ("inference_pipeline.customer_name", _name),
    ("*.customers", _name),
    ("aml_experiment_details.ai_instrumentation_key", _gone("the chart's telemetry values say where telemetry goes")),
    ("aml_experiment_details.*", _gone(_AZURE_ML)),
    ("pre_inference_pipeline.compute_name", _gone(_AZURE_ML)),
    ("api_endpoint.*", _gone("the online endpoint is `baas-api`, in the chart (docs/howto/online-endpoint.md)")),
    (
        "metadata_pipeline.*",
        _gone("labels are converted by `baas-detector convert` and `metadata` (docs/howto/annotate.md)"),
    ),
    ("training_pipeline.*", _gone(_TRAINING)),
    ("model_conversion.*", _gone("`baas-detector build-repository` makes of weights what Triton serves")),
    ("wandb.*", _gone(f"{_TRAINING}, where train.tracking says wandb")),
    ("performance_evaluation*.conf_thres", _gone(f"{_EVALUATION}; this was a threshold of another model")),
    ("performance_evaluation*", _gone(_EVALUATION)),
    ("*.number_of_batches", _batches),
    ("*.exclude_list_file", _exclude),
    ("*.date_folders", _date_folders),
    ("inference_pipeline.*model_name", _model),
    ("inference_pipeline.*model_version", _gone("it belongs to the model's name in Azure ML")),
    ("inference_pipeline.inputs.model", _model),
    ("inference_pipeline.input.model", _model),
    ("inference_pipeline.*conf_thres", _confidence),
    ("inference_pipeline.model_params.conf", _confidence),
    ("inference_pipeline.*_classes_conf", _confidence),
    ("inference_pipeline.*sensitive_classes", _sensitive),
    ("inference_pipeline.*target_classes", _targets),
    ("inference_pipeline.*.batch_size", _gone("Triton puts tiles together by itself")),
    ("inference_pipeline.*.img*s*z*", _gone("panoramas are not squeezed to one size, but cut into tiles of their own")),
    ("inference_pipeline.*.save_txt*", _labels),
    ("inference_pipeline.save_detection_labels", _labels),
    ("inference_pipeline.*.save_csv", _gone("the ledger has all detections")),
    ("inference_pipeline.*.save_conf_flag", _gone("scores are written with boxes, always")),
    ("inference_pipeline.*.save_img_flag", _images),
    ("inference_pipeline.*.save_blurred_image", _images),
    ("inference_pipeline.save_detection_images", _images),
    ("inference_pipeline.save_all_images", _images),
    ("inference_pipeline.draw_bounding_boxes", _gone("boxes are never drawn on pictures; `baas report` shows them")),
    ("inference_pipeline.output_image_size", _output_size),
    ("inference_pipeline.use_sahi", _gone("panoramas are always cut into tiles")),
    (
        "inference_pipeline.sahi_params.*",
        _gone("panoramas are always cut into tiles, whose size follows from the picture"),
    ),
    ("inference_pipeline.defisheye*", _gone("panoramas need none; pictures keep their projection")),
    ("inference_pipeline.*.exist_ok", _gone("running again goes on, and replaces only what is new or changed")),
    ("inference_pipeline.*.skip_evaluation", _gone(_EVALUATION)),
    ("inference_pipeline.*.half", _gone("the model repository says how the model computes")),
    ("inference_pipeline.*.hide_labels", _gone("nothing is drawn on pictures")),
    ("inference_pipeline.*.no_inverted_colors", _gone("pictures keep their colours")),
    ("inference_pipeline.outputs.*_subfolder", _gone("boxes stand beside each picture, under its name")),
    ("inference_pipeline.outputs.yolo_yaml_file", _gone("no such file is made")),
    (
        "inference_pipeline.inputs.files_to_blur",
        _gone("no list is needed: the source is listed, and the ledger keeps it"),
    ),
    ("*.results_folder", _gone("no batch files are made")),
    ("pre_inference_pipeline.datastore_output", _gone("no batch files are made")),
    ("sampling_parameters.quality_check_sample_size", _quality_check),
    ("sampling_parameters.sampling_ratio", _sampling_ratio),
    (
        "sampling_parameters.conf_score_threshold",
        _gone(
            "it was a threshold of another model: what is redacted counts as found, from detector.confidencePermille on"
        ),
    ),
    (
        "logging.ai_instrumentation_key",
        _gone("the chart's telemetry values say where telemetry goes; keep keys in a Secret"),
    ),
    ("logging.*", _gone("pods log JSON, as much as the chart says; on one machine there is `baas -v`")),
    ("logging", _gone("pods log JSON, as much as the chart says; on one machine there is `baas -v`")),
)
"""By pattern. Keys about places and the database are looked at together (`places`)."""
