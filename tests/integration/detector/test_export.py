"""The graph answers as the checkpoints do, in every runtime that serves it."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import ultralytics
from PIL import Image

from baas_crds.errors import ConfigurationError
from baas_detector.accuracy import Precision, Rows, drift
from baas_detector.card import Thresholds
from baas_detector.checks import Tile, with_onnxruntime, with_openvino
from baas_detector.contract import DetectedClass
from baas_detector.export import Exported, export, sample_tiles
from baas_detector.weights import Weights, default_weights, own_weights

from .conftest import Checkpoint

EXACT = 0.05
"""Pixels: what is left when two runtimes add the same numbers in another order."""


@pytest.fixture(scope="module")
def weights() -> list[Weights]:
    return default_weights()


@pytest.fixture(scope="module")
def exported(weights: list[Weights]) -> Exported:
    return export(weights, Thresholds())


@pytest.fixture(scope="module")
def bus() -> Tile:
    """A street photo with persons, cut to multiples of 32 so that Ultralytics adds no border of its own."""
    photo = Image.open(Path(ultralytics.__file__).parent / "assets" / "bus.jpg").convert("RGB")
    return np.array(photo.crop((0, 0, 800, 1056)))


@pytest.mark.parametrize("which", [0, 1], ids=["persons", "plates"])
@pytest.mark.parametrize("photo", ["bus", "sample"])
def test_the_default_model_finds_what_ultralytics_finds(
    exported: Exported, weights: list[Weights], bus: Tile, which: int, photo: str
) -> None:
    tile = bus if photo == "bus" else sample_tiles(640)["zidane.jpg"]
    answer = ultralytics.YOLO(weights[which].path).predict(
        tile[..., ::-1], imgsz=tile.shape[:2], conf=0.25, iou=0.7, classes=[0], max_det=1000, verbose=False
    )
    theirs = answer[0].boxes.data.numpy()

    found = with_openvino(exported.onnx, Precision.F32)(tile)

    ours = found[(found[:, 5] == which) & (found[:, 4] > 0.25)]
    assert photo != "bus" or which == 1 or len(theirs) >= 4
    np.testing.assert_allclose(ours[:, :4], theirs[:, :4], atol=0.5)
    np.testing.assert_allclose(ours[:, 4], theirs[:, 4], atol=0.005)


@pytest.mark.parametrize("shape", [(32, 32), (33, 95), (200, 301), (640, 96)])
def test_any_size_of_tile_gives_the_same_boxes_in_both_runtimes_and_in_torch(
    exported: Exported, bus: Tile, shape: tuple[int, int]
) -> None:
    tile = np.ascontiguousarray(bus[300 : 300 + shape[0], 40 : 40 + shape[1]])

    openvino = with_openvino(exported.onnx, Precision.F32)(tile)

    for other in (with_onnxruntime(exported.onnx)(tile), exported.reference(tile)):
        assert openvino.shape == other.shape
        assert drift([openvino], [other]).is_close
        np.testing.assert_allclose(openvino, other, atol=EXACT)


def test_a_closer_look_at_vehicles_adds_plates_and_takes_nothing_away(
    exported: Exported, weights: list[Weights]
) -> None:
    tile = sample_tiles(640)["bus.jpg"]
    plain = export(weights, Thresholds(closer_look=None)).reference(tile)

    closer = exported.reference(tile)

    assert {tuple(row) for row in plain.tolist()} <= {tuple(row) for row in closer.tolist()}
    assert len(clear_plates(closer)) > len(clear_plates(plain))


def test_a_checkpoint_may_show_where_vehicles_are_and_no_more(exported: Exported, weights: list[Weights]) -> None:
    tile = sample_tiles(640)["bus.jpg"]
    both = exported.reference(tile)

    plates_only = export([replace(weights[0], wanted=()), weights[1]], Thresholds()).reference(tile)

    np.testing.assert_array_equal(plates_only, both[both[:, 5] == DetectedClass.LICENCE_PLATE.number])


def clear_plates(rows: Rows) -> Rows:
    return rows[(rows[:, 5] == DetectedClass.LICENCE_PLATE.number) & (rows[:, 4] > 0.1)]


def test_boxes_come_best_first_and_lie_inside_the_tile(exported: Exported) -> None:
    tile = sample_tiles(640)["bus.jpg"][:, :500]

    rows = with_openvino(exported.onnx, Precision.F32)(np.ascontiguousarray(tile))

    assert len(rows) > 20
    assert (np.diff(rows[:, 4]) <= 0).all()
    assert rows[-1, 4] > 0.01
    assert set(rows[:, 5]) <= {0, 1}
    assert (rows[:, :2] >= 0).all()
    assert (rows[:, :2] <= rows[:, 2:4]).all()
    assert rows[:, [0, 2]].max() <= 500
    assert rows[:, [1, 3]].max() <= 640


def test_a_batch_answers_as_its_tiles_do_alone(exported: Exported, bus: Tile) -> None:
    tiles = torch.from_numpy(np.stack([bus[:320, :320], np.zeros((320, 320, 3), np.uint8), bus[400:720, :320]]))

    with torch.inference_mode():
        boxes, count = exported.model(tiles)
        alone = [exported.model(tile[None]) for tile in tiles]

    assert count.flatten().tolist() == [int(one_count) for _, one_count in alone]
    torch.testing.assert_close(boxes, torch.cat([one_boxes for one_boxes, _ in alone]), atol=EXACT, rtol=0)
    assert not boxes[1, int(count[1]) :].any()


@pytest.mark.parametrize("architecture", ["yolov5", "yolov8", "yolov10", "yolo11", "yolo26"])
def test_one_checkpoint_of_any_generation_gives_both_classes(checkpoint: Checkpoint, architecture: str) -> None:
    path = checkpoint("car", "License Plate", "person", architecture=architecture)

    exported = export([own_weights(path, *DetectedClass)], Thresholds())

    tile = sample_tiles(320)["bus.jpg"]
    rows = [run(tile) for run in (with_openvino(exported.onnx, Precision.F32), exported.reference)]
    assert exported.weights[0].channels == {1: DetectedClass.LICENCE_PLATE, 2: DetectedClass.PERSON}
    assert {*rows[0][:, 5]} == {0, 1}
    assert scores(rows[0]) == pytest.approx(scores(rows[1]), abs=0.001)


def scores(rows: Rows) -> list[float]:
    return [float(score) for score in rows[:50, 4]]


def test_too_many_boxes_show_in_the_count(checkpoint: Checkpoint) -> None:
    exported = export(
        [own_weights(checkpoint("person", "plate", sure=0.0), DetectedClass.PERSON)], Thresholds(max_det=7)
    )

    with torch.inference_mode():
        boxes, count = exported.model(torch.zeros((1, 256, 256, 3), dtype=torch.uint8))

    assert boxes.shape == (1, 7, 6)
    assert int(count) == 8


def test_a_licence_in_the_checkpoint_is_kept_and_a_missing_one_is_said_to_be_missing(
    checkpoint: Checkpoint, exported: Exported
) -> None:
    own = export([own_weights(checkpoint("person", "licence_plate"), *DetectedClass)], Thresholds())

    assert all("AGPL-3.0" in used.licence for used in exported.weights)
    assert own.weights[0].licence.startswith("not stated in the checkpoint")


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationError) as refusal:
        export([own_weights(path, *DetectedClass)], Thresholds())
    return str(refusal.value)


def test_a_checkpoint_without_plates_is_refused(checkpoint: Checkpoint) -> None:
    assert "best.pt has no class licence_plate; it knows: person, car" in refused(checkpoint("person", "car"))


@pytest.mark.parametrize("data", [b"", b"not a checkpoint", b"PK\x03\x04"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(data)

    assert "broken.pt cannot be read as an Ultralytics checkpoint" in refused(path)


def test_a_model_for_another_task_is_refused(tmp_path: Path) -> None:
    from ultralytics.nn.tasks import SegmentationModel  # noqa: PLC0415 - reads its environment when imported

    model = SegmentationModel("yolov8n-seg.yaml", nc=2, verbose=False)
    model.names = {0: "person", 1: "licence_plate"}
    torch.save({"model": model, "train_args": {}}, tmp_path / "seg.pt")

    assert "seg.pt holds a SegmentationModel; expected a DetectionModel" in refused(tmp_path / "seg.pt")


class _Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    mark = tmp_path / "was-here"
    torch.save({"model": _Evil(mark), "train_args": {}}, tmp_path / "evil.pt", pickle_module=pickle)

    assert "evil.pt cannot be read" in refused(tmp_path / "evil.pt")
    assert not mark.exists()
