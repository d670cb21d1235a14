"""A run that takes only a part of its source: a sample, or what a model made that was withdrawn."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import PlanResult
from baas_ledger.lineage import made_by
from baas_ledger.records import images, named_image
from baas_ledger.retention import source_deleted
from baas_ledger.runs import latest_run
from baas_ledger.tables import runs
from baas_preprocess.audit import verify_run
from baas_preprocess.facts import Digest
from baas_preprocess.part import NothingToDo
from baas_preprocess.selection import Selection
from baas_preprocess.stores.outputs import FolderOutputs
from tests.unit.preprocess.pictures import jpeg, street

from .city import Blind, City
from .conftest import Ended, published

Baas = Callable[..., Ended]
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


def ledger_file(city: City) -> Path:
    return city.destination.state / "ledger.sqlite"


def standing(city: City, model: str) -> list[str]:
    return [one.name for page in made_by(city.ledger, model) for one in page]


def outputs(city: City) -> dict[str, bytes]:
    """Every file that stands, also what stands beside pictures."""
    return published(city.destination.folder)


def models(city: City) -> set[str]:
    with reading(city.ledger) as connection:
        return set(connection.scalars(select(runs.c.model_digest)))


def outputs_in(folder: Path) -> list[str]:
    return [name for name in published(folder) if name.endswith(".jpg")]


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
    # The records of this run explain its two pictures, and those of the earlier runs the others.
    place = FolderOutputs(city.destination.folder, label=city.destination.label)
    assert verify_run(city.ledger, city.run(), destination=place).problems == []


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
    assert {"a.jpg", "b.jpg", "c.jpg", "d.jpg"} == set(outputs_in(city.destination.folder))


def test_when_it_cannot_be_redone_the_output_of_the_withdrawn_model_is_taken_away(city: City) -> None:
    (city.source / "a.jpg").write_bytes(b"")  # found out when it is listed
    (city.source / "b.jpg").write_bytes(jpeg(street(256, 128))[:-500])  # when it is treated
    city.blur(Blind(NEW), REDO)
    assert states(city) == {"a.jpg": "quarantined", "b.jpg": "quarantined"}
    assert set(outputs_in(city.destination.folder)) == {"c.jpg", "d.jpg"}
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
    assert set(outputs_in(city.destination.folder)) == {"b.jpg", "c.jpg", "d.jpg"}


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
    assert set(outputs_in(city.destination.folder)) == {"b.jpg", "c.jpg", "d.jpg"}
    assert standing(city, OLD) == []


def test_when_all_that_is_left_has_no_original_another_run_takes_it_away(city: City) -> None:
    city.blur(Blind(NEW), REDO)
    draw(city, "c.jpg")
    with reading(city.ledger) as connection:
        image = named_image(connection, city.run_id, "a.jpg")
    assert image is not None
    with transaction(city.ledger) as connection:
        source_deleted(connection, image, {})
    listed = Selection(redo_model=Digest(NEW), exclude_list=frozenset({"a.jpg"}))
    assert city.blur(Blind("sha256:newer"), listed).before.total == 0
    assert set(outputs_in(city.destination.folder)) == {"b.jpg", "c.jpg", "d.jpg"}
    assert standing(city, NEW) == ["b.jpg"]


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


def test_baas_plan_tells_what_a_model_made_and_changes_nothing(city: City, baas: Baas, tmp_path: Path) -> None:
    place, before = city.destination.folder, ledger_file(city).read_bytes()
    told = baas("plan", place, "--redo-model", OLD, "--names", tmp_path / "names.txt")
    assert (told.code, told.err) == (ExitCode.DONE, "")
    assert f"2 pictures stand as {OLD} made them." in told.out
    assert f"{place}, run " in told.out
    assert "2 to redo" in told.out
    assert f"--redo-model {OLD}" in told.out
    assert (tmp_path / "names.txt").read_text() == "a.jpg\nb.jpg\n"
    document = baas("plan", "--redo-model", OTHER, "--ledger", f"sqlite:///{ledger_file(city)}", "--json").document
    assert document["model"] == OTHER
    assert [(one["destination"], one["name"]) for one in document["images"]] == [
        (str(place), "c.jpg"),
        (str(place), "d.jpg"),
    ]
    assert {one["original_deleted_at"] for one in document["images"]} == {None}
    assert ledger_file(city).read_bytes() == before


def test_baas_plan_says_which_originals_are_gone(city: City, baas: Baas) -> None:
    with reading(city.ledger) as connection:
        first = next(one for page in made_by(city.ledger, OLD) for one in page)
        image = named_image(connection, first.run_id, first.name)
    assert image is not None
    with transaction(city.ledger) as connection:
        source_deleted(connection, image, {})
    told = baas("plan", city.destination.folder, "--redo-model", OLD)
    assert "1 to redo, 1 not, since their originals were deleted" in told.out
    assert "can only be taken away: see docs/howto/roll-out.md" in told.out
    images = baas("plan", city.destination.folder, "--redo-model", OLD, "--json").document["images"]
    assert [one["original_deleted_at"] is None for one in images] == [False, True]


def test_names_that_no_line_can_hold_are_told(city: City, baas: Baas, tmp_path: Path) -> None:
    draw(city, "a\n.jpg", "b.jpg")
    city.blur(Blind("sha256:third"))
    told = baas("plan", city.destination.folder, "--redo-model", "sha256:third", "--names", tmp_path / "names.txt")
    assert (tmp_path / "names.txt").read_text() == "b.jpg\n"
    assert "1 names are not in" in told.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--redo-model", "sha256:x", "DEST"], "had the model sha256:x. The ledger knows these:\n  sha256:old"),
        (["--redo-model", OLD], "Name the ledger with --ledger"),
        (["--redo-model", OLD, "https://account.blob.core.windows.net/safe"], "Name the ledger with --ledger"),
        (["--redo-model", OLD, "volume://panoramas/safe"], "Name the ledger with --ledger"),
        (["--redo-model", OLD, "DEST", "--names", "DEST/a.jpg"], "--names"),
        (["DEST"], "for --redo-model, which is missing"),
        (["--json"], "for --redo-model, which is missing"),
    ],
)
def test_a_wrong_question_to_baas_plan_is_answered_with_a_sentence(
    city: City, baas: Baas, arguments: list[str], sentence: str
) -> None:
    place = str(city.destination.folder)
    ended = baas("plan", *(argument.replace("DEST", place) for argument in arguments))
    assert ended.code == ExitCode.CONFIGURATION
    assert sentence in ended.err.replace(place, "DEST")


def test_a_dry_run_looks_into_no_ledger(city: City, baas: Baas) -> None:
    ended = baas("blur", city.source, city.destination.folder, "--redo-model", OLD, "--dry-run")
    assert ended.code == ExitCode.CONFIGURATION
    assert "`baas plan DEST --redo-model DIGEST` tells what would be done again" in ended.err


def test_baas_blur_redoes_what_another_model_made_and_says_when_nothing_is_left(
    city: City, baas: Baas, triton: str
) -> None:
    place = city.destination.folder
    done = baas("blur", city.source, place, "--redo-model", OLD, "--json", triton=triton)
    assert done.code == ExitCode.DONE, done.err
    assert f"Of the 5 pictures in the source this run takes what {OLD} made." in done.err
    assert (done.document["images"]["total"], done.document["now"]["published"]) == (2, 2)
    assert standing(city, OLD) == []
    [mine] = [digest for digest in models(city) if digest not in {OLD, OTHER}]
    again = baas("blur", city.source, place, "--redo-model", OLD, triton=triton)
    assert (again.code, "0 to do" in again.err) == (ExitCode.DONE, True)
    # Another recipe is another run, for which nothing is left.
    nothing = baas("blur", city.source, place, "--redo-model", OLD, "--cells", "3", triton=triton)
    assert (nothing.code, f"{OLD} made: nothing is to redo." in nothing.err) == (ExitCode.DONE, True)
    refused = baas("blur", city.source, place, "--redo-model", mine, triton=triton)
    assert (refused.code, "Serve another one." in refused.err) == (ExitCode.CONFIGURATION, True)


def test_baas_blur_on_a_sample_says_so(city: City, baas: Baas, triton: str, tmp_path: Path) -> None:
    draw(city, *(f"{number:02}.jpg" for number in range(12)))
    done = baas("blur", city.source, tmp_path / "canary", "--source-percent", "30", "--json", triton=triton)
    assert "Of the 12 pictures in the source this run takes a sample of 30 %." in done.err
    dry = baas("blur", city.source, tmp_path / "none", "--source-percent", "30", "--dry-run", "--json").document
    assert sorted(outputs_in(tmp_path / "canary")) == [one["name"] for one in dry]
    assert done.document["images"]["total"] == len(dry) < 12
