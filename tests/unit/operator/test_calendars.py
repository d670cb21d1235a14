"""When starts are due, whatever clocks do."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_operator.calendars import Calendar, calendar_of

AMSTERDAM = "Europe/Amsterdam"
ZONES = ["Etc/UTC", AMSTERDAM, "America/New_York", "America/Santiago", "Africa/Casablanca", "Asia/Kathmandu"]
SCHEDULES = [
    *("* * * * *", "*/7 * * * *", "0 * * * *", "30 2 * * *", "15,45 1-3 * * *", "0 0 * * *", "0 */6 * * MON-FRI"),
    *("59 23 31 * *", "0 3 1 1 *", "0 12 29 2 *", "5/20 1,2,3 * * *", "0 2 13 * FRI"),
]
calendars = st.builds(calendar_of, st.sampled_from(SCHEDULES), st.sampled_from(ZONES))
# Two years with all their changes of clocks, rather often near one of them.
CHANGES = [datetime(2026, *rest, tzinfo=UTC) for rest in ((3, 29, 1), (10, 25, 1), (11, 1, 6))]
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 2 * 365 * 86_400).map(lambda seconds: NEW_YEAR + timedelta(seconds=seconds)) | st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(-180, 180)
)


def told(calendar: Calendar, after: str, number: int) -> list[str]:
    """The next starts after a moment, in UTC."""
    return [f"{start:%m-%d %H:%M}" for start in islice(calendar.starts(datetime.fromisoformat(after)), number)]


@given(calendars, moments)
def test_starts_are_whole_minutes_in_order_and_never_twice(calendar: Calendar, moment: datetime) -> None:
    starts = [moment, *islice(calendar.starts(moment), 30)]
    assert all(one < other for one, other in pairwise(starts))
    assert all((start.second, start.tzinfo) == (0, UTC) for start in starts[1:])


@given(calendars, moments, moments)
def test_it_does_not_matter_from_when_on_one_looks(calendar: Calendar, one: datetime, other: datetime) -> None:
    early, late = sorted((one, other))
    late = min(late, early + timedelta(hours=12))
    seen_early = next(start for start in calendar.starts(early) if start > late)
    assert calendar.after(late) == seen_early


@given(calendars, moments, st.integers(0, 60 * 24 * 400))
def test_the_latest_start_is_the_one_with_none_behind_it(calendar: Calendar, until: datetime, minutes: int) -> None:
    after = until - timedelta(minutes=minutes)
    latest, first = calendar.latest(after, until), calendar.after(after)
    if latest is None:
        assert first is None or first > until
        return
    assert after < latest <= until
    following = calendar.after(latest)
    assert following is None or following > until


def test_a_start_is_told_by_the_zones_clocks_in_summer_and_winter() -> None:
    nightly = calendar_of("0 2 * * *", AMSTERDAM)
    assert told(nightly, "2026-07-01T00:00Z", 1) == ["07-02 00:00"]
    assert told(nightly, "2026-01-01T00:00Z", 1) == ["01-01 01:00"]


def test_a_start_at_a_time_that_clocks_skip_comes_right_after_it() -> None:
    # On 29 March 2026 02:00 to 03:00 are missing: 03:00 is 01:00 UTC.
    assert told(calendar_of("30 2 * * *", AMSTERDAM), "2026-03-28T12:00Z", 2) == ["03-29 01:00", "03-30 00:30"]
    assert told(calendar_of("15,45 2 * * *", AMSTERDAM), "2026-03-28T12:00Z", 2) == ["03-29 01:00", "03-30 00:15"]


def test_a_start_at_a_time_that_clocks_show_twice_comes_once() -> None:
    # On 25 October 2026 02:00 to 03:00 come twice, from 00:00 UTC and from 01:00 UTC on.
    nightly = calendar_of("30 2 * * *", AMSTERDAM)
    assert told(nightly, "2026-10-24T12:00Z", 2) == ["10-25 00:30", "10-26 01:30"]
    assert told(nightly, "2026-10-25T00:45Z", 1) == ["10-26 01:30"]
    assert told(nightly, "2026-10-25T01:15Z", 1) == ["10-26 01:30"]


def test_hourly_starts_go_by_the_time_that_passes() -> None:
    hourly = calendar_of("0 * * * *", AMSTERDAM)
    assert told(hourly, "2026-10-24T23:30Z", 4) == ["10-25 00:00", "10-25 01:00", "10-25 02:00", "10-25 03:00"]


def test_what_never_comes_is_told_as_none() -> None:
    # 31 November, or a Sunday that is a 30 February: both fields are days that do not come.
    with pytest.raises(ConfigurationError, match=r"spec\.schedule: 0 0 31 11 \* has no meaning"):
        calendar_of("0 0 31 11 *", AMSTERDAM)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "Europe", "Amsterdam", "posix/../../etc/passwd"])
def test_a_zone_that_there_is_not_is_named(zone: str) -> None:
    with pytest.raises(ConfigurationError, match=r"spec\.timeZone: the IANA time zone database has no "):
        calendar_of("0 2 * * *", zone)


def test_an_order_that_cron_does_not_know_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"spec\.schedule: 30-10 2 \* \* \* has no meaning to cron"):
        calendar_of("30-10 2 * * *", AMSTERDAM)
