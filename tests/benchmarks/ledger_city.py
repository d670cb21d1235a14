"""A city in the ledger: planned by the real planner from names alone, and worked through in part."""

import multiprocessing
import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise

from sqlalchemy import text

from baas_crds.codes import ObjectClass
from baas_ledger.engine import open_ledger, transaction
from baas_ledger.facts import DetectedObject, Published, SecondLook
from baas_preprocess.facts import Digest
from baas_preprocess.planning import plan
from baas_preprocess.publish import Extras
from baas_preprocess.recipe import Recipe
from baas_preprocess.selection import Selection
from baas_preprocess.software import software
from baas_preprocess.stores.places import CopyOfOriginal, Deletion, Entry, Provenance

MODEL = Digest("sha256:" + "b4" * 32)
RUN = "6f1d3c52-9a08-4a86-9c3e-0b1f6f1f3c52"
PERSONS, PLATES = 8, 4
"""Of each panorama: as many as the labelled test panoramas show on average."""
WINDOWS = 10
"""Planning is timed in as many pieces, so that it shows whether the last ones are slower than the first."""


@dataclass(slots=True)
class Names:
    """A source that lists names of pictures, and has none."""

    number: int
    label: str = "https://account.blob.core.windows.net/panoramas"
    passed: list[float] = field(default_factory=list)
    """When each piece of the listing began, and when it ended."""

    def entries(self) -> Iterator[Entry]:
        """Give names as a city has them."""
        for number in range(self.number):
            if number % (self.number // WINDOWS) == 0:
                self.passed.append(time.perf_counter())
            name = f"2026/06/{number // 20_000:02}/TMX7316010203-{number // 1_000:06}_pano_{number:07}_000.jpg"
            yield Entry(name=name, version=f'"0x8DC{number:012X}"', size_bytes=8_000_000 + number)
        self.passed.append(time.perf_counter())

    def read(self, name: str, version: str | None = None) -> bytes:
        """Nobody asks."""
        raise NotImplementedError

    def delete(self, name: str, version: str) -> Deletion:
        """Nobody asks."""
        raise NotImplementedError


@dataclass(slots=True)
class Nowhere:
    """A destination in which nothing stands."""

    label: str = "https://account.blob.core.windows.net/safe"

    def write(self, name: str, data: bytes, provenance: Provenance | CopyOfOriginal) -> str | None:
        """Nobody asks."""
        raise NotImplementedError

    def remove(self, name: str) -> None:
        """Nothing is there."""

    def size_bytes(self, name: str) -> int | None:
        """Nothing is there."""
        return None

    def holds(self, name: str, size_bytes: int, version: str | None) -> bool:
        """Nothing is there."""
        return False

    def digest(self, name: str) -> Digest | None:
        """Nothing is there."""
        return None

    def read(self, name: str) -> bytes | None:
        """Nothing is there."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """How planning went."""

    images: int
    rates: list[float]
    """Images per second of each piece of the listing."""
    peak_mb: float
    """Of the whole process, in 10^6 bytes."""


def planned(url: str, images: int) -> Planned:
    """Plan a city in a process of its own, so that its memory is not ours."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_plan, (url, images))


def _plan(url: str, images: int) -> Planned:
    ledger, source, recipe = open_ledger(url), Names(images), Recipe()
    plan(
        ledger,
        source,
        Selection(),
        destination=Nowhere(),
        extras=Extras(),
        model=MODEL,
        recipe=recipe.digest,
        configuration=asdict(recipe),
        run_id=RUN,
    )
    ledger.dispose()
    rates = [images / WINDOWS / (after - before) for before, after in pairwise(source.passed)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Planned(images=images, rates=rates, peak_mb=peak * 1024 / 1e6)


def publish_first(url: str, images: int) -> None:
    """Let the first images of the plan be published, as workers would have left them.

    In the database and without checking foreign keys, since the real way takes a city's time. Records are shorter than
    real ones and form no chain, and of each image's objects only three are there. PostgreSQL has counted before that,
    when all waited, as it has for much of a run.
    """
    ledger = open_ledger(url)
    with ledger.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    with transaction(ledger) as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in _PUBLISH:
            connection.execute(text(statement), {"run": RUN, "images": images, "persons": PERSONS, "plates": PLATES})
    with ledger.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM"))
    ledger.dispose()


_PUBLISH = (
    """
    UPDATE images SET state = 'published', attempts = 1, token = 1, worker = 'baas-work-x7k2p/1',
        input_digest = 'sha256:' || md5('in' || id) || md5('in' || name), output_size_bytes = 8000000,
        output_digest = 'sha256:' || md5('out' || id) || md5('out' || name), output_version = '"0x8DC1"',
        model_digest = 'sha256:' || md5('model'), config_digest = 'sha256:' || md5('config'),
        width_px = 8000, height_px = 4000, masked_share = 0.03, persons = :persons, licence_plates = :plates,
        second_looks = 1, found_later = 0, residuals = 0, timings = '{"decode": 0.15, "detect": 0.7}',
        finished_at = now() - interval '1 hour'
    WHERE id IN (SELECT id FROM images WHERE run_id = :run ORDER BY id LIMIT :images)
    """,
    """
    INSERT INTO detections (image_id, number, token, object_class, score, x, y, width, height, joined)
    SELECT id, n, 1, 'person', 0.8, 0.5, 0.5, 0.01, 0.03, 2
    FROM images, generate_series(0, 2) AS n WHERE state = 'published'
    """,
    """
    INSERT INTO audit_records (run_id, number, image_id, kind, body, digest)
    SELECT :run, row_number() OVER (ORDER BY id), id, 'published', repeat(md5(name), 10),
        'sha256:' || md5(name) || md5('in' || name)
    FROM images WHERE state = 'published'
    """,
    "UPDATE audit_chains SET length = :images, head = 'sha256:' || repeat('0', 64)",
    """
    INSERT INTO run_counts (run_id, state, reason, shard, images, persons, licence_plates)
    VALUES (:run, 'published', '', 99, :images, :images * :persons, :images * :plates),
        (:run, 'pending', '', 99, -:images, 0, 0)
    """,
)


def outcome() -> Published:
    """Return what a worker tells of a panorama, with evidence of the usual length."""
    recipe = Recipe()
    classes = [ObjectClass.PERSON] * PERSONS + [ObjectClass.LICENCE_PLATE] * PLATES
    steps = ("fetch", "inspect", "decode", "tile", "detect", "merge", "mask", "redact", "scrub", "verify", "publish")
    return Published(
        input_digest="sha256:" + "1c" * 32,
        output_digest="sha256:" + "2d" * 32,
        output_size_bytes=8_123_456,
        output_version='"0x8DC0F0F0F0F0F0F"',
        model_digest=MODEL,
        config_digest=recipe.digest,
        width_px=8000,
        height_px=4000,
        masked_share=0.036152,
        detections=tuple(_object(one, number / len(classes)) for number, one in enumerate(classes)),
        second_look=SecondLook(looks=1, found_later=0, residuals=2),
        timings=dict.fromkeys(steps, 0.123456),
        evidence={
            "worker": "baas-work-x7k2p/1",
            "recipe": asdict(recipe),
            "software": software(),
            "trace": "0af7651916cd43dd8448eb211c80319c",
            "format": "jpeg",
            "coding": "baseline 4:2:0",
            "orientation": 1,
            "removed": ["Exif thumbnail", "MakerNote", "MPF"],
            "kept": ["JFIF", "Exif", "GPS", "XMP", "GPano"],
            "outside": "sha256:" + "3e" * 32,
            "corrections": [],
        },
    )


def _object(kind: ObjectClass, x: float) -> DetectedObject:
    return DetectedObject(
        object_class=kind,
        score=0.894789457321167,
        x=x,
        y=0.5405035018920898,
        width=0.017790202617645263,
        height=0.08736713409423828,
        joined=3,
        tile=(4800, 976, 2048, 2048),
    )
