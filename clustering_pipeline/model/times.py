"""A point in time as records keep and show it: UTC, to the millisecond."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, WithJsonSchema

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now in UTC, cut to the millisecond: MongoDB keeps no more, so a record reads as written."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC without what MongoDB would drop; a naive time counts as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    in_utc = aware.astimezone(UTC)
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """``2026-11-21T08:00:00.000Z``: of one length, so that texts order as the times do."""
    return f"{to_milliseconds(moment).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


Moment = Annotated[
    datetime,
    AfterValidator(to_milliseconds),
    PlainSerializer(iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
