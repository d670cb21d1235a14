"""What a worker tells the ledger when several pictures are done at once."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from baas_ledger.claims import release_all
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import Claim, ImageRecord, Outcome
from baas_ledger.records import images
from baas_preprocess.job import Job
from baas_preprocess.planning import plan
from baas_preprocess.publish import Extras
from baas_preprocess.selection import Selection
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.work import work
from tests.unit.preprocess.pictures import jpeg, street

from .city import RECIPE, Blind

NAMES = [f"{number}.jpg" for number in range(6)]


class OneFirst:
    """Lets one thread pass, and the others when that one's picture was told."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.is_told = threading.Event()

    def __call__(self) -> None:
        self.threads.append(threading.get_ident())
        if threading.get_ident() != self.threads[0]:
            assert self.is_told.wait(60)


@pytest.fixture
def one_first() -> OneFirst:
    return OneFirst()


@pytest.fixture
def job(tmp_path: Path, one_first: OneFirst) -> Iterator[Job]:
    """A planned run of six pictures, all of which may be in flight."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(jpeg(street(256, 128), sampling="4:4:4"))
    ledger, source, destination = open_ledger(str(tmp_path / "ledger")), FileSource([str(folder)]), tmp_path / "safe"
    detector, place = Blind(meanwhile=one_first), FolderDestination(destination)
    planned = plan(
        ledger,
        source,
        Selection(),
        destination=place,
        extras=Extras(),
        model=detector.model.digest,
        recipe=RECIPE.digest,
        configuration={},
    )
    yield Job(
        ledger=ledger,
        run_id=planned.run_id,
        source=source,
        destination=place,
        detector=detector,
        recipe=RECIPE,
        extras=Extras(),
        in_flight=len(NAMES),
        max_attempts=3,
    )
    ledger.dispose()


def recorded(ledger: Engine, run_id: str) -> list[ImageRecord]:
    with reading(ledger) as connection:
        return images(connection, run_id)


def keep_busy_until_all_are_there(
    job: Job, one_first: OneFirst, then: Callable[[], object] = lambda: None
) -> list[str]:
    """Work; the first picture that is done keeps the worker until the others stand at the destination."""
    told: list[str] = []

    def done(image: Claim, outcome: Outcome) -> None:
        told.append(image.name)
        if len(told) == 1:
            one_first.is_told.set()
            while not all(job.destination.size_bytes(name) for name in NAMES):
                pass
            then()

    work(job, stop=threading.Event(), on_done=done)
    return told


def test_what_was_done_while_the_worker_was_busy_is_recorded_together(job: Job, one_first: OneFirst) -> None:
    told = keep_busy_until_all_are_there(job, one_first)
    assert sorted(told) == NAMES
    found = recorded(job.ledger, job.run_id)
    assert {image.state for image in found} == {"published"}
    assert len({image.finished_at for image in found}) < len(NAMES)


def test_what_was_lost_while_the_worker_was_busy_is_done_again_and_told_once(job: Job, one_first: OneFirst) -> None:
    def lose_all() -> None:
        with transaction(job.ledger) as connection:
            release_all(connection, job.run_id)

    told = keep_busy_until_all_are_there(job, one_first, then=lose_all)
    assert sorted(told) == NAMES
    found = recorded(job.ledger, job.run_id)
    assert {image.state for image in found} == {"published"}
    assert sum(image.attempts for image in found) > len(NAMES)
