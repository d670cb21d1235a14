"""All that a worker needs to work through a run."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Connection, Engine

from baas_ledger.engine import transaction
from baas_preprocess.detect import Detector
from baas_preprocess.patience import patient
from baas_preprocess.publish import Extras
from baas_preprocess.recipe import Recipe
from baas_preprocess.stores.places import Destination, Source

LEASE = timedelta(minutes=1)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run, where its pictures are and go, and how they are treated."""

    ledger: Engine
    run_id: str
    source: Source
    destination: Destination
    detector: Detector
    recipe: Recipe
    extras: Extras
    in_flight: int
    max_attempts: int
    per_claim: int = 1
    """So many images are taken from the ledger at once."""
    lease: timedelta = LEASE
    """How long a worker that died keeps its images from others."""
    patience_seconds: float = 0
    """How long a ledger that does not answer is tried again."""
    traced_share: float = 0.0
    """Of so many images (0..1) spans are told when all goes well."""
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}/{os.getpid()}")

    def record(self, write: Callable[[Connection], T]) -> T:
        """Do one transaction of the ledger. Each of them may be repeated when nobody knows whether it was kept."""

        def once() -> T:
            with transaction(self.ledger) as connection:
                return write(connection)

        return patient(self.patience_seconds, dependency="ledger")(once)
