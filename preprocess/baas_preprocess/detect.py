"""Ask the detector in Triton what it sees on tiles. The only module that speaks Triton's protocol.

The contract: model `person_plate`, input TILES UINT8 [B, H, W, 3] RGB; outputs BOXES FP32 [B, N, 6] (x1, y1, x2, y2,
score, class; tile pixels) and COUNT INT32 [B, 1]. Anything else, and more boxes than N, is an error, never "no
detections".
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, InferResult
from tritonclient.utils import InferenceServerException

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import ConfigurationError, DependencyUnavailable, NotPublishable
from baas_preprocess.facts import Box, Detection, Digest, Pixels, Tile
from baas_preprocess.measures import infer_span
from baas_preprocess.patience import patient
from baas_preprocess.window import Window

MODEL = "person_plate"
CLASSES = tuple(ObjectClass)
# gRPC status codes that waiting may repair; the others say that the request or the model is wrong.
RETRYABLE = frozenset(
    f"StatusCode.{code}"
    # A server that is stopping, or loads a new version, says for a moment that it has no such model.
    for code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "CANCELLED", "NOT_FOUND")
)
# What the server answers when this picture's request, not the set-up, is at fault.
_REFUSALS = frozenset({"StatusCode.INVALID_ARGUMENT", "StatusCode.INTERNAL", "StatusCode.OUT_OF_RANGE"})
_CHANNEL = [
    # No limits, as without options.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Each request goes to the next of the servers that the name stands for; a name of one server is served as before.
    ("grpc.lb_policy_name", "round_robin"),
    # A server that is back is noticed within seconds; gRPC itself waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A server whose node is gone says nothing: without this, its requests would wait for their deadlines.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 15_000),
    ("grpc.http2.ping_timeout_ms", 15_000),  # of other pings, behind which that one waits
]
# An answer that takes this share of its deadline is a server's that falls behind.
_SLOW = 0.25
_INPUT = ("TILES", "UINT8", (-1, -1, -1, 3))
_OUTPUTS = {"BOXES": "FP32", "COUNT": "INT32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What the server says about the detector it hosts."""

    digest: Digest
    version: str
    """The one that every request names, so that a newer one that is loaded meanwhile changes nothing."""
    score_floor: float
    """Boxes below are not returned: no confidence may be set lower."""
    max_det: int


def address_of(url: str) -> tuple[str, bool]:
    """Split `host:port`, `grpc://host:port` or `grpcs://host:port` into what gRPC connects to, and whether by TLS.

    Raises `ConfigurationError` for all else.
    """
    scheme, _, address = url.rpartition("://")
    if not address or scheme not in {"", "grpc", "grpcs"}:
        raise ConfigurationError(f"BAAS_TRITON is {url}; use grpc://host:port, or grpcs:// with TLS.")
    return address, scheme == "grpcs"


class Detector(Protocol):
    """What the pipeline needs: boxes for a picture's tiles."""

    @property
    def model(self) -> Model:
        """The model that answers."""

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        """Return an array (n, 6) for each tile: x1, y1, x2, y2 in the tile's pixels, score 0..1, class number."""


class TritonDetector:
    """A client of one Triton, or of several that a name stands for; safe to share between threads.

    All must serve the same model: what it is, one of them is asked once. Use it as a context manager.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = MODEL,
        version: str | None = None,
        uses_tls: bool = False,
        requests_in_flight: int = 4,
        deadline_seconds: float = 120,
        patience_seconds: float = 60,
    ) -> None:
        """Connect to `host:port` (gRPC) and check the contract of a model, by default of its newest ready version.

        Requests are spread over all addresses of the host. Other targets that gRPC knows are good, too, such as
        `ipv4:10.0.0.1:8001,10.0.0.2:8001`.

        A call is given `deadline_seconds`; failures that waiting may repair are retried for `patience_seconds`. At most
        `requests_in_flight` are under way, and fewer while the server falls behind (`window`).
        Raises `DependencyUnavailable` when nobody answers, `ConfigurationError` when it is not the expected model.
        """
        self._url = url
        self._name = name
        self._deadline_seconds = deadline_seconds
        # One that is lost is noticed after half a minute, and another one may be about to stop.
        self._retrying = patient(patience_seconds, dependency="triton", attempts=3)
        try:
            self._client = InferenceServerClient(url, ssl=uses_tls, channel_args=_CHANNEL)
        except (InferenceServerException, ValueError) as error:
            raise ConfigurationError(f"--triton is {url!r}; write host:port of Triton's gRPC endpoint") from error
        self.model: Model = self._retrying(self._read_model, version or "")
        self._window = Window(requests_in_flight, slow_seconds=deadline_seconds * _SLOW)
        self._pool = ThreadPoolExecutor(requests_in_flight, thread_name_prefix="triton")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing first ends the calls that are under way: nobody waits for their deadlines.
        self._client.close()
        self._pool.shutdown(cancel_futures=True)

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        """Return an array (n, 6) for each tile; a server with a GPU joins concurrent requests to batches.

        Raises `DependencyUnavailable` after the retries, `NotPublishable` when an answer is incomplete or malformed.
        """
        # Each request goes on with the span of the picture.
        contexts = [copy_context() for _ in shown]
        return list(
            self._pool.map(lambda context, pixels: context.run(self._retrying, self._infer, pixels), contexts, shown)
        )

    def _infer(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        tiles = InferInput("TILES", [1, *pixels.shape], "UINT8")
        tiles.set_data_from_numpy(pixels[np.newaxis])
        with self._window.request(), _triton_errors(self._url), infer_span(self._name, self._url) as headers:
            answer: InferResult = self._client.infer(
                self._name,
                [tiles],
                model_version=self.model.version,
                outputs=[InferRequestedOutput(name) for name in _OUTPUTS],
                client_timeout=self._deadline_seconds,
                headers=dict(headers),
            )
        return boxes_of(
            answer.as_numpy("BOXES"), answer.as_numpy("COUNT"), width_px=pixels.shape[1], height_px=pixels.shape[0]
        )

    def _read_model(self, version: str) -> Model:
        within = {"client_timeout": self._deadline_seconds}
        with _triton_errors(self._url):
            if not self._client.is_model_ready(self._name, version, **within):
                if self._client.is_server_ready(**within):
                    which = f"version {version} of the model" if version else "model"
                    raise ConfigurationError(
                        f"Triton at {self._url} has no {which} {self._name!r}: let it serve what "
                        "`baas-detector build-repository` makes."
                    )
                raise DependencyUnavailable(f"Triton at {self._url} is not ready yet")
            metadata = self._client.get_model_metadata(self._name, version, as_json=True, **within)
            version = version or max(metadata["versions"], key=int)
            answer = self._client.get_model_config(self._name, version, as_json=True, **within)
        return model_of(metadata, answer["config"], version=version, url=self._url)


def model_of(metadata: dict[str, Any], config: dict[str, Any], *, version: str, url: str) -> Model:
    """Read a version's facts from Triton's answers (as JSON). Raises `ConfigurationError` when it is another model."""
    name = metadata.get("name", MODEL)
    inputs = [(i["name"], i["datatype"], tuple(int(n) for n in i["shape"])) for i in metadata.get("inputs", [])]
    outputs = {o["name"]: o["datatype"] for o in metadata.get("outputs", [])}
    if inputs != [_INPUT] or outputs != _OUTPUTS:
        raise ConfigurationError(
            f"The model {name!r} in Triton at {url} has inputs {inputs} and outputs {outputs}; expected {[_INPUT]} "
            f"and {_OUTPUTS}. Build it with `baas-detector build-repository`."
        )
    parameters = {key: value.get("string_value", "") for key, value in config.get("parameters", {}).items()}
    try:
        parameters = _of_version(parameters, version, metadata.get("versions", ()))
        if parameters["classes"].replace(" ", "") != ",".join(CLASSES):
            raise ValueError(f"classes are {parameters['classes']!r}, expected {','.join(CLASSES)!r}")
        return Model(
            digest=Digest(parameters["model_digest"]),
            version=version,
            score_floor=float(parameters["score_floor"]),
            max_det=int(parameters["max_det"]),
        )
    except (KeyError, ValueError) as error:
        raise ConfigurationError(
            f"The model {name!r} in Triton at {url} does not say what it is ({error}). "
            "Build it with `baas-detector build-repository`."
        ) from error


def _of_version(parameters: dict[str, str], version: str, versions: Sequence[str]) -> dict[str, str]:
    """Return what a model's parameters say of one version. Raises `KeyError` when they do not tell versions apart."""
    own = {key.removesuffix(f".{version}"): value for key, value in parameters.items() if key.endswith(f".{version}")}
    if len(versions) > 1 and "model_digest" not in own:
        raise KeyError(f"model_digest.{version}")
    return {**parameters, **own}


def boxes_of(
    boxes: npt.NDArray[np.float32] | None, count: npt.NDArray[np.int32] | None, *, width_px: int, height_px: int
) -> npt.NDArray[np.float32]:
    """Return the valid rows (n, 6) of one tile's answer, clipped to the tile.

    Raises `NotPublishable` for whatever is not a complete answer about a tile of this size.
    """
    if boxes is None or count is None or boxes.ndim != 3 or boxes.shape[0] != 1 or boxes.shape[2] != 6:
        shape = None if boxes is None else boxes.shape
        raise NotPublishable(QuarantineReason.DETECTOR_REFUSED, f"The detector answered boxes of shape {shape}")
    if count.shape != (1, 1) or int(count[0, 0]) < 0:
        raise NotPublishable(QuarantineReason.DETECTOR_REFUSED, f"The detector answered the counts {count.tolist()}")
    found = int(count[0, 0])
    if found > boxes.shape[1]:
        raise NotPublishable(
            QuarantineReason.TOO_MANY_OBJECTS,
            f"The detector found {found} objects in one tile and can return {boxes.shape[1]}: nobody knows where the "
            "others are. Build a model with a larger --max-det or a higher --score-floor.",
        )
    rows = boxes[0, :found].copy()
    x1, y1, x2, y2, score, number = rows.T
    valid = np.isfinite(rows).all() and (x1 <= x2).all() and (y1 <= y2).all() and ((score >= 0) & (score <= 1)).all()
    if not valid or not np.isin(number, range(len(CLASSES))).all():
        raise NotPublishable(QuarantineReason.DETECTOR_REFUSED, "The detector answered boxes that are no boxes")
    rows[:, [0, 2]] = rows[:, [0, 2]].clip(0, width_px)
    rows[:, [1, 3]] = rows[:, [1, 3]].clip(0, height_px)
    return rows


def detections(rows: npt.NDArray[np.float32], tile: Tile, width_px: int, *, wraps: bool) -> Iterator[Detection]:
    """Turn a tile's rows (n, 6) into detections in the picture's pixels."""
    across, down = tile.width / tile.out_width, tile.height / tile.out_height
    for x1, y1, x2, y2, score, number in rows.astype(np.float64).tolist():
        if tile.is_mirrored:
            x1, x2 = tile.out_width - x2, tile.out_width - x1  # noqa: PLW2901 - from here on as if it were not
        left = tile.left + x1 * across
        turn = width_px if wraps and left >= width_px else 0
        box = Box(left - turn, tile.top + y1 * down, tile.left + x2 * across - turn, tile.top + y2 * down)
        yield Detection(box=box, object_class=CLASSES[int(number)], score=score, tile=tile)


@contextmanager
def _triton_errors(url: str) -> Iterator[None]:
    """Turn tritonclient's one exception type into ours. The only place that knows its codes."""
    try:
        yield
    except InferenceServerException as error:
        if error.status() in RETRYABLE:
            raise DependencyUnavailable(f"Triton at {url} does not answer: {error.message()}") from error
        if error.status() in _REFUSALS:
            message = f"Triton at {url} could not answer for this picture: {error.message()}"
            raise NotPublishable(QuarantineReason.DETECTOR_REFUSED, message) from error
        raise ConfigurationError(f"Triton at {url} refused the request: {error.message()}") from error
