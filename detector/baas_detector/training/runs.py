"""The steps of a run, from labelled pictures to a registered model.

    RUN/run.json              settings, data and start, written before training begins
    RUN/pictures.json         how often each picture is shown in an epoch
    RUN/selection.json        which pictures were taken, and which groups have too few
    RUN/train/weights/best.pt what was learned
    RUN/trained.json          digest of it; there when training is over
    RUN/validation.json       mAP per class
    RUN/models/               the Triton model repository
    RUN/evaluation/           what was missed with it, of whom: report.json, masks/ and safe/

Each step leaves files, and the next reads them: a step can run in another process, on another day.
"""

import logging
import os
import tempfile
from collections.abc import Sequence
from importlib import metadata
from itertools import repeat
from pathlib import Path
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_detector.building import build
from baas_detector.contract import MODEL_NAME, DetectedClass
from baas_detector.repository import Repository, open_repository
from baas_detector.training import yolo
from baas_detector.training.dataset import Dataset, read_dataset, write_dataset
from baas_detector.training.files import read_json, write_json
from baas_detector.training.labels import LabelledPicture
from baas_detector.training.measures import Measures
from baas_detector.training.registry import Bundle
from baas_detector.training.selection import read_wanted, select_pictures
from baas_detector.training.settings import ImageWeights, Training, TrainingConfig
from baas_detector.training.weights import picture_weights, repetitions
from baas_detector.weights import digest_of, own_weights, vehicle_weights

log = logging.getLogger(__name__)

RUN, TRAINED, SELECTION, PICTURES, VALIDATION = (
    "run.json",
    "trained.json",
    "selection.json",
    "pictures.json",
    "validation.json",
)
REPORT, SUMMARY = "evaluation/report.json", "evaluation/summary.json"
_KEPT = (RUN, TRAINED, PICTURES, VALIDATION, SUMMARY)
"""What goes with a model. The whole report says of single objects what annotators saw, and stays with the run."""
_FREE_TO_CHANGE = {"device", "loader_processes", "resume", "tracking"}
"""Settings of the machine: a run that is continued may have others."""


def choose_pictures(config: TrainingConfig, data: Dataset) -> Dataset:
    """Take the training pictures that the groups need, and note which. Without the step, take all."""
    if not config.steps.select or config.select is None:
        return data
    chosen = select_pictures(
        data, read_wanted(config.select.wanted), images=config.select.images, seed=config.train.seed
    )
    write_json(config.folder / SELECTION, chosen.document())
    for group, missing in chosen.short.items():
        log.warning("%s: %s more objects are wanted than all training pictures show", group, missing)
    taken = set(chosen.names)
    return data.training_on([picture for picture in data.splits["train"] if str(picture.path) in taken])


def train(config: TrainingConfig, folder: Path) -> Path:
    """Train, go on with what was interrupted, or find that it is done; return the best checkpoint.

    `folder` is the one of the configuration's file. Call it inside `yolo.shut_in`. Raises `ConfigurationError` when the
    run's folder holds another training.
    """
    augmentation = config.augmentation().arguments()
    yolo.check_tracking(config.train.tracking)
    data = choose_pictures(config, read_dataset(config.data.path))
    start = yolo.find_start(config.train.weights, folder)
    _begin_or_go_on(
        config.folder / RUN,
        {
            "train": config.train.model_dump(mode="json", exclude=_FREE_TO_CHANGE | {"weights", "augmentation"}),
            "augmentation": augmentation,
            "start": {"name": start.name, "digest": start.digest},
            "data": data.digest,
            "pictures": {split: len(pictures) for split, pictures in data.splits.items()},
            "tools": {name: metadata.version(name) for name in ("torch", "ultralytics")},
        },
        resume=config.train.resume,
    )
    if (config.folder / TRAINED).is_file():
        log.info("%s was trained already", config.name)
        return trained_weights(config.folder)
    times = _repetitions(data.splits["train"], config.train.image_weights, seed=config.train.seed)
    shown = zip(data.splits["train"], times or repeat(1), strict=False)
    write_json(config.folder / PICTURES, {_name(picture, config.data.path): count for picture, count in shown})
    # Links are made on a disk of this machine: a run's folder may be a mounted container, which has none.
    with tempfile.TemporaryDirectory() as scratch:
        described = write_dataset(
            data, Path(scratch) / "data", repetitions=times, class_weights=config.train.class_weights
        )
        best = yolo.train(start, described, config.folder, config.train, augmentation)
    write_json(
        config.folder / TRAINED,
        {"weights": str(best.relative_to(config.folder)), "digest": digest_of(best.read_bytes())},
    )
    return best


def _name(picture: LabelledPicture, data: Path) -> str:
    """Return where a picture lies in its data set, whatever machine that is on."""
    return os.path.relpath(picture.path, data if data.is_dir() else data.parent)


def _repetitions(pictures: Sequence[LabelledPicture], settings: ImageWeights | None, *, seed: int) -> list[int] | None:
    if settings is None:
        return None
    shown = [picture.categories for picture in pictures]
    weights = picture_weights(shown, by=settings.by, power=settings.power, most=settings.most)
    times = repetitions(weights, seed=seed)
    log.info("%s pictures are shown %s times in each epoch", len(times), sum(times))
    return times


def _begin_or_go_on(record: Path, facts: dict[str, Any], *, resume: bool) -> None:
    """Note what a run is made of, or make sure that it is the run that was begun here."""
    if not record.is_file():
        write_json(record, facts)
        return
    if not resume:
        raise ConfigurationError(
            f"{record.parent} holds a run already, and train.resume is false: choose another name, or remove the folder"
        )
    before = read_json(record)
    changed = sorted(key for key in facts.keys() | before.keys() if facts.get(key) != before.get(key))
    if "train" in changed:
        changed.remove("train")
        changed += [f"train.{key}" for key in facts["train"] if facts["train"][key] != before["train"].get(key)]
    if changed:
        raise ConfigurationError(
            f"{record.parent} was begun with other settings ({', '.join(changed)}): choose another name, set them as "
            f"{record} says, or remove the folder"
        )


def trained_weights(folder: Path) -> Path:
    """Return a finished run's checkpoint. Raises `ConfigurationError` when it is not there as it was trained."""
    if not (folder / TRAINED).is_file():
        raise ConfigurationError(f"{folder} holds no finished training: run the step `train` first")
    noted = read_json(folder / TRAINED)
    weights: Path = folder / noted["weights"]
    if not weights.is_file() or digest_of(weights.read_bytes()) != noted["digest"]:
        raise ConfigurationError(f"{weights} is not what was trained: it was changed or removed")
    return weights


def validate(config: TrainingConfig) -> Measures:
    """Measure the run's checkpoint on the pictures that were held back. Call it inside `yolo.shut_in`."""
    weights = trained_weights(config.folder)
    measures = measure(weights, config.data.path, "val", config.train)
    write_json(config.folder / VALIDATION, {"weights": digest_of(weights.read_bytes()), **measures.document()})
    return measures


def measure(weights: Path, data: Path, split: str, settings: Training) -> Measures:
    """Measure a checkpoint on one split of a data set. Call it inside `yolo.shut_in`.

    Raises `ConfigurationError` when the data have no such split.
    """
    dataset = read_dataset(data)
    if split not in dataset.splits:
        raise ConfigurationError(f"{data} has no pictures for {split}")
    with tempfile.TemporaryDirectory() as scratch:
        return yolo.validate(
            weights,
            write_dataset(dataset, Path(scratch) / "data"),
            split=split,
            image_size_px=settings.image_size_px,
            batch=settings.batch,
            device=settings.device,
        )


def export(config: TrainingConfig, *, force: bool = False) -> Repository:
    """Build a Triton model repository of the run's checkpoint, as `baas-detector build-repository` does."""
    if config.export is None:
        raise ConfigurationError("The file has no part `export:`")
    own = own_weights(trained_weights(config.folder), *DetectedClass)
    # The first that knows vehicles is the one that is asked for them.
    guide = [vehicle_weights(config.export.vehicles)] if config.export.vehicles and config.export.closer_look else []
    return build(
        config.repository,
        [*guide, own],
        config.export.thresholds,
        target=config.export.target,
        tensorrt=config.export.tensorrt,
        force=force,
    )


def bundle(config: TrainingConfig, name: str) -> Bundle:
    """Collect what a run left, for the registry: checkpoint, settings, figures and, when built, the repository."""
    folder, weights = config.folder, trained_weights(config.folder)
    files = {"weights.pt": weights}
    files |= {name: folder / name for name in _KEPT if (folder / name).is_file()}
    if (config.repository / MODEL_NAME).is_dir():
        used = {one.digest for one in open_repository(config.repository).card.recipe.weights if one.wanted}
        if used != {digest_of(weights.read_bytes())}:
            raise ConfigurationError(
                f"{config.repository} was not built of {weights}: run the step `export` again, or name another "
                "export.output"
            )
        built = (path for path in (config.repository / MODEL_NAME).rglob("*") if path.is_file())
        files |= {f"repository/{path.relative_to(config.repository)}": path for path in built}
    return Bundle(name=name, files=files)
