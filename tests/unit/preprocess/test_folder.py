"""A destination holds whole files only, for one process at a time."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, DependencyUnavailable, NotPublishable
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
    with pytest.raises(ConfigurationError, match="File name too long"):
        FolderDestination(tmp_path / ("n" * 300))


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


KILLED_WHILE_WRITING = """
import os, resource, signal, sys
from pathlib import Path
from baas_preprocess.facts import Digest
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.places import Provenance

os.umask(0)
destination = FolderDestination(Path(sys.argv[1]))
# The kernel ends a process that writes more than it may.
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
nobody = Digest("sha256:0")
destination.write("a.jpg", bytes(20_000), Provenance(model=nobody, configuration=nobody, input=nobody, output=nobody))
"""


def test_what_a_process_left_that_was_killed_while_it_wrote_is_its_owner_s_alone_and_goes(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGXFSZ
    destination = FolderDestination(tmp_path)
    [half] = (destination.state / "unfinished").iterdir()
    assert (half.stat().st_size, stat.S_IMODE(half.stat().st_mode)) == (10_000, 0o600)
    assert destination.size_bytes("a.jpg") is None
    with destination.lock():
        assert not half.exists()


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_a_whole_file_is_readable_for_whom_the_umask_says(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        FolderDestination(tmp_path).write("a.jpg", b"whole", MADE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.jpg").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o664])
def test_who_may_read_a_file_may_read_what_replaces_it_and_nobody_else(tmp_path: Path, mode: int) -> None:
    published = tmp_path / "a.jpg"
    published.write_bytes(b"before")
    published.chmod(mode)
    with contextlib.suppress(PermissionError):  # only root may give a file to any group
        os.chown(published, -1, 12345)
    before = published.stat()
    FolderDestination(tmp_path).write("a.jpg", b"after", MADE)
    after = published.stat()
    assert published.read_bytes() == b"after"
    assert (after.st_mode, after.st_gid) == (before.st_mode, before.st_gid)
    assert after.st_ino != before.st_ino


def test_a_link_in_a_destination_never_leads_writes_or_removals_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "originals").mkdir()
    (tmp_path / "originals" / "a.jpg").write_bytes(b"original")
    destination = FolderDestination(tmp_path / "out")
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "originals")
    with pytest.raises(NotPublishable, match=r"sub/a\.jpg: a link in DEST leads") as refusal:
        destination.write("sub/a.jpg", b"redacted", MADE)
    destination.remove("sub/a.jpg")
    assert refusal.value.reason is QuarantineReason.UNUSABLE_NAME
    assert destination.size_bytes("sub/a.jpg") is None
    assert destination.digest("sub/a.jpg") is None
    assert (tmp_path / "originals" / "a.jpg").read_bytes() == b"original"


def test_a_link_in_the_place_of_a_picture_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "original.jpg").write_bytes(b"original")
    destination = FolderDestination(tmp_path / "out")
    (tmp_path / "out" / "a.jpg").symlink_to(tmp_path / "original.jpg")
    assert destination.size_bytes("a.jpg") is None
    destination.write("a.jpg", b"redacted", MADE)
    assert (tmp_path / "original.jpg").read_bytes() == b"original"
    assert destination.size_bytes("a.jpg") == len(b"redacted")


@pytest.mark.parametrize("name", ["/a.jpg", "../a.jpg", "a/../../a.jpg", "a/", ""])
def test_a_name_that_leads_out_of_the_folder_is_unusable(tmp_path: Path, name: str) -> None:
    destination = FolderDestination(tmp_path / "out")
    with pytest.raises(NotPublishable) as refusal:
        destination.write(name, b"1", MADE)
    destination.remove(name)
    assert refusal.value.reason is QuarantineReason.UNUSABLE_NAME


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("n" * 300 + ".jpg", id="too long"),
        pytest.param("folder.jpg", id="a folder has it"),
        pytest.param("file/a.jpg", id="a file is where its folder would be"),
        pytest.param("file/deep/a.jpg", id="a file is above where its folder would be"),
        pytest.param("loop/a.jpg", id="below a link to itself"),
    ],
)
def test_a_name_that_the_folder_has_no_room_for_is_about_one_picture(tmp_path: Path, name: str) -> None:
    destination = FolderDestination(tmp_path)
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(NotPublishable) as refusal:
        destination.write(name, b"1", MADE)
    destination.remove(name)
    assert refusal.value.reason is QuarantineReason.UNUSABLE_NAME
    assert destination.size_bytes(name) is None
    assert destination.digest(name) is None
    assert list((tmp_path / ".baas" / "unfinished").iterdir()) == []


def test_a_destination_that_is_a_link_to_itself_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ConfigurationError, match="leads nowhere"):
        FolderDestination(tmp_path / "loop")


def test_a_lock_that_cannot_be_opened_is_a_configuration_error(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path)
    (tmp_path / ".baas" / "lock").mkdir()
    with pytest.raises(ConfigurationError, match=r"lock cannot be opened: Is a directory"), destination.lock():
        pass


def test_only_plain_files_are_cleared_away(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path)
    (tmp_path / ".baas" / "unfinished" / "folder").mkdir()
    (tmp_path / ".baas" / "unfinished" / "link").symlink_to(tmp_path)
    with destination.lock():
        assert len(list((tmp_path / ".baas" / "unfinished").iterdir())) == 2


def test_a_picture_that_may_not_be_removed_is_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    monkeypatch.chdir(tmp_path)  # who has no rights may not pass the folders above
    destination = FolderDestination(Path())
    destination.write("a/x.jpg", b"1", MADE)
    (tmp_path / "a").chmod(0o555)
    tmp_path.chmod(0o755)
    with unprivileged(), pytest.raises(ConfigurationError, match=r"a/x\.jpg cannot be removed: Permission denied"):
        destination.remove("a/x.jpg")
