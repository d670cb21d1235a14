"""The part of training that speaks Ultralytics, beside `weighted.py`: start it shut in, train, go on, measure."""

import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass
from baas_detector.training.measures import ClassMeasures, Measures
from baas_detector.training.settings import Training
from baas_detector.weights import PERSONS, default_weights, own_weights

if TYPE_CHECKING:
    from baas_detector.training.weighted import WeightedTrainer

log = logging.getLogger(__name__)

_TRAIN = "train"
_TRACKERS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a training begins with."""

    model: str
    """A checkpoint's path, or an architecture's name."""
    name: str
    """For people and records: no path of this machine."""
    digest: str | None
    """Of the checkpoint; None where nothing is known yet."""


def find_start(weights: str, folder: Path) -> Start:
    """Return what `train.weights` means; paths count from `folder`. Call it inside `shut_in`.

    Raises `ConfigurationError` when there is no such checkpoint or architecture.
    """
    if weights == PERSONS:
        persons = default_weights()[0]
        return Start(model=str(persons.path), name=persons.name, digest=persons.digest)
    if weights.endswith(".yaml"):
        return Start(model=_architecture(weights), name=weights, digest=None)
    own = own_weights(folder / weights)
    return Start(model=str(own.path.resolve()), name=own.name, digest=own.digest)


def _architecture(name: str) -> str:
    from ultralytics.nn.tasks import yaml_model_load  # noqa: PLC0415

    try:
        yaml_model_load(name)  # type: ignore[no-untyped-call]  # knows that yolov8n.yaml is yolov8.yaml at the scale n
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"train.weights is {name}; Ultralytics has no such architecture, try yolov8n.yaml"
        ) from error
    return name


@contextmanager
def shut_in() -> Iterator[None]:
    """Let Ultralytics install nothing, fetch nothing, tell nobody, and keep its own files in a folder that goes away.

    It reads its environment when it is first imported, so import it only inside. What it prints goes to stderr.
    """
    with tempfile.TemporaryDirectory(prefix="baas-ultralytics-") as folder, redirect_stdout(sys.stderr):
        os.environ |= {
            "YOLO_AUTOINSTALL": "false",
            "YOLO_OFFLINE": "true",
            "YOLO_CONFIG_DIR": folder,
            # Checkpoints are read by a list of allowed classes, which runs no code of theirs.
            "ULTRALYTICS_SAFE_LOAD": "true",
        }
        try:
            from ultralytics.nn import tasks  # noqa: PLC0415
            from ultralytics.utils import SETTINGS  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ConfigurationError(f"Training needs {error.name}: install the extra `model_export`") from error
        tasks.SAFE_LOAD = True  # type: ignore[attr-defined]  # also when somebody imported it before us
        SETTINGS.file = Path(folder) / "settings.json"
        SETTINGS.update({"sync": False} | dict.fromkeys(_TRACKERS, False))  # type: ignore[no-untyped-call]
        yield


def check_tracking(tool: str | None) -> None:
    """Raise `ConfigurationError` when a tool is asked for whose package is missing."""
    if tool is not None and importlib.util.find_spec(tool) is None:
        raise ConfigurationError(f"train.tracking is {tool}, and its package is not installed: `pip install {tool}`")


def train(start: Start, data: Path, folder: Path, settings: Training, augmentation: dict[str, float]) -> Path:
    """Train in `folder`/train, or go on where an earlier start there was killed. Returns the best checkpoint.

    Call it inside `shut_in`.
    """
    from ultralytics.models import YOLO  # noqa: PLC0415
    from ultralytics.utils import SETTINGS  # noqa: PLC0415

    if settings.tracking is not None:
        SETTINGS.update({settings.tracking: True})  # type: ignore[no-untyped-call]
    weights = folder / _TRAIN / "weights"
    last, best = weights / "last.pt", weights / "best.pt"
    if last.is_file() and (begun := _epochs_done(last)) is None:
        return best  # all that was missing is the note that it ended
    if last.is_file():
        log.info("Going on after epoch %s", begun)
        YOLO(str(last)).train(
            resume=str(last), data=str(data), trainer=_trainer(settings), **_of_this_machine(settings)
        )
    else:
        model = YOLO(start.model, task="detect")
        model.train(
            data=str(data), trainer=_trainer(settings),
            **arguments(settings, folder), **augmentation, **_of_this_machine(settings),
        )  # fmt: skip
    return best


def _trainer(settings: Training) -> "type[WeightedTrainer] | None":
    """Return the kind of trainer that the settings need; None means Ultralytics' own."""
    if settings.class_weights is None:
        return None
    from baas_detector.training.weighted import WeightedTrainer  # noqa: PLC0415

    return WeightedTrainer


def _epochs_done(last: Path) -> int | None:
    """Return how many epochs an unfinished training has behind it; None when it was trained to the end."""
    from ultralytics.nn.tasks import torch_safe_load  # noqa: PLC0415

    try:
        checkpoint, _ = torch_safe_load(str(last), safe_only=True)  # type: ignore[no-untyped-call]
    except Exception as error:  # a damaged pickle can raise anything
        raise ConfigurationError(
            f"{last} cannot be read: it was being written when its process was killed. Remove the run's folder "
            "and start again."
        ) from error
    epoch = int(checkpoint["epoch"])
    return None if epoch < 0 else epoch + 1


def arguments(settings: Training, folder: Path) -> dict[str, Any]:
    """Return Ultralytics' arguments for settings that decide what is learned."""
    chosen: dict[str, Any] = {
        "project": str(folder.resolve()),
        "name": _TRAIN,
        "exist_ok": True,
        "epochs": settings.epochs,
        "patience": settings.patience,
        "batch": settings.batch,
        "imgsz": settings.image_size_px,
        "optimizer": settings.optimizer,
        "cls_pw": settings.class_weight_power,
        "seed": settings.seed,
        "deterministic": settings.deterministic,
        # fp16 is not offered: Ultralytics checks it with a network that it fetches.
        "amp": "bf16" if settings.precision == "bf16" else False,
        "plots": False,
    }
    if settings.freeze:
        chosen["freeze"] = settings.freeze
    if settings.learning_rate is not None:
        chosen["lr0"] = settings.learning_rate
    return chosen


def _of_this_machine(settings: Training) -> dict[str, Any]:
    return {"device": settings.device, "workers": settings.loader_processes}


def validate(weights: Path, data: Path, *, split: str, image_size_px: int, batch: int, device: str) -> Measures:
    """Measure a checkpoint on one split of a data set that `write_dataset` wrote. Call it inside `shut_in`."""
    from ultralytics.models import YOLO  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as scratch:
        measured = YOLO(str(weights), task="detect").val(
            data=str(data), split=split, imgsz=image_size_px, batch=batch, device=device, workers=0, plots=False,
            verbose=False, project=scratch,
        )  # fmt: skip
    counts = dict(enumerate(measured.nt_per_class))
    classes = []
    for position, number in enumerate(measured.box.ap_class_index):
        precision, recall, ap50, ap = (float(value) for value in measured.box.class_result(position))
        classes.append(
            ClassMeasures(
                object_class=DetectedClass(measured.names[int(number)]),
                objects=int(counts.get(int(number), 0)),
                precision=precision,
                recall=recall,
                map50=ap50,
                map50_95=ap,
            )
        )
    return Measures(split=split, image_size_px=image_size_px, classes=tuple(classes))
