"""Originals are deleted after their outputs were read back, never before, and leave a receipt."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from baas_crds.codes import ExitCode
from baas_ledger.engine import reading
from baas_preprocess.digests import digest_of
from baas_preprocess.retention import Retired, delete_originals
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.places import Deletion
from tests.azurite import Azurite
from tests.unit.preprocess.pictures import jpeg, street
from tests.waiting import PATIENCE_SECONDS

from .city import Blind, City
from .conftest import Ended, own_ledger, published
from .pods import UID, Pods, blob_env, blob_spec, make_pods, published_blobs, upload

Baas = Callable[..., Ended]
DELETE = ("--delete-source", "after-verified")


def left(folder: Path) -> set[str]:
    return set(published(folder))


def receipts(baas: Baas, safe: Path, name: str) -> list[dict[str, object]]:
    records = json.loads(baas("audit", "show", safe, name, "--json").out)
    return [record for record in records if record["kind"] == "source-deleted"]


def test_originals_of_published_pictures_go_and_all_others_stay(
    photos: Path, tmp_path: Path, baas: Baas, triton: str
) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    shutil.copy(photos / "a.jpg", photos / "left-out.jpg")
    safe = tmp_path / "safe"

    ended = baas("blur", photos, safe, *DELETE, "--exclude", "left-out.jpg", triton=triton)

    assert ended.code == ExitCode.QUARANTINED
    assert "3 originals deleted, 0 kept" in ended.err
    assert left(photos) == {"empty.jpg", "left-out.jpg"}
    assert left(safe) == {"a.jpg", "street/b.jpg", "street/deep/c.jpg"}
    (receipt,) = receipts(baas, safe, "street/b.jpg")
    assert (receipt["was_there"], receipt["copies"]) == (True, [])
    assert "the original was deleted, after the output had been read back." in baas("audit", "show", safe, "a.jpg").out
    assert baas("audit", "verify", safe).code == ExitCode.DONE


def test_nothing_is_deleted_before_the_run_is_complete(photos: Path, tmp_path: Path, baas: Baas, triton: str) -> None:
    safe = tmp_path / "safe"

    ended = baas("blur", photos, safe, *DELETE, "--limit", "1", triton=triton)

    assert "No original was deleted: the run has not come to its end." in ended.err
    assert (len(left(safe)), len(left(photos))) == (1, 3)
    assert "3 originals deleted, 0 kept" in baas("blur", photos, safe, *DELETE, triton=triton).err
    assert left(photos) == set()


def test_the_same_call_again_keeps_the_outputs_though_their_originals_are_gone(
    photos: Path, tmp_path: Path, baas: Baas, triton: str
) -> None:
    safe = tmp_path / "safe"
    baas("blur", photos, safe, *DELETE, triton=triton)
    before = published(safe)

    assert baas("blur", photos, safe, *DELETE, triton=triton).code == ExitCode.DONE
    (photos / "new.jpg").write_bytes(next(iter(before.values())))
    assert baas("blur", photos, safe, "--method", "solid", triton=triton).code == ExitCode.DONE

    assert {name: data for name, data in published(safe).items() if name != "new.jpg"} == before
    assert len(receipts(baas, safe, "new.jpg")) == 0


def test_a_lost_output_of_a_deleted_original_is_told_and_nothing_is_thrown_away(
    photos: Path, tmp_path: Path, baas: Baas, triton: str
) -> None:
    safe = tmp_path / "safe"
    baas("blur", photos, safe, *DELETE, triton=triton)
    (safe / "a.jpg").write_bytes(b"other")

    assert baas("blur", photos, safe, *DELETE, triton=triton).code == ExitCode.DONE

    assert (safe / "a.jpg").read_bytes() == b"other"
    verdict = baas("audit", "verify", safe, "--json")
    assert verdict.document["problems"] == ["a.jpg: its output was changed after it was published"]


@pytest.mark.parametrize("method", ["same", "solid"])
def test_an_objection_takes_the_output_away_though_no_source_lists_it_any_more(
    photos: Path, tmp_path: Path, baas: Baas, triton: str, method: str
) -> None:
    safe = tmp_path / "safe"
    baas("blur", photos, safe, *DELETE, triton=triton)
    (tmp_path / "objections.txt").write_text("b.jpg\n")
    another_run = [] if method == "same" else ["--method", method]

    ended = baas(
        "blur", photos, safe, *DELETE, *another_run, "--exclude-list", tmp_path / "objections.txt", triton=triton
    )

    assert ended.code == ExitCode.DONE
    assert "Warning" not in ended.err
    assert left(safe) == {"a.jpg", "street/deep/c.jpg"}


def test_an_original_that_is_a_link_is_kept(photos: Path, tmp_path: Path, baas: Baas, triton: str) -> None:
    elsewhere = tmp_path / "elsewhere.jpg"
    shutil.move(photos / "a.jpg", elsewhere)
    (photos / "a.jpg").symlink_to(elsewhere)
    safe = tmp_path / "safe"

    ended = baas("blur", photos, safe, *DELETE, triton=triton)

    assert left(photos) == {"a.jpg"}
    assert "Kept: a.jpg: it is a link; delete what it leads to yourself." in ended.err
    assert elsewhere.is_file()


def test_an_original_stays_while_its_output_is_not_what_was_recorded(
    photos: Path, tmp_path: Path, baas: Baas, triton: str
) -> None:
    safe = tmp_path / "safe"
    assert baas("blur", photos, safe, triton=triton).code == ExitCode.DONE
    data = bytearray((safe / "a.jpg").read_bytes())
    data[len(data) // 2] ^= 1  # of the same size, so that planning does not notice
    (safe / "a.jpg").write_bytes(data)

    ended = baas("blur", photos, safe, *DELETE, triton=triton)

    assert left(photos) == {"a.jpg"}
    assert "Kept: a.jpg: its output was changed after it was published." in ended.err


def test_a_deletion_whose_receipt_was_lost_gets_it_the_next_time(
    photos: Path, tmp_path: Path, baas: Baas, triton: str
) -> None:
    safe = tmp_path / "safe"
    baas("blur", photos, safe, triton=triton)
    (photos / "a.jpg").unlink()

    ended = baas("blur", photos, safe, *DELETE, triton=triton)

    assert "3 originals deleted, 0 kept" in ended.err
    assert [receipt["was_there"] for receipt in receipts(baas, safe, "a.jpg")] == [False]
    assert [receipt["was_there"] for receipt in receipts(baas, safe, "street/b.jpg")] == [True]


@pytest.mark.parametrize("verification", ["off", "sample"])
def test_nothing_is_deleted_without_the_second_look(
    photos: Path, tmp_path: Path, baas: Baas, verification: str
) -> None:
    ended = baas("blur", photos, tmp_path / "safe", *DELETE, "--verification", verification)
    assert ended.code == ExitCode.CONFIGURATION
    assert "delete_source after-verified needs verification redetect" in ended.err
    assert len(left(photos)) == 3


def test_pictures_published_without_a_second_look_keep_their_originals(
    photos: Path, tmp_path: Path, baas: Baas, triton: str
) -> None:
    safe = tmp_path / "safe"
    baas("blur", photos, safe, triton=triton)
    with own_ledger(safe) as ledger:
        ledger.execute("UPDATE images SET second_looks = 0 WHERE name = 'a.jpg'")

    ended = baas("blur", photos, safe, *DELETE, triton=triton)

    assert left(photos) == {"a.jpg"}
    assert "Kept: a.jpg: its output was not looked at again." in ended.err


@pytest.fixture
def pods(
    photos: Path, azurite: Azurite, container: ContainerClient, postgres_url: str, triton: str, tmp_path: Path
) -> Pods:
    upload(photos, container)
    spec = blob_spec(azurite, container, retention={"deleteSource": "AfterVerified"})
    return make_pods(tmp_path, spec=spec, ledger=postgres_url, triton=triton, **blob_env(azurite))


def test_pods_delete_blobs_and_the_run_is_whole_in_the_store(
    pods: Pods, container: ContainerClient, azurite: Azurite, baas: Baas, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pods.run("plan")[0] == ExitCode.DONE
    with pods.running("work", "pod-1") as first, pods.running("work", "pod-2") as second:
        for process in (first, second):
            process.communicate(timeout=300)
    assert (first.returncode, second.returncode) == (ExitCode.DONE, ExitCode.DONE)

    assert list(container.list_blob_names(name_starts_with="raw/")) == []
    assert set(published_blobs(container)) == {"a.jpg", "street/b.jpg", "street/deep/c.jpg"}
    monkeypatch.setenv("BAAS_OUTPUT_CONNECTION_STRING", azurite.connection_string)
    place = f"{azurite.account_url}/{container.container_name}/safe"
    options = ("--run", UID, "--ledger", pods.ledger, "--json")
    verdict = baas("audit", "verify", place, *options)
    assert verdict.code == ExitCode.DONE, verdict.out + verdict.err
    assert verdict.document | {"run": UID, "records": 6, "images": 3, "outputs": 3} == verdict.document

    container.upload_blob("safe/a.jpg", b"other", overwrite=True)
    verdict = baas("audit", "verify", place, *options)
    assert verdict.document["problems"] == ["a.jpg: its output was changed after it was published"]
    assert verdict.code == ExitCode.TAMPERED

    container.upload_blob("safe/deep/stray.jpg", b"other")
    container.upload_blob("safer/not-ours.jpg", b"other")
    assert baas("audit", "verify", place, *options).document["problems"][1:] == [
        "deep/stray.jpg stands at the destination, and no record explains it"
    ]


class _Slow(FileSource):
    """A source where something happens between a deletion and its receipt."""

    def __init__(self, folder: Path, meanwhile: Callable[[], object]) -> None:
        super().__init__([str(folder)])
        self._meanwhile = meanwhile

    def delete(self, name: str, version: str) -> Deletion:
        deletion = super().delete(name, version)
        self._meanwhile()
        return deletion


def test_of_several_workers_one_deletes_an_original_and_says_that_it_was_there(
    tmp_path: Path, postgres_url: str
) -> None:
    city = City(tmp_path, postgres_url)
    city.blur(Blind())
    with city.ledger.begin() as connection:
        connection.exec_driver_sql("UPDATE images SET second_looks = 1")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def retire(source: FileSource) -> Retired:
        return delete_originals(city.ledger, city.run_id, source, city.destination)

    def second() -> None:
        others.append(pool.submit(retire, FileSource([str(city.source)])))
        while not others[0].done():
            with reading(city.ledger) as connection:
                if connection.exec_driver_sql(waiting).scalar_one():
                    break

    others: list[Future[Retired]] = []
    with ThreadPoolExecutor(1) as pool:
        first = retire(_Slow(city.source, second))
        other = others[0].result(PATIENCE_SECONDS)
    assert (first, other) == (Retired(deleted=1), Retired())
    assert [told["was_there"] for told in city.told() if told["kind"] == "source-deleted"] == [True]
    city.ledger.dispose()


def test_an_original_stays_while_a_correction_of_its_output_is_interrupted(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.blur(Blind())
    with city.ledger.begin() as connection:
        connection.exec_driver_sql("UPDATE images SET second_looks = 1")
    data = jpeg(street(256, 128, seed=9))
    city.begin(output=digest_of(data))
    (city.destination.folder / "a.jpg").write_bytes(data)
    retired = delete_originals(city.ledger, city.run_id, FileSource([str(city.source)]), city.destination)
    assert (retired.deleted, (city.source / "a.jpg").exists()) == (0, True)
    assert retired.kept[0].startswith("a.jpg: a correction of it was interrupted: repeat the same `baas redact-more`")
    city.ledger.dispose()
