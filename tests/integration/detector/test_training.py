"""A real training on drawn pictures: from labels to a registered model, whatever ends it on the way."""

import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw

from baas_crds.codes import ExitCode
from baas_detector.card import CloserLook
from baas_detector.cli import main
from baas_detector.repository import open_repository
from baas_detector.training import yolo
from baas_detector.training.dataset import read_dataset, write_dataset
from baas_detector.training.registry import open_version
from baas_detector.training.settings import Training
from baas_detector.weights import digest_of

from .conftest import Checkpoint

DETECTOR = Path(sys.executable).with_name("baas-detector")
# Not many cores are needed for pictures of 64 pixels, and others may want them.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with pictures and a config.yml, and what a command says in it."""

    folder: Path

    def write(self, **changes: Any) -> None:
        document: dict[str, Any] = {
            "name": "small",
            "data": {"path": "data"},
            "train": {"image_size_px": 64, "epochs": 1, "batch": 4},
        }
        for key, value in changes.items():
            document[key] = document[key] | value if isinstance(document.get(key), dict) else value
        (self.folder / "config.yml").write_text(yaml.safe_dump(document))

    def command(self, *arguments: str | Path) -> list[str | Path]:
        return [DETECTOR, *arguments]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, env=ENVIRONMENT, check=False, capture_output=True, text=True
        )

    def call(self, *arguments: str | Path) -> Result:
        """Run a command in this process, which has imported torch already."""
        with chdir(self.folder):
            return CliRunner().invoke(main, [str(argument) for argument in arguments])

    @property
    def results(self) -> Path:
        return self.folder / "runs" / "small"

    def epochs(self) -> list[int]:
        """Which epochs the run has figures of."""
        table = self.results / "train" / "results.csv"
        rows = table.read_text().splitlines()[1:] if table.is_file() else []
        return [int(row.split(",")[0]) for row in rows if row]


def draw(folder: Path, split: str, count: int) -> None:
    """Draw pictures with a red figure and a yellow plate, labelled with categories in the sixth column."""
    for kind in ("images", "labels"):
        (folder / kind / split).mkdir(parents=True)
    for number in range(count):
        left, top = 4 + 3 * number % 40, 8 + 5 * number % 40
        picture = Image.new("RGB", (96, 96), (120, 130, 140))
        ImageDraw.Draw(picture).ellipse((left, top, left + 20, top + 40), fill=(200, 50, 50))
        ImageDraw.Draw(picture).rectangle((60, 70, 90, 80), fill=(250, 220, 0))
        picture.save(folder / "images" / split / f"{number}.jpg")
        category = "woman/child/dark" if number == 0 else "man/adult/light"
        (folder / "labels" / split / f"{number}.txt").write_text(
            f"0 {(left + 10) / 96} {(top + 20) / 96} {20 / 96} {40 / 96} {category}\n"
            f"1 {75 / 96} {75 / 96} {30 / 96} {10 / 96} licence_plate/dutch/yellow\n"
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    draw(tmp_path / "data", "train", 8)
    draw(tmp_path / "data", "val", 4)
    return Project(folder=tmp_path)


def test_one_command_trains_measures_builds_and_registers(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    (project.folder / "wanted.json").write_text('{"age:child": 1, "age:elder": 2}')
    project.write(
        steps={"select": True, "export": True, "register": True},
        select={"wanted": "wanted.json", "images": 6},
        train={"image_size_px": 64, "epochs": 1, "batch": 4, "image_weights": {"power": 1}},
        export={},
        register={"to": "registry"},
    )

    done = project.run("train", "config.yml")

    assert done.returncode == ExitCode.DONE, done.stderr
    assert "age:elder: 2 more objects are wanted" in done.stderr
    told = json.loads(done.stdout)
    # Ultralytics kept what the person model knew, so the new model finds the people in the sample photos.
    assert open_repository(project.results / "models").card.digest == told["model"]
    shown = json.loads((project.results / "pictures.json").read_text())
    assert sorted(shown.values()) == [1, 1, 1, 1, 1, 4]
    assert [path for path, times in shown.items() if times == 4] == ["images/train/0.jpg"]
    validated = json.loads((project.results / "validation.json").read_text())
    assert [(one["object_class"], one["objects"]) for one in validated["classes"]] == [
        ("person", 4),
        ("licence_plate", 4),
    ]
    version = open_version(project.folder / told["registered"]["place"])
    assert (version.version, version.digest) == (1, told["registered"]["digest"])
    assert not list((project.folder / "data").rglob("*.cache"))

    caplog.set_level(logging.INFO)
    again = project.call("train", "config.yml")
    assert json.loads(again.stdout)["registered"]["is_new"] is False
    assert "was trained already" in caplog.text


def test_after_a_kill_the_same_command_goes_on_and_other_settings_are_refused(project: Project) -> None:
    epochs = 6
    project.write(steps={"validate": False}, train={"weights": "yolov8n.yaml", "epochs": epochs})
    with subprocess.Popen(
        project.command("train", "config.yml"), cwd=project.folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:  # a line after each epoch's validation
            if len(project.epochs()) >= 2 and (project.results / "train" / "weights" / "last.pt").is_file():
                break
            assert "Error" not in line
        process.send_signal(signal.SIGKILL)
    before = project.epochs()
    assert 2 <= len(before) < epochs
    assert not (project.results / "trained.json").exists()

    project.write(steps={"validate": False}, train={"weights": "yolov8n.yaml", "epochs": epochs + 1})
    other = project.call("train", "config.yml")
    assert other.exit_code == ExitCode.CONFIGURATION
    assert "was begun with other settings (train.epochs)" in other.stderr

    project.write(steps={"validate": False}, train={"weights": "yolov8n.yaml", "epochs": epochs})
    done = project.run("train", "config.yml")
    assert done.returncode == ExitCode.DONE, done.stderr
    assert "Going on after epoch" in done.stderr
    # When the kill comes between an epoch's row and its checkpoint, the epoch is done again, and has two rows.
    assert list(dict.fromkeys(project.epochs())) == list(range(1, epochs + 1))


def learned(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Return a checkpoint's weights: the files differ, as each says when it was written."""
    read: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=False)["model"].state_dict()
    return read


def test_a_checkpoint_is_measured_alone_and_the_same_training_gives_the_same(project: Project) -> None:
    project.write(steps={"validate": False}, train={"weights": "yolov8n.yaml"})
    assert project.run("train", "config.yml", "--data", "data", "--output", "elsewhere").returncode == ExitCode.DONE
    weights = Path("elsewhere") / "small" / "train" / "weights" / "best.pt"
    assert project.call("train", "config.yml").exit_code == ExitCode.DONE
    one, other = learned(project.folder / weights), learned(project.results / "train" / "weights" / "best.pt")
    assert all(torch.equal(value, other[name]) for name, value in one.items())

    done = project.call("validate", weights, "data", "--image-size", "64", "--json", "validation.json")

    assert done.exit_code == ExitCode.DONE, done.stderr
    assert "licence_plate" in done.stdout
    written = json.loads((project.folder / "validation.json").read_text())
    assert written["split"] == "val"
    assert 0 <= written["map50_95"] <= written["map50"] <= 1


def losses(project: Project, weights: Path, **class_weights: float) -> dict[str, float]:
    """Return what the losses of boxes and classes were on average in the epoch that begins with these weights."""
    settings = Training(
        weights=str(weights),
        image_size_px=64,
        epochs=1,
        batch=4,
        deterministic=False,
        class_weights=class_weights or None,
    )
    data, scratch = read_dataset(project.folder / "data"), project.folder / "-".join(["losses", *class_weights])
    with yolo.shut_in():
        described = write_dataset(data, scratch / "data", class_weights=settings.class_weights)
        start = yolo.find_start(settings.weights, scratch)
        yolo.train(start, described, scratch, settings, {})
    header, row = (line.split(",") for line in (scratch / "train" / "results.csv").read_text().splitlines())
    return {name: float(value) for name, value in zip(header, row, strict=True) if name.startswith("train/")}


def test_classes_count_in_the_loss_as_told(project: Project, checkpoint: Checkpoint) -> None:
    weights = checkpoint("person", "licence_plate")
    plain = losses(project, weights)
    alike = losses(project, weights, person=3, licence_plate=3)
    plates = losses(project, weights, licence_plate=9)

    assert alike == plain
    assert plates["train/cls_loss"] != pytest.approx(plain["train/cls_loss"], rel=0.01)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"train": {"weights": "yolov9000.yaml"}},
            "train.weights is yolov9000.yaml; Ultralytics has no such architecture, try yolov8n.yaml",
        ),
        ({"train": {"weights": "missing.pt"}}, "missing.pt is not an Ultralytics checkpoint"),
        ({"train": {"tracking": "wandb"}}, "its package is not installed: `pip install wandb`"),
        ({"data": {"path": "nowhere"}}, "nowhere is no YOLO data set"),
        ({"steps": {"train": False}}, "holds no finished training: run the step `train` first"),
    ],
)
def test_what_cannot_be_trained_ends_with_a_sentence(project: Project, changes: dict[str, Any], sentence: str) -> None:
    project.write(**changes)

    done = CliRunner().invoke(main, ["train", str(project.folder / "config.yml")])

    assert done.exit_code == ExitCode.CONFIGURATION
    assert sentence in done.stderr


def write_coco(folder: Path) -> None:
    """Tell the drawn pictures of `annotated` in COCO's JSON, and which of them is for what."""
    categories = {1: "woman/child/dark", 2: "man/adult/light", 3: "license_plate/dutch/yellow"}
    pictures = sorted((folder / "annotated").glob("images/*/*.jpg"))
    boxes = []
    for number, picture in enumerate(pictures):
        at = int(picture.stem)
        boxes.append((number, 1 if at == 0 else 2, [4 + 3 * at % 40, 8 + 5 * at % 40, 20, 40]))
        boxes.append((number, 3, [60, 70, 30, 10]))
    names = [str(picture.relative_to(folder / "annotated" / "images")) for picture in pictures]
    document = {
        "images": [{"id": at, "file_name": name, "width": 96, "height": 96} for at, name in enumerate(names)],
        "annotations": [
            {"id": at, "image_id": image, "category_id": category, "bbox": box, "area": box[2] * box[3]}
            for at, (image, category, box) in enumerate(boxes, 1)
        ],
        "categories": [{"id": number, "name": name} for number, name in categories.items()],
    }
    (folder / "annotated" / "labels.json").write_text(json.dumps(document))
    rows = [f"{name},{Path(name).parent}" for name in names]
    (folder / "annotated" / "metadata.csv").write_text("\n".join(["image,subset", *rows]) + "\n")


def test_a_model_that_does_not_pass_the_gate_is_not_registered(tmp_path: Path) -> None:
    draw(tmp_path / "annotated", "train", 8)
    draw(tmp_path / "annotated", "val", 4)
    write_coco(tmp_path)
    (tmp_path / "policy.yaml").write_text(
        "recall: [{class: licence_plate, where: {origin: dutch}, lower_bound: 0.95}]\n"
    )
    project = Project(folder=tmp_path)
    steps = dict.fromkeys(("convert", "train", "export", "evaluate", "gate", "register"), True)
    project.write(
        steps=steps,
        convert={
            "annotations": "annotated/labels.json",
            "images": "annotated/images",
            "metadata": "annotated/metadata.csv",
        },
        export={},
        evaluate={"images": "annotated/images", "truth": "annotated/labels.json"},
        gate={"policy": "policy.yaml"},
        register={"to": "registry"},
    )

    done = project.run("train", "config.yml")

    assert done.returncode == ExitCode.QUARANTINED, done.stderr
    report = json.loads((project.results / "evaluation" / "report.json").read_text())
    assert report["images"] == 12
    assert report["without_mask"] == []
    # All twelve, or fewer: they prove no more than 73.5 %.
    assert "The model fails" in done.stderr
    assert not (tmp_path / "registry").exists()
    summary = json.loads((project.results / "evaluation" / "summary.json").read_text())
    assert summary["recall"] == report["recall"]
    assert "woman/child/dark" in {one["category"] for one in report["objects"]}
    assert not {"objects", "per_image"} & set(summary)


def pretend_to_have_trained(project: Project, weights: bytes) -> None:
    best = project.results / "best.pt"
    best.parent.mkdir(parents=True)
    best.write_bytes(weights)
    (project.results / "trained.json").write_text(json.dumps({"weights": best.name, "digest": digest_of(weights)}))


def test_what_was_trained_is_built_with_a_closer_look_at_vehicles_that_another_checkpoint_finds(
    project: Project, checkpoint: Checkpoint
) -> None:
    pretend_to_have_trained(project, checkpoint("person", "licence_plate").read_bytes())
    vehicles = checkpoint("car", "person")
    project.write(
        export={"vehicles": str(vehicles), "closer_look": {"most": 2, "side_px": 64}}, register={"to": "registry"}
    )
    config = str(project.folder / "config.yml")

    assert CliRunner().invoke(main, ["export", config]).exit_code == ExitCode.DONE

    card = open_repository(project.results / "models").card
    assert card.recipe.thresholds.closer_look == CloserLook(most=2, side_px=64)
    assert [(one.vehicles, len(one.channels)) for one in card.built.weights] == [((0,), 0), ((), 2)]
    assert CliRunner().invoke(main, ["register", config]).exit_code == ExitCode.DONE


def test_a_repository_of_other_weights_is_not_registered_with_the_model(
    project: Project, small_repository: Path
) -> None:
    pretend_to_have_trained(project, b"weights")
    project.write(export={"output": str(small_repository)}, register={"to": "registry"})

    done = CliRunner().invoke(main, ["register", str(project.folder / "config.yml")])

    assert done.exit_code == ExitCode.CONFIGURATION
    assert "was not built of" in done.stderr
