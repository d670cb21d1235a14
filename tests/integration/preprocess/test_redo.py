"""A run that takes only a part of its source: a sample, or what a model made that was withdrawn."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import PlanResult
from baas_ledger.lineage import made_by
from baas_ledger.records import images, named_image
from baas_ledger.retention import source_deleted
from baas_ledger.runs import latest_run
from baas_preprocess.facts import Digest
from baas_preprocess.part import NothingToDo
from baas_preprocess.selection import Selection
from tests.unit.preprocess.pictures import jpeg, street

from .city import Blind, City
from .conftest import published

OLD, OTHER, NEW = "sha256:old", "sha256:other", "sha256:new"
REDO = Selection(redo_model=Digest(OLD))


def draw(city: City, *names: str) -> None:
    """Make these the pictures of the source."""
    for file in city.source.iterdir():
        file.unlink()
    for name in names:
        (city.source / name).write_bytes(jpeg(street(256, 128, seed=ord(name[0])), sampling="4:4:4"))


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """Five pictures: a, b, c were published by the old model, c and d by another one since, e by nobody."""
    made = City(tmp_path)
    draw(made, "a.jpg", "b.jpg", "c.jpg")
    made.blur(Blind(OLD))
    draw(made, "c.jpg", "d.jpg")
    made.blur(Blind(OTHER))
    draw(made, "a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
    yield made
    made.ledger.dispose()


def states(city: City) -> dict[str, str]:
    with reading(city.ledger) as connection:
        return {image.name: image.state.value for image in images(connection, city.run_id)}


def standing(city: City, model: str) -> list[str]:
    return [one.name for page in made_by(city.ledger, model) for one in page]


def outputs(city: City) -> dict[str, bytes]:
    """Every file that stands, also what stands beside pictures."""
    return published(city.destination.folder)


def test_only_what_the_withdrawn_model_made_is_done_again(city: City) -> None:
    before = outputs(city)
    assert standing(city, OLD) == ["a.jpg", "b.jpg"]
    planned = city.blur(Blind(NEW), REDO)
    assert states(city) == {"a.jpg": "published", "b.jpg": "published"}
    assert (standing(city, OLD), standing(city, NEW), standing(city, OTHER)) == (
        [],
        ["a.jpg", "b.jpg"],
        ["c.jpg", "d.jpg"],
    )
    assert planned.part == "Of the 5 pictures in the source this run takes what sha256:old made."
    after = outputs(city)
    assert {name for name in after if after[name] != before[name]} == {"a.jpg.json", "b.jpg.json"}
    assert json.loads(after["a.jpg.json"])["model"] == NEW


def test_planning_again_after_an_interruption_loses_nothing_of_the_run(city: City) -> None:
    dying = Blind(NEW)

    def die_at_the_second() -> None:
        if dying.looks == 2:
            raise KeyboardInterrupt

    dying.meanwhile = die_at_the_second
    with pytest.raises(KeyboardInterrupt):
        city.blur(dying, REDO)
    city.blur(Blind(NEW), REDO, works=False)
    assert states(city) == {"a.jpg": "published", "b.jpg": "pending"}
    assert standing(city, OLD) == ["b.jpg"]
    city.blur(Blind(NEW), REDO)
    # Once more: all is done, and nothing of it is dropped, left out or taken away.
    assert city.blur(Blind(NEW), REDO).result == PlanResult(unchanged=2)
    assert states(city) == {"a.jpg": "published", "b.jpg": "published"}
    assert {"a.jpg", "b.jpg", "c.jpg", "d.jpg"} == {name for name in outputs(city) if name.endswith(".jpg")}


def test_when_it_cannot_be_redone_the_output_of_the_withdrawn_model_is_taken_away(city: City) -> None:
    (city.source / "a.jpg").write_bytes(b"")  # found out when it is listed
    (city.source / "b.jpg").write_bytes(jpeg(street(256, 128))[:-500])  # when it is treated
    city.blur(Blind(NEW), REDO)
    assert states(city) == {"a.jpg": "quarantined", "b.jpg": "quarantined"}
    assert {name for name in outputs(city) if name.endswith(".jpg")} == {"c.jpg", "d.jpg"}
    assert standing(city, OLD) == []


def test_what_the_withdrawn_model_published_once_more_is_redone_by_a_run_that_had_redone_it(city: City) -> None:
    city.blur(Blind(NEW), REDO)
    for name in ("a.jpg", "b.jpg"):
        (city.destination.folder / name).unlink()
    city.blur(Blind(OLD))
    assert standing(city, OLD) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    # Nothing was found, so these files are the same to the byte: only the ledger knows who made them.
    city.blur(Blind(NEW), REDO)
    assert (standing(city, OLD), standing(city, NEW)) == ([], ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"])


def test_only_pictures_of_the_part_are_left_out_and_taken_away(city: City) -> None:
    city.blur(Blind(NEW), Selection(redo_model=Digest(OLD), exclude=("a.jpg", "d.jpg")))
    assert states(city) == {"a.jpg": "excluded", "b.jpg": "published"}
    assert {name for name in outputs(city) if name.endswith(".jpg")} == {"b.jpg", "c.jpg", "d.jpg"}


def test_what_has_no_original_any_more_is_taken_away_by_an_exclude_list(city: City) -> None:
    draw(city, "a.jpg", "b.jpg")
    with reading(city.ledger) as connection:
        [run_id] = {one.run_id for page in made_by(city.ledger, OLD) for one in page}
        image = named_image(connection, run_id, "a.jpg")
        other = next(one for page in made_by(city.ledger, OTHER) for one in page)
    assert image is not None
    with transaction(city.ledger) as connection:
        source_deleted(connection, image, {})
        found = named_image(connection, other.run_id, other.name)
        assert found is not None
        source_deleted(connection, found, {})
    draw(city, "b.jpg")
    wanted = Selection(redo_model=Digest(OLD), exclude_list=frozenset({"a.jpg", other.name}))
    planned = city.blur(Blind(NEW), wanted)
    assert planned.unmatched == ()
    assert {name for name in outputs(city) if name.endswith(".jpg")} == {"b.jpg", "c.jpg", "d.jpg"}
    assert standing(city, OLD) == []


def test_a_withdrawn_model_cannot_redo_its_own_pictures(city: City) -> None:
    with pytest.raises(ConfigurationError, match=r"sha256:old, is the one that Triton serves: .* Serve another one\.$"):
        city.blur(Blind(OLD), REDO)


def test_a_model_that_never_worked_here_is_answered_with_those_that_did(city: City) -> None:
    with pytest.raises(
        ConfigurationError, match=r"No run into .* had the model sha256:x\. .*\n  sha256:old  3 pictures"
    ):
        city.blur(Blind(NEW), Selection(redo_model=Digest("sha256:x")))


def test_nothing_to_redo_is_said_and_leaves_no_run_behind(city: City) -> None:
    city.blur(Blind(NEW), REDO)
    before = city.run_id
    draw(city, "d.jpg", "e.jpg")
    with pytest.raises(NothingToDo, match=r"^None of the pictures in .* has an output at .* that sha256:old made"):
        city.blur(Blind("sha256:newer"), REDO)
    with reading(city.ledger) as connection:
        latest = latest_run(connection, city.destination.label)
    assert latest is not None
    assert latest.id == before


def test_a_sample_grows_and_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    city = City(tmp_path)
    everything = [f"{number:02}.jpg" for number in range(12)]
    draw(city, *everything)
    half = Selection(sample_percent=50)
    sampled = {name for name in everything if half.is_sampled(name)}
    assert 1 < len(sampled) < 12
    planned = city.blur(Blind(NEW), half)
    assert planned.part == "Of the 12 pictures in the source this run takes a sample of 50 %."
    assert states(city) == dict.fromkeys(sampled, "published")
    assert city.blur(Blind(NEW), half).result == PlanResult(unchanged=len(sampled))
    # A smaller sample drops nothing that the run has, all of them adds the rest.
    assert city.blur(Blind(NEW), Selection(sample_percent=1)).result == PlanResult(unchanged=len(sampled))
    whole = city.blur(Blind(NEW))
    assert (whole.result, whole.part) == (PlanResult(added=12 - len(sampled), unchanged=len(sampled)), None)
    city.ledger.dispose()


def test_a_sample_of_nothing_is_said_and_leaves_no_run_behind(city: City) -> None:
    draw(
        city,
        next(name for name in map("{}.jpg".format, range(200)) if not Selection(sample_percent=1).is_sampled(name)),
    )
    with pytest.raises(NothingToDo, match=r"^None of the pictures in .* is among the 1 % that were asked for"):
        city.blur(Blind(NEW), Selection(sample_percent=1))
