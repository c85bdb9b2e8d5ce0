"""What counts as a date, and where periods begin."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from clustering_pipeline.model.periods import read_date

MOMENT = 1_709_251_199  # 2024-02-29T23:59:59Z


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2024-02-29T23:59:59Z", "2024-03-01T00:59:59"),
        ("2024-02-29T23:59:59", "2024-02-29T23:59:59"),
        ("2024-02-29 23:59:59+00:00", "2024-03-01T00:59:59"),
        ("2024-02-29", "2024-02-29T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00"),
        ("2024", "2024-01-01T00:00:00"),
        ("20240229", "2024-02-29T00:00:00"),
        (" 2024-02-29 ", "2024-02-29T00:00:00"),
        ("Thu, 29 Feb 2024 23:59:59 +0000", "2024-03-01T00:59:59"),
        (MOMENT, "2024-03-01T00:59:59"),
        (MOMENT * 1_000, "2024-03-01T00:59:59"),
        (MOMENT * 10**6, "2024-03-01T00:59:59"),
        (MOMENT * 10**9, "2024-03-01T00:59:59"),
        (float(MOMENT), "2024-03-01T00:59:59"),
        (2024, "2024-01-01T00:00:00"),
        (0, "1970-01-01T01:00:00"),
        (-86_400, "1969-12-31T01:00:00"),
    ],
)
def test_dates_are_read_in_a_zone(value, read):
    assert read_date(value, ZoneInfo("Europe/Berlin")) == datetime.fromisoformat(read)


NO_DATES = ("yesterday", "2024-02-30", "29.02.2024", "31/12/2024", "12:30", "2024-13", "99999999")


@pytest.mark.parametrize(
    "value", [*NO_DATES, True, [2024], {}, 1e30, 1e20, float("nan"), float("inf")]
)
def test_what_is_no_date_is_none(value):
    assert read_date(value, ZoneInfo("UTC")) is None
