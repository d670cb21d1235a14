"""What is away for a moment is asked again, and not for ever."""

import time

import pytest

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_preprocess.patience import patient


class Server:
    """Fails so many times, each time after so many seconds."""

    def __init__(self, failures: int, *, seconds: float = 0, error: Exception | None = None) -> None:
        self.failures, self.seconds, self.asked = failures, seconds, 0
        self.error = error or DependencyUnavailable("it is away")

    def ask(self) -> str:
        self.asked += 1
        time.sleep(self.seconds)
        if self.asked <= self.failures:
            raise self.error
        return "here"


def test_what_comes_back_in_time_answers() -> None:
    server = Server(3)
    assert patient(30, dependency="triton")(server.ask) == "here"
    assert server.asked == 4


def test_what_stays_away_is_given_up() -> None:
    server = Server(100)
    with pytest.raises(DependencyUnavailable):
        patient(0.5, dependency="triton")(server.ask)
    assert server.asked > 1


def test_a_call_that_uses_up_the_patience_alone_is_made_again_where_that_is_wanted() -> None:
    """As when a server is noticed to be lost only after half a minute, and another one would answer at once."""
    with pytest.raises(DependencyUnavailable):
        patient(0.1, dependency="triton")(Server(1, seconds=0.2).ask)
    assert patient(0.1, dependency="triton", attempts=3)(Server(2, seconds=0.2).ask) == "here"
    with pytest.raises(DependencyUnavailable):
        patient(0.1, dependency="triton", attempts=3)(Server(3, seconds=0.2).ask)


def test_what_waiting_cannot_repair_is_told_at_once() -> None:
    server = Server(1, error=ConfigurationError("another model"))
    with pytest.raises(ConfigurationError):
        patient(30, dependency="triton")(server.ask)
    assert server.asked == 1
