"""What people wanted to be redacted is redacted whenever a picture is made anew, by whichever run and model."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import Engine

from baas_crds.codes import ObjectClass
from baas_ledger.audit import records_of
from baas_ledger.corrections import begin_correction
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import Claim, Corrected, Correction, ImageRecord, Run
from baas_ledger.records import detections, named_image
from baas_ledger.runs import find_run
from baas_preprocess.audit import verify_run
from baas_preprocess.decode import decode
from baas_preprocess.detect import Model
from baas_preprocess.facts import Digest, Method, Pixels
from baas_preprocess.planning import plan
from baas_preprocess.publish import Extras
from baas_preprocess.recipe import Recipe
from baas_preprocess.selection import Selection
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.work import Job, work
from tests.unit.preprocess.pictures import inspected, jpeg, street

RECIPE = Recipe(method=Method.SOLID, second_look_percent=0)
SOMEBODY = Correction(
    object_class=ObjectClass.PERSON, x=0.25, y=0.5, width=0.25, height=0.25, padding=0.1, reference="2026-118"
)
PLACE = np.s_[64:96, 64:128]
"""Where that is in a picture of 256x128 pixels."""


class Blind:
    """A detector that sees nothing, and lets something happen while it looks."""

    def __init__(self, digest: str = "sha256:blind", meanwhile: Callable[[], object] = lambda: None) -> None:
        self.model = Model(digest=Digest(digest), version="1", score_floor=0.01, max_det=300)
        self.meanwhile = meanwhile
        self.looks = 0

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        self.looks += 1
        self.meanwhile()
        return [np.empty((0, 6), np.float32) for _ in shown]


class City:
    """A source of one picture, a destination, and their ledger."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "in"
        self.source.mkdir()
        (self.source / "a.jpg").write_bytes(jpeg(street(256, 128), sampling="4:4:4"))
        self.destination = FolderDestination(folder / "safe")
        self.ledger: Engine = open_ledger(str(folder / "ledger.sqlite"))
        self.run_id = ""

    def blur(self, detector: Blind) -> None:
        """Do a run to its end, or go on with it."""
        source, extras = FileSource([str(self.source)]), Extras(detections=True)
        planned = plan(
            self.ledger,
            source,
            Selection(),
            destination=self.destination,
            extras=extras,
            model=detector.model.digest,
            recipe=RECIPE.digest,
            configuration={},
        )
        self.run_id = planned.run_id
        job = Job(
            ledger=self.ledger,
            run_id=self.run_id,
            source=source,
            destination=self.destination,
            detector=detector,
            recipe=RECIPE,
            extras=extras,
            in_flight=1,
            max_attempts=3,
        )
        work(job, stop=threading.Event(), on_done=_ignore)

    def run(self) -> Run:
        with reading(self.ledger) as connection:
            found = find_run(connection, self.run_id)
        assert found is not None
        return found

    def image(self) -> ImageRecord:
        with reading(self.ledger) as connection:
            found = named_image(connection, self.run_id, "a.jpg")
        assert found is not None
        return found

    def begin(self, *, run: Run | None = None, now: datetime | None = None) -> None:
        """Begin a correction, and be interrupted."""
        corrected = Corrected(
            earlier_digest=self.digest(),
            output_digest="sha256:corrected",
            output_size_bytes=1,
            masked_share=0.1,
            added=(SOMEBODY,),
        )
        with transaction(self.ledger) as connection:
            begin_correction(connection, run or self.run(), "a.jpg", corrected, now=now)

    def digest(self) -> str:
        found = self.destination.digest("a.jpg")
        assert found is not None
        return found

    def shows_somebody(self) -> bool:
        """Whether the place of the correction is not all grey."""
        data = self.destination.read("a.jpg")
        assert data is not None
        pixels = decode(data, inspected(data))[PLACE].astype(int)
        return bool((np.abs(pixels - 128) > 2).any())

    def told(self) -> list[dict[str, object]]:
        with reading(self.ledger) as connection:
            return [record.facts for record in records_of(connection, [self.image().id])[self.image().id]]

    def assert_consistent(self) -> None:
        verdict = verify_run(self.ledger, self.run(), destination=self.destination)
        assert (verdict.problems, verdict.outputs) == ([], 1)


def _ignore(_image: Claim, _outcome: object) -> None:
    pass


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    yield made
    made.ledger.dispose()


def corrections_beside(city: City) -> list[dict[str, object]]:
    data = city.destination.read("a.jpg.json")
    assert data is not None
    found: list[dict[str, object]] = json.loads(data)["corrections"]
    return found


def test_a_correction_that_was_interrupted_is_carried_out_by_the_next_run(city: City) -> None:
    city.blur(Blind())
    assert city.shows_somebody()
    assert corrections_beside(city) == []
    city.begin()
    assert city.shows_somebody()

    city.blur(Blind())

    assert not city.shows_somebody()
    assert [record["kind"] for record in city.told()] == ["published", "reopened", "published"]
    assert city.told()[-1]["corrections"] == [SOMEBODY.as_facts()]
    assert city.told()[-1]["objects"] == []
    assert corrections_beside(city) == [{"class": "person", "box": [0.25, 0.5, 0.25, 0.25]}]
    with reading(city.ledger) as connection:
        assert detections(connection, [city.image().id]) == {city.image().id: []}
    share = city.image().masked_share
    assert share is not None
    assert share > 0.0625
    city.assert_consistent()


def test_an_interrupted_correction_of_a_picture_without_its_original_waits_for_who_began_it(city: City) -> None:
    city.blur(Blind())
    city.begin()
    (city.source / "a.jpg").rename(city.source / "b.jpg")
    before = city.digest()
    city.blur(Blind())
    assert (city.digest(), city.image().state) == (before, "published")


def test_a_correction_lasts_when_the_output_is_lost_the_source_changes_or_another_model_comes(city: City) -> None:
    city.blur(Blind())
    city.begin()
    city.blur(Blind())
    corrected = city.digest()

    city.destination.remove("a.jpg")
    city.blur(Blind())
    assert city.digest() == corrected

    (city.source / "a.jpg").write_bytes(jpeg(street(256, 128, seed=1), sampling="4:4:4"))
    city.blur(Blind())
    assert city.digest() != corrected
    assert not city.shows_somebody()

    before = city.run_id
    city.blur(Blind("sha256:newer"))
    assert city.run_id != before
    assert not city.shows_somebody()
    city.assert_consistent()


def test_a_correction_is_for_one_name_in_one_destination(city: City, tmp_path: Path) -> None:
    city.blur(Blind())
    city.begin()
    original = (city.source / "a.jpg").read_bytes()
    (city.source / "b.jpg").write_bytes(original)
    city.blur(Blind())
    assert city.destination.digest("b.jpg") != city.digest()

    city.destination = FolderDestination(tmp_path / "elsewhere")
    city.blur(Blind())
    assert city.destination.digest("b.jpg") == city.digest()
    assert city.shows_somebody()


def test_a_correction_that_comes_while_a_worker_is_slow_is_in_what_it_writes(city: City) -> None:
    city.blur(Blind())
    first = city.run()

    def correct_once() -> None:
        if slow.looks == 1:  # its lease ran out long ago, and nobody else took the image
            city.begin(run=first, now=datetime.now(UTC) + timedelta(hours=1))

    slow = Blind("sha256:newer", correct_once)
    city.blur(slow)

    assert slow.looks == 2
    assert not city.shows_somebody()
    city.assert_consistent()
