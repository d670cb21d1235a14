"""A run with a quality check, as workers leave it, and the review page over it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import cv2
import numpy as np
from sqlalchemy import Engine

from baas_ledger.engine import open_ledger, reading
from baas_ledger.facts import EventKind
from baas_ledger.reviews import Mark, looked_at, marks_of
from baas_ledger.runs import find_run
from baas_preprocess.copies import Sampling
from baas_preprocess.digests import digest_of
from baas_preprocess.quality_check import draw_quality_check
from baas_preprocess.stores.folder import FolderDestination
from tests.integration.ledger.builders import PUBLISHED, claim, entry, new_run, plan, publish
from tests.waiting import eventually

from .endpoints import Endpoint, running

ROOT = Path(__file__).resolve().parents[3]
OWN = "town-5d1c6d0e"
"""What the folder of the sample is called."""


def panorama() -> bytes:
    """A street of one colour: the sky is lighter than the ground."""
    picture = np.full((1024, 2048, 3), 150, np.uint8)
    picture[:512] = 210
    return cv2.imencode(".jpg", picture)[1].tobytes()


def photo() -> bytes:
    """A flat one, of a different colour wherever it is redacted."""
    coarse = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(coarse, (900, 600)))[1].tobytes()


PICTURES = {"a/panorama.jpg": panorama(), "b.jpg": panorama(), "photo.jpg": photo()}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A run of which three pictures were published, and copied for people to look at."""

    ledger: Engine
    url: str
    run: str
    published: Path
    samples: Path

    @property
    def sample(self) -> Path:
        return self.samples / OWN

    @property
    def names(self) -> list[str]:
        """The pictures in the worklist's order."""
        return [line.split(",")[1] for line in (self.sample / "worklist.csv").read_text().splitlines()[1:]]

    def number(self, name: str) -> int:
        return self.names.index(name) + 1

    def marks(self) -> list[Mark]:
        with reading(self.ledger) as connection:
            return marks_of(connection, self.run)

    def looked_at(self) -> set[str]:
        with reading(self.ledger) as connection:
            return looked_at(connection, self.run)


@contextmanager
def world(folder: Path, url: str) -> Iterator[World]:
    ledger = open_ledger(url)
    published = FolderDestination(folder / "safe")
    run_id = new_run(ledger, destination=published.label)
    plan(ledger, run_id, map(entry, PICTURES))
    for held in claim(ledger, run_id, len(PICTURES)):
        data = PICTURES[held.name]
        height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        (published.folder / held.name).parent.mkdir(exist_ok=True)
        (published.folder / held.name).write_bytes(data)
        outcome = replace(PUBLISHED, output_digest=digest_of(data), output_size_bytes=len(data), detections=())
        publish(ledger, held, replace(outcome, width_px=width, height_px=height))
    with reading(ledger) as connection:
        run = find_run(connection, run_id)
    assert run is not None
    shelf = FolderDestination(folder / "samples" / OWN)
    sampling = Sampling(kind=EventKind.QUALITY_CHECK_DRAWN, ledger=ledger, run=run, shelf=shelf, stop=Event())
    draw_quality_check(sampling, len(PICTURES), published)
    yield World(ledger=ledger, url=url, run=run_id, published=published.folder, samples=folder / "samples")
    ledger.dispose()


@contextmanager
def review_page(it: World, **further: str) -> Iterator[Endpoint]:
    """The endpoint with its review page. No detector is needed for that."""
    subprocess.run([ROOT / "hack" / "review-page"], check=True)
    where = {"BAAS_API_REVIEW_LEDGER": it.url, "BAAS_API_REVIEW_SAMPLES": str(it.samples)}
    with running("127.0.0.1:9", **where | further) as endpoint:
        eventually(lambda: any(line["message"] == "listening" for line in endpoint.lines))
        yield endpoint
