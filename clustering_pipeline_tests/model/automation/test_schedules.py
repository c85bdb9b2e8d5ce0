"""When a trigger is next: clocks that change, days away, jitter."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.model.automation.schedules import (
    CronSchedule,
    EventSchedule,
    IntervalSchedule,
    first_time,
    next_time,
    put_off,
)
from clustering_pipeline.model.automation.triggers import schedule_of
from clustering_pipeline.model.errors import InvalidDefinition

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def times(schedule, start: datetime, end: datetime) -> list[datetime]:
    """Every time of a schedule within a span, as a trigger meets them."""
    found, at = [], first_time(schedule, start)
    while at <= end:
        found.append(at)
        at = next_time(schedule, at, at)
    return found


# Zone, the day on which its clocks go forward, and the one on which they go back, in 2026.
NIGHTS = [
    pytest.param("Europe/Berlin", "2026-03-29", "2026-10-25", id="berlin"),
    pytest.param("America/New_York", "2026-03-08", "2026-11-01", id="new-york"),
    pytest.param("Australia/Lord_Howe", "2026-10-04", "2026-04-05", id="lord-howe"),
]


@pytest.mark.parametrize("clock", ["0 2", "15 2", "30 1", "45 2", "0 3", "59 1"])
@pytest.mark.parametrize(("zone", "forward", "back"), NIGHTS)
def test_a_daily_rerun_comes_exactly_once_on_the_nights_of_the_clocks(zone, forward, back, clock):
    schedule = CronSchedule(cron_expression=f"{clock} * * *", timezone=zone)
    for day in (forward, back):
        midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
        before, after = midnight - timedelta(days=1), midnight + timedelta(days=2)
        found = times(schedule, before.astimezone(UTC), after.astimezone(UTC))
        days = [one.astimezone(ZoneInfo(zone)).date() for one in found]
        assert days == [(before + timedelta(days=n)).date() for n in range(3)]


@pytest.mark.parametrize("clock", ["30 1", "45 1", "0 2", "30 2"])
@pytest.mark.parametrize(("zone", "forward", "back"), NIGHTS)
def test_the_next_time_never_lies_in_the_past(zone, forward, back, clock):
    """A firing may be noted late, so in the second pass of an hour that comes twice."""
    schedule = CronSchedule(cron_expression=f"{clock} * * *", timezone=zone)
    for day in (forward, back):
        midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for minutes in range(0, 300, 5):
            now = midnight + timedelta(minutes=minutes)
            assert now < next_time(schedule, midnight, now) <= now + 25 * HOUR


@pytest.mark.parametrize(("zone", "forward", "back"), NIGHTS)
def test_a_rerun_each_quarter_keeps_its_pace_on_those_nights(zone, forward, back):
    schedule = CronSchedule(cron_expression="*/15 * * * *", timezone=zone)
    for day in (forward, back):
        start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        found = times(schedule, start, start + 8 * HOUR)
        gaps = {after - before for before, after in pairwise(found)}
        assert gaps == {timedelta(minutes=15)}


def test_a_trigger_that_was_away_comes_once_and_late():
    daily = CronSchedule(cron_expression="0 2 * * *")
    missed = first_time(daily, NOON - timedelta(days=9))
    assert next_time(daily, missed, NOON) == datetime(2026, 11, 22, 2, tzinfo=UTC)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(away=st.integers(0, 10**7), interval=st.integers(300, 10**6))
def test_an_interval_keeps_its_phase_however_long_it_was_away(away, interval):
    schedule = IntervalSchedule(interval_seconds=interval)
    now = NOON + timedelta(seconds=away)
    following = next_time(schedule, NOON, now)
    assert 0 < (following - now).total_seconds() <= interval
    assert (following - NOON).total_seconds() % interval == 0


def test_an_interval_starts_at_once_or_after_one_of_it():
    assert first_time(IntervalSchedule(interval_seconds=600), NOON) == NOON + HOUR / 6
    at_once = IntervalSchedule(interval_seconds=600, start_immediately=True)
    assert first_time(at_once, NOON) == NOON


def test_events_are_looked_for_twice_a_minute():
    schedule = EventSchedule(event_type="batch_completed")
    assert first_time(schedule, NOON) == NOON
    assert next_time(schedule, NOON, NOON) == NOON + timedelta(seconds=30)


def test_jitter_puts_off_the_same_trigger_alike_and_others_differently():
    schedule = IntervalSchedule(interval_seconds=600, jitter_seconds=300)
    moved = [put_off(NOON, schedule, f"trig_{n}") for n in range(50)]
    assert moved == [put_off(NOON, schedule, f"trig_{n}") for n in range(50)]
    waits = [(one - NOON).total_seconds() for one in moved]
    assert 0 <= min(waits) < 60
    assert 240 < max(waits) <= 300
    assert put_off(NOON, IntervalSchedule(interval_seconds=600), "trig_1") == NOON


@pytest.mark.parametrize(
    ("kind", "config", "sentence"),
    [
        pytest.param("cron", {"cron_expression": "soon"}, "is no cron expression", id="cron"),
        pytest.param("cron", {"cron_expression": "0 0 2 * * *"}, "no five fields", id="seconds"),
        pytest.param(
            "cron",
            {"cron_expression": "0 2 * * *", "timezone": "Mars/Base"},
            "is no time zone",
            id="zone",
        ),
        pytest.param("interval", {"interval_seconds": 299}, "greater than or equal", id="often"),
        pytest.param(
            "conditional",
            {"condition_type": "drift", "threshold": 0.1, "check_interval_seconds": 10**12},
            "less than or equal",
            id="seldom",
        ),
        pytest.param("event", {"event_type": "rain"}, "batch_completed", id="event"),
        pytest.param("conditional", {"condition_type": "drift"}, "threshold", id="threshold"),
        pytest.param("interval", {"cron_expression": "0 2 * * *"}, "takes no", id="mixed-up"),
    ],
)
def test_settings_that_make_no_schedule_are_refused(kind, config, sentence):
    with pytest.raises(InvalidDefinition, match=sentence):
        schedule_of(kind, config)
