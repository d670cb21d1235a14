"""What people wanted to be redacted is redacted whenever a picture is made anew, by whichever run and model."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baas_ledger.engine import reading
from baas_ledger.records import detections
from baas_preprocess.stores.folder import FolderDestination
from tests.unit.preprocess.pictures import jpeg, street

from .city import SOMEBODY, Blind, City


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
