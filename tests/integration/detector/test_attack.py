"""A small attack on the real redaction, with the real detector and drawn people."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from baas_crds.codes import ExitCode
from baas_detector.accuracy import Precision
from baas_detector.attack.pictures import write_jpeg
from baas_detector.checks import Tile, with_openvino
from baas_detector.cli import main
from baas_detector.export import sample_tiles


def write_truth(folder: Path, pictures: Mapping[str, Tile], boxes: Mapping[str, Sequence[Sequence[float]]]) -> Path:
    """Write pictures and a COCO file with the persons on them."""
    images, annotations = [], []
    for number, (name, picture) in enumerate(pictures.items()):
        write_jpeg(folder / name, picture)
        height, width = picture.shape[:2]
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for box in boxes[name]:
            annotations.append({"id": len(annotations), "image_id": number, "category_id": 1, "bbox": list(box)})
    file = folder / "annotations.json"
    categories = [{"id": 1, "name": "person"}]
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return file


@pytest.fixture(scope="module")
def drawn_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures with twelve drawn people each."""
    random = np.random.default_rng(1)
    pictures: dict[str, Tile] = {}
    boxes = [(10 + 52 * index, 40, 36, 90) for index in range(12)]
    for name in ("0.jpg", "1.jpg"):
        pictures[name] = np.full((200, 640, 3), (150, 150, 145), np.uint8)
        for left, top, _, _ in boxes:
            head, shirt, trousers = (
                tuple(int(part) for part in random.integers(20, 235, 3)) for _ in ("head", "shirt", "trousers")
            )
            cv2.ellipse(pictures[name], (left + 18, top + 10), (7, 10), 0, 0, 360, head, -1)
            cv2.rectangle(pictures[name], (left + 4, top + 20), (left + 32, top + 50), shirt, -1)
            cv2.rectangle(pictures[name], (left + 8, top + 50), (left + 28, top + 90), trousers, -1)
    return write_truth(tmp_path_factory.mktemp("drawn"), pictures, dict.fromkeys(pictures, boxes))


@pytest.fixture(scope="module")
def photographed_people(model_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photos of a package that is installed anyway, labelled by what the detector is sure of."""
    photos = sample_tiles(640)
    graph = (model_repository / "person_plate" / "1" / "model.onnx").read_bytes()
    find = with_openvino(graph, Precision.F32)
    boxes: dict[str, list[Sequence[float]]] = {}
    for name, photo in photos.items():
        left, top, right, bottom, score, number = find(photo).T.astype(float)
        chosen = (score > 0.5) & (number == 0) & (bottom - top > 60)
        boxes[name] = np.stack([left, top, right - left, bottom - top], axis=1)[chosen].round(1).tolist()
    return write_truth(tmp_path_factory.mktemp("photos"), photos, boxes)


def attack(*options: str | Path) -> Result:
    return CliRunner().invoke(main, ["attack", *map(str, options)])


def shares(attacked: Result, kind: str, condition: str) -> dict[str, float]:
    """Return the share of first guesses, or of boxes found, of each redaction."""
    assert attacked.exit_code == ExitCode.DONE, attacked.output
    return {
        one["redaction"]: one["share"]
        for one in json.loads(attacked.stdout)["results"]
        if (one["attack"], one["condition"]) == (kind, condition) and one["rank"] in (None, 1)
    }


def test_the_default_is_at_chance_where_cells_and_the_earlier_gaussian_are_not(
    drawn_people: Path, tmp_path: Path
) -> None:
    """The earlier service blurred all with a sigma of 25 px, under which large plates stay readable."""
    redactions = ["none", "gaussian", "pixelate:6", "fill"]
    chosen = [part for name in redactions for part in ("--redaction", name)]
    page = tmp_path / "page.md"
    sizes = ["--candidates", "150", "--shown", "30", "--plate-width", "150", "--person-height", "112"]

    attacked = attack("--persons", drawn_people, *sizes, *chosen, "--json", "--output", page)

    for kind in ("read", "match"):
        same, other = (shares(attacked, kind, condition) for condition in ("same picture", "another picture"))
        assert same["none"] == 1
        assert other["none"] > 0.9
        assert same["gaussian"] > 0.9
        assert same["fill"] < 0.1
        assert other["fill"] < 0.1
        assert shares(attacked, kind, "Wiener")["fill"] < 0.1
    assert shares(attacked, "match", "same picture")["pixelate:6"] > 0.9
    results = json.loads(attacked.stdout)["results"]
    filled = [one for one in results if one["redaction"] == "fill" and one["condition"].endswith("picture")]
    assert len(filled) == 2 * 2 * 2  # plates and persons, the same picture and another one, 1 guess and 10
    assert all(one["is_at_chance"] for one in filled)
    assert "| 150 px wide | fill |" in page.read_text()


def test_the_detector_does_not_find_people_again(photographed_people: Path, model_repository: Path) -> None:
    least = ["--candidates", "20", "--shown", "5", "--plate-width", "40", "--person-height", "48", "--no-restore"]

    attacked = attack(
        *("--persons", photographed_people, "--repository", model_repository, *least, "--json"),
        *("--redaction", "none", "--redaction", "fill"),
    )

    found = shares(attacked, "find", "as redacted")
    assert found["none"] > 0.9
    assert found["fill"] < 0.2


def test_the_same_seed_gives_the_same_results() -> None:
    options = ["--candidates", "20", "--shown", "10", "--plate-width", "40", "--redaction", "blur:6", "--no-restore"]

    one, again, other = (attack(*options, "--json", "--seed", seed).stdout for seed in ("1", "1", "2"))

    assert json.loads(one)["results"] == json.loads(again)["results"]
    assert json.loads(one)["plan"] != json.loads(other)["plan"]


def test_people_get_tables() -> None:
    attacked = attack(
        "--candidates", "20", "--shown", "5", "--plate-width", "40", "--redaction", "solid", "--no-restore"
    )

    assert attacked.exit_code == ExitCode.DONE
    assert "Plates are read by trying texts" in attacked.stdout
    assert "solid" in attacked.stdout


def test_a_picture_that_is_missing_is_named(drawn_people: Path, tmp_path: Path) -> None:
    lonely = tmp_path / "annotations.json"
    lonely.write_bytes(drawn_people.read_bytes())

    attacked = attack(
        "--persons", lonely, "--candidates", "20", "--shown", "5", "--plate-width", "40", "--redaction", "none"
    )

    assert attacked.exit_code == ExitCode.CONFIGURATION
    assert f"{tmp_path / '0.jpg'} cannot be read as a picture" in attacked.stderr
