"""The connection to the detector: who answers now, or why nobody does. Edge: asks Triton again and again.

A worker ends when Triton stays away; an endpoint tells its clients to come back, and looks for it itself.
"""

import asyncio
import logging

from baas_crds.errors import BaasError, DependencyUnavailable
from baas_preprocess.detect import TritonDetector, address_of
from baas_preprocess.planning import check_confidence
from baas_preprocess.recipe import Recipe

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often Triton is asked which version of the model is ready."""


class DetectorWatch:
    """Follows the newest ready version of the model that a Triton serves."""

    def __init__(self, url: str, recipe: Recipe, *, patience_seconds: float, deadline_seconds: float) -> None:
        """Nobody is asked yet. Raises `ConfigurationError` when `url` is no address."""
        self._address, self._uses_tls = address_of(url)
        self._recipe = recipe
        self._patience_seconds = patience_seconds
        self._deadline_seconds = deadline_seconds
        self._serving: TritonDetector | None = None
        self._why_not: str | None = f"Triton at {self._address} was not asked yet."

    @property
    def detector(self) -> TritonDetector:
        """What answers now. Raises `DependencyUnavailable` with the reason when nobody does."""
        if self._serving is None or self._why_not is not None:
            raise DependencyUnavailable(self._why_not)
        return self._serving

    def look(self) -> None:
        """Ask Triton once, within seconds. One thread at a time."""
        try:
            with self._connect(patience_seconds=0, deadline_seconds=LOOK_SECONDS) as probe:
                check_confidence(self._recipe, probe.model)
                if self._serving is None or self._serving.model != probe.model:
                    # Requests that are under way keep the one that they began with, which closes when they end.
                    self._serving = self._connect(
                        version=probe.model.version,
                        patience_seconds=self._patience_seconds,
                        deadline_seconds=self._deadline_seconds,
                    )
                    facts = {"model": probe.model.digest, "version": probe.model.version}
                    logger.info("detector ready", extra={"facts": facts})
        except BaasError as error:
            if str(error) != self._why_not:
                logger.warning("detector not ready: %s", error)
            self._why_not = str(error)
        else:
            self._why_not = None

    async def keep_looking(self) -> None:
        """Ask Triton until this task is cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except Exception as error:
                logger.exception("unforeseen error while Triton was asked")
                self._why_not = f"Triton could not be asked: {type(error).__name__}."
            await asyncio.sleep(LOOK_SECONDS)

    def close(self) -> None:
        """End the connection, and the requests that are under way."""
        if self._serving is not None:
            self._serving.__exit__(None, None, None)

    def _connect(
        self, *, version: str | None = None, patience_seconds: float, deadline_seconds: float
    ) -> TritonDetector:
        return TritonDetector(
            self._address,
            version=version,
            uses_tls=self._uses_tls,
            deadline_seconds=deadline_seconds,
            patience_seconds=patience_seconds,
        )
