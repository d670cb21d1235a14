"""Groups have one spelling, and hold whom they say."""

import pytest

from baas_crds.errors import ConfigurationError
from baas_detector.categories import bias_categories, read_category
from baas_detector.training.groups import groups_of, read_group


def groups(path: str) -> frozenset[str]:
    category = read_category(path)
    assert category is not None
    return groups_of(category)


def test_an_object_belongs_to_each_level_of_its_path_and_to_each_of_its_values() -> None:
    assert groups("woman/child/dark/wheelchair") == {
        "person", "woman", "woman/child", "woman/child/dark", "woman/child/dark/wheelchair",
        "sex:woman", "age:child", "skin:dark", "aid:wheelchair",
    }  # fmt: skip
    assert groups("licence_plate/dutch") == {"licence_plate", "licence_plate/dutch", "origin:dutch"}


@pytest.mark.parametrize("path", bias_categories())
def test_every_category_can_be_asked_for(path: str) -> None:
    assert read_group(path, source="wanted.json") in groups(path)


@pytest.mark.parametrize("name", ["age:teenager", "age:unknown", "income:low", "man/teenager", "car", ""])
def test_a_group_that_can_hold_nobody_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        read_group(name, source="wanted.json")


def test_both_spellings_of_licence_plate_are_one_group() -> None:
    assert read_group("license plate/foreign", source="wanted.json") == "licence_plate/foreign"
