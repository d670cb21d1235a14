"""Moving over from the earlier service: what its database says is imported, and kept by runs that are told to."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_ledger.engine import reading, transaction
from baas_ledger.facts import PlanResult
from baas_ledger.records import images
from baas_ledger.runs import finish_run
from baas_preprocess.audit import verify_run
from baas_preprocess.selection import Selection
from baas_preprocess.stores.outputs import FolderOutputs
from tests import earlier_service
from tests.unit.preprocess.pictures import jpeg, street

from .city import Blind, City
from .conftest import Ended

Baas = Callable[..., Ended]
KEEP = Selection(keep_earlier=True)
THEIRS = jpeg(street(256, 128, seed=99), sampling="4:4:4")
"""What the earlier service published."""
FINISHED = ("1.jpg", "2.jpg", "6.jpg", "7.jpg")
WITHOUT_BOXES = ("3.jpg", "4.jpg")
TO_DO = {*WITHOUT_BOXES, "5.jpg", "8.jpg", "9.jpg"}


@pytest.fixture(autouse=True)
def earlier_url(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of the earlier service, whose URL stands in the environment."""
    earlier_service.load(postgres_url)
    monkeypatch.setenv("BAAS_EARLIER_DATABASE", postgres_url)
    return postgres_url


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """The source of pictures 1 to 9; what the earlier service began of them stands at the destination."""
    made = City(tmp_path)
    (made.source / "a.jpg").unlink()
    for number in range(1, 10):
        (made.source / f"{number}.jpg").write_bytes(jpeg(street(256, 128, seed=number), sampling="4:4:4"))
    for number in range(1, 9):
        (made.destination.folder / f"{number}.jpg").write_bytes(THEIRS)
    yield made
    made.ledger.dispose()


@pytest.fixture
def imported(city: City, baas: Baas) -> City:
    """The same, with all imported that the earlier service's database says."""
    done = take(baas, city)
    assert (done.code, done.err) == (ExitCode.DONE, "")
    return city


def take(baas: Baas, city: City, *more: str) -> Ended:
    return baas(
        "earlier",
        "import",
        city.destination.folder,
        "--customer",
        "dataoffice",
        "--below",
        "october/street",
        *more,
    )


def states(city: City) -> dict[str, str]:
    with reading(city.ledger) as connection:
        return {image.name: image.state.value for image in images(connection, city.run_id)}


def theirs(city: City) -> set[str]:
    """Which pictures stand to the byte as the earlier service published them."""
    folder = city.destination.folder
    return {path.name for path in folder.glob("*.jpg") if path.read_bytes() == THEIRS}


def test_what_the_earlier_service_finished_is_not_done_again(imported: City) -> None:
    planned = imported.blur(Blind(), KEEP)
    assert states(imported) == dict.fromkeys(TO_DO, "published")
    assert theirs(imported) == set(FINISHED)
    assert planned.part == (
        "Of the 9 pictures in the source this run takes what does not stand as the earlier service finished it."
    )
    # Again: nothing is dropped, and nothing more is done.
    assert imported.blur(Blind(), KEEP).result == PlanResult(unchanged=5)
    assert theirs(imported) == set(FINISHED)


def test_without_the_wish_all_is_done(imported: City) -> None:
    imported.blur(Blind())
    assert len(states(imported)) == 9
    assert theirs(imported) == set()


def test_what_is_finished_only_in_a_table_is_done(imported: City) -> None:
    (imported.destination.folder / "1.jpg").unlink()
    (imported.destination.folder / "2.jpg").write_bytes(b"")
    imported.blur(Blind(), KEEP)
    assert set(states(imported)) == {"1.jpg", "2.jpg", *TO_DO}
    assert theirs(imported) == set(FINISHED) - {"1.jpg", "2.jpg"}


def test_what_is_left_out_is_taken_away_whoever_published_it(imported: City) -> None:
    imported.blur(Blind(), Selection(keep_earlier=True, exclude_list=frozenset({"1.jpg"})))
    assert states(imported)["1.jpg"] == "excluded"
    assert not (imported.destination.folder / "1.jpg").exists()
    assert theirs(imported) == set(FINISHED) - {"1.jpg"}
    # Wanted again, it is no longer the earlier service's to keep.
    imported.blur(Blind(), KEEP)
    assert states(imported)["1.jpg"] == "published"


def test_a_later_run_leaves_what_this_service_did_to_its_rules(imported: City) -> None:
    imported.blur(Blind("sha256:old"), KEEP)
    imported.blur(Blind("sha256:new"), KEEP)
    assert set(states(imported)) == TO_DO


def test_keeping_needs_an_import(city: City) -> None:
    with pytest.raises(ConfigurationError, match=r"Nothing was imported .* `baas earlier import` comes first"):
        city.blur(Blind(), KEEP)
    assert theirs(city) == {f"{number}.jpg" for number in range(1, 9)}


def test_when_nothing_is_left_to_do_the_run_is_planned_and_can_finish(imported: City) -> None:
    for name in TO_DO:
        (imported.source / name).unlink()
    assert imported.blur(Blind(), KEEP).result == PlanResult()
    with transaction(imported.ledger) as connection:
        assert finish_run(connection, imported.run_id)
    assert theirs(imported) == {f"{number}.jpg" for number in range(1, 9)}


def test_audits_tell_of_the_earlier_services_pictures_and_accuse_nobody(imported: City, baas: Baas) -> None:
    imported.blur(Blind(), KEEP)
    place = FolderOutputs(imported.destination.folder, label=imported.destination.label)
    verdict = verify_run(imported.ledger, imported.run(), destination=place)
    assert (verdict.problems, verdict.outputs, verdict.earlier) == ([], 5, 4)
    told = baas("audit", "verify", imported.destination.folder)
    assert told.code == ExitCode.DONE
    assert "4 pictures there stand as the earlier service published them" in told.out
    # A picture of which the earlier service's tables know nothing is still one too many.
    (imported.destination.folder / "planted.jpg").write_bytes(THEIRS)
    verdict = verify_run(imported.ledger, imported.run(), destination=place)
    assert verdict.problems == ["planted.jpg stands at the destination, and no record explains it"]


def test_the_report_says_what_was_imported_repaired_and_refused(city: City, baas: Baas) -> None:
    done = take(baas, city, "--json")
    assert done.document["counts"] == {
        "finished": 4,
        "pending": 2,
        "unknown": 1,
        "without_boxes": 2,
        "without_boxes_trusted": 0,
        "elsewhere": 0,
        "line_ends": 9,
        "boxes": 5,
        "boxes_repaired": 4,
        "boxes_normalised": 1,
        "boxes_refused": 3,
        "duplicates_dropped": 5,
        "boxes_left": 1,
        "boxes_without_picture": 1,
        "pictures_dropped": 0,
    }
    assert done.document["destination"] == str(city.destination.folder)
    assert take(baas, city).out.splitlines()[0].split()[:2] == ["4", "pictures"]


def test_a_dry_run_tells_the_same_and_writes_nothing(city: City, baas: Baas) -> None:
    dry = take(baas, city, "--json", "--dry-run")
    assert baas("earlier", "list", city.destination.folder, "--json").document["pictures"] == []
    # What is dropped, only the ledger tells.
    assert {**dry.document["counts"], "pictures_dropped": 0} == take(baas, city, "--json").document["counts"]
    assert "pictures_dropped" not in dry.document["counts"]


@pytest.mark.parametrize("below", ["november", "october/stre", "october/%"])
def test_a_folder_without_pictures_is_refused_and_leaves_what_was_imported(
    imported: City, baas: Baas, below: str
) -> None:
    done = take(baas, imported, "--below", below)
    told = " ".join(done.err.split())
    assert done.code == ExitCode.CONFIGURATION
    assert f"No picture of dataoffice lies in the folder {below}: --below is wrong. Nothing was written." in told
    imported.blur(Blind(), KEEP)
    assert theirs(imported) == set(FINISHED)


def test_a_folder_of_few_pictures_tells_how_many_lie_elsewhere_and_were_dropped(
    imported: City, baas: Baas, earlier_url: str
) -> None:
    earlier_service.run(
        earlier_url,
        "INSERT INTO private_schema_blur.image_processing_status VALUES"
        " ('dataoffice', '2024-10-23 09:03:18', 'october/streets/10.jpg', 'inprogress')",
    )
    dry = take(baas, imported, "--json", "--below", "october/streets", "--dry-run").document["counts"]
    assert (dry["pending"], dry["elsewhere"]) == (1, 9)
    told = take(baas, imported, "--below", "october/streets").out
    assert "9  pictures outside of the folder that is asked for: left out" in told
    assert "9  pictures imported before and not this time: dropped, and so to be done" in told
    again = take(baas, imported, "--json").document["counts"]
    assert (again["finished"], again["elsewhere"], again["pictures_dropped"]) == (4, 1, 1)


def test_pictures_without_boxes_are_kept_only_when_a_person_trusts_them(imported: City, baas: Baas) -> None:
    done = take(baas, imported, "--json", "--trust-without-boxes")
    counts = done.document["counts"]
    assert (counts["finished"], counts["without_boxes"], counts["without_boxes_trusted"]) == (6, 0, 2)
    told = baas("earlier", "list", imported.destination.folder)
    assert "6 pictures at" in told.out
    assert "Of 2 of these it recorded no box" in told.out
    imported.blur(Blind(), KEEP)
    assert theirs(imported) == {*FINISHED, *WITHOUT_BOXES}


def test_trust_ends_with_the_next_import_without_it(city: City, baas: Baas) -> None:
    take(baas, city, "--trust-without-boxes")
    take(baas, city)
    city.blur(Blind(), KEEP)
    assert theirs(city) == set(FINISHED)


def test_the_list_names_what_stands_unchecked(imported: City, baas: Baas, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    listed = baas("earlier", "list", imported.destination.folder, "--json", "--names", names)
    pictures = listed.document["pictures"]
    assert [one["name"] for one in pictures] == list(FINISHED)
    assert pictures[0] | {"import_id": ""} == {
        "name": "1.jpg",
        "filename": "october/street/1.jpg",
        "customer": "dataoffice",
        "uploaded_at": "2024-10-23T09:03:18+00:00",
        "boxes": 2,
        "import_id": "",
    }
    assert names.read_text().splitlines() == list(FINISHED)
    told = baas("earlier", "list", imported.destination.folder)
    assert "4 pictures at" in told.out
    assert "no box" not in told.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "has pictures of dataoffice, otheroffice: say whose with --customer."),
        (("--customer", "x"), "has no pictures of x; it has pictures of dataoffice, otheroffice."),
        (("--customer", "dataoffice", "--below", "november"), "--below is wrong"),
        (("--customer", "dataoffice", "--schema", "public"), "has no table public.image_processing_status"),
    ],
)
def test_a_wrong_wish_is_answered_with_what_there_is(
    city: City, baas: Baas, arguments: tuple[str, ...], message: str
) -> None:
    told = baas("earlier", "import", city.destination.folder, "--dry-run", *arguments)
    assert told.code == ExitCode.CONFIGURATION
    assert message in " ".join(told.err.split())


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, baas: Baas) -> None:
    done = baas("earlier", "import", tmp_path / "typo", "--customer", "dataoffice")
    assert (done.code, "There is no folder" in done.err) == (ExitCode.CONFIGURATION, True)
    assert not (tmp_path / "typo").exists()


def test_the_database_must_be_named_and_no_dry_run_of_blur_guesses(
    city: City, baas: Baas, monkeypatch: pytest.MonkeyPatch
) -> None:
    dry = baas("blur", city.source, city.destination.folder, "--keep-earlier", "--dry-run")
    assert (dry.code, "baas earlier list" in dry.err) == (ExitCode.CONFIGURATION, True)
    monkeypatch.delenv("BAAS_EARLIER_DATABASE")
    assert "BAAS_EARLIER_DATABASE" not in os.environ
    assert "BAAS_EARLIER_DATABASE" in take(baas, city).err
