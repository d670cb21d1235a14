"""Training pictures are chosen so that every group has enough objects."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_detector.training.dataset import read_dataset
from baas_detector.training.selection import count_groups, read_wanted, select, select_pictures

from .conftest import MakeDataset

GROUPS = ("age:child", "skin:dark", "woman", "licence_plate/foreign")
any_pictures = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(GROUPS), st.integers(1, 3)),
    max_size=20,
)
any_wanted = st.dictionaries(st.sampled_from(GROUPS), st.integers(0, 8))


@given(any_pictures, any_wanted, st.integers(0, 9))
def test_each_group_is_covered_or_all_its_pictures_are_taken(
    pictures: dict[str, dict[str, int]], wanted: dict[str, int], seed: int
) -> None:
    chosen = select(pictures, wanted, images=None, seed=seed)

    for group, want in wanted.items():
        there = sum(shown.get(group, 0) for shown in pictures.values())
        assert chosen.found[group] >= min(want, there)
        assert chosen.short.get(group, 0) == max(0, want - there)


@given(any_pictures, any_wanted, st.integers(0, 9))
def test_no_picture_is_taken_in_vain_or_twice(
    pictures: dict[str, dict[str, int]], wanted: dict[str, int], seed: int
) -> None:
    chosen = select(pictures, wanted, images=None, seed=seed)

    assert len(set(chosen.names)) == len(chosen.names)
    assert all(any(wanted.get(group) for group in pictures[name]) for name in chosen.names)


@given(any_pictures, any_wanted, st.integers(0, 9), st.integers(1, 30))
def test_the_same_seed_takes_the_same_whatever_the_order_and_chance_fills_up(
    pictures: dict[str, dict[str, int]], wanted: dict[str, int], seed: int, images: int
) -> None:
    chosen = select(pictures, wanted, images=images, seed=seed)
    groups_alone = select(pictures, wanted, images=None, seed=seed)

    turned = dict(reversed(pictures.items()))
    assert select(turned, wanted, images=images, seed=seed) == chosen
    assert len(chosen.names) == max(len(groups_alone.names), min(images, len(pictures)))
    assert set(groups_alone.names) <= set(chosen.names)


def test_the_picture_that_helps_most_groups_comes_first() -> None:
    pictures = {"both": {"age:child": 1, "skin:dark": 1}, "child": {"age:child": 1}, "dark": {"skin:dark": 1}}

    for seed in range(10):
        assert select(pictures, {"age:child": 1, "skin:dark": 1}, images=None, seed=seed).names == ("both",)


def test_another_seed_takes_other_pictures_among_equals() -> None:
    pictures = {str(number): {"woman": 1} for number in range(50)}

    assert len({select(pictures, {"woman": 10}, images=None, seed=seed).names for seed in range(5)}) == 5


def test_pictures_without_objects_can_be_taken_too() -> None:
    assert select({"empty": {}, "full": {"woman": 1}}, {"woman": 1}, images=2, seed=0).names == ("empty", "full")


def test_categories_come_from_the_labels_of_the_training_pictures(make_dataset: MakeDataset) -> None:
    data = read_dataset(
        make_dataset(
            {
                "train/a": "0 .5 .5 .1 .1 woman/child/dark\n0 .5 .5 .2 .2\n",
                "train/b": "1 .5 .5 .1 .1 licence_plate/foreign\n",
                "val/c": "0 .5 .5 .1 .1 woman/child/dark\n",
            }
        )
    )

    chosen = select_pictures(data, {"age:child": 2, "person": 1}, images=None, seed=0)

    assert [Path(name).name for name in chosen.names] == ["a.jpg"]
    assert chosen.short == {"age:child": 1}
    assert count_groups(data.splits["train"][0])["person"] == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"age:teenager": 1}', "values of age are child, adult, elder"),
        ('{"man": -1}', r"'man' is -1; expected 0 or more objects"),
        ('{"man": "many"}', "no JSON object of whole numbers"),
        ('{"man": 1.5}', "no JSON object of whole numbers"),
        ("[]", "no JSON object"),
        ("{", "no JSON object"),
    ],
)
def test_a_wrong_wish_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "wanted.json"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=sentence) as told:
        read_wanted(path)
    assert str(path) in str(told.value)
