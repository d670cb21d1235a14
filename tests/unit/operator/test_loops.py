"""How often BlurJobs are looked at of which nothing is heard."""

from statistics import mean

import pytest

from baas_operator.loops import QUIET_PER_SECOND, quiet_pause


@pytest.mark.parametrize("blurjobs", [0, 1, 20])
def test_few_are_looked_at_as_often_as_was_decided(blurjobs: int) -> None:
    assert {quiet_pause(5.0, blurjobs) for _ in range(100)} == {5.0}


@pytest.mark.parametrize("blurjobs", [100, 1_000, 10_000])
def test_many_share_the_looks_and_none_is_left_alone_for_ever(blurjobs: int) -> None:
    pauses = [quiet_pause(5.0, blurjobs) for _ in range(10_000)]
    looks_per_second = blurjobs / mean(pauses)
    assert looks_per_second == pytest.approx(QUIET_PER_SECOND, rel=0.25)
    assert min(pauses) >= 5.0
    assert max(pauses) <= 2 * blurjobs / QUIET_PER_SECOND


def test_looks_that_began_at_once_spread_evenly() -> None:
    pauses = [quiet_pause(5.0, 1_000) for _ in range(10_000)]
    soon, later = (sum(start <= pause < start + 50 for pause in pauses) for start in (5, 55))
    assert 0.6 < later / soon < 1.0
