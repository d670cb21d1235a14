"""Run a graph in the server's own runtime, before any server does, and compare it with its checkpoints."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from baas_crds.errors import ConfigurationError
from baas_detector.accuracy import Drift, Precision, Rows, drift
from baas_detector.contract import BOXES, COUNT, TILES
from baas_detector.repository import open_repository

Tile: TypeAlias = npt.NDArray[np.uint8]
"""(height, width, 3), RGB."""
Finder: TypeAlias = Callable[[Tile], Rows]


def offers_bf16() -> bool:
    """Tell whether this CPU computes in bfloat16. Raises `ConfigurationError` without OpenVINO."""
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def with_openvino(graph: bytes, precision: Precision) -> Finder:
    """Return what finds boxes as the CPU server does."""
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision.value}
    core = _openvino().Core()
    request = core.compile_model(core.read_model(graph), "CPU", settings).create_infer_request()

    def find(tile: Tile) -> Rows:
        answer = request.infer({TILES: tile[np.newaxis]})
        return _rows(answer[BOXES], answer[COUNT])

    return find


def graph_as_served(repository: Path) -> tuple[bytes, Precision]:
    """Return the graph of a repository for the CPU, and the precision in which a server computes it on this machine.

    Raises `ConfigurationError` for a repository that is none, and without OpenVINO.
    """
    opened = open_repository(repository)
    graph = (opened.folder_of(max(opened.versions)) / "model.onnx").read_bytes()
    return graph, opened.card.built.precision if offers_bf16() else Precision.F32


def with_onnxruntime(graph: bytes) -> Finder:
    """Return what finds boxes with ONNX Runtime, which the GPU server uses; here it runs on the CPU."""
    import onnxruntime  # noqa: PLC0415 - only one of the two runtimes is needed

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return lambda tile: _rows(*session.run([BOXES, COUNT], {TILES: tile[np.newaxis]}))


def compare(one: Finder, other: Finder, samples: Mapping[str, Tile]) -> Drift:
    """Return the drift over the sample tiles."""
    return drift([one(tile) for tile in samples.values()], [other(tile) for tile in samples.values()])


def _rows(boxes: npt.NDArray[np.float32], count: npt.NDArray[np.int32]) -> Rows:
    return np.array(boxes[0, : int(count[0, 0])])


def _openvino() -> Any:
    try:
        import openvino  # noqa: PLC0415 - not needed for the GPU
    except ModuleNotFoundError as error:
        raise ConfigurationError("--target cpu needs OpenVINO: install the extra `triton_cpu`") from error
    return openvino
