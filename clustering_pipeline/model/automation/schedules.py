"""When a trigger is next: by a clock, or by a look at what has happened since."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from clustering_pipeline.model.base import RequestModel
from clustering_pipeline.model.times import to_milliseconds

EVENT_CHECK_SECONDS = 30
YEAR_SECONDS = 366 * 86_400
_SOME_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - an expression is read, no time is told


def _expression(text: str) -> str:
    try:
        CronSim(text, _SOME_DAY)
    except CronSimError as error:
        message = f"{text[:100]!r} is no cron expression: {error}"
        raise ValueError(message) from error
    if len(text.split()) != 5:
        message = f"{text[:100]!r} has no five fields: minute, hour, day, month, weekday"
        raise ValueError(message)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"{name[:100]!r} is no time zone: use a name such as Europe/Berlin, or UTC"
        raise ValueError(message) from error
    return name


Jitter = Annotated[int, Field(ge=0, le=3600)]


class CronSchedule(RequestModel):
    """At the times of a cron expression, on the clocks of a time zone."""

    cron_expression: Annotated[str, Field(max_length=200), AfterValidator(_expression)]
    """Minute, hour, day, month, weekday."""
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """A time that a night's change of clocks skips runs right after it; one that comes twice runs
    once."""
    jitter_seconds: Jitter = 0
    """Each time is put off by up to that much, so that not everything starts at once."""


class IntervalSchedule(RequestModel):
    """Again and again."""

    interval_seconds: int = Field(ge=300, le=YEAR_SECONDS)
    """From one time to the next."""
    start_immediately: bool = False
    """Whether the first time is at once, or after one interval."""
    jitter_seconds: Jitter = 0
    """Each time is put off by up to that much."""


class EventSchedule(RequestModel):
    """When enough has happened to the input collections."""

    event_type: Literal["documents_added", "documents_updated", "batch_completed"]
    """What is counted."""
    event_threshold: int = Field(default=1, ge=1)
    """How many it takes."""
    cooldown_seconds: int = Field(default=300, ge=0)
    """Least time from one run to the next."""


class ConditionalSchedule(RequestModel):
    """When the published groups no longer fit.

    It fires once for the same groups, unless its run failed; groups that its own run made are not
    judged by their quality again, for the same documents give the same.
    """

    condition_type: Literal["drift", "volume", "quality"]
    """New documents far from every group, many new documents, or a metric that is too low."""
    threshold: float
    """Drift: the share of new documents.  Volume: new documents, a share of the published ones
    below 1.  Quality: the least value of the metric."""
    metric: str | None = Field(default=None, max_length=100)
    """Quality: which metric, silhouette_score when nothing is said.  Drift: ``share_far`` or
    ``mean_cosine`` of what the run has not seen; ``novelty_share`` or ``novelty_pool`` of what a
    run in mode assign put into no group, ``drift`` of all that it looked at."""
    check_interval_seconds: int = Field(default=3600, ge=60, le=YEAR_SECONDS)
    """From one look to the next."""
    cooldown_seconds: int = Field(default=300, ge=0)
    """Least time from one run to the next."""


Schedule = CronSchedule | IntervalSchedule | EventSchedule | ConditionalSchedule
KINDS: dict[str, type[Schedule]] = {
    "cron": CronSchedule,
    "interval": IntervalSchedule,
    "event": EventSchedule,
    "conditional": ConditionalSchedule,
}


def first_time(schedule: Schedule, now: datetime) -> datetime:
    """The first time of a trigger that starts now; of one that looks, its first look."""
    if isinstance(schedule, IntervalSchedule):
        wait = 0 if schedule.start_immediately else schedule.interval_seconds
        return now + timedelta(seconds=wait)
    if isinstance(schedule, CronSchedule):
        return cron_time(schedule, now)
    return now


def next_time(schedule: Schedule, last: datetime, now: datetime) -> datetime:
    """The time after ``last``, those that have passed by now left out: they were made up for."""
    if isinstance(schedule, CronSchedule):
        return cron_time(schedule, max(last, now))
    if isinstance(schedule, IntervalSchedule):
        passed = max(0.0, (now - last).total_seconds()) // schedule.interval_seconds + 1
        return last + timedelta(seconds=passed * schedule.interval_seconds)
    return now + timedelta(seconds=look_seconds(schedule))


def cron_time(schedule: CronSchedule, after: datetime) -> datetime:
    """The first time of the expression after that moment, in UTC."""
    local = after.astimezone(ZoneInfo(schedule.timezone))
    # In the second pass of an hour that comes twice, the first ones are those of the first pass.
    times = map(to_milliseconds, CronSim(schedule.cron_expression, local))
    return next(moment for moment in times if moment > after)


def look_seconds(schedule: EventSchedule | ConditionalSchedule) -> int:
    """From one look at what has happened to the next."""
    if isinstance(schedule, ConditionalSchedule):
        return schedule.check_interval_seconds
    return EVENT_CHECK_SECONDS


def put_off(moment: datetime, schedule: Schedule, trigger_id: str) -> datetime:
    """The moment with its jitter: the same for the same trigger and moment."""
    seconds = getattr(schedule, "jitter_seconds", 0)
    if not seconds:
        return moment
    digest = hashlib.sha256(f"{trigger_id}/{moment.isoformat()}".encode()).digest()
    share = int.from_bytes(digest[:8]) / 2**64
    return to_milliseconds(moment + timedelta(seconds=share * seconds))
