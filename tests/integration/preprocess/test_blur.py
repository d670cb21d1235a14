"""`baas blur` as its users run it: a real Triton, the real detector, small pictures."""

import csv
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baas_crds.codes import ExitCode
from baas_preprocess.inspection import inspect
from tests.safety.thumbnails import others
from tests.waiting import PATIENCE_SECONDS

from .conftest import Ended, command, published

Baas = Callable[..., Ended]


def unfinished(folder: Path) -> list[Path]:
    return list((folder / ".baas" / "unfinished").iterdir())


def test_a_tree_of_pictures_becomes_the_same_tree_of_redacted_pictures(
    baas: Baas, photos: Path, photo: bytes, triton: str, tmp_path: Path
) -> None:
    ended = baas("blur", photos, tmp_path / "out", "--json", triton=triton)
    assert (ended.code, ended.document["images"]["published"]) == (ExitCode.DONE, 3)
    assert ended.document["objects"]["person"] >= 9
    results = published(tmp_path / "out")
    assert set(results) == {"a.jpg", "street/b.jpg", "street/deep/c.jpg"}
    assert len(set(results.values())) == 1
    assert results["a.jpg"] != photo
    assert unfinished(tmp_path / "out") == []


def test_running_again_skips_what_is_finished_and_redoes_what_changed(
    baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    baas("blur", photos, out, triton=triton)
    before = published(out)
    again = baas("blur", photos, out, "--json", triton=triton)
    assert (again.code, again.document["now"]["published"]) == (ExitCode.DONE, 0)

    (out / "a.jpg").unlink()
    Image.new("RGB", (320, 320), "green").save(photos / "street" / "b.jpg")
    third = baas("blur", photos, out, "--json", triton=triton)
    assert third.document["now"]["published"] == 2
    after = published(out)
    assert after["a.jpg"] == before["a.jpg"]
    # Nobody is on it now: it is published as it is. The earlier service failed on such pictures.
    with Image.open(out / "street" / "b.jpg") as shown, Image.open(photos / "street" / "b.jpg") as original:
        assert shown.tobytes() == original.tobytes()


def test_other_settings_redo_everything_and_going_back_does_too(
    baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    baas("blur", photos, out, triton=triton)
    filled = published(out)
    assert baas("blur", photos, out, "--method", "solid", "--json", triton=triton).document["now"]["published"] == 3
    assert published(out) != filled
    assert baas("blur", photos, out, "--json", triton=triton).document["now"]["published"] == 3
    assert published(out) == filled


def test_bad_files_are_quarantined_with_their_reason_and_the_rest_goes_on(
    baas: Baas, photos: Path, photo: bytes, triton: str, tmp_path: Path
) -> None:
    """The earlier service passed over what it could not read, and said nothing."""
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    (photos / "text.jpg").write_text("not a picture\n" * 100)
    (photos / "folder.jpg").mkdir()
    (photos / "dead.jpg").symlink_to(photos / "nowhere")
    (photos / "loop").symlink_to(photos)
    (photos / "new\nline.jpg").write_bytes(photo)
    Path(os.fsdecode(os.fsencode(photos) + b"/caf\xe9.jpg")).write_bytes(photo)
    Image.new("CMYK", (64, 64)).save(photos / "cmyk.jpg")
    Image.new("L", (20_000, 14_000)).save(photos / "bomb.jpg", quality=1)

    ended = baas("blur", photos, tmp_path / "out", "--json", triton=triton)
    assert ended.code == ExitCode.QUARANTINED
    assert ended.document["quarantined"] == {
        "Empty": 1,
        "Truncated": 1,
        "NotAnImage": 1,
        "Unreadable": 1,
        "UnusableName": 1,
        "Unsupported": 1,
        "TooLarge": 1,
    }
    assert set(published(tmp_path / "out")) == {"a.jpg", "street/b.jpg", "street/deep/c.jpg", "new\nline.jpg"}
    assert "not published text.jpg: NotAnImage" in ended.err.replace("\n", " ")

    status = baas("status", tmp_path / "out", "--json")
    assert status.code == ExitCode.QUARANTINED
    assert {row["name"]: row["reason"] for row in status.document["not_published"]}["cut.jpg"] == "Truncated"


def test_a_picture_that_can_no_longer_be_made_safe_is_withdrawn_and_can_be_retried(
    baas: Baas, photos: Path, photo: bytes, triton: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    baas("blur", photos, out, triton=triton)
    (photos / "a.jpg").write_bytes(photo[:-500])
    assert baas("blur", photos, out, triton=triton).code == ExitCode.QUARANTINED
    assert "a.jpg" not in published(out)
    (photos / "a.jpg").write_bytes(photo)
    assert baas("blur", photos, out, triton=triton).code == ExitCode.DONE
    assert "a.jpg" in published(out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(("{tmp}/nowhere", "{tmp}/out"), "does not exist and matches no file", id="missing source"),
        pytest.param(("{tmp}/empty", "{tmp}/out"), "There are no pictures", id="empty folder"),
        pytest.param(("{tmp}/in", "{tmp}/in"), "lies in SOURCE", id="DEST is SOURCE"),
        pytest.param(("{tmp}/in", "{tmp}/in/out"), "lies in SOURCE", id="DEST inside SOURCE"),
        pytest.param(("{tmp}/in/street", "{tmp}/in"), "lies in DEST", id="SOURCE inside DEST"),
        pytest.param(("{tmp}/in", "{tmp}/in/a.jpg/out"), "lies in SOURCE", id="DEST below a file"),
        pytest.param(("{tmp}/in", "{tmp}/out", "--cells", "99"), "cells is 99", id="wrong setting"),
        pytest.param(("{tmp}/in", "{tmp}/out", "--confidence", "0.001"), "returns boxes from 0.01", id="below floor"),
        pytest.param(("{tmp}/in", "{tmp}/out", "--exclude-list", "{tmp}/none"), "cannot be read", id="no exclude list"),
        pytest.param(("{tmp}/in", "{tmp}/out", "--bogus"), "No such option", id="unknown option"),
        pytest.param(("{tmp}/in",), "Missing argument", id="missing argument"),
    ],
)
def test_wrong_usage_ends_with_a_sentence_and_writes_nothing(
    arguments: tuple[str, ...], sentence: str, baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    ended = baas("blur", *(text.format(tmp=tmp_path) for text in arguments), triton=triton)
    assert ended.code == ExitCode.CONFIGURATION
    assert sentence in " ".join(ended.err.split())
    assert "Traceback" not in ended.err
    assert published(photos).keys() == {"a.jpg", "street/b.jpg", "street/deep/c.jpg"}
    assert not (tmp_path / "out").exists() or published(tmp_path / "out") == {}


def test_an_unreachable_triton_ends_with_its_address(baas: Baas, photos: Path, tmp_path: Path) -> None:
    ended = baas("blur", photos, tmp_path / "out", "--patience-seconds", "2", triton="127.0.0.1:9")
    assert ended.code == ExitCode.UNREACHABLE
    assert "Error: Triton at 127.0.0.1:9 does not answer" in ended.err
    assert published(tmp_path / "out") == {}


def test_a_missing_model_repository_ends_with_the_command_that_builds_it(
    baas: Baas, photos: Path, tmp_path: Path
) -> None:
    ended = baas("blur", photos, tmp_path / "out", "--model-repository", tmp_path / "none")
    assert ended.code == ExitCode.CONFIGURATION
    assert "baas-detector build-repository" in ended.err


def test_a_ledger_that_is_no_database_is_named(baas: Baas, photos: Path, triton: str, tmp_path: Path) -> None:
    (tmp_path / "out" / ".baas").mkdir(parents=True)
    (tmp_path / "out" / ".baas" / "ledger.sqlite").write_bytes(b"rubbish" * 1000)
    ended = baas("blur", photos, tmp_path / "out", triton=triton)
    assert ended.code == ExitCode.CONFIGURATION
    assert "ledger.sqlite" in ended.err
    assert published(tmp_path / "out") == {}


def test_a_second_call_on_the_same_destination_is_told_so(
    baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for number in range(20):
        (photos / f"more-{number}.jpg").write_bytes((photos / "a.jpg").read_bytes())
    with subprocess.Popen(command("blur", photos, out, triton=triton), stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        while "to do" not in first.stderr.readline():
            assert first.poll() is None
        first.send_signal(signal.SIGSTOP)  # and still holds the destination, however slow the second one is
        try:
            second = baas("blur", photos, out, triton=triton)
        finally:
            first.send_signal(signal.SIGCONT)
        first.communicate()
    assert (second.code, first.returncode) == (ExitCode.CONFIGURATION, ExitCode.DONE)
    assert f"Another `baas` (process {first.pid}) is working on" in second.err
    assert len(published(out)) == 23


def test_a_limit_stops_early_and_the_next_call_continues(baas: Baas, photos: Path, triton: str, tmp_path: Path) -> None:
    first = baas("blur", photos, tmp_path / "out", "--limit", "1", "--json", triton=triton)
    assert (first.document["images"]["published"], first.document["images"]["waiting"]) == (1, 2)
    second = baas("blur", photos, tmp_path / "out", "--json", triton=triton)
    assert (second.code, second.document["now"]["published"]) == (ExitCode.DONE, 2)


def test_a_dry_run_needs_no_detector_and_writes_nothing(baas: Baas, photos: Path, tmp_path: Path) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    ended = baas("blur", photos, tmp_path / "out", "--dry-run", "--exclude", "street/*")
    assert ended.code == ExitCode.DONE
    assert "1 Empty, 2 excluded, 1 to do" in ended.out
    assert not (tmp_path / "out").exists()


def test_exclusions_are_recorded_and_a_typing_error_in_the_list_is_told(
    baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("a.jpg\nno-such.jpg\n")
    ended = baas("blur", photos, tmp_path / "out", "--exclude-list", tmp_path / "list.txt", "--json", triton=triton)
    assert (ended.document["images"]["excluded"], ended.document["images"]["published"]) == (1, 2)
    assert "the exclude list names no-such.jpg" in ended.err


def test_boxes_and_masks_can_stand_beside(baas: Baas, photos: Path, triton: str, tmp_path: Path) -> None:
    """The boxes are left, top, width and height in shares; those of the earlier service were corners in pixels."""
    masks = tmp_path / "masks"
    baas("blur", photos / "a.jpg", tmp_path / "out", "--detections", "--save-masks", masks, triton=triton)
    described = json.loads((tmp_path / "out" / "a.jpg.json").read_text())
    lines = (tmp_path / "out" / "a.jpg.txt").read_text().splitlines()
    assert len(described["objects"]) == len(lines) > 2
    with Image.open(masks / "a.jpg.png") as picture:
        mask = np.asarray(picture)
    assert mask.shape == (540, 405)
    assert set(np.unique(mask)) == {0, 255}
    assert (mask > 0).mean() == pytest.approx(described["masked_share"], abs=1e-5)
    for seen in described["objects"]:
        x, y, width, height = seen["box"]
        assert mask[round((y + height / 2) * 540), round((x + width / 2) * 405)] == 255


def test_the_ledger_can_be_a_postgresql_database(
    baas: Baas, photos: Path, triton: str, tmp_path: Path, postgres_url: str
) -> None:
    out = tmp_path / "out"
    ended = baas("blur", photos, out, "--ledger", postgres_url, "--json", triton=triton)
    assert (ended.code, ended.document["images"]["published"]) == (ExitCode.DONE, 3)
    assert not (out / ".baas" / "ledger.sqlite").exists()
    assert baas("status", out, "--ledger", postgres_url, "--json").document["images"]["published"] == 3


def test_a_destination_keeps_its_own_ledger(baas: Baas, photos: Path, triton: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert baas("blur", photos / "a.jpg", out, triton=triton).code == ExitCode.DONE
    other = baas("blur", photos, out, "--ledger", f"sqlite:///{tmp_path}/other.sqlite", triton=triton)
    assert other.code == ExitCode.CONFIGURATION
    assert "--ledger is not the ledger that" in other.err
    assert not (tmp_path / "other.sqlite").exists()
    own = f"sqlite:///{out}/.baas/ledger.sqlite"
    assert baas("blur", photos, out, "--ledger", own, triton=triton).code == ExitCode.DONE


def test_inspect_tells_what_a_file_holds_and_refuses_what_blur_refuses(
    baas: Baas, photos: Path, photo: bytes, tmp_path: Path
) -> None:
    good = baas("inspect", photos / "a.jpg")
    assert (good.code, "405 x 540 pixels, flat picture" in good.out) == (ExitCode.DONE, True)
    (tmp_path / "cut.jpg").write_bytes(photo[:-500])
    bad = baas("inspect", tmp_path / "cut.jpg")
    assert (bad.code, "would be quarantined: Truncated" in bad.out) == (ExitCode.QUARANTINED, True)
    assert baas("inspect", tmp_path / "none.jpg").code == ExitCode.CONFIGURATION


def test_the_report_shows_published_pictures_only(baas: Baas, photos: Path, triton: str, tmp_path: Path) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    baas("blur", photos, tmp_path / "out", triton=triton)
    ended = baas("report", tmp_path / "out", "--output", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert ended.code == ExitCode.DONE
    assert "street/deep/c.jpg" in page
    assert "The file has no bytes" in page
    missing = baas("report", tmp_path / "nothing")
    assert (missing.code, "holds no run" in missing.err) == (ExitCode.CONFIGURATION, True)


def test_the_report_shows_no_picture_that_is_not_the_published_one(
    baas: Baas, photos: Path, photo: bytes, triton: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    baas("blur", photos, out, triton=triton)
    (out / "a.jpg").write_bytes(photo)
    (out / "street" / "b.jpg").write_bytes(b"junk")
    ended = baas("report", out, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert ended.code == ExitCode.DONE
    assert page.count("data:image/jpeg") == 1
    assert "out/street/deep/c.jpg" in page
    assert "out/a.jpg" not in page


@pytest.mark.parametrize("name", ["a.jpg", "new.png", ".baas/ledger.sqlite"])
def test_the_report_never_replaces_a_picture_or_the_ledger(
    baas: Baas, photos: Path, triton: str, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    baas("blur", photos, out, triton=triton)
    before = published(out)
    ended = baas("report", out, "-o", out / name)
    assert (ended.code, "name another file" in ended.err) == (ExitCode.CONFIGURATION, True)
    assert published(out) == before
    assert baas("report", out, "-o", out / "report.html").code == ExitCode.DONE


def test_status_and_report_look_into_the_ledger_that_blur_would_use(
    baas: Baas, photos: Path, triton: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baas.toml").write_text(f'ledger = "sqlite:///{tmp_path}/elsewhere.sqlite"\n')
    assert baas("blur", photos, tmp_path / "out", triton=triton).code == ExitCode.DONE
    assert not (tmp_path / "out" / ".baas" / "ledger.sqlite").exists()
    assert baas("status", tmp_path / "out", "--json").document["images"]["published"] == 3
    assert baas("report", tmp_path / "out", "-o", tmp_path / "page.html").code == ExitCode.DONE
    monkeypatch.setenv("BAAS_LEDGER", f"sqlite:///{tmp_path}/none.sqlite")
    assert "There is no ledger at" in baas("status", tmp_path / "out").err


def test_names_with_brackets_are_told_as_they_are(baas: Baas, tmp_path: Path, triton: str) -> None:
    folder = tmp_path / "in[bold]"
    for name in ("[bold].jpg", "[/x].jpg", "[red]a[/red].jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"no picture")
    (tmp_path / "list.txt").write_text("[/gone].jpg\n")
    ended = baas("blur", folder, tmp_path / "out", "--exclude-list", tmp_path / "list.txt", triton=triton)
    assert ended.code == ExitCode.QUARANTINED
    for name in ("[bold].jpg", "[/x].jpg", "[red]a[/red].jpg"):
        assert f"not published {name}: " in " ".join(ended.err.split())
        assert name in baas("status", tmp_path / "out").out
    assert "names [/gone].jpg" in ended.err


def test_a_pipe_is_quarantined_and_the_rest_goes_on(baas: Baas, photos: Path, triton: str, tmp_path: Path) -> None:
    os.mkfifo(photos / "pipe.jpg")
    ended = baas("blur", photos, tmp_path / "out", "--json", triton=triton)
    assert (ended.document["quarantined"], ended.document["images"]["published"]) == ({"Unreadable": 1}, 3)


def test_a_link_from_a_destination_into_its_source_never_replaces_an_original(
    baas: Baas, photos: Path, photo: bytes, triton: str, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "street").symlink_to(photos / "street")
    ended = baas("blur", photos, tmp_path / "out", "--json", triton=triton)
    assert ended.document["quarantined"] == {"UnusableName": 2}
    assert {path.read_bytes() for path in photos.rglob("*.jpg")} == {photo}


def test_a_destination_that_is_a_link_to_itself_ends_with_a_sentence(baas: Baas, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for ended in (baas("blur", photos, tmp_path / "loop"), baas("status", tmp_path / "loop")):
        assert (ended.code, "Traceback" in ended.err) == (ExitCode.CONFIGURATION, False)


def test_a_triton_is_started_without_a_path_in_the_environment(photos: Path, tmp_path: Path) -> None:
    arguments = command("blur", photos, tmp_path / "out", "--model-repository", tmp_path / "none")
    ended = subprocess.run(
        arguments, check=False, capture_output=True, env={"HOME": str(tmp_path)}, timeout=PATIENCE_SECONDS
    )
    assert ended.returncode == ExitCode.CONFIGURATION
    assert b"baas-detector build-repository" in ended.stderr


def test_inspect_goes_on_after_a_file_that_cannot_be_read(baas: Baas, photos: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    ended = baas("inspect", "--json", tmp_path / "none.jpg", tmp_path / "pipe.jpg", photos / "a.jpg")
    missing, pipe, good = map(json.loads, ended.out.splitlines())
    assert ended.code == ExitCode.CONFIGURATION
    assert missing == {
        "file": str(tmp_path / "none.jpg"),
        "accepted": False,
        "reason": "Unreadable",
        "message": "It cannot be read: No such file or directory.",
    }
    assert (pipe["reason"], good["accepted"]) == ("Unreadable", True)


def test_every_odd_real_file_is_published_without_hidden_pictures_or_refused(
    baas: Baas, triton: str, test_data: Path, tmp_path: Path
) -> None:
    with (test_data / "jpeg" / "INDEX.csv").open(newline="") as file:
        expected = {row["file"]: row["expected"] for row in csv.DictReader(file)}
    # A glob, as some of the files are called neither .jpg nor .png.
    options = ("--in-flight", "4", "--verification", "off", "--json")
    ended = baas("blur", f"{test_data}/jpeg/*__*", tmp_path / "out", *options, triton=triton)
    results = published(tmp_path / "out")
    assert ended.code == ExitCode.QUARANTINED
    assert "InternalError" not in ended.document["quarantined"]
    assert ended.document["images"]["total"] == len(expected)
    assert ended.document["images"]["published"] == len(results)
    # The index refuses whatever is no JPEG; a PNG is welcome under any name.
    refused = {name for name in results if expected[name] == "reject"}
    assert all(results[name].startswith(b"\x89PNG") for name in refused)
    assert len(results) >= 0.8 * list(expected.values()).count("ok")
    for name, data in results.items():
        assert others(data, inspect(data, max_pixels=10**9).hidden_images) == [], name


def test_what_is_left_out_from_now_on_is_taken_away_with_all_that_stands_beside(
    baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    out, masks = tmp_path / "out", tmp_path / "masks"
    extras = ("--detections", "--save-masks", masks)
    baas("blur", photos, out, *extras, triton=triton)
    assert {"a.jpg", "a.jpg.json", "a.jpg.txt"} <= published(out).keys()
    ended = baas("blur", photos, out, *extras, "--exclude", "a.jpg", "--json", triton=triton)
    assert (ended.code, ended.document["images"]["excluded"]) == (ExitCode.DONE, 1)
    (photos / "street" / "b.jpg").unlink()
    (photos / "street" / "b.jpg").symlink_to("nowhere")
    stronger = ("--cells", "3", "--exclude", "a.jpg")
    assert baas("blur", photos, out, *extras, *stronger, triton=triton).code == ExitCode.QUARANTINED
    assert published(out).keys() == {f"street/deep/c.jpg{end}" for end in ("", ".json", ".txt")}
    assert published(masks).keys() == {"street/deep/c.jpg.png"}


def test_boxes_that_are_asked_for_later_are_written_and_pictures_of_one_stem_do_not_share_them(
    baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    Image.open(photos / "a.jpg").save(photos / "a.png")
    baas("blur", photos, tmp_path / "out", triton=triton)
    ended = baas("blur", photos, tmp_path / "out", "--detections", "--json", triton=triton)
    assert ended.document["now"]["published"] == 4
    assert {"a.jpg.json", "a.png.json"} <= published(tmp_path / "out").keys()


@pytest.mark.parametrize("masks", ["{tmp}/in", "{tmp}/in/masks", "{tmp}/out", "{tmp}/out/masks", "{tmp}"])
def test_masks_never_lie_where_they_could_replace_a_picture(
    masks: str, baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    before = published(photos)
    ended = baas("blur", photos, tmp_path / "out", "--save-masks", masks.format(tmp=tmp_path), triton=triton)
    assert (ended.code, "lies in" in ended.err) == (ExitCode.CONFIGURATION, True)
    assert published(photos) == before
