"""Dates as documents hold them, and the periods that they fall into."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.filters.text import as_time

Group = TypeVar("Group", bound=Hashable)
Every = Literal["hour", "day", "week", "month", "quarter", "year"]
MOST_PERIODS = 2_000
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
# A number is seconds, milli-, micro- or nanoseconds since 1970 by its size; up to 9999, a year.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that name; raises InvalidRequest."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"there is no time zone {name[:60]!r}: name one like Europe/Berlin, or UTC"
        raise InvalidRequest(message) from error


def read_date(value: Any, zone: ZoneInfo) -> datetime | None:
    """The moment in ``zone`` that a value stands for, without its offset; None for no date.

    A date is ISO 8601 or RFC 5322 text, a date of Python's, or a number since 1970; one without an
    offset is taken in ``zone``.
    """
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return _of_number(float(value), zone)
        return _of_text(str(value).strip(), zone)
    except (ValueError, OverflowError, OSError):
        return None


def _of_number(number: float, zone: ZoneInfo) -> datetime | None:
    if number % 1 == 0 and 1000 <= number <= 9999:
        return datetime(int(number), 1, 1)  # noqa: DTZ001 - periods carry no offset
    per_second = next((unit for most, unit in _UNITS if abs(number) < most), None)
    if per_second is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=number / per_second)
    return moment.astimezone(zone).replace(tzinfo=None)


def _of_text(text: str, zone: ZoneInfo) -> datetime | None:
    if text.isdecimal():
        return datetime(int(text), 1, 1) if len(text) == 4 else _compact(text)  # noqa: DTZ001
    if len(text) == 7 and text[4] == "-":
        text = f"{text}-01"
    moment = _iso(text) or _mail(text)
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(zone).replace(tzinfo=None)


def _compact(text: str) -> datetime | None:
    """``20240131``, the basic form of ISO 8601."""
    return datetime.strptime(text, "%Y%m%d") if len(text) == 8 else None  # noqa: DTZ007


def _iso(text: str) -> datetime | None:
    return None if as_time(text) is None else datetime.fromisoformat(text)


def _mail(text: str) -> datetime | None:
    return parsedate_to_datetime(text) if "," in text or ":" in text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Values as dates: ``places`` has for each value its period among ``starts``, None for those
    that are missing (``without``) or ``unreadable``.
    """

    starts: tuple[datetime, ...]
    places: tuple[int | None, ...]
    names: tuple[str, ...]
    without: int
    unreadable: tuple[str, ...]

    @property
    def totals(self) -> list[int]:
        """Values of each period."""
        counted = Counter(self.places)
        return [counted[place] for place in range(len(self.starts))]

    def counts(self, groups: Sequence[Group]) -> dict[Group, list[int]]:
        """The same by the group of each value; groups without a date are left out."""
        counted = Counter(zip(groups, self.places, strict=True))
        present = dict.fromkeys(group for group, place in counted if place is not None)
        places = range(len(self.starts))
        return {group: [counted[group, place] for place in places] for group in present}


def dated(values: Sequence[Any], every: Every, zone: ZoneInfo) -> Periods:
    """Reads values as dates in ``zone``, and counts periods from the first to the last of them.

    There are none where no value is a date.  Raises InvalidRequest for more than 2,000 periods.
    """
    missing = [value is None or value == "" for value in values]
    moments = [
        None if absent else read_date(value, zone)
        for value, absent in zip(values, missing, strict=True)
    ]
    own = [None if moment is None else period_of(moment, every) for moment in moments]
    known = [start for start in own if start is not None]
    starts = tuple(periods(min(known), max(known), every)) if known else ()
    places = {start: place for place, start in enumerate(starts)}
    return Periods(
        starts=starts,
        places=tuple(None if start is None else places[start] for start in own),
        names=tuple(period_name(start, every) for start in starts),
        without=sum(missing),
        unreadable=tuple(
            str(value)[:60]
            for value, absent, moment in zip(values, missing, moments, strict=True)
            if moment is None and not absent
        ),
    )


def shares_of(counts: Sequence[int], totals: Sequence[int]) -> list[float]:
    """What part of each total is counted; 0 where there is nothing."""
    return [count / total if total else 0.0 for count, total in zip(counts, totals, strict=True)]


def period_of(moment: datetime, every: Every) -> datetime:
    """The beginning of the period around a moment; weeks begin on Monday, as in ISO 8601."""
    if every == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if every == "week":
        return day - timedelta(days=day.weekday())
    if every == "day":
        return day
    months = _MONTHS[every]
    return day.replace(day=1, month=(day.month - 1) // months * months + 1)


def periods(first: datetime, last: datetime, every: Every) -> Iterator[datetime]:
    """The beginnings of all periods from ``first`` to ``last``, both beginnings themselves.

    Raises InvalidRequest for more than 2,000 of them.
    """
    start = first
    for _ in range(MOST_PERIODS):
        yield start
        if start >= last:
            return
        start = _next(start, every)
    message = (
        f"from {period_name(first, every)} to {period_name(last, every)} there are more than "
        f"{MOST_PERIODS:,} periods of one {every}: ask for longer ones"
    )
    raise InvalidRequest(message)


def _next(start: datetime, every: Every) -> datetime:
    if every == "hour":
        return start + timedelta(hours=1)
    if every in {"day", "week"}:
        return start + timedelta(days=7 if every == "week" else 1)
    month = start.month - 1 + _MONTHS[every]
    return start.replace(year=start.year + month // 12, month=month % 12 + 1)


def period_name(start: datetime, every: Every) -> str:
    """Its first day; of an hour that hour."""
    return start.strftime("%Y-%m-%dT%H:00" if every == "hour" else "%Y-%m-%d")
