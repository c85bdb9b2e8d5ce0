from datetime import UTC, datetime

import pytest

from clustering_pipeline.labeling.llm.openai import retry_after

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": "2.5"}, 2.5, id="seconds"),
        pytest.param({"retry-after-ms": "250", "retry-after": "1"}, 0.25, id="milliseconds"),
        pytest.param({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0, id="date"),
        pytest.param({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0, id="past"),
        pytest.param({"retry-after": "soon"}, None, id="nonsense"),
    ],
)
def test_a_server_may_say_when_to_come_back(headers, seconds):
    assert retry_after(headers, NOW) == seconds
