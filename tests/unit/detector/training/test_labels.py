"""Label files are read with every line checked."""

import pytest

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass
from baas_detector.training.labels import LabelledBox, read_labels

CLASSES = {0: DetectedClass.LICENCE_PLATE, 1: DetectedClass.PERSON}


def read(text: str) -> tuple[LabelledBox, ...]:
    return read_labels(text, source="a.txt", classes=CLASSES, categories={7: "man/adult", 65: "license_plate/dutch"})


def test_classes_are_told_by_the_names_of_the_data_and_written_by_the_contracts_numbers() -> None:
    plate, person = read("0 0.5 0.5 0.1 0.1\n\n1 0.25 0.5 0.125 1\n")

    assert (plate.object_class, plate.yolo()) == (DetectedClass.LICENCE_PLATE, "1 0.5 0.5 0.1 0.1")
    assert (person.object_class, person.yolo()) == (DetectedClass.PERSON, "0 0.25 0.5 0.125 1")


@pytest.mark.parametrize("column", ["woman/child/dark", "Woman/Child/Dark"])
def test_the_sixth_column_is_a_categorys_path(column: str) -> None:
    (box,) = read(f"1 .5 .5 .1 .1 {column}")
    assert box.category is not None
    assert box.category.path == "woman/child/dark"


def test_or_a_number_that_the_data_name_in_either_spelling() -> None:
    person, plate = read("1 .5 .5 .1 .1 7\n0 .5 .5 .1 .1 65")
    assert person.category is not None
    assert plate.category is not None
    assert (person.category.path, plate.category.path) == ("man/adult", "licence_plate/dutch")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("1 .5 .5 .1", "has 4 columns"),
        ("1 .5 .5 .1 .1 7 8", "has 7 columns"),
        ("2 .5 .5 .1 .1", r"the class is '2'; the data know 0 licence_plate, 1 person"),
        ("person .5 .5 .1 .1", "the class is 'person'"),
        ("1 500 .5 .1 .1", r"'500' is no share of the picture"),
        ("1 nan .5 .1 .1", "'nan' is no share"),
        ("1 .5 .5 x .1", "'x' is no share"),
        ("1 .5 .5 0 .1", "has no area"),
        ("1 .5 .5 .1 .1 8", "nothing says what category 8 is"),
        ("1 .5 .5 .1 .1 man/teenager", "man/teenager"),
        ("1 .5 .5 .1 .1 licence_plate/dutch", "the class is person, but its category is licence_plate/dutch"),
    ],
)
def test_a_line_that_training_would_misread_is_named(line: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as told:
        read(f"1 .5 .5 .1 .1\n{line}\n")
    assert "line 2" in str(told.value) or "man/teenager" in line
