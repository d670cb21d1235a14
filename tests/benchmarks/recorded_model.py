"""Answer recorded boxes in the detector's place; a repository of `worker.py` holds this file as `model.py`.

Whatever a tile shows, it gets as many boxes of the same sizes, which none of its pixels decides. A file `seconds`
beside it says how long a GPU would work on each batch.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as triton

# (left, top, width, height) in shares of a tile's sides: persons and plates near and far.
_SHARES = np.array(
    [
        (0.05, 0.42, 0.030, 0.140),
        (0.12, 0.47, 0.012, 0.050),
        (0.21, 0.45, 0.040, 0.110),
        (0.33, 0.52, 0.020, 0.008),
        (0.41, 0.44, 0.008, 0.030),
        (0.50, 0.49, 0.060, 0.180),
        (0.62, 0.55, 0.030, 0.012),
        (0.70, 0.46, 0.015, 0.060),
        (0.81, 0.43, 0.010, 0.040),
        (0.90, 0.60, 0.024, 0.009),
    ]
)
_PLATES = (3, 6, 9)


class TritonPythonModel:
    """Triton's interface: https://github.com/triton-inference-server/python_backend#usage."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read how many boxes an answer has room for, and how long to wait."""
        parameters = json.loads(args["model_config"])["parameters"]
        self._max_det = int(parameters["max_det"]["string_value"])
        folder = Path(args["model_repository"]) / args["model_version"]
        self._seconds = float((folder / "seconds").read_text())

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer a batch."""
        time.sleep(self._seconds)
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        count, height, width, _ = triton.get_input_tensor_by_name(request, "TILES").shape()
        boxes = np.zeros((count, self._max_det, 6), np.float32)
        found = np.zeros((count, 1), np.int32)
        if width == height:  # the overview shows the same objects, and would see them once more
            corner, size = _SHARES[:, :2] * width, _SHARES[:, 2:] * width
            boxes[:, : len(_SHARES), :4] = np.hstack([corner, corner + size])
            boxes[:, : len(_SHARES), 4] = 0.9
            boxes[:, _PLATES, 5] = 1
            found[:] = len(_SHARES)
        return triton.InferenceResponse([triton.Tensor("BOXES", boxes), triton.Tensor("COUNT", found)])
