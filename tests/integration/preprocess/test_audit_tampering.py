"""What is found out when somebody who can write the whole ledger, but has no key, tries to hide what was published."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from baas_crds.codes import ExitCode
from baas_ledger.audit import signing
from baas_ledger.engine import open_to_read
from baas_ledger.facts import PlannedImage
from baas_ledger.plan import plan_images
from baas_preprocess.audit import Demands, Verdict, verify_run
from baas_preprocess.earlier_runs import open_results
from baas_preprocess.signatures import checker_of, signer_of
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.outputs import FolderOutputs
from tests.unit.preprocess.conftest import unprivileged
from tests.unit.preprocess.pictures import jpeg, street

from .city import Blind, City
from .conftest import Ended, own_ledger, published
from .test_audit_command import write_keys

__all__ = ["unprivileged"]

Baas = Callable[..., Ended]
UNSETTLED = "stands at the destination, and no record explains it: the run was interrupted, or records were removed"

PENDING = (
    "UPDATE images SET state = 'pending', attempts = 0, finished_at = NULL, output_digest = NULL, "
    "output_size_bytes = NULL, input_digest = NULL, model_digest = NULL, config_digest = NULL, persons = NULL, "
    "licence_plates = NULL WHERE name = 'b.jpg'"
)
RECOUNT = "UPDATE run_counts SET images = (SELECT count(*) FROM images WHERE images.state = run_counts.state)"
CUT = (
    "DELETE FROM audit_records WHERE number = 2",
    "UPDATE audit_chains SET length = 1, head = (SELECT digest FROM audit_records WHERE number = 1)",
    PENDING,
    RECOUNT,
)
ALL_GONE = (
    "DELETE FROM audit_records",
    "UPDATE audit_chains SET length = 0, head = 'sha256:' || printf('%064d', 0)",
    PENDING,
    PENDING.replace("b.jpg", "a.jpg"),
    RECOUNT,
)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """Two pictures that were published, a.jpg and b.jpg, and signed records of it."""
    private, _ = write_keys(tmp_path)
    made = City(tmp_path)
    made.ledger = signing(made.ledger, signer_of(private))
    (made.source / "b.jpg").write_bytes(jpeg(street(256, 128, seed=2)))
    made.blur(Blind())
    made.ledger.dispose()
    yield made
    made.ledger.dispose()


def tamper(city: City, *statements: str) -> None:
    with own_ledger(city.destination.folder) as connection:
        for statement in statements:
            connection.execute(statement)


def verify(city: City, *, head: str | None = None, public: Path | None = None, outputs: bool = True) -> Verdict:
    demands = Demands(is_signed=None if public is None else checker_of(public), head=head)
    place = FolderOutputs(city.destination.folder, label=city.destination.label) if outputs else None
    with open_results(city.destination.folder, None, run_id=city.run_id) as (engine, run):
        return verify_run(engine, run, destination=place, demands=demands)


def test_the_head_is_told_and_stays_in_the_chain_however_it_grows(city: City, baas: Baas, tmp_path: Path) -> None:
    first = verify(city, public=tmp_path / "audit.pub")
    assert (first.problems, first.records, first.signed, first.outputs) == ([], 2, 2, 2)
    (city.source / "c.jpg").write_bytes(jpeg(street(256, 128, seed=3)))
    city.blur(Blind())
    assert (city.source / "c.jpg").exists()

    later = verify(city, head=first.head)
    assert (later.problems, later.records) == ([], 3)
    assert later.head != first.head

    shown = baas("audit", "verify", city.destination.folder, "--expect-head", first.head)
    assert shown.code == ExitCode.DONE, shown.err
    assert f"The chain's head is {later.head}" in shown.out
    wrong = baas("audit", "verify", city.destination.folder, "--expect-head", later.head[:-1])
    assert (wrong.code, "is no digest" in wrong.err) == (ExitCode.CONFIGURATION, True)


def test_a_tail_that_was_cut_off_leaves_a_picture_that_no_record_explains(city: City, tmp_path: Path) -> None:
    head = verify(city).head
    tamper(city, *CUT)

    assert verify(city, public=tmp_path / "audit.pub").problems == [f"b.jpg {UNSETTLED}"]
    (city.destination.folder / "b.jpg").unlink()
    assert verify(city, public=tmp_path / "audit.pub").problems == []  # which is why somebody else should keep the head
    assert verify(city, head=head).problems == [
        f"the chain does not contain the expected head {head}: its end was cut off"
    ]


def test_a_record_behind_the_end_vouches_for_nothing(city: City, tmp_path: Path) -> None:
    original = (city.source / "b.jpg").read_bytes()
    (city.destination.folder / "b.jpg").write_bytes(original)
    digest = f"sha256:{hashlib.sha256(original).hexdigest()}"
    tamper(
        city,
        f"UPDATE audit_records SET body = json_set(body, '$.output', '{digest}', '$.output_bytes', {len(original)}) "  # noqa: S608
        "WHERE number = 2",
        f"UPDATE images SET output_digest = '{digest}', output_size_bytes = {len(original)} WHERE name = 'b.jpg'",  # noqa: S608
        "UPDATE audit_chains SET length = 1, head = (SELECT digest FROM audit_records WHERE number = 1)",
    )
    found = ["the chain ends with record 1, and there are records up to 2"]
    assert verify(city, public=tmp_path / "audit.pub").problems == found
    assert verify(city).problems == found


def test_a_chain_without_records_is_not_whole_beside_pictures(city: City, tmp_path: Path) -> None:
    tamper(city, *ALL_GONE)
    assert verify(city).problems == [f"a.jpg {UNSETTLED}", f"b.jpg {UNSETTLED}"]

    tamper(city, "UPDATE images SET state = 'leased', lease_until = '2026-01-01' WHERE name = 'a.jpg'")
    assert "no record tells what became of this run's images, though 1 of them do not wait any more" in (
        verify(city, public=tmp_path / "audit.pub", outputs=False).problems
    )


def test_a_picture_that_somebody_put_there_is_named_wherever_it_is(city: City, baas: Baas) -> None:
    folder = city.destination.folder
    (folder / "deep" / "er").mkdir(parents=True)
    for name in ("other.jpg", "deep/er/x.PNG", ".baas/y.tif"):
        shutil.copy(city.source / "a.jpg", folder / name)
    (folder / "deep" / "link.jpg").symlink_to(city.source / "a.jpg")
    (folder / "report.html").write_text("of no interest")
    Path(os.fsdecode(bytes(folder) + b"/\xff.jpg")).write_bytes(b"x")

    told = "stands at the destination, and no record explains it"
    ended = baas("audit", "verify", folder, "--json")
    assert ended.code == ExitCode.TAMPERED
    names = (".baas/y.tif", "deep/er/x.PNG", "deep/link.jpg", "other.jpg", "\\udcff.jpg")
    assert ended.document["problems"] == [f"{name} {told}" for name in names]
    assert baas("audit", "verify", folder, "--no-outputs").code == ExitCode.DONE


def test_what_was_left_out_and_stands_there_again_is_named(city: City) -> None:
    data = (city.destination.folder / "b.jpg").read_bytes()
    plan_images(city.ledger, city.run_id, [PlannedImage(name="b.jpg", source_version="", size_bytes=1, excluded="No.")])
    assert verify(city).problems == [
        "b.jpg stands at the destination, and the ledger says that it is excluded: the run was interrupted, or "
        "somebody put it back"
    ]
    (city.destination.folder / "b.jpg").unlink()
    assert verify(city).problems == []
    (city.destination.folder / "b.jpg").write_bytes(data)
    assert len(verify(city).problems) == 1


def test_pictures_of_other_runs_into_the_same_place_are_theirs(city: City, tmp_path: Path) -> None:
    first = city.run_id
    (city.source / "b.jpg").rename(city.source / "c.jpg")
    city.blur(Blind("sha256:newer"))
    assert city.run_id != first
    assert verify(city).problems == []
    assert set(published(city.destination.folder)) >= {"a.jpg", "b.jpg", "c.jpg"}

    (city.destination.folder / "b.jpg").write_bytes(b"another one")
    assert verify(city).problems == ["b.jpg stands at the destination, and no record explains it"]


def test_a_run_into_a_folder_of_the_destination_explains_what_is_there(city: City) -> None:
    above = city.run_id
    destination = city.destination
    city.destination = FolderDestination(destination.folder / "more")
    city.blur(Blind())
    city.run_id, city.destination = above, destination
    assert verify(city).problems == []


def test_images_that_were_taken_out_or_renamed_are_found_by_their_records(city: City) -> None:
    tamper(city, "UPDATE images SET name = 'z.jpg' WHERE name = 'a.jpg'")
    problems = verify(city, outputs=False).problems
    assert problems[0].startswith("record 1 is of a.jpg, and the ledger calls that image z.jpg of run ")
    tamper(city, "DELETE FROM images WHERE name = 'z.jpg'")
    problems = verify(city, outputs=False).problems
    assert problems[0] == "record 1 is of a.jpg, and the ledger has no such image any more"
    tamper(city, "UPDATE audit_records SET image_id = (SELECT id FROM images) WHERE number = 1")
    problems = verify(city, outputs=False).problems
    assert problems[0].startswith("record 1 is of a.jpg, and the ledger calls that image b.jpg of run ")


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "UPDATE runs SET model_digest = 'sha256:x'",
            "record 1 has the model sha256:blind, and the ledger has",
        ),
        ("UPDATE runs SET config_digest = 'sha256:x'", "record 1 has the configuration sha256:"),
        (
            "UPDATE run_counts SET images = 3 WHERE state = 'published'",
            "the ledger counts 3 images, 0 persons and 0 licence plates as published, and its rows come to 2 images",
        ),
        ("UPDATE images SET timings = 'rubbish' WHERE name = 'a.jpg'", "the ledger holds what cannot be read: "),
        ("UPDATE images SET finished_at = 'rubbish' WHERE name = 'a.jpg'", "the ledger holds what cannot be read: "),
        ("UPDATE audit_records SET body = x'ff00' WHERE number = 2", "record 2 was changed: "),
        ("UPDATE audit_records SET body = CAST(x'ff' AS TEXT) WHERE number = 2", "record 2 was changed: "),
    ],
)
def test_whatever_else_is_changed_in_the_ledger_is_told(city: City, statement: str, sentence: str) -> None:
    tamper(city, statement)
    assert verify(city, outputs=False).problems[0].startswith(sentence)


def test_images_older_than_the_records_are_neither_accused_nor_vouched_for(
    city: City, baas: Baas, tmp_path: Path
) -> None:
    tamper(city, "DELETE FROM audit_records", "DELETE FROM audit_chains")
    ended = baas("audit", "verify", city.destination.folder)
    assert (ended.code, "has no audit records: it ended before there were any" in ended.err) == (2, True)

    (city.source / "c.jpg").write_bytes(jpeg(street(256, 128, seed=3)))
    city.blur(Blind())
    verdict = verify(city)
    assert (verdict.problems, verdict.records, verdict.unrecorded) == ([], 1, 2)
    ended = baas("audit", "verify", city.destination.folder)
    assert ended.code == ExitCode.CONFIGURATION
    assert "2 images had their fate before this run had records, or have lost them" in ended.out
    assert "The chain is whole" not in ended.out
    assert verify(city, public=tmp_path / "audit.pub").problems == [
        "the ledger says that a.jpg is published, and no record says so",
        "the ledger says that b.jpg is published, and no record says so",
    ]


def test_a_place_that_is_not_there_is_not_made(city: City, baas: Baas, tmp_path: Path) -> None:
    mistyped, ledger = tmp_path / "saef", city.destination.state / "ledger.sqlite"
    ended = baas("audit", "verify", mistyped, "--ledger", f"sqlite:///{ledger}", "--run", city.run_id)
    assert ended.code == ExitCode.CONFIGURATION
    assert f"There is no destination at {mistyped}" in ended.err
    assert not mistyped.exists()


def test_verifying_writes_nothing(city: City) -> None:
    folder = city.destination.folder
    shutil.rmtree(folder / ".baas" / "unfinished")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert verify(city).problems == []
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    log = {folder / ".baas" / f"ledger.sqlite-{kind}" for kind in ("wal", "shm")}  # SQLite's own, of every reader
    assert {path: at for path, at in after.items() if path not in log} == before
    assert not (folder / ".baas" / "unfinished").exists()


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user of the machine may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="baas-audit-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_destination_that_one_may_only_read_is_verified(
    city: City, unprivileged: Callable[[], AbstractContextManager[None]], shared_folder: Path
) -> None:
    run, folder = city.run(), shared_folder / "safe"
    city.ledger.dispose()
    shutil.copytree(city.destination.folder, folder)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    with unprivileged():
        reader = open_to_read(str(folder / ".baas" / "ledger.sqlite"))
        verdict = verify_run(reader, run, destination=FolderOutputs(folder, label=run.destination))
        reader.dispose()
    assert (verdict.problems, verdict.outputs) == ([], 2)


def test_a_correction_without_the_key_of_a_signed_run_touches_nothing(city: City, baas: Baas) -> None:
    before = published(city.destination.folder)
    line = ["redact-more", city.destination.folder / "a.jpg", "--box", "64,64,64,32"]
    ended = baas(*line)
    assert ended.code == ExitCode.CONFIGURATION
    assert f"The records of run {city.run_id} are signed, and there is no key" in ended.err
    assert published(city.destination.folder) == before
    assert verify(city).problems == []
    assert baas(*line, "--audit-key", city.source.parent / "audit.pem").code == ExitCode.DONE
    assert verify(city, public=city.source.parent / "audit.pub").problems == []
