"""Serve `model.onnx` with OpenVINO inside Triton's python backend; a repository holds this file as `model.py`.

Nothing of this project is imported: Triton needs only this folder, numpy and openvino.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import triton_python_backend_utils as triton


class TritonPythonModel:
    """Triton's interface: https://github.com/triton-inference-server/python_backend#usage."""

    def initialize(self, args: dict[str, str]) -> None:
        """Compile the graph for any shape. Raises when the folder's files are not those of the model's digest."""
        parameters = {
            key: value["string_value"] for key, value in json.loads(args["model_config"])["parameters"].items()
        }
        version = args["model_version"]
        folder = Path(args["model_repository"]) / version
        graph = folder / "model.onnx"
        card = (folder / "model-card.json").read_bytes()
        digest = parameters.get(f"model_digest.{version}", parameters["model_digest"])
        _must_have_digest("model-card.json", card, digest)
        built = json.loads(card)["built"]
        _must_have_digest(graph.name, graph.read_bytes(), built["files"][graph.name])
        core = openvino.Core()
        offers_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        # Set always: OpenVINO's own choice would be bf16 wherever there is any, checked or not.
        precision = "bf16" if built["precision"] == "bf16" and offers_bf16 else "f32"
        # All cores for one tile: measured faster than a tile for each core, which waits for others of its batch.
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": cores(),
            "INFERENCE_PRECISION_HINT": precision,
        }
        self._run = core.compile_model(graph, "CPU", settings).create_infer_request()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request, or say why not; never with fewer rows than tiles."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        try:
            tiles = triton.get_input_tensor_by_name(request, "TILES").as_numpy()
            # One by one: measured as fast as a batch, and the memory of one.
            answers = [self._boxes_and_count(tile[np.newaxis]) for tile in tiles]
            outputs = [
                triton.Tensor(name, np.concatenate(parts))
                for name, parts in zip(("BOXES", "COUNT"), zip(*answers, strict=True), strict=True)
            ]
            return triton.InferenceResponse(outputs)
        except Exception as error:  # noqa: BLE001 - Triton must hand any failure to the client
            return triton.InferenceResponse(error=triton.TritonError(f"{type(error).__name__}: {error}"))

    def _boxes_and_count(self, tile: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        self._run.infer({"TILES": tile}, share_inputs=True)
        return self._run.get_tensor("BOXES").data.copy(), self._run.get_tensor("COUNT").data.copy()


def cores() -> int:
    """Return how many cores this process may use at once: a container sees all of the node's, whatever its limit."""
    seen = len(os.sched_getaffinity(0))
    try:
        # https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu: microseconds of CPU in each period, or `max`.
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(seen, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return seen


def _must_have_digest(name: str, data: bytes, expected: str) -> None:
    found = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if found != expected:
        raise ValueError(f"{name} is {found}; expected {expected}: build the repository again")
