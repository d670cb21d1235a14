"""An answer of the detector is complete and sensible, or it is an error: never "no detections"."""

import numpy as np
import pytest

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_preprocess.detect import boxes_of, detections, model_of
from baas_preprocess.facts import Box, Tile

METADATA = {
    "versions": ["1"],
    "inputs": [{"name": "TILES", "datatype": "UINT8", "shape": ["-1", "-1", "-1", "3"]}],
    "outputs": [
        {"name": "BOXES", "datatype": "FP32", "shape": ["-1", "300", "6"]},
        {"name": "COUNT", "datatype": "INT32", "shape": ["-1", "1"]},
    ],
}
PARAMETERS = {"classes": "person,licence_plate", "model_digest": "sha256:0", "score_floor": "0.01", "max_det": "300"}


def config(parameters: dict[str, str]) -> dict[str, object]:
    return {"parameters": {name: {"string_value": value} for name, value in parameters.items()}}


def answer(*rows: tuple[float, ...], count: int | None = None, size: int = 4) -> tuple[np.ndarray, np.ndarray]:
    boxes = np.zeros((1, size, 6), dtype=np.float32)
    boxes[0, : len(rows)] = np.array(rows, dtype=np.float32).reshape(-1, 6)
    return boxes, np.array([[len(rows) if count is None else count]], dtype=np.int32)


def test_valid_rows_are_returned_and_clipped_to_the_tile() -> None:
    rows = boxes_of(*answer((-5, 10, 120, 50, 0.5, 1)), width_px=100, height_px=100)
    assert rows.tolist() == [[0, 10, 100, 50, 0.5, 1]]


def test_no_objects_is_an_answer() -> None:
    """The earlier service's endpoint answered 500 for an image without people."""
    assert boxes_of(*answer(), width_px=10, height_px=10).shape == (0, 6)


def test_more_objects_than_fit_are_an_error() -> None:
    with pytest.raises(NotPublishable, match="found 5 objects in one tile and can return 4") as refused:
        boxes_of(*answer((0, 0, 1, 1, 0.5, 0), count=5), width_px=10, height_px=10)
    assert refused.value.reason is QuarantineReason.TOO_MANY_OBJECTS


@pytest.mark.parametrize(
    ("boxes", "count"),
    [
        pytest.param(None, np.array([[0]], dtype=np.int32), id="no boxes"),
        pytest.param(np.zeros((1, 4, 6), dtype=np.float32), None, id="no count"),
        pytest.param(np.zeros((2, 4, 6), dtype=np.float32), np.array([[0]], dtype=np.int32), id="two tiles' boxes"),
        pytest.param(np.zeros((1, 4, 5), dtype=np.float32), np.array([[0]], dtype=np.int32), id="five columns"),
        pytest.param(np.zeros((1, 4, 6), dtype=np.float32), np.array([[-1]], dtype=np.int32), id="negative count"),
        pytest.param(np.zeros((1, 4, 6), dtype=np.float32), np.array([0], dtype=np.int32), id="count's shape"),
        pytest.param(*answer((0, 0, np.nan, 1, 0.5, 0)), id="not a number"),
        pytest.param(*answer((5, 0, 1, 1, 0.5, 0)), id="right before left"),
        pytest.param(*answer((0, 0, 1, 1, 1.5, 0)), id="score above one"),
        pytest.param(*answer((0, 0, 1, 1, 0.5, 2)), id="unknown class"),
    ],
)
def test_a_malformed_answer_is_an_error(boxes: np.ndarray | None, count: np.ndarray | None) -> None:
    """The earlier service took an answer without boxes for a picture without people, and published it."""
    with pytest.raises(NotPublishable) as refused:
        boxes_of(boxes, count, width_px=10, height_px=10)
    assert refused.value.reason is QuarantineReason.DETECTOR_REFUSED


def test_rows_of_a_scaled_tile_across_the_seam_become_boxes_of_the_picture() -> None:
    tile = Tile(left=0, top=100, width=1250, height=400, out_width=625, out_height=200)
    rows = np.array([[510, 10, 520, 20, 0.5, 0], [490, 0, 510, 5, 0.25, 1]], dtype=np.float32)
    assert [(d.box, d.object_class) for d in detections(rows, tile, 1000, wraps=True)] == [
        (Box(20, 120, 40, 140), ObjectClass.PERSON),
        (Box(980, 100, 1020, 110), ObjectClass.LICENCE_PLATE),
    ]


def test_a_model_of_the_contract_says_what_it_is() -> None:
    model = model_of(METADATA, config(PARAMETERS), version="3", url="t:1")
    assert (model.digest, model.version, model.score_floor, model.max_det) == ("sha256:0", "3", 0.01, 300)


def test_of_several_versions_each_says_what_it_is() -> None:
    both = {**PARAMETERS, "model_digest.3": "sha256:3", "score_floor.3": "0.3", "model_digest.13": "sha256:13"}
    metadata = {**METADATA, "versions": ["3", "13"]}
    three, thirteen = (model_of(metadata, config(both), version=version, url="t:1") for version in ("3", "13"))
    assert (three.digest, three.score_floor) == ("sha256:3", 0.3)
    assert (thirteen.digest, thirteen.score_floor) == ("sha256:13", 0.01)


@pytest.mark.parametrize(
    ("metadata", "parameters"),
    [
        pytest.param({**METADATA, "versions": ["1", "3"]}, PARAMETERS, id="versions put together by hand"),
        pytest.param({**METADATA, "outputs": METADATA["outputs"][:1]}, PARAMETERS, id="an output is missing"),
        pytest.param({**METADATA, "inputs": []}, PARAMETERS, id="the input is missing"),
        pytest.param(METADATA, {**PARAMETERS, "classes": "licence_plate,person"}, id="classes in another order"),
        pytest.param(METADATA, {k: v for k, v in PARAMETERS.items() if k != "model_digest"}, id="no digest"),
        pytest.param(METADATA, {**PARAMETERS, "score_floor": "low"}, id="a floor that is no number"),
    ],
)
def test_any_other_model_is_refused_with_the_command_that_builds_the_right_one(
    metadata: dict[str, object], parameters: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match=r"at t:1 .*baas-detector build-repository"):
        model_of(metadata, config(parameters), version="3", url="t:1")
