"""`baas-detector compare`: reports or folders in; a table, JSON, Markdown and a worklist out."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from baas_detector.cli import main
from baas_detector.comparison.results import Comparison

NAME = "<i>a|b</i>.jpg"
CHILD = (100, 50, 200, 460)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """One picture with a child and a plate: `old` covers the child, `new` both."""
    truth = {
        "images": [{"id": 1, "file_name": NAME, "width": 1000, "height": 500}],
        "categories": [{"id": 1, "name": "man/child"}, {"id": 2, "name": "licence_plate/foreign"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [100, 50, 100, 410]},
            {"id": 2, "image_id": 1, "category_id": 2, "bbox": [600, 300, 200, 50]},
        ],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    for folder, boxes in (("old", [CHILD]), ("new", [CHILD, (600, 300, 800, 350)])):
        mask = Image.new("L", (1000, 500))
        for box in boxes:
            mask.paste(255, box)
        path = tmp_path / folder / f"{NAME}.png"
        path.parent.mkdir(parents=True)
        mask.save(path)
    return tmp_path


def run(command: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, [command, *map(str, arguments)])


def test_folders_are_measured_and_compared(work: Path) -> None:
    files = ("--markdown", work / "found.md", "--worklist", work / "found.csv")
    shown = run("compare", work / "old", work / "new", "--truth", work / "truth.json", *files)
    assert shown.exit_code == 0
    assert "licence_plate: 0 found by A alone, 1 by B alone" in shown.output
    assert "B masks 2.00% of all pixels more" in shown.output
    assert any(line.split()[:5] == ["all", "1", "0.0%", "100.0%", "+100.0%"] for line in shown.output.splitlines())
    with (work / "found.csv").open() as file:
        (only,) = csv.DictReader(file)
    assert (only["image"], only["number"], only["found_by"], only["category"]) == (
        NAME,
        "2",
        "B",
        "licence_plate/foreign",
    )
    text = (work / "found.md").read_text()
    assert "## Objects that only one of them finds" in text
    assert "\\<i>a\\|b\\</i>.jpg" in text


def test_lines_fit_into_80_characters(work: Path) -> None:
    shown = run("compare", work / "old", work / "new", "--truth", work / "truth.json")
    assert "…" not in shown.output


def test_reports_say_the_same_as_folders(work: Path) -> None:
    reports = []
    for side in ("old", "new"):
        printed = run("evaluate", "--truth", work / "truth.json", "--masks", work / side, "--json").output
        reports.append(work / f"{side}.json")
        reports[-1].write_text(printed)
    by_folders = run("compare", work / "old", work / "new", "--truth", work / "truth.json", "--json").output
    by_reports = run("compare", *reports, "--json").output
    mixed = run("compare", reports[0], work / "new", "--truth", work / "truth.json", "--json").output
    first, *others = (Comparison.model_validate_json(one) for one in (by_folders, by_reports, mixed))
    assert all(one.groups == first.groups and one.one_sided == first.one_sided for one in others)
    assert first.b.source == str(work / "new")


def test_detections_are_compared_where_one_side_has_no_masks(work: Path) -> None:
    box = {"class": "person", "score": 0.5, "box": [0.1, 0.1, 0.1, 0.82]}
    for folder in ("old", "third"):
        path = work / folder / f"{NAME}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"width": 1000, "height": 500, "objects": [box]}))
    shown = run("compare", work / "old", work / "third", "--truth", work / "truth.json", "--json")
    assert Comparison.model_validate_json(shown.output).basis == "detections"
    shown = run("compare", work / "new", work / "third", "--truth", work / "truth.json")
    assert (shown.exit_code, "Blur with --save-masks" in shown.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["old", "new"], "old is a folder: give --truth"),
        (["truth.json", "new", "--truth", "truth.json"], "truth.json is no report of"),
        (["old", "empty", "--truth", "truth.json"], "empty nothing"),
        (["old.json", "new", "--truth", "other.json"], "old.json was made with another truth than other.json"),
    ],
)
def test_what_cannot_be_compared_is_told(
    work: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(work)
    Path("empty").mkdir()
    Path("old.json").write_text(run("evaluate", "--truth", "truth.json", "--masks", "old", "--json").output)
    Path("other.json").write_text(Path("truth.json").read_text() + "\n")
    shown = run("compare", *arguments)
    assert (shown.exit_code, sentence in shown.stderr) == (2, True)
