"""`baas-detector evaluate`: what it prints and writes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from baas_detector.evaluate_command import evaluate
from baas_detector.evaluation.results import Report

NAME = "<i>a|b</i>.jpg"


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """One picture with a found child and a missed plate."""
    truth, masks, detections = tmp_path / "truth.json", tmp_path / "masks", tmp_path / "safe"
    truth.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": NAME, "width": 100, "height": 50}],
                "categories": [{"id": 1, "name": "man/child"}, {"id": 2, "name": "licence_plate/foreign"}],
                "annotations": [
                    {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 10, 30]},
                    {"id": 2, "image_id": 1, "category_id": 2, "bbox": [60, 30, 20, 5]},
                ],
            }
        )
    )
    mask = Image.new("L", (100, 50))
    mask.paste(255, (10, 10, 20, 40))
    found = {"width": 100, "height": 50, "objects": [{"class": "person", "score": 0.5, "box": [0.1, 0.2, 0.1, 0.6]}]}
    for folder in (masks, detections):
        (folder / NAME).parent.mkdir(parents=True)
    mask.save(masks / f"{NAME}.png")
    (detections / f"{NAME}.json").write_text(json.dumps(found))
    return ["--truth", str(truth), "--masks", str(masks), "--detections", str(detections)]


def test_the_table_shows_each_class_with_its_counts(inputs: list[str]) -> None:
    shown = CliRunner().invoke(evaluate, inputs)
    assert shown.exit_code == 0
    rows = [line.replace("│", " ").split() for line in shown.output.splitlines() if "│ all " in line]
    assert rows == [
        ["person", "all", "1", "1", "100.0%", "2.5%", "to", "100.0%"],
        ["licence_plate", "all", "0", "1", "0.0%", "0.0%", "to", "97.5%"],
    ]


def test_json_is_read_again_as_the_same_report(inputs: list[str]) -> None:
    printed = CliRunner().invoke(evaluate, [*inputs, "--json"]).output
    report = Report.model_validate_json(printed)
    assert report.schema_version == "1"
    assert json.loads(report.model_dump_json()) == json.loads(printed)


def test_markdown_and_page_say_the_same_and_take_a_name_for_a_name(inputs: list[str], tmp_path: Path) -> None:
    text, page = tmp_path / "report.md", tmp_path / "report.html"
    assert CliRunner().invoke(evaluate, [*inputs, "--markdown", str(text), "--html", str(page)]).exit_code == 0
    for written, cell in ((text.read_text(), "\\<i>a\\|b\\</i>.jpg"), (page.read_text(), "&lt;i&gt;a|b&lt;/i&gt;.jpg")):
        assert cell in written
        assert "<i>" not in written.replace("\\<i>", "")
        for title in ("Total blurred area", "False-negative rates of person", "COCO", "Confidence at which F is best"):
            assert title in written
    assert page.read_text().count("data:image/svg+xml;base64,") == 6  # recall, false negatives, two curves a class
    assert "http://" not in page.read_text()
    again = tmp_path / "again.html"
    CliRunner().invoke(evaluate, [*inputs, "--html", str(again)])
    assert again.read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--person-sizes", "50,24", "ascending"),
        ("--person-sizes", "1%,50", "all of them with % behind"),
        ("--plate-sizes", "nan", "numbers above 0"),
        ("--coco-areas", "10%,20%", "should be numbers above 0"),
        ("--max-detections", "1.5", "whole numbers"),
    ],
)
def test_numbers_that_make_no_groups_are_refused(inputs: list[str], option: str, value: str, sentence: str) -> None:
    shown = CliRunner().invoke(evaluate, [*inputs, option, value])
    assert shown.exit_code == 2
    assert sentence in " ".join(shown.output.replace("│", " ").split())


def test_something_must_be_measured(inputs: list[str]) -> None:
    shown = CliRunner().invoke(evaluate, inputs[:2])
    assert shown.exit_code == 2
    assert "Give --masks, --detections or both" in shown.output


def test_the_reference_names_every_field_of_a_report() -> None:
    reference = (Path(__file__).parents[3] / "docs" / "reference" / "evaluation-report.md").read_text()
    assert [field for field in Report.model_fields if f"`{field}`" not in reference] == []
