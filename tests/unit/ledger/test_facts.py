"""Facts that cannot be wrong, and sums of them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from baas_crds.codes import ObjectClass
from baas_ledger.columns import Moment
from baas_ledger.facts import Correction, DetectedObject, Progress

SHARES: dict[str, Any] = {"x": 0.5, "y": 0.5, "width": 0.1, "height": 0.1}


@pytest.mark.parametrize(
    "change",
    [{"x": 4000.0}, {"y": 2000.0}, {"width": 41.0}, {"height": 16.0}, {"x": -0.01}, {"x": 1.0}, {"y": float("nan")}],
)
def test_pixels_are_not_taken_for_shares_of_the_picture(change: dict[str, float]) -> None:
    """The earlier service stored corners in pixels in columns that said they were shares."""
    with pytest.raises(ValueError, match="a box needs shares of the picture from 0 to 1"):
        DetectedObject(object_class=ObjectClass.PERSON, score=0.5, **{**SHARES, **change})
    with pytest.raises(ValueError, match="a box needs shares of the picture from 0 to 1"):
        Correction(object_class=ObjectClass.PERSON, padding=0.1, **{**SHARES, **change})


def test_an_object_may_cross_the_seam_and_may_have_no_width() -> None:
    assert DetectedObject(object_class=ObjectClass.PERSON, score=0.5, x=0.99, y=0.0, width=0.1, height=1.0).width == 0.1
    assert DetectedObject(object_class=ObjectClass.PERSON, score=0.5, x=0.0, y=0.0, width=0.0, height=0.0).width == 0.0


@pytest.mark.parametrize(
    ("progress", "seconds"),
    [
        pytest.param(Progress(published=3), 0.0, id="nothing is left"),
        pytest.param(
            Progress(pending=3, leased=1, images_per_second=2.0), 2.0, id="pending and leased images are left"
        ),
        pytest.param(Progress(pending=3), None, id="nobody can tell while nothing moves"),
    ],
)
def test_the_time_left_is_what_remains_at_the_present_speed(progress: Progress, seconds: float | None) -> None:
    assert progress.seconds_left == seconds


def test_times_are_kept_in_utc_and_a_time_without_a_zone_is_refused() -> None:
    summer = datetime(2026, 6, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    column, dialect = Moment(), sqlite.dialect()
    assert column.process_bind_param(summer, dialect) == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    assert column.process_result_value(datetime(2026, 6, 1, 12, 0), dialect) == summer  # noqa: DTZ001 - as SQLite has it
    with pytest.raises(ValueError, match="has no time zone"):
        column.process_bind_param(datetime(2026, 6, 1, 12, 0), dialect)  # noqa: DTZ001 - the mistake in question
