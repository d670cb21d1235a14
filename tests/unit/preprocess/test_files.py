"""What a source lists, names and refuses."""

import os
import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
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
    assert re.fullmatch(r"caf\\xe9\.jpg \([0-9a-f]{8}\)", entry.name)
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


def problems(*places: Path | str) -> dict[str, NotPublishable]:
    entries = FileSource([str(place) for place in places]).entries()
    return {entry.name: entry.problem for entry in entries if entry.problem}


def test_two_names_that_print_alike_are_two(tree: Path) -> None:
    Path(os.fsdecode(os.fsencode(tree) + b"/bad\xff.jpg")).write_bytes(b"x")
    (tree / "bad\\xff.jpg").write_bytes(b"x")
    listed = [name for name in names(tree) if name.startswith("bad")]
    assert len(set(listed)) == 2
    assert "bad\\xff.jpg" in listed


def test_what_is_no_plain_file_is_listed_with_its_problem_and_never_waited_for(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)  # a socket's path must be short
    os.mkfifo(tree / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
    (tree / "device.jpg").symlink_to("/dev/zero")
    found = problems(tree)
    assert {name: str(problem) for name, problem in found.items()} == dict.fromkeys(
        ("device.jpg", "pipe.jpg", "socket.jpg"), "It is not a regular file."
    )
    assert {problem.reason for problem in found.values()} == {QuarantineReason.UNREADABLE}
    assert set(problems(tree / "pipe.jpg")) == {"pipe.jpg"}


def test_a_picture_that_became_a_pipe_is_not_waited_for(tree: Path) -> None:
    source = FileSource([str(tree)])
    list(source.entries())
    (tree / "b.jpg").unlink()
    os.mkfifo(tree / "b.jpg")
    with pytest.raises(NotPublishable, match="not a regular file"):
        source.read("b.jpg")


def test_a_picture_that_is_a_link_to_itself_has_a_problem(tree: Path) -> None:
    (tree / "loop.jpg").symlink_to(tree / "loop.jpg")
    assert set(problems(tree)) == {"loop.jpg"}


def test_what_a_destination_keeps_beside_its_pictures_is_no_source(tree: Path) -> None:
    for folder in (".baas/unfinished", "a/.baas"):
        (tree / folder).mkdir(parents=True)
        (tree / folder / "half.jpg").write_bytes(b"x")
    assert names(tree) == ["a/.baas/half.jpg", "a/x.JPG", "a/y.png", "b.jpg", "c/z.tiff"]
    assert ".baas/unfinished/half.jpg" not in names(f"{tree}/**/*.jpg")


def test_a_folder_that_cannot_be_listed_has_a_name_that_no_picture_can_have(
    tree: Path, monkeypatch: pytest.MonkeyPatch, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    monkeypatch.chdir(tree)  # who has no rights may not pass the folders above
    tree.chmod(0o755)
    (tree / "a").chmod(0)
    source = FileSource(["."])
    with unprivileged():
        found = {entry.name: entry.problem for entry in source.entries()}
    assert list(found) == ["a/(folder that cannot be listed)", "b.jpg", "c/z.tiff"]
    assert "Permission denied" in str(found["a/(folder that cannot be listed)"])
    tree.chmod(0o111)
    with unprivileged():
        assert [entry.name for entry in source.entries()] == ["(folder that cannot be listed)"]


def test_a_pattern_that_leads_out_of_its_fixed_part_is_refused(tree: Path) -> None:
    (tree.parent / "secret.jpg").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match=r"`\.\.` behind a wildcard"):
        FileSource([f"{tree}/*/../../secret.jpg"])
    assert names(f"{tree}/a/../*.jpg") == ["b.jpg"]


def test_a_source_that_is_a_link_to_itself_is_a_configuration_error(tree: Path) -> None:
    (tree / "loop").symlink_to(tree / "loop")
    with pytest.raises(ConfigurationError, match="leads nowhere"):
        FileSource([str(tree / "loop")])


def test_a_source_below_an_unreadable_folder_is_a_configuration_error(
    tree: Path, monkeypatch: pytest.MonkeyPatch, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    monkeypatch.chdir(tree)
    (tree / "a").chmod(0)
    tree.chmod(0o755)
    with unprivileged():
        for place in ("a/x.JPG", "a/*.png/b"):
            with pytest.raises(ConfigurationError, match=r"SOURCE a/"):
                FileSource([place])


def test_a_change_that_keeps_size_and_time_is_another_version(tree: Path) -> None:
    [before] = FileSource([str(tree / "b.jpg")]).entries()
    kept = (tree / "b.jpg").stat()
    (tree / "b.jpg").write_bytes(b"B.JPG")
    os.utime(tree / "b.jpg", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    [after] = FileSource([str(tree / "b.jpg")]).entries()
    assert before.size_bytes == after.size_bytes
    assert before.version != after.version
