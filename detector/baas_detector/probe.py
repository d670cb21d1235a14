"""Look at a Triton server as a client would: is the expected model there, is it ready, how fast is it?"""

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import tritonclient.grpc as client
from tritonclient.utils import InferenceServerException

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_detector.contract import BOXES, COUNT, MODEL_NAME, PARAMETERS, TILES, WARM_TILE_PX, deviations

ANSWER_SECONDS = 60
"""A tile takes about a second on two cores; a queue of eight may stand before it."""
_WAITING_HELPS = {"StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED", "StatusCode.CANCELLED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A server that holds the expected model."""

    url: str
    server: str
    """Name and version, as the server says."""
    model: str
    versions: tuple[str, ...]
    backend: str
    max_batch_size: int
    tensors: dict[str, str]
    """Type and shape by name."""
    parameters: dict[str, str]
    """Of the newest version."""
    digests: dict[str, str]
    """Of each version that is served."""
    is_ready: bool
    latency_seconds: float
    """Median for one tile of WARM_TILE_PX, alone."""


def grpc_address(url: str) -> str:
    """Return `host:port` of a gRPC endpoint given as such, or as grpc://host:port. Raises `ConfigurationError`."""
    matched = re.fullmatch(r"(?:grpc://)?([\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})/?", url)
    if matched is None:
        raise ConfigurationError(
            f"{url} is not the address of a Triton server; expected host:port of its gRPC port (8001)"
        )
    return f"{matched[1]}:{matched[2]}"


def probe(url: str, *, tiles: int) -> Found:
    """Compare the model with the contract and time `tiles` tiles.

    Raises `DependencyUnavailable` when nothing answers or the model is not ready, and `ConfigurationError` when it is
    not the expected model.
    """
    address = grpc_address(url)
    with client.InferenceServerClient(address) as server, _triton_errors(address):
        about = server.get_server_metadata(as_json=True, client_timeout=ANSWER_SECONDS)
        known = server.get_model_repository_index(as_json=True, client_timeout=ANSWER_SECONDS).get("models", [])
        if MODEL_NAME not in {model["name"] for model in known}:
            others = ", ".join(sorted(model["name"] for model in known)) or "none"
            raise ConfigurationError(f"Triton at {address} has no model {MODEL_NAME}; its models: {others}")
        if not server.is_model_ready(MODEL_NAME, client_timeout=ANSWER_SECONDS):
            raise DependencyUnavailable(f"Triton at {address} has the model {MODEL_NAME}, but it is not ready")
        metadata = server.get_model_metadata(MODEL_NAME, as_json=True, client_timeout=ANSWER_SECONDS)
        config = server.get_model_config(MODEL_NAME, as_json=True, client_timeout=ANSWER_SECONDS)["config"]
        wrong = deviations(metadata, config)
        if wrong:
            raise ConfigurationError(f"Model {MODEL_NAME} at {address} is not the expected one: {'; '.join(wrong)}")
        latency = _latency(server, tiles, max_det=int(config["parameters"]["max_det"]["string_value"]))
    return Found(
        url=address,
        server=f"{about['name']} {about['version']}",
        model=MODEL_NAME,
        versions=tuple(metadata["versions"]),
        backend=config["backend"],
        max_batch_size=int(config.get("max_batch_size", 0)),
        tensors={t["name"]: f"{t['datatype']} {_shape(t)}" for t in (*metadata["inputs"], *metadata["outputs"])},
        parameters={key: config["parameters"][key]["string_value"] for key in PARAMETERS},
        digests={version: _digest(config["parameters"], version) for version in metadata["versions"]},
        is_ready=True,
        latency_seconds=round(latency, 3),
    )


def _digest(parameters: dict[str, dict[str, str]], version: str) -> str:
    return parameters.get(f"model_digest.{version}", parameters["model_digest"])["string_value"]


def _latency(server: Any, tiles: int, *, max_det: int) -> float:
    shape = (1, WARM_TILE_PX, WARM_TILE_PX, 3)
    request = client.InferInput(TILES, shape, "UINT8")
    request.set_data_from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    seconds = []
    for _ in range(tiles):
        start = time.perf_counter()
        answer = server.infer(MODEL_NAME, [request], client_timeout=ANSWER_SECONDS)
        seconds.append(time.perf_counter() - start)
        shapes = answer.as_numpy(BOXES).shape, answer.as_numpy(COUNT).shape
        if shapes != ((1, max_det, 6), (1, 1)):
            raise ConfigurationError(
                f"Model {MODEL_NAME} answered shapes {shapes}; expected (1, {max_det}, 6) and (1, 1)"
            )
    return statistics.median(seconds)


def _shape(tensor: dict[str, Any]) -> str:
    return "[" + ", ".join(tensor["shape"]) + "]"


@contextmanager
def _triton_errors(address: str) -> Iterator[None]:
    """Turn tritonclient's one exception into ours. The only place that knows its codes."""
    try:
        yield
    except InferenceServerException as error:
        if error.status() in _WAITING_HELPS:
            raise DependencyUnavailable(f"Triton at {address} does not answer: {error.message()}") from error
        raise ConfigurationError(f"Triton at {address} refused the request: {error.message()}") from error
