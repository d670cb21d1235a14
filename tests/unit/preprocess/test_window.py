"""The window of requests to Triton: never wider than set, narrow while the server falls behind, wide again after."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.codes import QuarantineReason
from baas_crds.errors import DependencyUnavailable, NotPublishable
from baas_preprocess.window import Size, Window

MOST = 4
histories = st.lists(st.tuples(st.booleans(), st.floats(0, 200)))


@given(histories)
def test_it_stays_between_one_and_the_most(history: list[tuple[bool, float]]) -> None:
    size = Size(MOST, MOST)
    for is_quick, at in history:
        size = size.answered() if is_quick else size.held_up(sent_at=at, now=at + 1)
        assert 1 <= size.requests <= MOST


def test_requests_that_fail_together_make_it_smaller_once() -> None:
    size = Size(8, 8)
    for number in range(8):
        size = size.held_up(sent_at=number / 10, now=10)
    assert size.requests == 4
    assert size.held_up(sent_at=11, now=12).requests == 2


def test_quick_answers_open_it_again() -> None:
    size = Size(MOST, MOST).held_up(sent_at=0, now=1).held_up(sent_at=2, now=3)
    assert size.requests == 1
    answers = 0
    while size.requests < MOST:
        size = size.answered()
        answers += 1
    assert MOST < answers < 3 * MOST


def test_threads_hold_no_more_places_than_there_are() -> None:
    window, all_in = Window(MOST, slow_seconds=60), threading.Barrier(MOST)
    held, most_held, lock = 0, 0, threading.Lock()

    def send(_: int) -> None:
        nonlocal held, most_held
        with window.request():
            with lock:
                held += 1
                most_held = max(most_held, held)
            all_in.wait(60)  # as many as the window is wide are in at once
            with lock:
                held -= 1

    with ThreadPoolExecutor(3 * MOST) as pool:
        list(pool.map(send, range(3 * MOST)))
    assert most_held == MOST


@pytest.mark.parametrize(
    ("error", "places"),
    [
        (DependencyUnavailable("away"), MOST // 2),
        (NotPublishable(QuarantineReason.DETECTOR_REFUSED, "no"), MOST),
    ],
)
def test_only_a_server_that_is_away_narrows_it(error: Exception, places: int) -> None:
    window = Window(MOST, slow_seconds=60)
    with pytest.raises(type(error)), window.request():
        raise error
    assert window.places == places


def test_a_slow_answer_narrows_it() -> None:
    window = Window(MOST, slow_seconds=-1)
    for places in (MOST // 2, 1, 1):
        with window.request():
            pass
        assert window.places == places


@pytest.mark.parametrize(("is_fixed", "least", "most"), [(True, 0.0, 0.3), (False, 0.7, 1.0)])
def test_a_fleet_too_large_for_its_server_still_gets_its_answers(is_fixed: bool, least: float, most: float) -> None:
    """Without it, most answers come after their deadlines: the server works, and nobody gets on."""
    assert least <= useful_share(workers=50, is_fixed=is_fixed) <= most


def useful_share(*, workers: int, is_fixed: bool) -> float:
    """Return which share of a server's time went into answers that came in time.

    It takes 1 s for each request, one after the other, also for those that nobody waits for any more; deadlines are
    120 s. Each worker always has more to ask.
    """
    env = simpy.Environment()
    server, seconds, in_time = simpy.Resource(env), 20_000, 0

    def serve() -> Iterator[Any]:
        with server.request() as turn:
            yield turn
            yield env.timeout(1)

    def worker() -> Iterator[Any]:
        nonlocal in_time
        size, under_way, ended = Size(MOST, MOST), 0, env.event()

        def request() -> Iterator[Any]:
            nonlocal in_time, size, under_way, ended
            sent_at, answer = env.now, env.process(serve())
            yield answer | env.timeout(120)
            took = env.now - sent_at
            in_time += answer.triggered
            under_way -= 1
            if not is_fixed:
                size = size.held_up(sent_at=sent_at, now=env.now) if took > 30 else size.answered()
            ended.succeed()
            ended = env.event()

        while True:
            while under_way < int(size.requests):
                under_way += 1
                env.process(request())
            yield ended

    for _ in range(workers):
        env.process(worker())
    env.run(until=seconds)
    return in_time / seconds
