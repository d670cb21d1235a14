"""Whatever ends `baas blur`, nothing is lost, doubled or half-written, and the same command continues."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from baas_crds.codes import ExitCode
from tests.waiting import PATIENCE_SECONDS, eventually

from .conftest import Ended, command, published
from .test_blur import unfinished

Baas = Callable[..., Ended]
KILLS = 8


@pytest.fixture
def many(tmp_path: Path, photo: bytes) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(24):
        (folder / f"{number:02}.jpg").write_bytes(photo)
    return folder


@contextmanager
def running(*arguments: str | Path, triton: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """A `baas blur` that has planned and works."""
    with subprocess.Popen(command("blur", *arguments, triton=triton), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while "to do" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        yield process
        if process.poll() is None:
            process.kill()


def wait_for_outputs(folder: Path, number: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many pictures are published. The process ends by itself, so this does."""
    while len(list(folder.glob("*.jpg"))) < number and process.poll() is None:
        threading.Event().wait(0.005)


def test_killed_at_any_instant_every_picture_is_published_once_and_the_bytes_are_the_same(
    baas: Baas, many: Path, triton: str, tmp_path: Path
) -> None:
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    assert baas("blur", many, undisturbed, triton=triton).code == ExitCode.DONE
    generator = random.Random(7)  # noqa: S311 - instants, not secrets
    for kill in range(KILLS):
        with running(many, out, triton=triton) as process:
            wait_for_outputs(out, 2 * kill, process)
            threading.Event().wait(generator.uniform(0, 0.2))
            process.kill()
        assert all(data == published(undisturbed)[name] for name, data in published(out).items())
    ended = baas("blur", many, out, "--max-attempts", "100", "--json", triton=triton)
    assert (ended.code, ended.document["images"]["published"]) == (ExitCode.DONE, 24)
    assert published(out) == published(undisturbed)
    assert unfinished(out) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_what_is_in_flight_and_the_next_call_continues(
    number: signal.Signals, baas: Baas, many: Path, triton: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with running(many, out, "--json", "--delete-source", "after-verified", triton=triton) as process:
        wait_for_outputs(out, 2, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "Finishing what is in flight" in err
    some = len(published(out))
    assert 2 <= some < 24
    assert len(published(many)) == 24
    ended = baas("blur", many, out, "--json", triton=triton)
    assert (ended.code, ended.document["now"]["published"]) == (ExitCode.DONE, 24 - some)


def test_a_second_signal_leaves_at_once_and_releases_what_was_in_flight(
    baas: Baas, many: Path, triton: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with running(many, out, triton=triton) as process:
        wait_for_outputs(out, 1, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "Finishing" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.INTERRUPTED
    ended = baas("blur", many, out, "--json", triton=triton)
    assert (ended.code, ended.document["images"]["published"]) == (ExitCode.DONE, 24)


def test_a_triton_that_dies_midway_ends_the_call_and_loses_nothing(
    baas: Baas, many: Path, triton: str, model_repository: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    serve = [str(Path(sys.executable).with_name("baas-detector")), "serve", "--repository", str(model_repository)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, start_new_session=True) as server:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["grpc"]
        with running(many, out, "--patience-seconds", "3", triton=address) as process:
            wait_for_outputs(out, 2, process)
            os.killpg(server.pid, signal.SIGKILL)
            _, err = process.communicate(timeout=PATIENCE_SECONDS)
        server.wait()
    assert process.returncode == ExitCode.UNREACHABLE, err
    assert f"Error: Triton at {address} does not answer" in err
    assert len(published(out)) < 24
    ended = baas("blur", many, out, "--json", triton=triton)
    assert (ended.code, ended.document["images"]["published"]) == (ExitCode.DONE, 24)


def test_a_local_triton_is_started_and_is_gone_afterwards_even_after_a_kill(
    photos: Path, model_repository: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with running(photos, out, "--model-repository", model_repository) as process:
        children = _children(process.pid)
        assert children
        process.kill()
    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_a_full_disk_ends_the_call_with_what_to_do_and_leaves_whole_files_only(
    baas: Baas, many: Path, photo: bytes, triton: str, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        ended = baas("blur", many, small, triton=triton)
        assert ended.code == ExitCode.UNREACHABLE
        assert "Make room, then run the same command again" in ended.err
        whole = published(small)
        undisturbed = tmp_path / "undisturbed"
        shutil.copy(many / "00.jpg", tmp_path / "one.jpg")
        baas("blur", tmp_path / "one.jpg", undisturbed, triton=triton)
        assert set(whole.values()) <= set(published(undisturbed).values())
    finally:
        subprocess.run(["umount", str(small)], check=True)


def _children(parent: int) -> list[int]:
    found = [int(text) for text in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return [*found, *(below for child in found for below in _children(child))]
