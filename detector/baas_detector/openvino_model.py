"""Serve `model.onnx` with OpenVINO inside Triton's python backend; a repository holds this file as `model.py`.

Nothing of this project is imported: Triton needs only this folder, numpy and openvino.
"""

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import openvino
import triton_python_backend_utils as triton

_Array: TypeAlias = np.ndarray[Any, Any]
_BoxesAndCount: TypeAlias = "Future[tuple[_Array, _Array]]"
MOST_STREAMS = 4
"""So many tiles are worked on at once; more cores share them."""


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
        threads = cores()
        # A stream works on one tile. On two cores two streams take 3 % less CPU than one; with more cores, a tile has
        # less and less use of each. All have as many threads, so that a number that does not divide the cores would
        # leave some idle. Each takes 0.6 GB.
        streams = max(number for number in range(1, MOST_STREAMS + 1) if threads % number == 0)
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
        }
        self._compiled = core.compile_model(graph, "CPU", settings)
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(streams, thread_name_prefix="stream")

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request, or say why not; never with fewer rows than tiles."""
        begun = [self._begin(request) for request in requests]
        return [_answer(of_request) for of_request in begun]

    def finalize(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _begin(self, request: Any) -> Sequence[_BoxesAndCount]:
        try:
            # A copy: no thread lets go of Triton's own memory after the request was answered.
            tiles = triton.get_input_tensor_by_name(request, "TILES").as_numpy().copy()
        except Exception as error:  # noqa: BLE001 - is the answer to this request, and to no other
            failed: _BoxesAndCount = Future()
            failed.set_exception(error)
            return [failed]
        # One by one, as many at once as there are streams: measured as fast as a batch, and the memory of one each.
        return [self._pool.submit(self._boxes_and_count, tile[np.newaxis]) for tile in tiles]

    def _boxes_and_count(self, tile: _Array) -> tuple[_Array, _Array]:
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        run = self._own.request
        run.infer({"TILES": tile}, share_inputs=True)
        return run.get_tensor("BOXES").data.copy(), run.get_tensor("COUNT").data.copy()


def _answer(begun: Sequence[_BoxesAndCount]) -> Any:
    try:
        answers = [one.result() for one in begun]
        outputs = [
            triton.Tensor(name, np.concatenate(parts))
            for name, parts in zip(("BOXES", "COUNT"), zip(*answers, strict=True), strict=True)
        ]
        return triton.InferenceResponse(outputs)
    except Exception as error:  # noqa: BLE001 - Triton must hand any failure to the client
        return triton.InferenceResponse(error=triton.TritonError(f"{type(error).__name__}: {error}"))


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
