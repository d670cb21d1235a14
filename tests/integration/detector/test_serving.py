"""The model in a real Triton: what it answers, and how it starts and ends."""

import json
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as client
from tritonclient.utils import InferenceServerException

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_detector.checks import Tile, with_openvino
from baas_detector.export import sample_tiles
from baas_detector.repository import open_repository
from baas_detector.server import Ports, running
from tests.waiting import PATIENCE_SECONDS, eventually

from .conftest import DETECTOR, Serve, Served


def ask(address: str, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    given = client.InferInput("TILES", tiles.shape, "UINT8")
    given.set_data_from_numpy(tiles)
    with client.InferenceServerClient(address) as server:
        answer = server.infer("person_plate", [given], client_timeout=PATIENCE_SECONDS)
    return answer.as_numpy("BOXES"), answer.as_numpy("COUNT")


@pytest.fixture(scope="module")
def photos() -> list[Tile]:
    return list(sample_tiles(320).values())


@pytest.fixture(scope="module")
def small(small_repository: Path, serve: Serve) -> Iterator[Served]:
    with serve(small_repository) as served:
        yield served


def children(pid: int) -> list[int]:
    own = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return own + [descendant for child in own for descendant in children(child)]


@contextmanager
def all_end(pids: list[int], seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Wait at the end of the block until these processes, which are not our children, have ended."""
    with ExitStack() as stack:
        handles = [stack.enter_context(open(os.pidfd_open(pid), "rb")) for pid in pids]  # noqa: PTH123 - no path
        yield
        deadline = time.monotonic() + seconds
        for pid, handle in zip(pids, handles, strict=True):
            ended, _, _ = select.select([handle], [], [], max(0, deadline - time.monotonic()))
            assert ended, f"process {pid} did not end within {seconds} s"


def traces(pids: list[int]) -> list[Path]:
    """The private folder and the shared memory of the servers with these process ids."""
    arguments = [Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in pids]
    names = {a.rpartition("=")[2] for argv in arguments for a in argv if "shm-region-prefix-name" in a}
    assert names
    return [path for name in names for folder in ("/tmp", "/dev/shm") for path in Path(folder).glob(f"{name}*")]  # noqa: S108


def test_triton_answers_what_the_graph_answers_for_each_tile_of_a_batch(
    triton: str, model_repository: Path, photos: list[Tile]
) -> None:
    graph = (model_repository / "person_plate" / "1" / "model.onnx").read_bytes()
    precision = open_repository(model_repository).card.built.precision
    expected = [with_openvino(graph, precision)(photo) for photo in photos]

    boxes, count = ask(triton, np.stack(photos))

    assert count.flatten().tolist() == [len(rows) for rows in expected]
    for found, rows in zip(boxes, expected, strict=True):
        np.testing.assert_allclose(found[: len(rows)], rows, atol=0.05)
        assert not found[len(rows) :].any()


def test_tiles_may_have_another_size_in_each_request(triton: str, photos: list[Tile]) -> None:
    whole, part = photos[0][np.newaxis], np.ascontiguousarray(photos[0][np.newaxis, :200, :131])

    first, _ = ask(triton, whole)
    ask(triton, part)
    again, _ = ask(triton, whole)

    np.testing.assert_array_equal(first, again)


def test_requests_at_the_same_time_are_answered_one_after_the_other_and_none_waits_for_all(small: Served) -> None:
    tile = np.zeros((1, 640, 640, 3), np.uint8)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(small.announced["grpc"], tile), range(24)))

    with client.InferenceServerClient(small.announced["grpc"]) as server:

        def all_executed() -> dict[str, Any] | None:
            told: dict[str, Any] = server.get_inference_statistics("person_plate", as_json=True)["model_stats"][0]
            return told if int(told["execution_count"]) >= 24 else None

        statistics = eventually(all_executed)  # which Triton counts after the answer
    assert {batch["batch_size"] for batch in statistics["batch_stats"]} == {"1"}


def test_more_boxes_than_fit_show_in_the_count(small: Served) -> None:
    boxes, count = ask(small.announced["grpc"], np.zeros((2, 256, 256, 3), np.uint8))

    assert boxes.shape == (2, 10, 6)
    assert (count > 10).all()


def test_a_batch_full_of_objects_has_boxes_for_each_of_its_tiles(small: Served) -> None:
    """The earlier service stopped suppression at a time limit; the rest of the batch came back without boxes."""
    noise = np.random.default_rng(0).integers(0, 256, (8, 1024, 1024, 3), np.uint8)

    boxes, count = ask(small.announced["grpc"], noise)

    assert (count > 10).all()
    assert (boxes[..., 4] > 0).all()


def test_tiles_without_anybody_are_answered_beside_others(triton: str, photos: list[Tile]) -> None:
    """The earlier service answered 500 for an image without people."""
    nobody = np.full_like(photos[0], 128)

    boxes, count = ask(triton, np.stack([nobody, photos[0]]))

    assert count[0] == 0
    assert not boxes[0].any()
    assert count[1] > 0


@pytest.mark.parametrize("shape", [(1, 64, 64, 4), (9, 64, 64, 3), (64, 64, 3)])
def test_a_request_that_does_not_fit_is_an_error_and_never_an_empty_answer(
    small: Served, shape: tuple[int, ...]
) -> None:
    with pytest.raises(InferenceServerException):
        ask(small.announced["grpc"], np.zeros(shape, np.uint8))


def listened_on(served: Served) -> set[str]:
    """The addresses on which the server listens, as the kernel writes them."""
    ports = {int(served.announced[name].split(":")[1]) for name in ("grpc", "http", "metrics")}

    def found() -> set[str] | None:
        listening = [
            (local.split(":")[0], int(local.split(":")[1], 16))
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            for _, local, _, state, *_ in (line.split() for line in Path(table).read_text().splitlines()[1:])
            if state == "0A"
        ]
        addresses = {address[-8:] for address, port in listening if port in ports}
        return addresses if ports <= {port for _, port in listening} else None

    return eventually(found)  # the kernel leaves some out while others come and go


def test_nobody_else_on_the_machine_can_read_the_tiles(small: Served) -> None:
    regions = [path for path in traces(children(small.process.pid)) if path.is_file()]
    assert regions
    assert {stat.S_IMODE(path.stat().st_mode) for path in regions} == {0o600}


def test_the_server_listens_on_loopback_only(small: Served) -> None:
    assert listened_on(small) == {"0100007F"}


def test_the_server_listens_everywhere_when_told(small_repository: Path, serve: Serve) -> None:
    with serve(small_repository, "--address", "0.0.0.0") as served:  # noqa: S104 - what a pod is told
        assert listened_on(served) == {"00000000"}


def test_an_address_that_is_not_ours_is_named(small_repository: Path) -> None:
    code, message = ended("--repository", small_repository, "--address", "192.0.2.1", "--grpc-port", "8001")

    assert code == ExitCode.CONFIGURATION
    assert message == "Error: Port 8001 on 192.0.2.1 cannot be used: Cannot assign requested address\n"


def test_sigterm_ends_the_server_and_leaves_nothing(small_repository: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(small_repository, "--announce", str(tmp_path / "where"), "--log-file", str(tmp_path / "log")) as served:
        assert json.loads((tmp_path / "where").read_text()) == served.announced
        assert "person_plate" in (tmp_path / "log").read_text()
        pids = children(served.process.pid)
        left = traces(pids)
        assert len(left) == 2

        with all_end(pids):
            served.process.send_signal(signal.SIGTERM)

        assert served.process.wait(PATIENCE_SECONDS) == ExitCode.DONE
        assert [path for path in left if path.exists()] == []


def test_a_kill_leaves_no_server_and_the_next_one_tidies_up(small_repository: Path, serve: Serve) -> None:
    with serve(small_repository) as served:
        pids = children(served.process.pid)
        left = traces(pids)

        with all_end(pids):
            served.process.kill()

    with serve(small_repository):
        assert [path for path in left if path.exists()] == []


def test_when_triton_dies_the_command_says_so_and_nothing_is_left_of_it(small_repository: Path, serve: Serve) -> None:
    with serve(small_repository) as served:
        assert served.process.stderr is not None
        pids = children(served.process.pid)
        with all_end(pids):
            os.kill(pids[0], signal.SIGKILL)

        assert served.process.wait(PATIENCE_SECONDS) == ExitCode.UNREACHABLE
        assert "Error: The Triton server went away (exit code -9)" in served.process.stderr.read()


def ended(*options: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [DETECTOR, "serve", *options], check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_port_that_is_taken_is_named(small_repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        code, message = ended("--repository", small_repository, "--grpc-port", str(port))

    assert code == ExitCode.CONFIGURATION
    assert message == f"Error: Port {port} on 127.0.0.1 cannot be used: Address already in use\n"


def test_a_damaged_model_is_not_served(small_repository: Path, tmp_path: Path) -> None:
    shutil.copytree(small_repository, tmp_path, dirs_exist_ok=True)
    (tmp_path / "person_plate" / "1" / "model.onnx").write_bytes(b"damaged")

    code, message = ended("--repository", tmp_path)

    assert code == ExitCode.CONFIGURATION
    assert "was changed since it was built (1/model.onnx)" in message


def test_any_triton_refuses_a_graph_that_is_not_the_cards(small_repository: Path, tmp_path: Path) -> None:
    shutil.copytree(small_repository, tmp_path, dirs_exist_ok=True)
    graph = tmp_path / "person_plate" / "1" / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b" ")

    with (
        pytest.raises(ConfigurationError, match=r"could not start: .*model.onnx is sha256:\w+; expected sha256:\w+"),
        running(tmp_path, Ports(), None, ready_seconds=PATIENCE_SECONDS),
    ):
        pass


def test_what_cannot_be_ready_in_time_is_given_up(small_repository: Path) -> None:
    code, message = ended("--repository", small_repository, "--ready-seconds", "0.01")

    assert code == ExitCode.UNREACHABLE
    assert "was not ready within" in message
