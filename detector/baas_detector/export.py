"""Checkpoints -> one ONNX graph. Imports torch and Ultralytics: import this module only where a model is built."""

import contextlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch

from baas_crds.errors import ConfigurationError
from baas_detector.accuracy import Rows
from baas_detector.card import Thresholds, UsedWeights
from baas_detector.contract import BOXES, COUNT, TILES, channels_of, vehicle_channels
from baas_detector.graph import ExpectedDistance, PersonPlate, Source
from baas_detector.weights import Weights

OPSET = 17
_UNSAID = "not stated in the checkpoint; whatever Ultralytics trains is AGPL-3.0 unless bought otherwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The graph, what is inside, and the torch model that it must agree with."""

    onnx: bytes
    weights: tuple[UsedWeights, ...]
    model: PersonPlate

    def reference(self, tile: npt.NDArray[np.uint8]) -> Rows:
        """Return the boxes that torch itself finds on one tile (height, width, 3)."""
        with torch.inference_mode():
            boxes, count = self.model(torch.from_numpy(tile)[None])
        rows: Rows = boxes[0, : int(count)].numpy()
        return rows


def export(weights: Sequence[Weights], thresholds: Thresholds) -> Exported:
    """Join the checkpoints into one graph with dynamic batch, height and width.

    Raises `ConfigurationError` for a file that is no Ultralytics detection checkpoint or lacks a class.
    """
    sources, used = [], []
    with _quiet_ultralytics():
        for one in weights:
            source, facts = _load(one)
            sources.append(source)
            used.append(facts)
        model = PersonPlate(sources, thresholds).eval()
        return Exported(onnx=_to_onnx(model), weights=tuple(used), model=model)


def _load(weights: Weights) -> tuple[Source, UsedWeights]:
    from ultralytics.nn import tasks  # noqa: PLC0415 - reads its environment when it is imported

    # Only known classes are made from the pickle, also when somebody imported Ultralytics before us.
    tasks.SAFE_LOAD = True  # type: ignore[attr-defined]
    try:
        loaded: tuple[Any, Any] = tasks.load_checkpoint(weights.path)  # type: ignore[no-untyped-call]
    except Exception as error:  # a damaged pickle can raise anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigurationError(f"{weights.name} cannot be read as an Ultralytics checkpoint: {reason}") from error
    model, checkpoint = loaded
    if type(model) is not tasks.DetectionModel:  # its children segment, estimate poses or wait for a text
        raise ConfigurationError(
            f"{weights.name} holds a {type(model).__name__}; expected a DetectionModel, which finds boxes and no more"
        )
    channels = channels_of(model.names, weights.wanted, source=weights.name)
    vehicles = vehicle_channels(model.names)
    head = _make_ready_to_trace(model)
    if model.end2end:
        raise ConfigurationError(
            f"{weights.name} was reduced to its end-to-end head, which drops boxes: give the one that training wrote"
        )
    read = sorted({channel for channel, _ in channels} | set(vehicles))
    _score_only(read, head)
    licence = weights.licence or checkpoint.get("license") or _UNSAID
    return (
        Source(
            model=model,
            stride=int(model.stride.max()),
            channels=tuple((read.index(channel), found) for channel, found in channels),
            vehicles=tuple(read.index(channel) for channel in vehicles),
        ),
        UsedWeights(name=weights.name, licence=licence, channels=dict(channels), vehicles=vehicles),
    )


def _make_ready_to_trace(model: Any) -> Any:
    """Fold batch norms, let the head answer all candidates in corner coordinates of any input, and return the head."""
    model.end2end = False  # a head that drops boxes itself would hide how many there were
    model.fuse(verbose=False).eval()
    head = model.model[-1]
    if head.reg_max > 1:
        head.dfl = ExpectedDistance(head.reg_max)
    head.export, head.dynamic, head.format, head.xyxy = True, True, "onnx", True
    return head


def _score_only(channels: Sequence[int], head: Any) -> None:
    """Let the head score these classes alone: of the 80 of COCO a server would write out 75 that nobody reads."""
    if not channels:
        return
    for branch in head.cv3:
        scoring = branch[-1]
        scoring.weight = torch.nn.Parameter(scoring.weight[list(channels)])
        scoring.bias = torch.nn.Parameter(scoring.bias[list(channels)])
        scoring.out_channels = len(channels)
    head.nc, head.no = len(channels), len(channels) + 4 * head.reg_max


def _to_onnx(model: PersonPlate) -> bytes:
    sizes = {0: "batch", 1: "height", 2: "width"}
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        # The newer exporter cannot express a NonMaxSuppression of our own without another dependency.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros((2, 320, 288, 3), dtype=torch.uint8),),
            buffer,  # type: ignore[arg-type]  # the exporter takes file objects
            input_names=[TILES],
            output_names=[BOXES, COUNT],
            opset_version=OPSET,
            dynamo=False,
            dynamic_axes={TILES: sizes, BOXES: {0: "batch"}, COUNT: {0: "batch"}},
        )
    data = buffer.getvalue()
    onnx.checker.check_model(onnx.load_from_string(data))
    return data


@contextlib.contextmanager
def _quiet_ultralytics() -> Iterator[None]:
    """Let Ultralytics write only to a folder that goes away, install nothing and fetch nothing."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        os.environ |= {
            "YOLO_AUTOINSTALL": "false",
            "YOLO_OFFLINE": "true",
            "YOLO_VERBOSE": "false",
            "YOLO_CONFIG_DIR": folder,
        }
        yield


def sample_tiles(side_px: int) -> dict[str, npt.NDArray[np.uint8]]:
    """Return the street photos that the Ultralytics package carries, by file name, each as one square tile.

    A photo stands in it at a half, a quarter and an eighth of the tile's side, so that objects have many sizes.
    """
    import ultralytics  # noqa: PLC0415
    from PIL import Image, ImageOps  # noqa: PLC0415

    tiles = {}
    for path in sorted((Path(ultralytics.__file__).parent / "assets").glob("*.jpg")):
        photo, tile = Image.open(path).convert("RGB"), Image.new("RGB", (side_px, side_px))
        half = side_px // 2
        for part, (left, top) in ((1, (0, 0)), (2, (half, 0)), (4, (0, half)), (1, (half, half))):
            small = ImageOps.fit(photo, (half // part, half // part))
            for column, row in product(range(part), repeat=2):
                tile.paste(small, (left + column * half // part, top + row * half // part))
        tiles[path.name] = np.array(tile)
    return tiles
