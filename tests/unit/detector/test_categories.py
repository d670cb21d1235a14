"""Categories of annotators: from a path to class and groups."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_detector.categories import NO_AID, VALUES, Attribute, Category, bias_categories, read_category
from baas_detector.contract import DetectedClass

PERSON, PLATE = DetectedClass.PERSON, DetectedClass.LICENCE_PLATE


def category(name: str) -> Category:
    read = read_category(name)
    assert read is not None
    return read


def test_the_tree_has_the_69_categories_that_annotators_use(test_data: Path) -> None:
    used = json.loads((test_data / "bias-example.json").read_text())["categories"]
    assert [entry["name"] for entry in used] == list(bias_categories())


@pytest.mark.parametrize(
    ("name", "object_class", "levels"),
    [
        ("man/child/light", PERSON, ("man", "man/child", "man/child/light")),
        ("unknown", PERSON, ("unknown",)),
        ("Person", PERSON, ("person",)),
        ("license plate/Dutch/yellow", PLATE, ("licence_plate", "licence_plate/dutch", "licence_plate/dutch/yellow")),
        ("person/wheelchair", PERSON, ("person", "person/wheelchair")),
        ("woman/Mobility-Scooter/elder", PERSON, ("woman", "woman/elder", "woman/elder/mobility_scooter")),
        ("man/cane/walker", PERSON, ("man", "man/cane", "man/cane/walker")),
    ],
)
def test_an_object_belongs_to_every_level_of_its_path(
    name: str, object_class: DetectedClass, levels: tuple[str, ...]
) -> None:
    read = category(name)
    assert (read.object_class, read.levels, read.path) == (object_class, levels, levels[-1])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("man/elder", {"sex": ("man",), "age": ("elder",), "aid": (NO_AID,)}),
        ("person/cane/wheelchair", {"aid": ("cane", "wheelchair")}),
        (
            "unknown/unknown/dark",
            {"sex": ("unknown",), "age": ("unknown",), "skin": ("dark",), "aid": (NO_AID,)},
        ),
        ("licence_plate/foreign", {"origin": ("foreign",)}),
        ("licence_plate/dutch/others", {"origin": ("dutch",), "colour": ("others",)}),
    ],
)
def test_only_what_the_annotator_said_is_told(name: str, told: dict[str, tuple[str, ...]]) -> None:
    read = category(name)
    assert {str(one): read.values_of(one) for one in Attribute if read.values_of(one)} == told


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("man/young", "'man/young' is not known: persons are told by sex"),
        ("man/light", "is not known"),
        ("person/child", "or by `person` alone"),
        ("man/child/light/dark", "is not known"),
        ("licence_plate/yellow", "behind licence_plate come origin"),
        ("licence_plate/foreign/yellow", "is not known"),
        ("licence_plate/dutch/wheelchair", "is not known"),
        ("men/child", "begins with 'men'"),
        ("man/", "is not known"),
    ],
)
def test_a_slip_of_the_pen_takes_nobody_out_of_a_group(name: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        read_category(name)


def test_one_word_of_another_kind_is_another_class() -> None:
    assert read_category("car") is None


@given(st.sampled_from(bias_categories()), st.sets(st.sampled_from(VALUES[Attribute.AID])))
def test_a_path_is_read_again_as_the_same_category(path: str, aids: set[str]) -> None:
    name = "/".join((path, *aids)) if not path.startswith("licence_plate") else path
    assert category(category(name).path) == category(name)
