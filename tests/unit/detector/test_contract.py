"""What the detector promises, and how a stranger is told apart from it."""

from typing import Any

import pytest

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass, channels_of, deviations, read_class

PERSON, PLATE = DetectedClass.PERSON, DetectedClass.LICENCE_PLATE


@pytest.mark.parametrize(
    "name", ["licence_plate", "license_plate", "License Plate", "LICENCE-PLATE", " license  plate "]
)
def test_both_spellings_of_a_licence_plate_are_read(name: str) -> None:
    """In the earlier service plates of the other spelling counted as persons."""
    assert read_class(name) is PLATE


@pytest.mark.parametrize("name", ["plate", "Number Plate", "numberplate", "licenseplate"])
def test_a_plate_is_a_licence_plate_only_in_a_model_that_is_said_to_find_plates(name: str) -> None:
    assert read_class(name) is None
    assert read_class(name, finds_plates_only=True) is PLATE


@pytest.mark.parametrize("name", ["persons", "car", "licence", "person/adult", ""])
def test_any_other_label_means_nothing(name: str) -> None:
    assert read_class(name) is None


def test_a_class_number_is_its_position() -> None:
    assert (PERSON.number, PLATE.number) == (0, 1)


def test_labels_that_nobody_asked_for_are_ignored() -> None:
    names = {0: "car", 1: "license_plate", 2: "Person"}

    assert channels_of(names, tuple(DetectedClass), source="best.pt") == ((1, PLATE), (2, PERSON))
    assert channels_of(names, (PERSON,), source="best.pt") == ((2, PERSON),)


def test_a_missing_class_is_named_together_with_the_classes_that_were_found() -> None:
    with pytest.raises(ConfigurationError, match=r"best.pt has no class licence_plate; it knows: person, car"):
        channels_of({0: "person", 1: "car"}, tuple(DetectedClass), source="best.pt")


METADATA: dict[str, Any] = {
    "inputs": [{"name": "TILES", "datatype": "UINT8", "shape": ["-1", "-1", "-1", "3"]}],
    "outputs": [
        {"name": "BOXES", "datatype": "FP32", "shape": ["-1", "300", "6"]},
        {"name": "COUNT", "datatype": "INT32", "shape": ["-1", "1"]},
    ],
}
CONFIG: dict[str, Any] = {
    "parameters": {
        key: {"string_value": value}
        for key, value in {
            "model_digest": "sha256:0",
            "classes": "person,licence_plate",
            "score_floor": "0.01",
            "iou": "0.7",
            "max_det": "300",
            "precision": "f32",
        }.items()
    }
}


def without(config: dict[str, Any], key: str) -> dict[str, Any]:
    return {"parameters": {name: value for name, value in config["parameters"].items() if name != key}}


def with_parameter(key: str, value: str) -> dict[str, Any]:
    return {"parameters": CONFIG["parameters"] | {key: {"string_value": value}}}


def with_output(place: int, **changes: Any) -> dict[str, Any]:
    outputs = list(METADATA["outputs"])
    outputs[place] = outputs[place] | changes
    return METADATA | {"outputs": outputs}


def test_the_expected_model_deviates_in_nothing() -> None:
    assert deviations(METADATA, CONFIG) == []


@pytest.mark.parametrize(
    ("metadata", "config", "sentence"),
    [
        (METADATA, without(CONFIG, "model_digest"), "parameter model_digest is missing"),
        (METADATA, without(CONFIG, "max_det"), "parameter max_det is missing"),
        (METADATA, with_parameter("max_det", "many"), "parameter max_det is 'many'; expected a whole number"),
        (
            METADATA,
            with_parameter("classes", "licence_plate,person"),
            "its classes are licence_plate,person; expected person,licence_plate",
        ),
        (METADATA, with_parameter("max_det", "5"), "its output BOXES is FP32 [-1, 300, 6]; expected FP32 [-1, 5, 6]"),
        (with_output(0, name="boxes"), CONFIG, "it has no output BOXES"),
        (with_output(0, name="boxes"), CONFIG, "it has an unknown output boxes"),
        (with_output(1, datatype="INT64"), CONFIG, "its output COUNT is INT64 [-1, 1]; expected INT32 [-1, 1]"),
        (METADATA | {"inputs": []}, CONFIG, "it has no input TILES"),
    ],
)
def test_each_deviation_is_a_sentence(metadata: dict[str, Any], config: dict[str, Any], sentence: str) -> None:
    assert sentence in deviations(metadata, config)
