"""What a source lists, names and refuses."""

import os
from pathlib import Path

import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_preprocess.stores.files import FileSource


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a/x.JPG", "a/y.png", "a/notes.txt", "c/z.tiff"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "in"


def names(*places: Path | str) -> list[str]:
    return [entry.name for entry in FileSource([str(place) for place in places]).entries()]


def test_a_folder_lists_its_pictures_by_relative_name(tree: Path) -> None:
    assert names(tree) == ["a/x.JPG", "a/y.png", "b.jpg", "c/z.tiff"]


def test_a_file_is_named_by_its_file_name_whatever_its_ending(tree: Path) -> None:
    assert names(tree / "a" / "notes.txt") == ["notes.txt"]


def test_a_glob_keeps_the_folders_below_its_fixed_part(tree: Path) -> None:
    assert names(f"{tree}/**/*.*") == ["a/notes.txt", "a/x.JPG", "a/y.png", "b.jpg", "c/z.tiff"]


def test_a_name_with_glob_characters_is_that_file(tree: Path) -> None:
    (tree / "[1].jpg").write_bytes(b"x")
    assert names(tree / "[1].jpg") == ["[1].jpg"]


def test_a_missing_place_is_an_error_that_names_it(tree: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere/\*\.jpg does not exist and matches no file"):
        FileSource([f"{tree}/nowhere/*.jpg"])


def test_two_files_that_would_get_one_name_are_refused(tree: Path) -> None:
    (tree / "a" / "b.jpg").write_bytes(b"other")
    with pytest.raises(ConfigurationError, match=r"would become b\.jpg"):
        names(tree / "b.jpg", tree / "a" / "b.jpg")


def test_links_to_folders_are_not_followed_so_a_loop_ends(tree: Path) -> None:
    (tree / "a" / "loop").symlink_to(tree)
    (tree / "dead.jpg").symlink_to(tree / "gone")
    entries = {entry.name: entry for entry in FileSource([str(tree)]).entries()}
    assert set(entries) == {"a/x.JPG", "a/y.png", "b.jpg", "c/z.tiff", "dead.jpg"}
    assert entries["dead.jpg"].problem is not None
    assert entries["dead.jpg"].problem.reason is QuarantineReason.UNREADABLE


def test_a_folder_called_like_a_picture_is_a_folder(tree: Path) -> None:
    (tree / "x.jpg").mkdir()
    (tree / "x.jpg" / "inner.jpg").write_bytes(b"x")
    assert "x.jpg/inner.jpg" in names(tree)


def test_a_name_that_is_not_utf8_is_listed_with_its_problem(tree: Path) -> None:
    Path(os.fsdecode(os.fsencode(tree) + b"/caf\xe9.jpg")).write_bytes(b"x")
    [entry] = [entry for entry in FileSource([str(tree)]).entries() if entry.problem]
    assert entry.name == "caf\\xe9.jpg"
    assert entry.problem is not None
    assert entry.problem.reason is QuarantineReason.UNUSABLE_NAME


def test_a_newline_in_a_name_changes_nothing(tree: Path) -> None:
    (tree / "a\nb.jpg").write_bytes(b"here")
    source = FileSource([str(tree)])
    assert "a\nb.jpg" in [entry.name for entry in source.entries()]
    assert source.read("a\nb.jpg") == b"here"


def test_a_changed_file_has_another_version(tree: Path) -> None:
    before = {entry.name: entry.version for entry in FileSource([str(tree)]).entries()}
    (tree / "b.jpg").write_bytes(b"longer than before")
    after = {entry.name: entry.version for entry in FileSource([str(tree)]).entries()}
    assert {name for name in before if before[name] != after[name]} == {"b.jpg"}


def test_a_file_that_went_away_is_not_publishable(tree: Path) -> None:
    source = FileSource([str(tree)])
    list(source.entries())
    (tree / "b.jpg").unlink()
    with pytest.raises(NotPublishable, match=r"b\.jpg: No such file"):
        source.read("b.jpg")
