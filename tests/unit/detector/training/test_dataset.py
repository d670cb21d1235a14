"""YOLO data sets are read in every usual form, checked, and written in the one that Ultralytics takes."""

from pathlib import Path

import pytest
import yaml

from baas_crds.errors import ConfigurationError
from baas_detector.training.dataset import read_dataset, write_dataset

from .conftest import MakeDataset

PERSON, PLATE = "0 0.5 0.5 0.25 0.5\n", "1 0.5 0.5 0.25 0.125\n"


def describe(folder: Path, **document: object) -> None:
    (folder / "data.yaml").write_text(yaml.safe_dump(document))


def names_of(folder: Path, split: str = "train") -> list[str]:
    return [picture.path.name for picture in read_dataset(folder).splits[split]]


@pytest.fixture
def folder(make_dataset: MakeDataset) -> Path:
    return make_dataset({"train/b": PERSON, "train/a": PLATE, "val/c": PERSON + PLATE})


def test_a_plain_folder_is_read_by_its_layout(folder: Path) -> None:
    data = read_dataset(folder)

    assert names_of(folder) == ["a.jpg", "b.jpg"]
    assert [len(picture.boxes) for picture in data.splits["val"]] == [2]


def test_a_data_yaml_is_read_with_folders_or_lists_and_its_own_numbers(folder: Path) -> None:
    (folder / "train.txt").write_text("./images/train/b.jpg\n")
    describe(folder, train="train.txt", val=["images/val"], names={0: "License-Plate", 1: "Person"})

    data = read_dataset(folder / "data.yaml")

    assert names_of(folder) == ["b.jpg"]
    assert [str(box.object_class) for box in data.splits["train"][0].boxes] == ["licence_plate"]


def test_the_folder_may_have_moved_since_its_data_yaml_was_written(folder: Path) -> None:
    describe(
        folder, path="/where/it/was/made", train="images/train", val="images/val", names=["person", "licence_plate"]
    )

    assert names_of(folder) == ["a.jpg", "b.jpg"]


def test_categories_have_their_names_from_data_yaml(folder: Path) -> None:
    (folder / "labels" / "train" / "a.txt").write_text("1 .5 .5 .1 .1 12\n")
    describe(
        folder,
        train="images/train",
        val="images/val",
        names=["person", "licence_plate"],
        categories={12: "licence_plate/foreign"},
    )

    (category,) = read_dataset(folder).splits["train"][0].categories
    assert category.path == "licence_plate/foreign"


def test_a_picture_without_labels_shows_nobody(folder: Path) -> None:
    (folder / "labels" / "train" / "a.txt").unlink()

    assert read_dataset(folder).splits["train"][0].boxes == ()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (
            {"names": ["person", "dog"]},
            r"names has 'dog'; a detector of this service learns person and licence_plate only",
        ),
        ({}, "`names` is missing"),
        ({"names": {"a": "person"}}, "`names` has an entry whose key is no number"),
        (
            {"names": ["person"], "train": "images/nowhere"},
            r"train names .*nowhere, which is neither a folder nor a list",
        ),
        ({"names": ["person", "licence_plate"], "val": None}, "has no pictures for val"),
    ],
)
def test_a_data_yaml_that_cannot_be_used_is_told_with_its_entry(
    folder: Path, document: dict[str, object], sentence: str
) -> None:
    describe(folder, **({"train": "images/train", "val": "images/val"} | document))

    with pytest.raises(ConfigurationError, match=sentence):
        read_dataset(folder)


def test_a_listed_picture_that_is_missing_is_named(folder: Path) -> None:
    (folder / "train.txt").write_text("./images/train/gone.jpg\n")
    describe(folder, train="train.txt", val="images/val", names=["person", "licence_plate"])

    with pytest.raises(ConfigurationError, match=r"gone\.jpg is listed, but it is not there"):
        read_dataset(folder)


def test_a_bad_label_is_named_with_file_and_line(folder: Path) -> None:
    (folder / "labels" / "train" / "a.txt").write_text(f"{PERSON}9 0 0 1 1\n")

    with pytest.raises(ConfigurationError, match=r"labels/train/a\.txt, line 2: the class is '9'"):
        read_dataset(folder)


def test_a_folder_without_pictures_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"expected data\.yaml, or the folders images/train"):
        read_dataset(tmp_path)


def test_what_is_written_has_five_columns_the_contracts_classes_and_repeated_pictures(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "labels" / "train" / "a.txt").write_text("1 .5 .5 .25 .125 licence_plate/dutch\n")

    described = write_dataset(read_dataset(folder), tmp_path / "written", repetitions=[3, 1])

    document = yaml.safe_load(described.read_text())
    assert document["names"] == {0: "person", 1: "licence_plate"}
    listed = (tmp_path / "written" / "train.txt").read_text().split()
    assert listed == ["./images/train/0000000-a.jpg"] * 3 + ["./images/train/0000001-b.jpg"]
    assert (tmp_path / "written" / listed[0]).resolve() == folder / "images" / "train" / "a.jpg"
    assert (tmp_path / "written" / "labels" / "train" / "0000000-a.txt").read_text() == PLATE
    assert read_dataset(described).splits["val"][0].boxes == read_dataset(folder).splits["val"][0].boxes


def test_pictures_of_one_name_in_two_folders_stay_two(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset({"train/x/a": PERSON, "train/y/a": PLATE, "val/c": PERSON})

    write_dataset(read_dataset(folder), tmp_path / "written")

    labels = sorted(path.read_text() for path in (tmp_path / "written" / "labels" / "train").iterdir())
    assert labels == [PERSON, PLATE]


def test_writing_again_leaves_nothing_of_before(folder: Path, tmp_path: Path) -> None:
    write_dataset(read_dataset(folder), tmp_path / "written")
    (folder / "images" / "train" / "a.jpg").unlink()

    write_dataset(read_dataset(folder), tmp_path / "written")

    assert len(list((tmp_path / "written" / "images" / "train").iterdir())) == 1


def test_the_digest_changes_with_a_label_and_not_with_the_place(folder: Path, tmp_path: Path) -> None:
    before = read_dataset(folder).digest
    moved = folder.rename(tmp_path / "moved")
    assert read_dataset(moved).digest == before

    (moved / "labels" / "train" / "a.txt").write_text(PERSON)
    assert read_dataset(moved).digest != before
