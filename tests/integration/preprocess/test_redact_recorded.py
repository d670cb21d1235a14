"""`baas redact-more` on what a run has published: file, ledger and audit chain change together or not at all."""

import itertools
import json
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient
from sqlalchemy import Engine, event

from baas_crds.codes import ExitCode
from baas_ledger.corrections import corrections_of, interrupted
from baas_ledger.engine import reading
from baas_preprocess.audit import verify_run
from baas_preprocess.cli import main
from baas_preprocess.digests import digest_of
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.outputs import FolderOutputs
from baas_preprocess.stores.places import is_picture
from tests.azurite import Azurite
from tests.unit.preprocess.pictures import jpeg, street
from tests.waiting import PATIENCE_SECONDS

from .city import Blind, City
from .conftest import Ended, published
from .pods import Pods, blob_env, blob_spec, make_pods, published_blobs, upload
from .test_audit_command import write_keys

Baas = Callable[..., Ended]
# The place of `city.SOMEBODY`, in a picture of 256x128 pixels.
BOX = "64,64,64,32"
KILLED = -signal.SIGKILL


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """A picture that was published."""
    made = City(tmp_path)
    made.blur(Blind())
    yield made
    made.ledger.dispose()


def picture(city: City) -> Path:
    return city.destination.folder / "a.jpg"


def redact(baas: Baas, city: City, *more: str | Path) -> Ended:
    return baas("redact-more", picture(city), "--box", BOX, "--method", "solid", *more)


def test_a_correction_is_in_the_file_the_ledger_and_the_chain_and_is_made_once(baas: Baas, city: City) -> None:
    before = city.image()
    first = redact(baas, city, "--json")
    assert (first.code, first.err) == (ExitCode.DONE, "")
    assert not city.shows_somebody()
    after, data = city.image(), picture(city).read_bytes()
    assert (after.output_digest, after.output_size_bytes) == (digest_of(data), len(data))
    assert before.masked_share == 0
    assert after.masked_share == 80 * 48 / (256 * 128)  # padded, on the grid of blocks
    [publishing, correction] = city.told()
    assert (publishing["kind"], correction["kind"]) == ("published", "corrected")
    assert (correction["earlier"], correction["output"]) == (publishing["output"], digest_of(data))
    assert correction["added"] == [
        {"class": "person", "x": 0.25, "y": 0.5, "width": 0.25, "height": 0.25, "padding": 0.1, "reference": ""}
    ]
    assert {name: correction[name] for name in ("method", "cells", "padding")} == {
        "method": "solid",
        "cells": 6,
        "padding": 0.1,
    }
    assert correction["software"]["version"]
    city.assert_consistent()

    changed_at = picture(city).stat().st_mtime_ns
    again = redact(baas, city)
    assert "already redacted" in again.out
    assert (len(city.told()), picture(city).stat().st_mtime_ns) == (2, changed_at)

    shown = baas("audit", "show", city.destination.folder, "a.jpg")
    assert "more was redacted in the published picture" in shown.out


def test_a_correction_outlives_the_output_and_the_model(baas: Baas, city: City) -> None:
    redact(baas, city)
    corrected = city.digest()
    city.blur(Blind())
    assert (city.digest(), len(city.told())) == (corrected, 2)

    picture(city).unlink()
    city.blur(Blind())
    assert not city.shows_somebody()
    shown = baas("audit", "show", city.destination.folder, "a.jpg")
    assert "1 box redacted besides, as people had wanted" in shown.out
    city.blur(Blind("sha256:newer"))
    assert not city.shows_somebody()
    city.assert_consistent()


def test_the_share_that_is_redacted_counts_what_was_redacted_before_once(baas: Baas, city: City) -> None:
    shares = [city.image().masked_share]
    for box in (BOX, "64,64,64,16", "128,64,64,32", "0,0,256,128"):
        baas("redact-more", picture(city), "--box", box)
        shares.append(city.image().masked_share)
    assert shares[1] == shares[2]
    assert shares[2] < shares[3] < 2 * shares[2]
    assert shares[4] == 1
    city.assert_consistent()


def test_boxes_beside_a_picture_are_brought_up_to_date(baas: Baas, city: City) -> None:
    redact(baas, city)
    baas("redact-more", picture(city), "--box", "0,0,32,16")
    told = json.loads((city.destination.folder / "a.jpg.json").read_text())
    assert (told["output"], told["objects"]) == (city.digest(), [])
    assert told["masked_share"] == round(city.image().masked_share or 0, 6)
    assert [one["box"] for one in told["corrections"]] == [[0.25, 0.5, 0.25, 0.25], [0, 0, 0.125, 0.125]]


def test_reports_keep_their_references_and_sign_what_they_record(baas: Baas, city: City, tmp_path: Path) -> None:
    private, public = write_keys(tmp_path)
    rows = [
        {"image": "a.jpg", "left": 1, "top": 2, "width": 30, "height": 40, "reference": "2026-118"},
        {"image": "a.jpg", "left": 1, "top": 2, "width": 30, "height": 40, "reference": "2026-120"},
        {"image": "a.jpg", "left": 90, "top": 2, "width": 9, "height": 4, "class": "licence_plate"},
    ]
    (tmp_path / "r.json").write_text(json.dumps(rows))
    ended = baas(
        "redact-more", city.destination.folder, "--reports", tmp_path / "r.json", "--audit-key", private, "--json"
    )
    assert ended.code == ExitCode.DONE
    assert [told["run"] for told in ended.document["pictures"]] == [city.run_id]
    added = city.told()[-1]["added"]
    assert [one["reference"] for one in added] == ["2026-118", "2026-120", ""]
    assert added[2]["class"] == "licence_plate"
    with reading(city.ledger) as connection:
        assert len(corrections_of(connection, city.destination.label, "a.jpg")) == 2
    assert "Reported as 2026-118, 2026-120." in baas("audit", "show", city.destination.folder, "a.jpg").out
    verified = baas("audit", "verify", city.destination.folder, "--public-key", public)
    assert "record 1 is not signed" in verified.out  # and so the first one is, not ours, that lacks it


def test_a_dry_run_writes_neither_file_nor_ledger(baas: Baas, city: City) -> None:
    before, row = published(city.destination.folder), city.image()
    ended = redact(baas, city, "--dry-run", "--json")
    assert (ended.code, ended.document["pictures"][0]["state"]) == (ExitCode.DONE, "redacted")
    assert (published(city.destination.folder), city.image(), len(city.told())) == (before, row, 1)
    with reading(city.ledger) as connection:
        assert corrections_of(connection, city.destination.label, "a.jpg") == []


def test_what_is_not_what_was_published_is_left_alone(baas: Baas, city: City) -> None:
    before = jpeg(street(256, 128, seed=1))
    picture(city).write_bytes(before)
    ended = redact(baas, city)
    assert ended.code == ExitCode.CONFIGURATION
    assert f"is not what run {city.run_id} published: its digest is {digest_of(before)}" in ended.err
    assert "Delete it and start the run again" in ended.err
    assert picture(city).read_bytes() == before
    assert len(city.told()) == 1


def test_what_an_earlier_run_published_is_corrected_under_its_id(baas: Baas, city: City) -> None:
    first = city.run_id
    later = FolderDestination(city.destination.folder)
    (city.source / "b.jpg").write_bytes((city.source / "a.jpg").read_bytes())
    (city.source / "a.jpg").rename(city.source.parent / "aside.jpg")
    city.destination = later
    city.blur(Blind("sha256:newer"))
    assert city.run_id != first

    refused = redact(baas, city)
    assert refused.code == ExitCode.CONFIGURATION
    assert f"knows no picture 'a.jpg'. It is what run {first} published: add --run {first}." in refused.err
    assert redact(baas, city, "--run", first).code == ExitCode.DONE
    city.run_id = first
    city.assert_consistent()
    assert "is known to have published into" in redact(baas, city, "--run", "nothing").err


@pytest.mark.parametrize("as_argument", [True, False], ids=["--ledger", "BAAS_LEDGER"])
def test_a_volume_that_the_ledger_knows_by_another_name_is_found_by_its_run(
    as_argument: bool, baas: Baas, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = City(tmp_path, postgres_url, label="volume://panoramas/safe")
    city.blur(Blind())
    given = ["--ledger", postgres_url] if as_argument else []
    if not as_argument:
        monkeypatch.setenv("BAAS_LEDGER", postgres_url)

    assert "lies in no folder that a run is known to have published into" in redact(baas, city, *given).err
    assert city.shows_somebody()
    of_a_pod = city.destination.state / "unfinished" / "of a pod that writes it just now"
    of_a_pod.touch()
    assert redact(baas, city, "--run", city.run_id, *given).code == ExitCode.DONE

    assert of_a_pod.exists()
    assert not city.shows_somebody()
    city.assert_consistent()
    picture(city).unlink()
    city.blur(Blind("sha256:newer"))
    assert not city.shows_somebody()
    city.ledger.dispose()


@pytest.mark.parametrize(
    "state",
    [pytest.param("pending", id="to be made anew"), pytest.param("excluded", id="left out meanwhile")],
)
def test_what_is_not_published_any_more_is_not_corrected(state: str, baas: Baas, city: City) -> None:
    with city.ledger.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE images SET state = ?, message = 'x', finished_at = NULL, output_digest = NULL", (state,)
        )
    ended = redact(baas, city)
    assert (ended.code, f"it is {state}, not published" in ended.err) == (ExitCode.CONFIGURATION, True)


def test_unrecorded_is_for_what_no_run_knows(baas: Baas, city: City) -> None:
    before = picture(city).read_bytes()
    ended = redact(baas, city, "--unrecorded")
    assert ended.code == ExitCode.CONFIGURATION
    assert "knows this picture (it is published there)" in ended.err
    assert "leave out --unrecorded" in ended.err
    assert picture(city).read_bytes() == before

    other = city.destination.folder / "other.jpg"
    other.write_bytes(before)
    assert baas("redact-more", other, "--box", BOX, "--unrecorded").code == ExitCode.DONE
    assert other.read_bytes() != before
    unknown = baas("redact-more", other, "--box", BOX)
    assert (unknown.code, "add --unrecorded if none did" in unknown.err) == (ExitCode.CONFIGURATION, True)
    assert redact(baas, city, "--unrecorded", "--run", "x").code == ExitCode.CONFIGURATION


def test_a_folder_without_a_ledger_needs_unrecorded(baas: Baas, photos: Path) -> None:
    before = published(photos)
    ended = baas("redact-more", photos / "a.jpg", "--box", "10,10,20,20")
    assert ended.code == ExitCode.CONFIGURATION
    assert "add --unrecorded if no run published it" in ended.err
    assert published(photos) == before


def _run(folder: Path, arguments: list[str], at: int) -> None:
    """Run `baas`; it is killed when it is about to do its `at`-th statement, commit or change of a file."""
    steps = itertools.count(1)

    def step() -> None:
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(name: str, values: tuple[object, ...]) -> None:
        is_file = name in {"open", "os.rename", "os.remove", "os.chmod"} and str(values[0]).startswith(str(folder))
        if is_file and not (name == "open" and values[1] in {"r", "rb"}):
            step()

    event.listen(Engine, "before_cursor_execute", lambda *_: step())
    event.listen(Engine, "commit", lambda *_: step())
    sys.addaudithook(on_event)
    with Path(os.devnull).open("w") as nothing:
        sys.stdout = sys.stderr = nothing
        main(arguments)


def _ended(folder: Path, arguments: list[str], at: int = 0) -> int | None:
    process = multiprocessing.get_context("fork").Process(target=_run, args=(folder, arguments, at))
    process.start()
    process.join(PATIENCE_SECONDS)
    return process.exitcode


def test_killed_at_each_step_the_same_command_ends_with_file_ledger_and_chain_in_agreement(city: City) -> None:
    folder = city.destination.folder
    city.ledger.dispose()
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    line = ["redact-more", str(folder / "a.jpg"), "--box", BOX, "--method", "solid"]
    before = published(folder)
    assert _ended(folder, line) == ExitCode.DONE
    after = published(folder)
    seen = set()
    for at in itertools.count(1):
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        code = _ended(folder, line, at)
        if code == ExitCode.DONE:
            break
        assert code == KILLED
        seen.add(_what_is_left(city, before, after))
        city.ledger.dispose()

        assert _ended(folder, line) == ExitCode.DONE

        assert published(folder) == after
        assert [record["kind"] for record in city.told()] == ["published", "corrected"]
        assert list((folder / ".baas" / "unfinished").iterdir()) == []
        assert _left(city) is None
        city.assert_consistent()
        city.ledger.dispose()
    # Not yet noted, noted, written: it was killed in each of these. After it is recorded, no step is left.
    assert seen == {("before", False), ("before", True), ("after", True)}


def _what_is_left(city: City, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[str, bool]:
    """Return which file is there, and whether a correction is noted; check the rest."""
    data = picture(city).read_bytes()
    which = {before["a.jpg"]: "before", after["a.jpg"]: "after"}[data]
    left, digest = _left(city), city.image().output_digest
    assert verify_run(city.ledger, city.run(), destination=None).problems == []
    assert digest_of(data) in {digest, left}
    return which, left is not None


def _left(city: City) -> str | None:
    """Return the digest of the file that an interrupted correction wants."""
    with reading(city.ledger) as connection:
        found = interrupted(connection, city.image().id)
    return None if found is None else found.output_digest


def test_an_interrupted_correction_with_its_own_method_comes_before_other_boxes(city: City, baas: Baas) -> None:
    folder = city.destination.folder
    line = ["redact-more", str(folder / "a.jpg"), "--box", BOX, "--method", "solid"]
    for at in itertools.count(1):  # the first step after it was noted
        city.ledger.dispose()
        assert _ended(folder, line, at) == KILLED
        if _left(city) is not None:
            break
    assert city.shows_somebody()

    ended = baas("redact-more", folder / "a.jpg", "--box", "0,0,16,16", "--method", "pixelate", "--json")

    assert ended.document["pictures"][0]["state"] == "redacted"
    assert not city.shows_somebody()
    assert [(told["method"], len(told["added"])) for told in city.told()[1:]] == [("solid", 1), ("pixelate", 1)]
    city.assert_consistent()


def test_a_correction_that_was_interrupted_is_not_taken_for_tampering(city: City, baas: Baas) -> None:
    folder = city.destination.folder
    line = ["redact-more", str(folder / "a.jpg"), "--box", BOX, "--method", "solid"]
    before = city.digest()
    for at in itertools.count(1):  # the first step after the file was replaced
        city.ledger.dispose()
        assert _ended(folder, line, at) == KILLED
        if city.digest() != before:
            break
    ended = baas("audit", "verify", folder, "--json")
    assert ended.code == ExitCode.TAMPERED
    assert ended.document["problems"] == [
        "a.jpg: a correction of it was interrupted: repeat the same `baas redact-more`, which records it"
    ]
    assert _ended(folder, line) == ExitCode.DONE
    assert baas("audit", "verify", folder).code == ExitCode.DONE


class _Corrected(FolderOutputs):
    """Outputs that are corrected while they are looked at, each time before they are read."""

    def __init__(self, city: City, baas: Baas, boxes: Iterator[str]) -> None:
        super().__init__(city.destination.folder, label=city.destination.label)
        self._baas, self._boxes = baas, boxes

    def read(self, name: str) -> bytes | None:
        if is_picture(name) and (box := next(self._boxes, None)) is not None:
            assert self._baas("redact-more", self.folder / name, "--box", box).code == ExitCode.DONE
        return super().read(name)


@pytest.mark.parametrize("boxes", [[BOX], [BOX, "0,0,32,32"]])
def test_a_correction_under_way_is_not_taken_for_tampering(city: City, baas: Baas, boxes: list[str]) -> None:
    verdict = verify_run(city.ledger, city.run(), destination=_Corrected(city, baas, iter(boxes)))
    assert (verdict.problems, len(city.told())) == ([], 1 + len(boxes))


@dataclass(frozen=True, kw_only=True)
class Container:
    """A folder of a container with what pods have published there."""

    pods: Pods
    client: ContainerClient
    address: str


@pytest.fixture
def blobs(
    azurite: Azurite,
    container: ContainerClient,
    photos: Path,
    postgres_url: str,
    triton: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Container:
    """Three published photos."""
    upload(photos, container)
    spec = blob_spec(azurite, container, output={"writeDetections": True})
    made = make_pods(tmp_path, spec=spec, ledger=postgres_url, triton=triton, **blob_env(azurite))
    assert made.run("plan")[0] == ExitCode.DONE
    assert made.run("work")[0] == ExitCode.DONE
    monkeypatch.setenv("BAAS_OUTPUT_CONNECTION_STRING", azurite.connection_string)
    return Container(pods=made, client=container, address=f"{azurite.account_url}/{container.container_name}/safe")


def test_blobs_are_corrected_in_their_container_and_stay_so_when_pods_make_them_anew(
    baas: Baas, blobs: Container, tmp_path: Path
) -> None:
    place, pods, container = blobs.address, blobs.pods, blobs.client
    (tmp_path / "r.csv").write_text("image,left,top,width,height\nstreet/b.jpg,0,0,405,540\n")
    line = ["redact-more", place, "--reports", tmp_path / "r.csv", "--method", "solid", "--ledger", pods.ledger]
    before = published_blobs(container)

    ended = baas(*line, "--json")

    assert (ended.code, ended.err) == (ExitCode.DONE, "")
    assert ended.document["pictures"][0]["state"] == "redacted"
    after = published_blobs(container)
    assert {name for name in before if before[name] != after[name]} == {"street/b.jpg", "street/b.jpg.json"}
    record = pods.records()["street/b.jpg"]
    blob = container.get_blob_client("safe/street/b.jpg").get_blob_properties()
    assert (blob.etag.strip('"'), blob.metadata["output"]) == (record.output_version, record.output_digest)
    assert (blob.metadata["model"], record.masked_share) == (record.model_digest, 1)
    assert "already redacted" in baas(*line).out
    assert baas("audit", "verify", place, "--ledger", pods.ledger).code == ExitCode.DONE

    container.delete_blob("safe/street/b.jpg")
    pods.run("plan")
    assert pods.run("work")[0] == ExitCode.DONE
    assert pods.records()["street/b.jpg"].masked_share == 1
    assert baas("audit", "verify", place, "--ledger", pods.ledger).code == ExitCode.DONE


def test_boxes_for_a_container_name_their_blobs(baas: Baas, blobs: Container, tmp_path: Path) -> None:
    place, ledger, before = blobs.address, blobs.pods.ledger, published_blobs(blobs.client)
    reports = tmp_path / "r.csv"
    rows = "image,left,top,width,height\na.jpg,1,1,9,9\nnobody.jpg,1,1,9,9\n"
    reports.write_text(rows)
    odd = tmp_path / "odd.csv"
    odd.write_text(f"{rows}../a.jpg,1,1,9,9\n")
    for line, sentence in (
        ([place, "--reports", reports], "give its URL with --ledger"),
        ([place, "--reports", odd, "--ledger", ledger], "line 4, image: '../a.jpg' has an empty"),
        ([place, "--box", "1,1,9,9", "--ledger", ledger], "boxes for a container's pictures come by --reports"),
        ([place, "--box", "1,1,9,9", "--unrecorded"], "--unrecorded is for files"),
        ([place, "--reports", reports, "--ledger", ledger], "line 3: nobody.jpg is not there"),
    ):
        ended = baas("redact-more", *line)
        assert (ended.code, sentence in ended.err) == (ExitCode.CONFIGURATION, True), ended.err
    assert published_blobs(blobs.client) == before
