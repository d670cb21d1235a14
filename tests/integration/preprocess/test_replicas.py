"""Workers share several Tritons behind one name, and none of them is indispensable."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from baas_crds.codes import ExitCode
from baas_preprocess.detect import TritonDetector
from tests.kills.processes import Call, start
from tests.waiting import PATIENCE_SECONDS, eventually

from .conftest import command, published
from .replicas import Replicas, replicas

PICTURES = 16
BLACK = [np.zeros((320, 320, 3), np.uint8)] * 4


@pytest.fixture
def pair(model_repository: Path) -> Iterator[Replicas]:
    with replicas(model_repository) as them:
        them.add()
        them.add()
        yield them


@pytest.fixture
def street(tmp_path: Path, photo: bytes) -> Path:
    folder = tmp_path / "street"
    folder.mkdir()
    for number in range(PICTURES):
        (folder / f"{number}.jpg").write_bytes(photo)
    return folder


def begun(street: Path, out: Path, them: Replicas) -> Call:
    """Start a run; return when a few pictures are published."""
    call = start(command("blur", street, out, "--json", triton=them.target)[1:], os.environ, out.with_suffix(".call"))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not out.is_dir() or len(published(out)) < 2:
        assert time.monotonic() < deadline, call.err
        assert call.ended(0.05) is None, call.err
    return call


def answered(them: Replicas, *, together: int) -> list[int]:
    """How many requests each has answered, once these are all that were made: a server counts after its answer."""

    def found() -> list[int] | None:
        counts = [replica.answered for replica in them.running]
        return counts if sum(counts) == together else None

    return eventually(found)


def test_requests_go_to_each_in_turn_and_to_one_that_comes_later(pair: Replicas) -> None:
    with TritonDetector(pair.target) as detector:
        made = len(pair.running)  # each was asked once, which warmed it
        while not all(replica.answered > 1 for replica in pair.running):
            detector.detect(BLACK)  # until it is connected to both
            made += len(BLACK)
        before = answered(pair, together=made)
        for _ in range(5):
            detector.detect(BLACK)
        after = answered(pair, together=made + 20)
        assert [count - earlier for count, earlier in zip(after, before, strict=True)] == [10, 10]
        third = pair.add()
        warm, deadline = third.answered, time.monotonic() + PATIENCE_SECONDS
        while third.answered == warm:
            assert time.monotonic() < deadline
            detector.detect(BLACK)


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_one_that_is_lost_costs_nothing_but_its_requests(
    pair: Replicas, street: Path, tmp_path: Path, fault: signal.Signals
) -> None:
    """Killed, stopped in an orderly way, or silent, as when its node is gone."""
    lost, left = pair.running
    call = begun(street, tmp_path / "out", pair)
    while not lost.answered > 1:  # besides what warms it: it has a part in the run
        assert call.ended(0.05) is None, call.err
    already = left.answered
    lost.send(fault)
    try:
        assert call.code() == ExitCode.DONE, call.err
    finally:
        lost.send(signal.SIGCONT)
    images = call.document["images"]
    assert (images["published"], images["quarantined"], images["total"]) == (PICTURES, 0, PICTURES)
    assert left.answered > already
    assert len(set(published(tmp_path / "out").values())) == 1
