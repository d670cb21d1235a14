"""A destination holds whole files only, for one process at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_preprocess.facts import Digest
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.places import Provenance

DIGEST = Digest("sha256:0")
MADE = Provenance(model=DIGEST, configuration=DIGEST, input=DIGEST, output=DIGEST)


def test_a_written_file_is_there_whole_and_nothing_else_is(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path / "out")
    destination.write("a/b.jpg", b"one", MADE)
    destination.write("a/b.jpg", b"two", MADE)
    assert (tmp_path / "out" / "a" / "b.jpg").read_bytes() == b"two"
    assert destination.size_bytes("a/b.jpg") == 3
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["b.jpg"]


def test_a_missing_file_has_no_size_and_can_be_removed_again(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path)
    destination.write("x.jpg", b"1", MADE)
    destination.remove("x.jpg")
    destination.remove("x.jpg")
    assert destination.size_bytes("x.jpg") is None
    assert destination.size_bytes("x.jpg/below") is None


def test_a_full_disk_is_something_that_waiting_may_repair_and_leaves_nothing(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)], check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        destination = FolderDestination(mount)
        with pytest.raises(DependencyUnavailable, match=r"No space left on device. Make room"):
            destination.write("big.jpg", bytes(1_000_000), MADE)
        assert [path for path in mount.rglob("*") if path.is_file()] == []
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_a_place_that_cannot_be_written_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        FolderDestination(tmp_path / "file" / "out")
    destination = FolderDestination(tmp_path / "out")
    (tmp_path / "out" / "x.jpg").mkdir()
    with pytest.raises(ConfigurationError, match=r"x\.jpg cannot be written: Is a directory"):
        destination.write("x.jpg", b"1", MADE)


def test_a_second_process_is_told_who_works_there(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path)
    script = (
        "import sys; from pathlib import Path; from baas_preprocess.stores.folder import FolderDestination\n"
        "with FolderDestination(Path(sys.argv[1])).lock(): print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(ConfigurationError, match=rf"process {other.pid}\) is working on"), destination.lock():
            pass
        other.kill()
        other.wait()
        with destination.lock():
            pass


def test_taking_the_lock_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path)
    left_over = destination.state / "unfinished" / "half"
    left_over.write_bytes(b"half a file")
    with destination.lock():
        assert not left_over.exists()
