"""Long work is told of twice a second at most, and its end always."""

import pytest

from clustering_pipeline.pipeline.run.progress import Paced, Progress


@pytest.mark.parametrize(
    ("reports", "passed_on"),
    [
        pytest.param([(0.0, 1, 9)], [(1, 9)], id="the-first"),
        pytest.param(
            [(0.0, 1, 9), (0.4, 2, 9), (0.6, 3, 9)], [(1, 9), (3, 9)], id="twice-a-second"
        ),
        pytest.param([(0.0, 1, 9), (0.1, 9, 9)], [(1, 9), (9, 9)], id="the-last"),
        pytest.param([(0.0, 1, None), (0.1, 2, None)], [(1, None)], id="nobody-knows-how-many"),
    ],
)
def test_reports_are_passed_on(reports, passed_on):
    written: list[tuple[int, int | None]] = []
    times = iter([at for at, _, _ in reports])
    progress = Progress(
        write=lambda done, total: written.append((done, total)), clock=lambda: next(times)
    )
    for _, done, total in reports:
        progress(done, total)
    assert written == passed_on


def test_a_question_is_put_at_most_once_a_second():
    asked = []
    times = iter([0.0, 0.4, 0.9, 1.0, 1.5, 2.5])
    now = [0.0]
    paced = Paced(ask=lambda: asked.append(now[0]), clock=lambda: now[0])
    for now[0] in times:
        paced()
    assert asked == [0.0, 1.0, 2.5]


def test_long_work_says_every_five_seconds_that_it_goes_on(caplog):
    moment = [10.0]
    paced = Paced(ask=lambda: None, clock=lambda: moment[0])
    times = [10.0, 14.9, 15.5, 16.0, 27.0, 29.9, 30.0]
    with caplog.at_level("INFO", logger="clustering_pipeline"):
        for moment[0] in times:
            paced()
    lines = [(record.message, record.facts["seconds"]) for record in caplog.records]
    assert lines == [("stage at work", 5.5), ("stage at work", 17.0), ("stage at work", 20.0)]
