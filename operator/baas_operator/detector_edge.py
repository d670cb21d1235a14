"""Is the model there, warm, and which one is it? Asks Triton by gRPC."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from baas_crds.blurjob import Detector as WantedDetector
from baas_operator.observed import Detector, NotReady

TIMEOUT_SECONDS = 5.0
FRESH_SECONDS = 5.0
"""Within this time BlurJobs share an answer."""
DIGEST = "model_digest"
"""The parameter in the model's configuration that tells which weights it has."""


@dataclass(slots=True)
class _Answer:
    found: Detector | NotReady
    asked_at: float = field(default_factory=time.monotonic)


class DetectorEdge:
    """Tritons, asked at most every few seconds whatever the number of BlurJobs."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, bool, str, str], _Answer] = {}
        self._asking: dict[tuple[str, bool, str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def look(self, wanted: WantedDetector) -> Detector | NotReady:
        """Return the model that is ready, or why none is. `wanted` must say where Triton is."""
        if wanted.triton_address is None:
            raise ValueError("a detector without Triton's address")
        version = "" if wanted.version is None else str(wanted.version)
        key = (wanted.triton_address, wanted.uses_tls, wanted.model, version)
        async with self._asking[key]:
            known = self._answers.get(key)
            if known is None or time.monotonic() - known.asked_at > FRESH_SECONDS:
                known = self._answers[key] = _Answer(await self._ask(*key))
        return known.found

    async def _ask(self, address: str, tls: bool, model: str, version: str) -> Detector | NotReady:
        name = f"{model} version {version}" if version else model
        try:
            # A connection for each look: one that lasts would wait up to two minutes before it looked up the name of a
            # Triton again that was away, and all questions of a look go to one of several servers.
            async with InferenceServerClient(address, ssl=tls) as client:
                if not await client.is_server_ready(client_timeout=TIMEOUT_SECONDS):
                    return NotReady(reason="NotReady", message=f"Triton at {address} is starting or stopping.")
                if not await client.is_model_ready(model, version, client_timeout=TIMEOUT_SECONDS):
                    lacks = f"Triton at {address} does not have {name} ready: it loads, or its repository lacks it."
                    return NotReady(reason="ModelNotReady", message=lacks)
                metadata = await client.get_model_metadata(model, version, client_timeout=TIMEOUT_SECONDS)
                answer = await client.get_model_config(model, version, client_timeout=TIMEOUT_SECONDS)
        except InferenceServerException as error:
            return NotReady(reason="Unavailable", message=f"Triton at {address} does not answer: {error.message()}")
        parameters = {key: value.string_value for key, value in answer.config.parameters.items()}
        digest = digest_of(parameters, metadata.versions, version)
        if not digest:
            return NotReady(
                reason="WrongModel",
                message=f"{name} in Triton at {address} does not tell its {DIGEST}: build it with baas-detector.",
            )
        return Detector(address=address, model=name, digest=digest)


def digest_of(parameters: Mapping[str, str], versions: Sequence[str], version: str) -> str | None:
    """Return the digest of a version, or of the newest one when it is empty; None when the parameters do not tell it.

    `versions` are those that Triton serves. All have the same parameters, so that a repository that holds several
    tells apart by `model_digest.<version>`; as the workers read it.
    """
    chosen = version or max(versions, key=int)
    alone = parameters.get(DIGEST) if len(versions) == 1 else None
    return parameters.get(f"{DIGEST}.{chosen}", alone) or None
