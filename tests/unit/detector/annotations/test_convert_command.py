"""`baas-detector convert`, on files."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from baas_crds.codes import ExitCode
from baas_detector.annotations import files
from baas_detector.annotations.model import Format
from baas_detector.cli import main

ORIENTATION = 0x0112


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


def annotations(*changed: dict[str, Any]) -> dict[str, Any]:
    usual = {"image_id": 1, "category_id": 1, "bbox": [780, 200, 40, 50]}
    return {
        "images": [{"id": 1, "file_name": "pano.jpg", "width": 800, "height": 400}],
        "annotations": [{"id": number} | usual | one for number, one in enumerate(changed or ({},), 1)],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "licence_plate/dutch"}],
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(annotations({}, {"category_id": 2, "bbox": [10, 300, 30, 8]})))
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A panorama, left half black and right half white."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.zeros((400, 800, 3), np.uint8)
    pixels[:, 400:] = 255
    Image.fromarray(pixels).save(folder / "pano.jpg")
    return folder


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_without_a_format_only_the_report_is_made(source: Path) -> None:
    before = sorted(source.parent.rglob("*"))
    told = run(source)

    assert told.exit_code == ExitCode.DONE
    assert "Objects, as coco" in told.stdout
    assert "images: 1\nobjects: 2 (person 1, licence_plate 1)\nboxes across the seam: 1\n" in told.stdout
    assert sorted(source.parent.rglob("*")) == before


def test_the_formats_are_told_apart_by_what_is_in_them(source: Path, tmp_path: Path) -> None:
    export, folder = tmp_path / "export.json", tmp_path / "set"
    assert run(source, "--to", "azureml", "--output", export, "--datastore", "store/x").exit_code == ExitCode.DONE
    assert run(export, "--to", "yolo", "--output", folder).exit_code == ExitCode.DONE

    assert [files.format_of(path) for path in (source, export, folder, folder / "data.yaml")] == [
        Format.COCO,
        Format.AZUREML,
        Format.YOLO,
        Format.YOLO,
    ]


def test_one_bogus_box_does_not_change_what_a_file_is_taken_for(tmp_path: Path) -> None:
    shares = [{"bbox": [0.1, 0.2, 0.1, 0.1]}, {"bbox": [0.3, 0.2, 0.1, 0.1]}, {"bbox": [0.1, 0.2, 38.0, 0.1]}]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(annotations(*shares)))
    ended = run(path)

    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "annotation 3 of pano.jpg" in ended.stderr


def test_all_the_way_round(source: Path, tmp_path: Path) -> None:
    steps = [("azureml", tmp_path / "1.json"), ("yolo", tmp_path / "2"), ("coco", tmp_path / "3.json")]
    start = source
    for name, output in steps:
        options = ["--keep-category"] if name == "yolo" else []
        ended = run(start, "--to", name, "--output", output, *options)
        assert ended.exit_code == ExitCode.DONE, ended.output
        start = output

    there, back = read(source), read(tmp_path / "3.json")
    assert back["categories"] == there["categories"]
    assert [one["bbox"] for one in back["annotations"]] == [pytest.approx(one["bbox"]) for one in there["annotations"]]
    assert back["annotations"][0]["seam"] is True
    assert "seam" not in back["annotations"][1]


def test_a_box_across_the_seam_is_told_to_be_cut_in_yolo(source: Path, tmp_path: Path) -> None:
    told = run(source, "--to", "yolo", "--output", tmp_path / "set")

    assert "boxes across the seam were cut in two, since YOLO knows no seam" in told.stdout
    assert len((tmp_path / "set/labels/pano.txt").read_text().splitlines()) == 3
    assert "boxes across the seam: 1, each joined from two lines" in run(tmp_path / "set").stdout


def test_pictures_are_resized_with_their_boxes(source: Path, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    options = ("--images", pictures, "--max-side", "200", "--output-images", folder / "images")
    assert run(source, "--to", "coco", "--output", folder / "a.json", *options).exit_code == ExitCode.DONE

    with Image.open(folder / "images/pano.jpg") as small:
        assert small.size == (200, 100)
        assert [small.convert("L").getpixel(at) for at in ((20, 50), (180, 50))] == [0, 255]
    assert (read(folder / "a.json")["images"][0]["width"], read(folder / "a.json")["images"][0]["height"]) == (200, 100)
    assert read(folder / "a.json")["annotations"][0]["bbox"] == [195, 50, 10, 12.5]


def test_pictures_that_keep_their_size_are_copied_byte_by_byte(source: Path, pictures: Path, tmp_path: Path) -> None:
    assert run(source, "--images", pictures, "--output-images", tmp_path / "out").exit_code == ExitCode.DONE

    assert (tmp_path / "out/pano.jpg").read_bytes() == (pictures / "pano.jpg").read_bytes()


def test_a_turned_picture_has_the_size_that_a_viewer_shows(source: Path, pictures: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    with Image.open(pictures / "pano.jpg") as picture:
        picture.load()
        picture.save(pictures / "pano.jpg", exif=exif)
    told = run(source, "--images", pictures, "--json")

    (finding,) = json.loads(told.stdout)["findings"]
    assert finding["kind"] == "other size"
    assert "annotations for 800 x 400 px; the picture is 400 x 800 px" in finding["sentence"]


def test_sizes_come_from_the_pictures_below_the_datastores_folders(pictures: Path, tmp_path: Path) -> None:
    export = annotations({"bbox": [0.5, 0.5, 0.1, 0.1]})
    export["images"] = [
        {"id": 1, "file_name": "store/2026/pano.jpg", "coco_url": "AmlDatastore://s/store/2026/pano.jpg"}
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(export))

    without = run(path)
    assert without.exit_code == ExitCode.CONFIGURATION
    assert "image 1 of store/2026/pano.jpg has no width and height" in without.stderr
    assert run(path, "--images", pictures, "--to", "coco", "--output", tmp_path / "a.json").exit_code == ExitCode.DONE
    assert read(tmp_path / "a.json")["images"][0]["file_name"] == "pano.jpg"
    assert read(tmp_path / "a.json")["annotations"][0]["bbox"] == [400, 200, 80, 40]


def test_what_cannot_be_converted_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    path, output = tmp_path / "a.json", tmp_path / "out.json"
    path.write_text(json.dumps(annotations({}, *[{"bbox": [1, 1, 0, 0]}] * 12)))
    ended = run(path, "--to", "coco", "--output", output)

    assert ended.exit_code == ExitCode.CONFIGURATION
    assert f"{path} cannot be converted:" in ended.stderr
    assert "annotation 2 of pano.jpg has the box [1.0, 1.0, 0.0, 0.0]" in ended.stderr
    assert "and 2 more" in ended.stderr
    assert "boxes without width or height: 12" in ended.stdout
    assert not output.exists()


def test_what_is_dropped_is_listed(tmp_path: Path) -> None:
    path, output, listing = tmp_path / "a.json", tmp_path / "out.json", tmp_path / "dropped.json"
    bad = [{"bbox": [1, 1, 0, 0]}, {"image_id": 9}, {"bbox": [1, 1, 700, 300]}]
    path.write_text(json.dumps(annotations({}, *bad)))
    ended = run(path, "--to", "coco", "--output", output, "--drop-bad", listing)

    assert ended.exit_code == ExitCode.DONE, ended.output
    assert "left out as bad: 3" in ended.stdout
    assert [one["id"] for one in read(output)["annotations"]] == [1]
    assert {(one["kind"], one["entry"]) for one in read(listing)} == {
        ("zero size", "annotation 2"),
        ("no picture", "annotation 3"),
        ("huge", "annotation 4"),
    }


def test_json_is_one_document_even_of_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(annotations({}, {"bbox": [1, 1, 0, 0]})))
    ended = run(path, "--json")

    assert ended.exit_code == ExitCode.CONFIGURATION
    told = json.loads(ended.stdout)
    assert (told["objects"], told["counts"]) == (2, {"zero size": 1})


def test_subsets_of_the_metadata_become_yolos_lists(source: Path, tmp_path: Path) -> None:
    two = read(source)
    two["images"].append({"id": 2, "file_name": "other.jpg", "width": 800, "height": 400})
    source.write_text(json.dumps(two))
    metadata = tmp_path / "metadata.csv"
    metadata.write_text("image,subset\npano.jpg,train\nother.jpg,none\n")
    options = ("--to", "yolo", "--output", tmp_path / "set", "--metadata", metadata)

    refused = run(source, *options)
    assert refused.exit_code == ExitCode.CONFIGURATION
    assert "no picture is in val" in refused.stderr
    metadata.write_text("image,subset\npano.jpg,train\nother.jpg,val\n")
    assert run(source, *options).exit_code == ExitCode.DONE
    assert (tmp_path / "set/val.txt").read_text() == "./images/other.jpg\n"


def test_nothing_is_overwritten_unasked(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    assert run(source, "--to", "yolo", "--output", folder).exit_code == ExitCode.DONE
    stale = folder / "labels/stale.txt"
    stale.write_text("0 0.5 0.5 0.1 0.1\n")

    again = run(source, "--to", "yolo", "--output", folder)
    assert again.exit_code == ExitCode.CONFIGURATION
    assert "--force" in again.stderr
    assert run(source, "--to", "yolo", "--output", folder, "--force").exit_code == ExitCode.DONE
    assert not stale.exists()
    assert run(source, "--to", "coco", "--output", source, "--force").exit_code == ExitCode.CONFIGURATION


def test_no_picture_is_overwritten_unasked(source: Path, pictures: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "pano.jpg").write_text("an original")
    options = ("--images", pictures, "--width", "200", "--output-images", precious)

    refused = run(source, *options)
    assert refused.exit_code == ExitCode.CONFIGURATION
    assert f"{precious / 'pano.jpg'} is there already" in refused.stderr
    assert (precious / "pano.jpg").read_text() == "an original"
    assert run(source, *options, "--force").exit_code == ExitCode.DONE


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--to", "coco"), "--to and --output together"),
        (("--width", "9", "--max-side", "9"), "not both"),
        (("--output-images", "x"), "--output-images needs --images"),
    ],
)
def test_options_that_contradict_each_other_are_refused(source: Path, options: tuple[str, ...], sentence: str) -> None:
    ended = run(source, *options)

    assert ended.exit_code == ExitCode.CONFIGURATION
    assert sentence in ended.stderr


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"images": 3}', '{"images": [], "annotations": [5]}'])
def test_other_files_end_with_a_sentence_that_names_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text)
    ended = run(path)

    assert ended.exit_code == ExitCode.CONFIGURATION
    assert str(path) in ended.stderr


@pytest.mark.parametrize("command", ["convert", "metadata"])
def test_help_shows_an_example_and_loads_no_heavy_library(command: str) -> None:
    shown = CliRunner().invoke(main, [command, "--help"])

    assert shown.exit_code == ExitCode.DONE
    assert f"    baas-detector {command} " in shown.output
    heavy = {"cv2", "matplotlib", "numpy", "pygeohash", "requests", "yaml"}
    code = f"import sys, baas_detector.{command}_command; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_folder_without_labels_and_a_file_that_is_no_picture_are_named(tmp_path: Path, source: Path) -> None:
    empty, fakes = tmp_path / "empty", tmp_path / "fakes"
    empty.mkdir()
    fakes.mkdir()
    (fakes / "pano.jpg").write_text("no picture")

    assert "has no labels" in run(empty).stderr
    assert f"{fakes / 'pano.jpg'} cannot be read as a JPEG, PNG or TIFF" in run(source, "--images", fakes).stderr
