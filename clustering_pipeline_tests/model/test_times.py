from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from clustering_pipeline.model.times import iso, to_milliseconds, utc_now

moments = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_now_is_what_mongodb_can_keep():
    now = utc_now()
    assert now.tzinfo is UTC
    assert now == to_milliseconds(now)


def test_moments_are_cut_to_milliseconds_in_utc():
    zone = timezone(timedelta(hours=2))
    moment = datetime(2026, 11, 21, 14, 0, 0, 123_999, tzinfo=zone)
    assert to_milliseconds(moment) == datetime(2026, 11, 21, 12, 0, 0, 123_000, tzinfo=UTC)


def test_iso():
    assert iso(datetime(2026, 11, 21, 12, tzinfo=UTC)) == "2026-11-21T12:00:00.000Z"


@given(moments, moments)
def test_iso_texts_order_as_the_times_do(first, second):
    assert (iso(first) < iso(second)) == (to_milliseconds(first) < to_milliseconds(second))


@given(moments)
def test_iso_texts_read_back(moment):
    assert datetime.fromisoformat(iso(moment)) == to_milliseconds(moment)
