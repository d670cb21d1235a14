"""`baas-detector sample`: what it reads, writes and copies, and what it refuses."""

import csv
import json
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from baas_detector.cli import main


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Originals and finished pictures: 0 to 5 detections, in two folders by their name."""
    for number in range(6):
        name = f"{'odd' if number % 2 else 'even'}/{number}.jpg"
        original, finished = tmp_path / "originals" / name, tmp_path / "safe" / name
        for path, data in ((original, f"original {number}"), (finished, f"finished {number}")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data)
        told = {
            "image": name,
            "width": 100,
            "height": 50,
            "input": f"sha256:{sha256(original.read_bytes()).hexdigest()}",
            "objects": [{"class": "person", "score": 0.5, "box": [0.1, 0.2, 0.1, 0.6]}] * number,
            "corrections": [],
        }
        finished.with_name(f"{finished.name}.json").write_text(json.dumps(told))
    return tmp_path


def sample(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["sample", *map(str, arguments)])


def test_the_worklist_says_what_is_drawn_and_why(work: Path) -> None:
    shown = sample(work / "safe", "--size", 3, "--bins", "3", "--output", work / "list.csv")
    assert (shown.exit_code, "3 of 6 pictures" in shown.output) == (0, True)
    with (work / "list.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "bin", "reason", "weight", "stratum"]
    assert sorted(row["bin"] for row in rows) == ["0", "1-2", "3+"]
    assert {row["image"]: row["reason"] for row in rows}["even/0.jpg"] == "nothing found"
    sample(work / "safe", "--size", 3, "--bins", "3", "--output", work / "list.json")
    assert [row["image"] for row in json.loads((work / "list.json").read_text())] == [row["image"] for row in rows]


def test_when_more_are_asked_for_than_there_are_all_are_drawn_and_it_is_said(work: Path) -> None:
    (work / "safe" / "odd" / "5.jpg.json").unlink()
    shown = sample(work / "safe", "--size", 10)
    assert shown.exit_code == 0
    assert "5 of 5 pictures" in shown.output
    assert "10 were asked for, and there are not more" in shown.output
    assert "pictures without detections beside them, which cannot be drawn: 1" in shown.output


def test_districts_come_from_the_metadata(work: Path) -> None:
    (work / "metadata.csv").write_text("image,district\neven/0.jpg,Noord\neven/2.jpg,Noord\n1.jpg,West\n3.jpg,West\n")
    arguments = (work / "safe", "--metadata", work / "metadata.csv", "--json")
    for way in ("--size", "--random"):
        printed = json.loads(sample(*arguments, way, 3).output)
        assert printed["by"]["stratum"] == {
            name: {"pictures": 2, "drawn": 1} for name in ("(unknown)", "Noord", "West")
        }


def test_originals_are_copied_for_annotators_into_a_folder_of_their_own(work: Path) -> None:
    target = work / "to-label"
    shown = sample(work / "safe", "--size", 6, "--images", work / "originals", "--copy-to", target)
    assert "keep it as you keep the originals" in shown.output
    assert {path.read_text() for path in target.rglob("*.jpg")} == {f"original {number}" for number in range(6)}
    assert target.stat().st_mode & 0o077 == 0


def test_a_finished_picture_is_never_taken_for_an_original(work: Path) -> None:
    (work / "originals" / "odd" / "5.jpg").write_text("finished 5")
    shown = sample(work / "safe", "--size", 6, "--images", work / "originals", "--copy-to", work / "to-label")
    assert shown.exit_code == 2
    assert "another odd/5.jpg than the one that was blurred" in shown.stderr
    assert not (work / "to-label").exists()


@pytest.mark.parametrize(
    ("target", "sentence"), [("safe/new", "must not lie among finished pictures"), ("originals", "is there already")]
)
def test_originals_are_not_copied_among_others(work: Path, target: str, sentence: str) -> None:
    shown = sample(work / "safe", "--size", 1, "--images", work / "originals", "--copy-to", work / target)
    assert (shown.exit_code, sentence in shown.stderr) == (2, True)
    assert not (work / "safe" / "new").exists()
    assert len(list((work / "originals").rglob("*.jpg"))) == 6


def test_an_original_that_was_deleted_is_named(work: Path) -> None:
    (work / "originals" / "even" / "4.jpg").unlink()
    shown = sample(work / "safe", "--size", 6, "--images", work / "originals", "--copy-to", work / "to-label")
    assert (shown.exit_code, "even/4.jpg is not below" in shown.stderr) == (2, True)
    assert not (work / "to-label").exists()


def test_a_review_sample_is_of_finished_pictures_with_or_without_detections(work: Path) -> None:
    for path in (work / "safe").rglob("*.json"):
        path.unlink()
    shown = sample(work / "safe", "--random", 4, "--copy-to", work / "review", "--output", work / "review.csv")
    assert shown.exit_code == 0
    copied = {str(path.relative_to(work / "review")): path.read_text() for path in (work / "review").rglob("*.jpg")}
    assert len(copied) == 4
    assert all(text.startswith("finished") for text in copied.values())
    with (work / "review.csv").open() as file:
        assert {row["image"] for row in csv.DictReader(file)} == copied.keys()


def test_what_is_not_finished_is_not_drawn(work: Path) -> None:
    unfinished = work / "safe" / ".baas" / "unfinished" / "a.jpg"
    unfinished.parent.mkdir(parents=True)
    unfinished.write_text("half")
    for way in ("--size", "--random"):
        printed = json.loads(sample(work / "safe", way, 10, "--json").output)
        assert (printed["pictures"], printed["without_detections"]) == (6, [])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Give --size"),
        (["--size", "1", "--random", "1"], "Give --size"),
        (["--size", "1", "--output", "list.txt"], "must end in .csv or .json"),
        (["--size", "1", "--copy-to", "new"], "needs --images"),
        (["--size", "1", "--images", "."], "needs --copy-to"),
        (["--random", "1", "--images", ".", "--copy-to", "new"], "leave --images out"),
        (["--size", "1", "--bins", "4,2"], "ascending"),
        (["--size", "1", "--metadata", "table.csv"], "it needs image or pano_id"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_written(
    work: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(work)
    Path("table.csv").write_text("name\na\n")
    before = sorted(work.rglob("*"))
    shown = sample("safe", *arguments)
    assert (shown.exit_code, sentence in shown.stderr) == (2, True)
    assert sorted(work.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "holds no detections, such as panorama.jpg.json. Blur with --detections, or draw with --random"),
        ("{}", "a.jpg.json is not what `baas blur --detections` writes: width"),
    ],
)
def test_a_folder_without_detections_says_how_to_get_them(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "a.jpg.json").write_text(text)
    shown = sample(tmp_path, "--size", 1)
    assert (shown.exit_code, sentence in shown.stderr) == (2, True)
