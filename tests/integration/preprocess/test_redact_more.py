"""`baas redact-more` as its users run it, on files that no ledger knows."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baas_crds.codes import ExitCode
from baas_preprocess.inspection import inspect
from baas_preprocess.samples import generate
from baas_preprocess.stores.folder import FolderDestination
from tests.safety.thumbnails import others
from tests.waiting import PATIENCE_SECONDS

from .conftest import Ended, command, published

Baas = Callable[..., Ended]
BOX = "100,200,60,80"


@pytest.fixture(scope="module")
def panorama(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A street of 8000x4000 pixels with an Exif thumbnail."""
    [path] = generate(tmp_path_factory.mktemp("samples"), count=1)
    return path.read_bytes()


def redact_more(baas: Baas, *arguments: str | Path) -> Ended:
    return baas("redact-more", *arguments, "--unrecorded")


def states(ended: Ended) -> dict[str, str]:
    return {Path(picture["picture"]).name: picture["state"] for picture in ended.document["pictures"]}


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_picture_is_redacted_once_and_then_left_alone(baas: Baas, photos: Path, photo: bytes) -> None:
    picture = photos / "a.jpg"
    first = redact_more(baas, picture, "--box", BOX)
    assert (first.code, first.err) == (ExitCode.DONE, "")
    assert "redacted 1 box" in first.out
    after, changed_at = picture.read_bytes(), picture.stat().st_mtime_ns
    with Image.open(picture) as new, Image.open(photos / "street" / "b.jpg") as old:
        differing = np.nonzero((np.asarray(new) != np.asarray(old)).any(axis=2))
    assert (differing[0] >= 200 - 32).all()
    assert (differing[1] < 160 + 32).all()

    again = redact_more(baas, picture, "--box", BOX)
    assert (again.code, again.err) == (ExitCode.DONE, "")
    assert "already redacted" in again.out
    assert (picture.read_bytes(), picture.stat().st_mtime_ns) == (after, changed_at)
    assert published(photos)["street/b.jpg"] == photo
    assert list((photos / ".baas" / "unfinished").iterdir()) == []


def test_a_panorama_takes_thousands_of_reports_in_pixels_across_its_seam_and_in_degrees(
    baas: Baas, panorama: bytes, tmp_path: Path
) -> None:
    picture = tmp_path / "pano.jpg"
    picture.write_bytes(panorama)
    rows = [
        f"pano.jpg,{97 * number % 8000},{1000 + 61 * number % 2900},{20 + number % 70},30" for number in range(10_000)
    ]
    reports = written(tmp_path, "reports.csv", "\n".join(["image,left,top,width,height", *rows]))
    ended = redact_more(baas, tmp_path, "--reports", reports, "--json")
    assert ended.code == ExitCode.DONE
    assert ended.document["seconds"] < 60  # some 2 s; each box by itself would take an hour
    [told] = ended.document["pictures"]
    assert (told["state"], told["boxes"]) == ("redacted", 10_000)
    assert "Exif thumbnail 512x256" in told["removed"]
    assert others(picture.read_bytes(), inspect(picture.read_bytes(), max_pixels=10**8).hidden_images) == []

    ended = redact_more(baas, picture, "--box", "7990,2000,20,40", "--sphere=-90,85,4,4", "--method", "solid", "--json")
    assert states(ended) == {"pano.jpg": "redacted"}
    with Image.open(picture) as opened:
        pixels = np.asarray(opened.convert("L")).astype(int)
    for place in (np.s_[2000:2040, 7990:8000], np.s_[2000:2040, :10], np.s_[100:122, 1800:2200]):
        assert (np.abs(pixels[place] - 128) <= 1).all()


def test_one_bad_row_keeps_everything_as_it_was_and_all_bad_rows_are_named(
    baas: Baas, photos: Path, tmp_path: Path
) -> None:
    before = published(photos)
    rows = [
        {"image": "a.jpg", "left": 1, "top": 2, "width": 30, "height": 40},
        {"image": "street/b.jpg", "left": 400, "top": 2, "width": 30, "height": 40},
        {"image": "street/none.jpg", "left": 1, "top": 2, "width": 30, "height": 40},
        {"image": "../in/a.jpg", "left": 1, "top": 2, "width": 30, "height": 40},
        {"image": "a" * 300, "left": 1, "top": 2, "width": 30, "height": 40},
        {"image": "a\0.jpg", "left": 1, "top": 2, "width": 30, "height": 40},
    ]
    elsewhere = redact_more(baas, photos, "--reports", written(tmp_path, "r.json", json.dumps(rows)))
    assert elsewhere.code == ExitCode.CONFIGURATION
    assert [f"entry {number}" in elsewhere.err for number in range(1, 7)] == [False, False, True, True, True, True]
    outside = redact_more(baas, photos, "--reports", written(tmp_path, "r.json", json.dumps(rows[:2])))
    assert outside.code == ExitCode.CONFIGURATION
    assert "entry 2, width: left + width is 430, beyond the picture, which is 405x540 px" in outside.err
    assert published(photos) == before
    assert not (photos / ".baas").exists()


def test_a_file_that_is_no_picture_stops_all_before_anything_is_written(baas: Baas, photos: Path) -> None:
    text = written(photos, "text.jpg", "not a picture\n" * 100)
    before = published(photos)
    ended = redact_more(baas, photos / "a.jpg", text, "--box", BOX)
    assert ended.code == ExitCode.CONFIGURATION
    assert "text.jpg cannot be redacted: NotAnImage" in ended.err
    assert published(photos) == before


def test_a_dry_run_tells_what_would_be_done_and_writes_nothing(baas: Baas, photos: Path) -> None:
    before = published(photos)
    ended = redact_more(baas, photos / "a.jpg", "--box", BOX, "--dry-run", "--json")
    assert (ended.code, ended.document["dry_run"], states(ended)) == (ExitCode.DONE, True, {"a.jpg": "redacted"})
    assert "nothing was written" in redact_more(baas, photos / "a.jpg", "--box", BOX, "--dry-run").out
    assert published(photos) == before
    assert not (photos / ".baas").exists()


def test_a_link_is_followed_and_a_hard_link_is_warned_of(baas: Baas, photos: Path, photo: bytes) -> None:
    (photos / "latest.jpg").symlink_to(photos / "street" / "b.jpg")
    (photos / "backup.jpg").hardlink_to(photos / "street" / "b.jpg")
    ended = redact_more(baas, photos / "latest.jpg", photos / "street" / "b.jpg", "--box", BOX)
    assert (ended.code, "redacted 1 box" in ended.out) == (ExitCode.DONE, True)
    assert (photos / "latest.jpg").is_symlink()
    assert (photos / "street" / "b.jpg").read_bytes() != photo
    assert (photos / "backup.jpg").read_bytes() == photo
    assert "hard links" in ended.err


def test_a_link_out_of_the_folder_is_no_picture_of_it(baas: Baas, photos: Path, photo: bytes, tmp_path: Path) -> None:
    (tmp_path / "other.jpg").write_bytes(photo)
    (photos / "out.jpg").symlink_to(tmp_path / "other.jpg")
    reports = written(tmp_path, "r.csv", "image,left,top,width,height\nout.jpg,1,2,30,40\n")
    ended = redact_more(baas, photos, "--reports", reports)
    assert ended.code == ExitCode.CONFIGURATION
    assert "line 2, image is 'out.jpg': it is none of the given pictures" in ended.err
    assert (tmp_path / "other.jpg").read_bytes() == photo


def test_a_row_that_may_mean_two_pictures_is_refused(baas: Baas, photos: Path, tmp_path: Path) -> None:
    reports = written(tmp_path, "r.csv", "image,left,top,width,height\nb.jpg,1,2,30,40\n")
    (photos / "street" / "deep" / "b.jpg").write_bytes((photos / "a.jpg").read_bytes())
    ended = redact_more(baas, photos / "street", photos / "street" / "deep", "--reports", reports)
    assert ended.code == ExitCode.CONFIGURATION
    assert "it may be" in ended.err


def test_boxes_without_a_picture_are_not_for_folders(baas: Baas, photos: Path) -> None:
    ended = redact_more(baas, photos, "--box", BOX)
    assert ended.code == ExitCode.CONFIGURATION
    assert "name the pictures one by one" in ended.err


def test_nothing_to_redact_is_wrong_usage(baas: Baas, photos: Path) -> None:
    assert redact_more(baas, photos / "a.jpg").code == ExitCode.CONFIGURATION
    assert redact_more(baas, photos / "none.jpg", "--box", BOX).code == ExitCode.CONFIGURATION
    assert redact_more(baas, photos / "a.jpg", "--box", BOX, "--cells", "99").code == ExitCode.CONFIGURATION


def test_nobody_else_works_on_the_destination_meanwhile(baas: Baas, photos: Path, photo: bytes) -> None:
    with FolderDestination(photos).lock():
        ended = redact_more(baas, photos / "street" / "b.jpg", "--box", BOX)
    assert ended.code == ExitCode.CONFIGURATION
    assert f"Another `baas` (process {os.getpid()}) is working on" in ended.err
    assert (photos / "street" / "b.jpg").read_bytes() == photo
    assert not (photos / "street" / ".baas").exists()


def test_killed_at_any_moment_each_picture_is_whole_and_the_same_command_goes_on(
    baas: Baas, photo: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    names = [f"{number:02d}.jpg" for number in range(60)]
    for name in names:
        (folder / name).write_bytes(photo)
    rows = "\n".join(f"{name},100,200,60,80" for name in names)
    reports = written(tmp_path, "r.csv", f"image,left,top,width,height\n{rows}\n")
    line = [*command("redact-more", folder, "--reports", reports), "--unrecorded"]
    running = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE_SECONDS
    while (folder / names[2]).read_bytes() == photo and time.monotonic() < until:
        assert running.poll() is None
    os.kill(running.pid, signal.SIGKILL)
    running.wait()

    after = {name: (folder / name).read_bytes() for name in names}
    assert len(set(after.values())) == 2  # as it was, and redacted
    assert after[names[-1]] == photo
    ended = redact_more(baas, folder, "--reports", reports, "--json")
    assert ended.code == ExitCode.DONE
    assert set(states(ended).values()) == {"redacted", "already redacted"}
    assert set(published(folder).values()) == {after["00.jpg"]}
    assert list((folder / ".baas" / "unfinished").iterdir()) == []
