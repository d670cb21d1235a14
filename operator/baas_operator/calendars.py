"""When starts are due: a cron expression, read with the clocks of a time zone. Pure.

Starts are instants in UTC, whole minutes, each once. As in Debian's cron, a start at an hour that clocks skip comes
right after it, and one at an hour that they show twice comes the first time; what is due every hour or every few
minutes goes by the time that passes. Source: cron(8) of Debian, "Daylight Saving Time and other time changes".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from baas_crds.errors import ConfigurationError

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """All starts of a schedule."""

    schedule: str
    zone: ZoneInfo

    def starts(self, after: datetime) -> Iterator[datetime]:
        """Give the starts after a moment, in order; none when there is none in the next fifty years."""
        last = after
        for local in CronSim(self.schedule, after.astimezone(self.zone)):
            start = local.astimezone(UTC)
            if start > last:  # when clocks change, several times may be one instant, or lie behind
                yield start
                last = start

    def after(self, moment: datetime) -> datetime | None:
        """Return the first start after a moment."""
        return next(self.starts(moment), None)

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """Return the last start after one moment and not after another, however many there were in between."""
        found = self.after(after)
        if found is None or found > until:
            return None
        while until - found >= _MINUTE:  # starts are whole minutes: there may be a later one
            middle = found + (until - found) / 2
            later = self.after(middle)
            if later is not None and later <= until:
                found = later
            else:
                until = middle
        return found


def calendar_of(schedule: str, time_zone: str) -> Calendar:
    """Return the starts of a schedule. Raises `ConfigurationError` with what the API server could not tell."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"spec.timeZone: the IANA time zone database has no {time_zone}; use a name such as Europe/Amsterdam"
        ) from error
    try:
        CronSim(schedule, datetime.now(zone))
    except CronSimError as error:
        raise ConfigurationError(f"spec.schedule: {schedule} has no meaning to cron: {error}") from error
    return Calendar(schedule=schedule, zone=zone)
